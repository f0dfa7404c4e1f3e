"""Who sent a message: the name that goes with the key of its connection, without keys the address it came from."""

import zmq


def sender_of(frame: zmq.Frame) -> str:
    """The sender of `frame`, as it was named at the handshake; nobody inside the process is named."""
    try:
        return str(frame.get("User-Id"))
    except zmq.ZMQError:
        return "this process"
