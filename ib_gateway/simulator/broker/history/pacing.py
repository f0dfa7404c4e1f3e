"""Pacing of historical requests, per login and in the gateway's time.

Source: TWS API documentation, "Historical Data Limitations": a violation is more than 60 requests in ten minutes, the same
request twice within 15 seconds, or six requests for one contract, exchange and kind of data within two seconds; BID_ASK counts
twice. A footnote lifts these for bars of a minute and longer. At most 50 requests may be open at a time.
"""

from collections import deque
from collections.abc import Hashable

from atlas.domain import NS_PER_SECOND

VIOLATION = "Historical Market Data Service error message:Historical data request pacing violation"

_LONG_NS, _MOST_IN_LONG = 600 * NS_PER_SECOND, 60
_SAME_NS = 15 * NS_PER_SECOND
_BURST_NS, _MOST_IN_BURST = 2 * NS_PER_SECOND, 5


class Pacing:
    """What was asked of late. A request that is a violation is not counted itself."""

    def __init__(self) -> None:
        self._asked: deque[tuple[int, int]] = deque()
        self._same: dict[Hashable, int] = {}
        self._bursts: dict[Hashable, deque[tuple[int, int]]] = {}

    def allows(self, request: Hashable, series: Hashable, weight: int, now_ns: int) -> bool:
        """Whether a request may be made now; if so, it is counted.

        `request` is all that makes two requests the same, `series` the contract, exchange and kind of data.
        """
        for old in [one for one, at in self._same.items() if now_ns - at >= _SAME_NS]:
            del self._same[old]
        burst = self._bursts.setdefault(series, deque())
        too_many = (
            _count(self._asked, now_ns - _LONG_NS) + weight > _MOST_IN_LONG
            or _count(burst, now_ns - _BURST_NS) + weight > _MOST_IN_BURST
            or request in self._same
        )
        if too_many:
            return False
        self._asked.append((now_ns, weight))
        burst.append((now_ns, weight))
        self._same[request] = now_ns
        return True


def _count(asked: deque[tuple[int, int]], since_ns: int) -> int:
    """The weight of requests after a moment; older ones are forgotten."""
    while asked and asked[0][0] <= since_ns:
        asked.popleft()
    return sum(weight for _, weight in asked)
