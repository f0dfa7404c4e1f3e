"""The trader's time: the wall clock's, but never backwards, for ages of orders and answers are told by it.

A clock that is set back would let nothing grow old for as long: no order would be looked up, no answer judged. From then on
time goes on by the loop's own clock, until the wall clock has caught up.
"""

import asyncio
import contextlib
from collections.abc import Callable

from atlas.domain import NS_PER_SECOND, Clock

JUMP_NS = 2 * NS_PER_SECOND
"""Further apart than this, the wall clock was set."""


class LoopTime:
    """Nanoseconds of the loop's clock, which never jumps; None before it ran."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def __call__(self) -> int | None:
        """The time of the loop that ran first."""
        if self._loop is None:
            with contextlib.suppress(RuntimeError):
                self._loop = asyncio.get_running_loop()
        return int(self._loop.time() * NS_PER_SECOND) if self._loop is not None else None


class SteadyClock:
    """UTC nanoseconds that never go backwards.

    Args:
        wall: the clock that can be set.
        monotonic: nanoseconds of one that cannot, None as long as there are none; the loop's if not given.
    """

    def __init__(self, wall: Clock, monotonic: Callable[[], int | None] | None = None) -> None:
        self._wall = wall
        self._monotonic = monotonic or LoopTime()
        self._anchor: tuple[int, int] | None = None  # our time, and the monotonic one, when both were last held together
        self._floor_ns = 0
        self.behind_ns = 0
        """How far the wall clock is behind: it was set back; 0 while it is not."""

    def now_ns(self) -> int:
        """The time."""
        wall, elapsed = self._wall.now_ns(), self._monotonic()
        expected = wall
        if self._anchor is not None and elapsed is not None:
            expected = self._anchor[0] + elapsed - self._anchor[1]
        expected = max(expected, self._floor_ns)
        if wall < expected - JUMP_NS:
            self.behind_ns, now = expected - wall, expected
        else:
            self.behind_ns, now = 0, max(wall, self._floor_ns)
        self._anchor, self._floor_ns = (now, elapsed) if elapsed is not None else None, now
        return now

    def at_least(self, at_ns: int) -> None:
        """It is not before `at_ns`: an earlier run wrote that time down."""
        self._floor_ns = max(self._floor_ns, at_ns)
