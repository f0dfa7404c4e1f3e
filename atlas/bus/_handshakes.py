"""Tells connections that ended after a good handshake from those that never had one. Pure.

libzmq says of a bound socket that a connection was accepted and that it ended, both with its file descriptor, but that a
handshake succeeded without one. Mostly it is clear all the same: no success was seen while the connection lasted, or all
that are open have succeeded. Otherwise the ending is judged when the others have outlived the time for a handshake.
"""

from collections.abc import Iterator

_MARGIN_SECONDS = 1.0  # for the ending of a connection that was cut to become known


class HandshakeLedger:
    """The connections of one bound socket. Times are in seconds of any steady clock."""

    def __init__(self, handshake_seconds: float) -> None:
        self._settled_after_seconds = handshake_seconds + _MARGIN_SECONDS
        self._young: dict[int, tuple[float, int]] = {}  # open; when accepted, and after how many successes
        self._settled: set[int] = set()  # open, and known to have shaken hands
        self._successes = 0  # in all
        self._credits = 0  # of these, by connections in _young or _undecided
        self._undecided = 0  # connections that ended, perhaps after a handshake
        self._explained = False  # the next ending is that of a handshake whose failure was told already
        self._refused = 0  # connections whose key was refused, which end when their peer hangs up

    def accepted(self, fd: int, now: float) -> None:
        """A connection came."""
        self._settled.discard(fd)
        self._young[fd] = (now, self._successes)

    def succeeded(self) -> None:
        """Some young connection has shaken hands."""
        self._successes += 1
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
        _, successes_before = self._young.pop(fd, (0.0, self._successes))
        surely_without = successes_before == self._successes
        if surely_without and not explained:
            yield from self._without_handshake(1)
        elif not explained:
            self._undecided += 1
        yield from self._decide()

    def tick(self, now: float) -> Iterator[bool]:
        """Time has passed: connections older than the time for a handshake have shaken hands."""
        for fd, (since, _) in list(self._young.items()):
            if now - since > self._settled_after_seconds and self._credits:
                del self._young[fd]
                self._settled.add(fd)
                self._credits -= 1
        yield from self._decide()

    def _decide(self) -> Iterator[bool]:
        """Tell the undecided endings once it is clear how many of them had shaken hands."""
        if self._credits >= self._undecided + len(self._young):
            good = self._undecided
        elif self._credits == 0 or not self._young:
            good = self._credits
        else:
            return
        endings, self._undecided = self._undecided, 0
        self._credits -= good
        for _ in range(good):
            yield True
        yield from self._without_handshake(endings - good)

    def _without_handshake(self, endings: int) -> Iterator[bool]:
        told_before = min(self._refused, endings)
        self._refused -= told_before
        for _ in range(endings - told_before):
            yield False
