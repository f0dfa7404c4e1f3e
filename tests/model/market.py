"""A market that moves when the test says so: the source of ticks of a simulated gateway."""

from collections import deque
from collections.abc import Callable, Collection, Sequence

from atlas.domain import Quote, Trade

_IDLE_NS = 3_600_000_000_000


class HandMarket:
    """Plays what `quote` is given. Between the quotes nothing happens, however long it takes.

    Args:
        instruments: what it may quote.
        now_ns: the gateway's time.
    """

    def __init__(self, instruments: Collection[str], now_ns: Callable[[], int]) -> None:
        self.instruments = tuple(instruments)
        self.bids: dict[str, float] = {}
        self._now_ns = now_ns
        self._due: deque[Quote] = deque()

    def quote(self, instrument: str, bid: float, ask: float, size: float) -> None:
        """Let an instrument stand so from now on."""
        now = self._now_ns()
        self.bids[instrument] = bid
        self._due.append(Quote(instrument, bid, ask, size, size, now, now))

    def next_ns(self) -> int:
        """When the next tick is due; when nothing is, later than anybody waits."""
        return self._due[0].exchange_ns if self._due else self._now_ns() + _IDLE_NS

    def take(self, until_ns: int | None, limit: int) -> Sequence[Quote | Trade]:
        """What is due."""
        taken = []
        while self._due and len(taken) < limit and (until_ns is None or self._due[0].exchange_ns <= until_ns):
            taken.append(self._due.popleft())
        return taken

    def activate(self, instrument: str, now_ns: int) -> None:
        """It quotes by hand, whoever wants it."""
