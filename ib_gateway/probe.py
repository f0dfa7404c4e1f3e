"""Asks a TWS API server for the time, and so proves that it answers requests.

An open port proves nothing: a gateway that waits for its login, or whose API thread hangs, accepts connections all the same.
Runs on any Python 3 without packages, inside the simulator's container and inside the real gateway's. Never places an order.
"""

import argparse
import socket
import struct
import sys
from collections.abc import Iterator

CLIENT_ID = 991
"""The probe's own API client id: no service of the desk uses it, and two probes never run at the same time."""

_START_API = ("71", "2")
_REQUEST_CURRENT_TIME = ("49", "1")
_CURRENT_TIME = "49"
_ERROR = "4"
_CLIENT_ID_IN_USE = "326"


def frame(*fields: str) -> bytes:
    """The fields as one message: each ends in NUL, four bytes of length go before."""
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


def hello() -> bytes:
    """What opens a connection: the versions we understand; its text alone is not ended by NUL."""
    versions = b"v100..176"
    return b"API\0" + struct.pack(">I", len(versions)) + versions


def messages(connection: socket.socket) -> Iterator[list[str]]:
    """The fields of every message that arrives, until the other side closes."""
    with connection.makefile("rb") as stream:
        while len(head := stream.read(4)) == 4:
            (length,) = struct.unpack(">I", head)
            payload = stream.read(length)
            if len(payload) < length:
                return
            yield payload.decode(errors="replace").split("\0")[:-1]


def server_time(host: str, port: int, timeout_seconds: float, client_id: int = CLIENT_ID) -> int:
    """The server's clock in seconds since the epoch, after a full handshake.

    Raises:
        ConnectionError: nothing listens, the server hangs up, or it refuses our client id.
        TimeoutError: it accepts the connection and stays silent for `timeout_seconds`.
    """
    with socket.create_connection((host, port), timeout_seconds) as connection:
        connection.sendall(hello())
        incoming = messages(connection)
        if next(incoming, None) is None:
            raise ConnectionError("it hangs up before the handshake, as a gateway does that waits for its login")
        connection.sendall(frame(*_START_API, str(client_id), "") + frame(*_REQUEST_CURRENT_TIME))
        for fields in incoming:
            if fields[0] == _CURRENT_TIME:
                return int(fields[2])
            if fields[0] == _ERROR and fields[3:4] == [_CLIENT_ID_IN_USE]:
                raise ConnectionError(f"it says that client id {client_id} is in use")
        raise ConnectionError("it hangs up before it has told the time")


def main(arguments: list[str] | None = None) -> int:
    """Print the outcome in one line; 0 when the server told the time, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4002)
    parser.add_argument("--timeout-seconds", type=float, default=5.0)
    parser.add_argument("--client-id", type=int, default=CLIENT_ID)
    given = parser.parse_args(arguments)
    try:
        seconds = server_time(given.host, given.port, given.timeout_seconds, given.client_id)
    except (OSError, ValueError, IndexError) as error:
        print(f"the gateway at {given.host}:{given.port} does not answer requests: {error}")
        return 1
    print(f"the gateway at {given.host}:{given.port} says that it is {seconds}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
