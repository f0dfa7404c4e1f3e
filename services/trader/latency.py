"""How long it takes from the tick that caused an order to a step on the order's way."""

from collections import deque

from atlas.domain import NS_PER_SECOND, NS_PER_US

_KEPT = 10_000
_TOO_OLD_NS = 60 * NS_PER_SECOND  # a cause that old is a replayed or recovered order, not a latency


class Latency:
    """The newest measurements under one name. Clocks of one machine are assumed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._values: deque[int] = deque(maxlen=_KEPT)

    def measure(self, cause_ns: int, reached_ns: int) -> None:
        """Note that at `reached_ns` the step was reached by an order that was caused at `cause_ns`."""
        if 0 <= reached_ns - cause_ns < _TOO_OLD_NS:
            self._values.append(reached_ns - cause_ns)

    def figures(self) -> dict[str, float]:
        """Median and 99th percentile in microseconds; nothing before the first order."""
        if not self._values:
            return {}
        ordered = sorted(self._values)
        return {
            f"{self._name}_us_p50": round(ordered[len(ordered) // 2] / NS_PER_US, 1),
            f"{self._name}_us_p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / NS_PER_US, 1),
        }
