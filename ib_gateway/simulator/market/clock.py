"""Virtual time: stands until it is started, then runs `speed` times as fast as real time; at speed 0 it follows the ticks."""

from collections.abc import Callable

from atlas.domain import NS_PER_SECOND


class VirtualClock:
    """The gateway's clock. `monotonic_ns` is real time from any origin.

    Time never runs behind a tick that was played, nor goes back once started.
    """

    def __init__(self, start_ns: int, speed: float, monotonic_ns: Callable[[], int]) -> None:
        self._speed = speed
        self._monotonic_ns = monotonic_ns
        self._base_ns = start_ns
        self._origin_ns = 0
        self._running = False

    @property
    def running(self) -> bool:
        """Whether time passes."""
        return self._running

    def start(self) -> None:
        """Let time pass from where it stands."""
        self._origin_ns = self._monotonic_ns()
        self._running = True

    def now_ns(self) -> int:
        """Virtual UTC nanoseconds since the epoch."""
        if not self._running or not self._speed:
            return self._base_ns
        return self._base_ns + int((self._monotonic_ns() - self._origin_ns) * self._speed)

    def reach(self, ns: int) -> None:
        """A tick of time `ns` was played: it is at least that late. Time only moves here at speed 0."""
        if not self._speed:
            self._base_ns = max(self._base_ns, ns)

    def seconds_until(self, ns: int) -> float:
        """Real seconds until virtual time `ns`; 0 if it is reached, or at speed 0."""
        if not self._speed:
            return 0.0
        return max(0.0, (ns - self.now_ns()) / self._speed / NS_PER_SECOND)
