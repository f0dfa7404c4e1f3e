"""Virtual time: stands until it is started, then runs `speed` times as fast as real time; at speed 0 it follows the ticks.

Paused, it stands; it can be advanced by so much, and then follows the ticks up to there.
"""

from collections.abc import Callable

from atlas.domain import NS_PER_SECOND


class VirtualClock:
    """The gateway's clock. `monotonic_ns` is real time from any origin.

    Time never runs behind a tick that was played, nor goes back once started. `stop_ns` is how far ticks may be played,
    None without end.
    """

    def __init__(self, start_ns: int, speed: float, monotonic_ns: Callable[[], int]) -> None:
        self._speed = speed
        self._monotonic_ns = monotonic_ns
        self._base_ns = start_ns
        self._origin_ns = 0
        self._running = False
        self.stop_ns: int | None = None

    @property
    def running(self) -> bool:
        """Whether it was started."""
        return self._running

    @property
    def speed(self) -> float:
        """Virtual seconds per real second; 0 is as fast as ticks are played."""
        return self._speed

    @property
    def paused(self) -> bool:
        """Whether time passes by `advance` only."""
        return self.stop_ns is not None

    @property
    def follows_ticks(self) -> bool:
        """Whether time moves with the ticks that are played, and not by itself."""
        return not self._speed or self.stop_ns is not None

    def start(self) -> None:
        """Let time pass from where it stands."""
        self._origin_ns = self._monotonic_ns()
        self._running = True

    def now_ns(self) -> int:
        """Virtual UTC nanoseconds since the epoch."""
        if not self._running or not self._speed or self.stop_ns is not None:
            return self._base_ns
        return self._base_ns + int((self._monotonic_ns() - self._origin_ns) * self._speed)

    def reach(self, ns: int) -> None:
        """A tick of time `ns` was played: it is at least that late. Time only moves here where it follows the ticks."""
        if self.follows_ticks:
            self._base_ns = max(self._base_ns, ns)

    def seconds_until(self, ns: int) -> float:
        """Real seconds until virtual time `ns`; 0 if it is reached, or where time follows the ticks."""
        if self.follows_ticks:
            return 0.0
        return max(0.0, (ns - self.now_ns()) / self._speed / NS_PER_SECOND)

    def pause(self) -> None:
        """Let time stand."""
        if self.stop_ns is None:
            self._base_ns = self.stop_ns = self.now_ns()

    def advance(self, ns: int) -> int:
        """Let time that stands pass by so many nanoseconds, as fast as ticks are played; returns when it stands again."""
        self.pause()
        assert self.stop_ns is not None  # noqa: S101
        self.stop_ns += ns
        return self.stop_ns

    def resume(self) -> None:
        """Let time pass again."""
        self._origin_ns = self._monotonic_ns()
        self.stop_ns = None

    def change_speed(self, speed: float) -> None:
        """Let time pass faster or slower from now."""
        self._base_ns = self.now_ns()
        self._origin_ns = self._monotonic_ns()
        self._speed = speed
