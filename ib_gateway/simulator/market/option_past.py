"""The past of an option: what its underlying's past was worth to it, by the model that the seeded market quotes it by.

Nothing is made up here but how many of the underlying's trades were also trades of the option.
"""

from collections.abc import Generator
from typing import cast

import numpy as np
from numpy.typing import NDArray

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.option_model import Option, Smile, value
from ib_gateway.simulator.market.columns import Columns, Floats, Integers
from ib_gateway.simulator.market.past import InstrumentPast, Steps

_LISTED_NS = 320 * 24 * 3600 * NS_PER_SECOND
"""How long before its end an option was listed."""
_TRADES_PER_TRADE = 10
"""Of so many trades of the underlying one is a trade of the option, too."""


class OptionPast:
    """The past of one option, as long as that of its underlying. Bids are the model's price less half the usual spread."""

    def __init__(self, listing: Listing, option: Option, under: InstrumentPast, smile: Smile) -> None:
        self.listing = listing
        self.end_ns = under.end_ns
        self.spread = listing.model.spread_ticks
        self.tick = listing.instrument.tick_size
        self._option = option
        self._under = under
        self._smile = smile

    def begin_ns(self) -> int:
        """When data begins."""
        return min(self.end_ns, max(self._under.begin_ns(), self._option.expires_ns - _LISTED_NS))

    def unroll(self) -> Generator[None, None, None]:
        """Go back through all days of the underlying, some at a time."""
        yield from self._under.unroll()

    def minutes(self, what: str, start_ns: int, end_ns: int) -> Columns:
        """Whole minutes of [`start_ns`, `end_ns`); parts of minutes at both ends as steps."""
        return self._valued(self._in_sessions(self._under.minutes(_of(what), start_ns, end_ns)), what)

    def days(self, what: str, start_ns: int, end_ns: int, *, regular: bool) -> Columns:
        """Whole days whose sessions begin in [`start_ns`, `end_ns`), at the time at which they begin."""
        same_hours = self.listing.trading is self._under.listing.trading
        columns = self._under.days(_of(what), start_ns, end_ns, regular=regular or not same_hours)
        return self._valued(columns.chosen(columns.times >= self.begin_ns()), what)

    def ticks(self, what: str, start_ns: int, end_ns: int) -> Columns:
        """Ticks of [`start_ns`, `end_ns`): quotes every quarter second, or trades."""
        return self._valued(self._in_sessions(self._under.ticks(_of(what), start_ns, end_ns)), what)

    def steps(self, start_ns: int, end_ns: int) -> Steps:
        """Every quarter second of sessions in [`start_ns`, `end_ns`)."""
        steps = self._under.steps(start_ns, end_ns)
        inside = self._inside(steps.times)
        middles = self._under.prices(steps.bid[inside].astype(np.float64) + self._under.spread / 2)
        bids = self._bids(steps.times[inside], middles)
        sizes = [self.listing.model.lot * np.maximum(1.0, np.rint(size[inside] / self._under.listing.model.lot))
                 for size in (steps.bid_size, steps.ask_size)]  # fmt: skip
        none = np.zeros(len(bids), dtype=np.int64)
        return Steps(steps.times[inside], bids, sizes[0], sizes[1], none, np.zeros(len(bids)))

    def prices(self, ticks: "Floats | Integers") -> Floats:
        """Prices of numbers of ticks."""
        return cast("Floats", np.round(np.asarray(ticks, dtype=np.float64) * self.tick, 10))

    def _inside(self, times: Integers) -> NDArray[np.bool_]:
        """Whether each time is in a session of the option, and the option was listed."""
        inside = np.zeros(len(times), dtype=bool)
        if len(times):
            days = (int(times[-1]) - int(times[0])) // (24 * 3600 * NS_PER_SECOND) + 2
            for session in self.listing.trading.sessions(int(times[0]), days):
                inside |= (times >= session.open_ns) & (times < session.close_ns)
        return inside & (times >= self.begin_ns())

    def _in_sessions(self, columns: Columns) -> Columns:
        return columns.chosen(self._inside(columns.times))

    def _valued(self, columns: Columns, what: str) -> Columns:
        """The option's prices where these are the underlying's."""
        if what == "TRADES":
            columns = columns.chosen(columns.trades >= _TRADES_PER_TRADE)
        bids = [self._bids(columns.times, prices) for prices in columns[1:5]]
        ends = np.array(bids)
        above = {"ASK": float(self.spread), "MIDPOINT": self.spread / 2, "TRADES": self.spread / 2}.get(what, 0.0)
        ticks = np.floor if what == "TRADES" else np.asarray
        shown = [self.prices(ticks(row + above)) for row in (bids[0], ends.max(axis=0), ends.min(axis=0), bids[3])]
        if what != "TRADES":
            return Columns.of(columns.times, shown)
        trades = np.floor(columns.trades / _TRADES_PER_TRADE)
        return Columns.of(columns.times, shown, [trades, trades * np.mean(shown, axis=0), trades])

    def _bids(self, times: Integers, under_prices: Floats) -> Integers:
        return np.array(
            [self._bid(int(at_ns), float(price)) for at_ns, price in zip(times, under_prices, strict=True)], dtype=np.int64
        )

    def _bid(self, at_ns: int, under_price: float) -> int:
        volatility = self._smile.volatility(self._option, under_price, at_ns)
        worth = value(self._option, under_price, volatility, at_ns).price
        return max(1, int(worth / self.tick - self.spread / 2 + 0.5))


def _of(what: str) -> str:
    """What of the underlying tells something of the option: its trades of trades, else the middle of its quotes."""
    return what if what == "TRADES" else "MIDPOINT"
