"""How a connection begins: the client says "API" and which versions it speaks, the server picks one.

The server then says nothing until the client has started the API: older clients throw away what comes too early.
"""

import re

from ib_gateway.simulator.wire.framing import FrameReader, WireError, frame

OLDEST, CURRENT = 157, 178
"""Versions of the protocol that are spoken here. 158 is not: its own clients disagree on the layout of an order."""

_PREFIX = b"API\0"
_RANGE = re.compile(rb"v(\d{1,4})(?:\.\.(\d{1,4}))?(?: .*)?", re.DOTALL)
_OPENING_FRAMES = 2  # the greeting and the start of the API
_PACES = b"+PACEAPI"


class Handshake:
    """Takes the first bytes of a connection until it knows which version is spoken.

    `paces` says whether the client asks for its messages to be slowed down where they would be too many, instead of refused.
    """

    def __init__(self) -> None:
        self._head = b""
        self._frames = FrameReader(_OPENING_FRAMES)
        self.version = 0
        self.paces = False

    def feed(self, data: bytes) -> list[bytes]:
        """Frames that came after the greeting, once `version` is set.

        Raises:
            WireError: this is no client of the API, or it speaks no version that is spoken here.
        """
        if len(self._head) < len(_PREFIX):
            take = len(_PREFIX) - len(self._head)
            self._head, data = self._head + data[:take], data[take:]
            if not _PREFIX.startswith(self._head):
                raise WireError("no_api_client", f"the connection begins with {self._head!r} instead of {_PREFIX!r}")
        frames = self._frames.feed(data)
        if not frames:
            return []
        self.version = negotiate(frames[0])
        self.paces = _PACES in frames[0]
        return frames[1:]

    def rest(self) -> FrameReader:
        """The reader to go on with: it may hold the beginning of a frame."""
        return self._frames


def negotiate(greeting: bytes) -> int:
    """The version to speak with a client that announces `greeting`, as in "v157..176 +PACEAPI".

    Raises:
        WireError: the greeting is malformed, or no version is common.
    """
    match = _RANGE.fullmatch(greeting)
    if match is None:
        raise WireError("no_api_client", f"the greeting is {greeting[:64]!r}; expected a version range as v157..176")
    lowest, highest = int(match[1]), int(match[2] or match[1])
    version = min(highest, CURRENT)
    if version == 158:
        version = 157
    if version < max(lowest, OLDEST):
        raise WireError("version", f"the client speaks {lowest} to {highest}, the simulator {OLDEST} to {CURRENT}")
    return version


def answer(version: int, now: str) -> bytes:
    """The server's half of the handshake: exactly two fields, which is how clients recognise it."""
    return frame(f"{version}\0{now}\0".encode("ascii"))
