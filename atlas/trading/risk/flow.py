"""The orders that were submitted lately: how many in a sliding window, and whether one is the same as another. Pure."""

from collections import Counter, deque

from atlas.domain import NS_PER_SECOND, Order
from atlas.trading.risk.limits import scopes_of

SECOND_NS = NS_PER_SECOND
HOUR_NS = 3600 * NS_PER_SECOND


class Window:
    """Counts what was noted in the last `span_ns`, by key. Something exactly `span_ns` ago counts no more."""

    def __init__(self, span_ns: int) -> None:
        self._span_ns = span_ns
        self._noted: deque[tuple[int, tuple[str, ...]]] = deque()
        self._counts: Counter[str] = Counter()

    def note(self, keys: tuple[str, ...], now_ns: int) -> None:
        """Something happened that counts for each of `keys`."""
        self._forget(now_ns)
        self._noted.append((now_ns, keys))
        self._counts.update(keys)

    def count(self, key: str, now_ns: int) -> int:
        """How often it happened for `key`."""
        self._forget(now_ns)
        return self._counts[key]

    def __len__(self) -> int:
        """How much it remembers."""
        return len(self._noted)

    def _forget(self, now_ns: int) -> None:
        while self._noted and self._noted[0][0] <= now_ns - self._span_ns:
            for key in self._noted.popleft()[1]:
                self._counts[key] -= 1
                if not self._counts[key]:
                    del self._counts[key]


Likeness = tuple[object, ...]


class Flow:
    """What was submitted: exits count too, for they take their turn at the broker like all others."""

    def __init__(self) -> None:
        self.by_second = Window(SECOND_NS)
        self.by_hour = Window(HOUR_NS)
        self._last: dict[Likeness, tuple[int, str]] = {}

    def note(self, order: Order, now_ns: int) -> None:
        """`order` was submitted."""
        keys = scopes_of(order)
        self.by_second.note(keys, now_ns)
        self.by_hour.note(keys, now_ns)
        last = self._last
        last.pop(likeness(order), None)
        last[likeness(order)] = (now_ns, order.id)  # at the end: the oldest comes first
        while last[oldest := next(iter(last))][0] <= now_ns - HOUR_NS:
            del last[oldest]

    def same_before(self, order: Order) -> tuple[int, str] | None:
        """When an order like this one was last submitted, and its id."""
        return self._last.get(likeness(order))


def likeness(order: Order) -> Likeness:
    """What makes two orders of a robot the same order."""
    return (
        order.robot,
        order.instrument,
        order.side,
        order.quantity,
        order.kind,
        order.limit_price,
        order.stop_price,
        order.trail_amount,
        order.trail_percent,
        order.limit_offset,
    )
