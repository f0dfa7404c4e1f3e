"""Who sent a message: the name that goes with the key of its connection, else the address it came from."""

import contextlib

import zmq


def sender_of(frame: zmq.Frame) -> str:
    """The sender of `frame`, as ZAP has named it at the handshake."""
    for prop in ("User-Id", "Peer-Address"):
        with contextlib.suppress(zmq.ZMQError):
            value = frame.get(prop)
            if value:
                return str(value)
    return "this process"
