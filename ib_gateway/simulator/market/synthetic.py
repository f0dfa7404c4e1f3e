"""A seeded market: quotes on the tick grid, a spread that breathes, days with a rhythm, jumps, displayed sizes, trades.

Each instrument has its own stream of random numbers, made of the seed and its id, so its path does not depend on which others
are active; an option follows its underlying, which is active with it. Nothing is quoted while its market is closed. The same
seed, calendar, activation times and rate give the same ticks.
"""

import heapq
from collections.abc import Mapping, Sequence

from atlas.domain import Quote, Trade
from atlas.exchange.calendar import NEVER_NS, AlwaysRegular, Calendar
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.market.paths import Derived, Path, Walk, rhythm_of

__all__ = ["SyntheticMarket", "rhythm_of"]

_ALWAYS = AlwaysRegular()


class SyntheticMarket:
    """Many paths, merged in order of time. `rate` is quotes per second and instrument on an average day."""

    def __init__(
        self,
        listings: Mapping[str, Listing],
        active: Sequence[str],
        seed: int,
        start_ns: int,
        rate: float,
        calendar: Calendar = _ALWAYS,
    ) -> None:
        self._listings = listings
        self._seed = seed
        self._rate = rate
        self._calendar = calendar
        self._queue: list[tuple[int, str, Path]] = []
        self._active: dict[str, Path] = {}
        for name in active:
            self.activate(name, start_ns)

    @property
    def instruments(self) -> Sequence[str]:
        """Ids of the instruments that are active."""
        return sorted(self._active)

    def activate(self, instrument: str, now_ns: int) -> None:
        """Let an instrument be quoted from now on."""
        if instrument not in self._active:
            path = self._path(self._listings[instrument], now_ns)
            self._active[instrument] = path
            if path.next_ns != NEVER_NS:
                heapq.heappush(self._queue, (path.next_ns, instrument, path))

    def _path(self, listing: Listing, now_ns: int) -> Path:
        option, under = listing.option(), self._listings.get(listing.instrument.underlying)
        if option is None or under is None:
            return Walk(listing, self._seed, now_ns, self._rate, self._calendar)
        name = under.instrument.id
        self.activate(name, now_ns)
        return Derived(listing, option, self._active[name], self._seed, now_ns, self._rate, self._calendar)

    def next_ns(self) -> int | None:
        """When the next tick is due."""
        return self._queue[0][0] if self._queue else None

    def take(self, until_ns: int | None, limit: int) -> Sequence[Quote | Trade]:
        """The next ticks, about `limit`, none later than `until_ns`."""
        result: list[Quote | Trade] = []
        queue = self._queue
        while queue and len(result) < limit and (until_ns is None or queue[0][0] <= until_ns):
            _, name, path = queue[0]
            quote, trade = path.step()
            result.append(quote)
            if trade:
                result.append(trade)
            if path.next_ns == NEVER_NS:
                heapq.heappop(queue)
            else:
                heapq.heapreplace(queue, (path.next_ns, name, path))
        return result
