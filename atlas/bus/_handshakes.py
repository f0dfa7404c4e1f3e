"""Tells connections that ended after a good handshake from those that never had one. Pure.

libzmq says of a bound socket that a connection was accepted and that it ended, both with its file descriptor, but that a
handshake succeeded without one. So successes are credited to the connections that are open, and an ending is judged as soon
as it is clear which kind it was: mostly at once, at the latest when the others have outlived the time for a handshake.
"""

from collections.abc import Iterator


class HandshakeLedger:
    """The connections of one bound socket. Times are in seconds of any steady clock."""

    def __init__(self, handshake_seconds: float) -> None:
        self._handshake_seconds = handshake_seconds
        self._young: dict[int, float] = {}  # accepted, handshake success not attributed yet
        self._settled: set[int] = set()  # known to have shaken hands
        self._credits = 0  # successes that belong to someone in _young or in _undecided
        self._undecided = 0  # endings of young connections that may have succeeded before
        self._explained = False  # the next ending is that of a handshake whose failure was told already
        self._refused = 0  # connections whose key was refused, which end when their peer hangs up

    def accepted(self, fd: int, now: float) -> None:
        """A connection came."""
        self._settled.discard(fd)
        self._young[fd] = now

    def succeeded(self) -> None:
        """Some young connection has shaken hands."""
        self._credits += 1

    def failed(self) -> None:
        """A handshake failed, and was told so; its connection ends with the next event."""
        self._explained = True

    def refused(self) -> None:
        """A key was refused, and told so; its connection ends some time later."""
        self._refused += 1

    def ended(self, fd: int) -> Iterator[bool]:
        """A connection ended. Yields for each ending that is clear now whether it had shaken hands."""
        explained, self._explained = self._explained, False
        if fd in self._settled:
            self._settled.discard(fd)
            yield True
            return
        self._young.pop(fd, None)
        if self._refused and not explained:
            self._refused -= 1
        elif not explained:
            self._undecided += 1
        yield from self._decide()

    def tick(self, now: float) -> Iterator[bool]:
        """Time has passed: connections older than the time for a handshake have shaken hands."""
        for fd, since in list(self._young.items()):
            if now - since > self._handshake_seconds and self._credits:
                del self._young[fd]
                self._settled.add(fd)
                self._credits -= 1
        yield from self._decide()

    def _decide(self) -> Iterator[bool]:
        if self._credits == 0:
            for _ in range(self._undecided):
                yield False
            self._undecided = 0
        elif self._credits >= self._undecided + len(self._young):
            for _ in range(self._undecided):
                self._credits -= 1
                yield True
            self._undecided = 0
