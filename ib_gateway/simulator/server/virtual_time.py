"""The gateway's time, for tests and operators: see it, let it stand, let it pass."""

from atlas.domain import NS_PER_SECOND, BadInput
from ib_gateway.simulator.market import Feed, VirtualClock
from ib_gateway.simulator.server.faults import Faults

_MOST_SECONDS = 31_536_000


class Time:
    """Virtual time. Where it was let to stand, `advance` lets it pass as fast as clients read."""

    def __init__(self, clock: VirtualClock, feed: Feed, faults: Faults) -> None:
        self._clock = clock
        self._feed = feed
        self._faults = faults

    @property
    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        return self._clock.now_ns()

    @property
    def speed(self) -> float:
        """Virtual seconds per real second; 0 is as fast as clients read."""
        return self._clock.speed

    @property
    def paused(self) -> bool:
        """Whether it stands until it is advanced or resumed."""
        return self._clock.paused

    def pause(self) -> None:
        """Let it stand: no tick, no timeout, no scheduled fault."""
        self._clock.pause()
        self._changed()

    def resume(self) -> None:
        """Let it pass again."""
        self._clock.resume()
        self._changed()

    def set_speed(self, speed: float) -> None:
        """Let it pass faster or slower.

        Raises:
            BadInput: the speed is below 0 or beyond a million.
        """
        if not 0 <= speed < 1e6:
            raise BadInput(f"speed {speed} must be 0 or more: 1 is real time, 0 as fast as clients read")
        self._clock.change_speed(speed)
        self._changed()

    async def advance(self, seconds: float) -> None:
        """Let so many seconds pass as fast as clients read, with every tick and every fault in them, and then stand.

        Raises:
            BadInput: time cannot go back, nor further than a year at once.
        """
        if not 0 <= seconds <= _MOST_SECONDS:
            raise BadInput(f"time cannot advance by {seconds} seconds; only forward, a year at most")
        until_ns = self._clock.advance(round(seconds * NS_PER_SECOND))
        self._feed.start()
        self._changed()
        await self._feed.wait_reached(until_ns)
        if self._feed.finished:  # nothing moves it any more
            self._clock.reach(until_ns)
            self._faults.on_time()

    def _changed(self) -> None:
        self._feed.wake()
        self._faults.rearm()
