"""ZeroMQ sockets in asyncio, read straight from their file descriptor.

The descriptor of a ZeroMQ socket does not say "there is something to read" but "something has happened since you last
looked", and any call on the socket counts as looking. So whoever is called back must read until nothing is left, and
whoever has just sent must look again for what came meanwhile.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import cast

import zmq

# As plain numbers: arithmetic with pyzmq's enumerations costs as much as the calls they are passed to.
NOBLOCK = int(zmq.NOBLOCK)
SNDMORE = int(zmq.SNDMORE)
_POLLIN = int(zmq.POLLIN)


def readable(socket: zmq.Socket[bytes]) -> bool:
    """Whether there is something to read; re-arms the descriptor."""
    return bool(cast("int", socket.get(zmq.EVENTS)) & _POLLIN)


def plain_send(socket: zmq.Socket[bytes]) -> Callable[[bytes | bytearray, int], object]:
    """`socket.send` without the Python layer above it, which costs as much again as sending. Takes data and flags."""
    return cast("Callable[[bytes | bytearray, int], object]", super(zmq.Socket, socket).send)


class FdReader:
    """Calls `drain` on the running loop when something has happened on `socket`.

    `drain` reads until the socket is empty and returns False, or returns True to be called again soon, so that one busy
    socket does not keep the loop from all others.
    """

    def __init__(self, socket: zmq.Socket[bytes], drain: Callable[[], bool]) -> None:
        self._socket = socket
        self._drain = drain
        self._loop = asyncio.get_running_loop()
        self._fd: int = socket.fileno()
        self._soon: asyncio.Handle | None = None
        self._loop.add_reader(self._fd, self._ready)
        self.call_soon()

    def _ready(self) -> None:
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._drain():
            self.call_soon()

    def call_soon(self) -> None:
        """Have `drain` called in the next round of the loop."""
        if self._soon is None:
            self._soon = self._loop.call_soon(self._ready)

    def look_again(self) -> None:
        """To be called after each send."""
        if readable(self._socket):
            self.call_soon()

    def close(self) -> None:
        """Stop calling. To be called before the socket is closed."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            self._loop.remove_reader(self._fd)
