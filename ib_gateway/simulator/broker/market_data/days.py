"""What the day has brought so far: open, high, low, last, volume, trades; and the close of the day before.

Of currency pairs and indices, which print no trades, the first four are of bids. Open, high and low of a stock are of regular
hours once these have begun, volume and trades of all sessions, as Interactive Brokers tells them. A day lasts until the
instrument's market opens anew, or until midnight where it never closes. What it brought before the market was played counts.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

from atlas.domain import NS_PER_SECOND, Quote, Trade
from atlas.exchange.calendar import NEVER_NS, Phase
from ib_gateway.simulator.broker.market_data.facts import Facts, Today
from ib_gateway.simulator.broker.market_data.phases import Phases
from ib_gateway.simulator.instruments import Catalogue
from ib_gateway.simulator.market.batch import quotes_of_one

_MINUTE_NS = 60 * NS_PER_SECOND
_MOST_CHANGES = 6  # of phase, between two openings


class Day:
    """One instrument's day."""

    __slots__ = (
        "_close", "before", "count", "end_ns", "high", "last", "last_ns", "last_size", "low", "minute", "money", "open",
        "regular", "rth_last", "volume",
    )  # fmt: skip

    def __init__(
        self, end_ns: int, close: "float | Callable[[], float]" = 0.0, before: Callable[[], Today | None] | None = None
    ) -> None:
        self.end_ns = end_ns
        self._close = close
        self.before = before
        self.regular = False
        self.open = self.high = self.low = self.last = self.last_size = self.volume = self.money = self.rth_last = 0.0
        self.count = self.last_ns = 0
        self.minute: deque[tuple[int, float]] = deque()

    @property
    def close(self) -> float:
        """The close of the day before; 0 if nobody knows. It is looked up when somebody asks."""
        if callable(self._close):
            self._close = self._close()
        return self._close

    def complete(self) -> None:
        """Add what was before the market was played. It is looked up when somebody asks for the day."""
        if self.before is None:
            return
        look_up, self.before = self.before, None
        today = look_up()
        if today is None:
            return
        self.volume += today.volume
        self.money += today.money
        self.count += today.trades
        self.rth_last = self.rth_last or today.regular_close
        if self.open and self.regular == today.regular:
            self.open, self.high, self.low = today.open, max(today.high, self.high), min(today.low, self.low)
        elif not self.regular:
            self.open, self.high, self.low, self.regular = today.open, today.high, today.low, today.regular

    @property
    def average(self) -> float:
        """The volume-weighted price; 0 before the first trade."""
        return round(self.money / self.volume, 8) if self.volume else 0.0

    def rates(self, now_ns: int) -> tuple[int, float]:
        """Trades and volume of the last minute."""
        while self.minute and self.minute[0][0] <= now_ns - _MINUTE_NS:
            self.minute.popleft()
        return len(self.minute), sum(size for _, size in self.minute)


_NO_DAY = Day(NEVER_NS)


class Days:
    """The days of all instruments. `facts` know what was before the market was played."""

    def __init__(self, catalogue: Catalogue, phases: Phases, facts: Facts) -> None:
        self._catalogue = catalogue
        self._phases = phases
        self._facts = facts
        self._stocks = {listing.instrument.id for listing in catalogue if listing.sec_type == "STK"}
        self._days: dict[str, Day] = {}
        self._pairs = {listing.instrument.id for listing in catalogue if listing.sec_type == "CASH"}
        self._indices = {listing.instrument.id for listing in catalogue if listing.sec_type == "IND"}

    def day(self, instrument: str, now_ns: int) -> Day:
        """The day of an instrument at a moment, with all that was before the market was played."""
        day = self._played(instrument, now_ns)
        if day.before is not None:
            day.complete()
        return day

    def _played(self, instrument: str, now_ns: int) -> Day:
        """The day of an instrument at a moment; what was before may not have been looked up."""
        day = self._days.get(instrument)
        if day is not None and now_ns < day.end_ns:
            return day
        close: float | Callable[[], float] = partial(self._facts.close_before, instrument, now_ns)
        rth_last = 0.0
        if day is not None:
            day.complete()
            rth_last = day.rth_last
            close = rth_last or day.last or close
        before = partial(self._facts.today, instrument, now_ns)
        day = self._days[instrument] = Day(self._end(instrument, now_ns), close, before)
        day.rth_last = rth_last
        return day

    def pair(self, instrument: str) -> bool:
        """Whether an instrument is a currency pair, which has no last trade."""
        return instrument in self._pairs

    def index(self, instrument: str) -> bool:
        """Whether an instrument is an index, which has a last price and nothing else."""
        return instrument in self._indices

    def extend(self, events: Sequence[Quote | Trade]) -> None:
        """Note what the market said. Quotes matter where there are no trades."""
        quotes = quotes_of_one(events)
        if quotes and self._span(quotes):
            return
        pairs, indices = self._pairs, self._indices
        name, day, untraded = "", _NO_DAY, False
        for event in events:
            if type(event) is Quote and event.instrument not in pairs and event.instrument not in indices:
                continue
            if event.instrument != name or event.exchange_ns >= day.end_ns:
                name = event.instrument
                day, untraded = self._played(name, event.exchange_ns), name in self._pairs or name in self._indices
            if type(event) is Quote:
                if untraded and (bid := event.bid) > 0:
                    day.last = bid
                    if bid > day.high:
                        day.high = bid
                    if bid < day.low or not day.open:
                        day.low = bid
                        day.open = day.open or bid
            elif type(event) is Trade:
                self._trade(day, event)

    def _span(self, quotes: Sequence[Quote]) -> bool:
        """Note quotes of one instrument all at once; False if they cannot be, and none was noted."""
        name = quotes[0].instrument
        if name not in self._pairs and name not in self._indices:
            return True
        bids, day = [quote.bid for quote in quotes], self._played(name, quotes[0].exchange_ns)
        low, high = min(bids), max(bids)
        if low <= 0 or quotes[-1].exchange_ns >= day.end_ns:
            return False
        day.low = min(day.low, low) if day.open else low
        day.open, day.high, day.last = day.open or bids[0], max(day.high, high), bids[-1]
        return True

    def _trade(self, day: Day, trade: Trade) -> None:
        price, size = trade.price, trade.size
        regular = self._phases.at(trade.instrument, trade.exchange_ns) is Phase.REGULAR
        if regular and not day.regular and trade.instrument in self._stocks:
            day.regular, day.open, day.high, day.low = True, price, price, price
        elif regular or not day.regular:
            day.open = day.open or price
            day.high = max(day.high, price)
            day.low = min(day.low or price, price)
        day.last, day.last_size, day.last_ns = price, size, trade.exchange_ns
        day.volume += size
        day.money += price * size
        day.count += 1
        day.minute.append((trade.exchange_ns, size))
        while day.minute[0][0] <= trade.exchange_ns - _MINUTE_NS:
            day.minute.popleft()
        if regular:
            day.rth_last = price

    def _end(self, instrument: str, now_ns: int) -> int:
        """When the day of `now_ns` is over: when the market opens next, or at the next midnight of one that never closes."""
        at_ns = now_ns
        for _ in range(_MOST_CHANGES):
            change = self._phases.until(instrument, at_ns)
            if change == NEVER_NS:
                break
            if self._phases.closed(instrument, at_ns):
                return change
            at_ns = change
        listing = self._catalogue.get(instrument)
        return listing.trading.midnight_after(listing.trading.local(now_ns).date()) if listing else NEVER_NS
