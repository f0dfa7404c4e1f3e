"""The archive: everything that is known of a market's prices, the past before the gateway began joined to what was played."""

from typing import Protocol, cast

import numpy as np
from numpy.typing import ArrayLike

from atlas.domain import NS_PER_SECOND, InstrumentKind
from ib_gateway.simulator.broker.history.bars import PriceBar, bid_ask_bars, merged, price_bars
from ib_gateway.simulator.broker.history.query import BarQuery
from ib_gateway.simulator.broker.history.windows import Window, period
from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.broker.tape import Tape
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.days import TradingDay
from ib_gateway.simulator.market.columns import Columns, Floats, Integers
from ib_gateway.simulator.market.option_past import OptionPast
from ib_gateway.simulator.market.past import InstrumentPast

VOLATILITIES = frozenset({"HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY"})
_MINUTE = 60
_OF_TRADES = frozenset({"TRADES", "ADJUSTED_LAST", "AGGTRADES"})


class Past(Protocol):
    """What was before anything was played."""

    def join(self, instrument: str, at_ns: int, bid: float | None) -> InstrumentPast:
        """The past of an instrument that is played from `at_ns` on, first at `bid` (None: nothing was played yet)."""
        ...

    def option(self, instrument: str, under: InstrumentPast) -> OptionPast:
        """The past of an option, by that of its underlying."""
        ...


class Archive:
    """Prices of all instruments. `past` is None where there is none but what was played."""

    def __init__(self, tape: Tape, past: Past | None) -> None:
        self._tape = tape
        self._past = past

    @property
    def seeded(self) -> bool:
        """Whether there is a past beside what was played."""
        return self._past is not None

    def past(self, listing: Listing, now_ns: int) -> InstrumentPast | OptionPast | None:
        """The past of an instrument, up to its first quote; up to now if it has none yet. An option has its underlying's."""
        if self._past is None:
            return None
        name = listing.instrument.underlying or listing.instrument.id
        at_ns, bid = self._tape.first_quote(name) or (now_ns, None)
        past = self._past.join(name, at_ns, bid)
        return self._past.option(listing.instrument.id, past) if listing.instrument.underlying else past

    def unroll(self, listing: Listing, now_ns: int) -> Sliced[None]:
        """Go back through the days of a past, some at a time, so that where it begins is known at once."""
        past = self.past(listing, now_ns)
        if past is not None:
            yield from past.unroll()

    def begin(self, listing: Listing, what: str, now_ns: int) -> int | None:
        """When data of a kind begins; None if there is none."""
        volatile = what in VOLATILITIES and listing.instrument.kind in (InstrumentKind.STOCK, InstrumentKind.INDEX)
        kind = "BID" if volatile or what == "BID_ASK" else _kind(listing, what)
        if kind not in Tape.KINDS:
            return None
        past = self.past(listing, now_ns)
        if past is not None and (kind != "TRADES" or listing.model.trade_share):
            return past.begin_ns()
        return self._tape.begin(listing.instrument.id, kind)

    def columns(self, listing: Listing, what: str, start_ns: int, end_ns: int, bar_seconds: int, now_ns: int) -> Columns:
        """Prices in [`start_ns`, `end_ns`), fine enough for bars of a size that is less than a day."""
        kind, past = _kind(listing, what), self.past(listing, now_ns)
        parts = []
        if past is not None:
            older = past.ticks if bar_seconds < _MINUTE else past.minutes
            parts.append(older(kind, start_ns, min(end_ns, past.end_ns)))
            start_ns = max(start_ns, past.end_ns)
        parts.append(self._tape.columns(listing.instrument.id, kind, start_ns, end_ns))
        return Columns.joined(parts)

    def days(self, listing: Listing, what: str, start_ns: int, end_ns: int, now_ns: int, *, regular: bool) -> Columns:
        """Prices of the days that begin in [`start_ns`, `end_ns`), a day of the past at once."""
        kind, past = _kind(listing, what), self.past(listing, now_ns)
        parts = []
        if past is not None:
            parts.append(past.days(kind, start_ns, min(end_ns, past.end_ns), regular=regular))
            start_ns = max(start_ns, past.end_ns)
        parts.append(self._tape.columns(listing.instrument.id, kind, start_ns, end_ns))
        return Columns.joined(parts)

    def before_play(self, listing: Listing, what: str, day: TradingDay, now_ns: int, *, regular: bool) -> Columns:
        """A day as far as it was over before anything was played, at once; nothing if it was not."""
        past = self.past(listing, now_ns)
        return Columns.none() if past is None else past.days(_kind(listing, what), day.open_ns, day.close_ns, regular=regular)

    def ticks(
        self, listing: Listing, what: str, start_ns: int, end_ns: int, now_ns: int
    ) -> tuple[Integers, tuple[Floats, ...]]:
        """Single ticks in [`start_ns`, `end_ns`): of BID_ASK bid, ask and their sizes, of TRADES price and size, else a price.

        Of what was played, the quotes that are remembered one by one.
        """
        kind, past = _kind(listing, what), self.past(listing, now_ns)
        if kind != "BID_ASK":
            columns = self.columns(listing, kind, start_ns, end_ns, 1, now_ns)
            return columns.times, (columns.close, columns.volume) if what == "TRADES" else (columns.close,)
        parts: list[tuple[ArrayLike, ...]] = []
        if past is not None:
            steps = past.steps(start_ns, min(end_ns, past.end_ns))
            bids, asks = past.prices(steps.bid), past.prices(steps.bid + past.spread)
            parts.append((steps.times, bids, asks, steps.bid_size, steps.ask_size))
            start_ns = max(start_ns, past.end_ns)
        parts.append(self._tape.quotes(listing.instrument.id, start_ns, end_ns))
        times, *values = (np.concatenate([np.asarray(part) for part in column]) for column in zip(*parts, strict=True))
        return times.astype(np.int64), tuple(values)

    def bars(self, listing: Listing, query: BarQuery, spans: list[Window], now_ns: int, *, regular: bool) -> list[PriceBar]:
        """The bars of a query in windows, the oldest first; empty ones are left out.

        A bar within a day begins at a whole multiple of its size on the instrument's clock, or with a session; a day begins at
        its window, and a longer bar is dated as its last day that has any data.
        """
        if not spans:
            return []
        start_ns, end_ns = spans[0].start_ns, min(spans[-1].end_ns, now_ns + 1)
        found, which, inside = [], np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
        for what in ("BID", "ASK") if query.what == "BID_ASK" else (query.what,):
            if query.daily:
                columns = self.days(listing, what, start_ns, end_ns, now_ns, regular=regular)
            else:
                columns = self.columns(listing, what, start_ns, end_ns, query.bar_seconds, now_ns)
            which, inside = _windows_of(columns.times, spans)
            found.append(columns.chosen(inside))
        columns, which = found[0], which[inside]
        if not len(which):
            return []
        starts = _long_starts(which, spans, query.bar) if query.daily else _starts(columns.times, which, spans, listing, query)
        if query.what == "BID_ASK":
            limits = np.array([window.end_ns for window in spans])[which]
            ends = np.minimum(np.append(columns.times[1:], end_ns), np.minimum(limits, end_ns))
            return bid_ask_bars(columns, found[1], starts, ends)
        return price_bars(merged(columns, starts), trades=query.what in _OF_TRADES)


def _kind(listing: Listing, what: str) -> str:
    """The series that something is made of. Nothing is split or pays dividends, so adjusted prices are those of trades.

    The values of an index are the bids of its path.
    """
    if what in _OF_TRADES:
        return "BID" if listing.instrument.kind is InstrumentKind.INDEX else "TRADES"
    return what


def _windows_of(times: Integers, spans: list[Window]) -> tuple[Integers, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """The number of the window that each time is in, and whether it is in one."""
    starts = np.array([window.start_ns for window in spans])
    ends = np.array([window.end_ns for window in spans])
    which = np.searchsorted(starts, times, "right") - 1
    return which, (which >= 0) & (times < ends[np.maximum(which, 0)])


def _starts(times: Integers, which: Integers, spans: list[Window], listing: Listing, query: BarQuery) -> Integers:
    """Where the bar of each time begins: on the clock of the instrument, but not before its session."""
    offsets = np.array([_offset_ns(listing, window.opens[0]) for window in spans])
    size = query.bar_seconds * NS_PER_SECOND
    starts = (times + offsets[which]) // size * size - offsets[which]
    opens = np.array([open_ns for window in spans for open_ns in window.opens])
    before = np.searchsorted(opens, times, "right") - 1
    begun = np.where(before >= 0, opens[np.maximum(before, 0)], starts)
    return cast("Integers", np.maximum(starts, begun))


def _offset_ns(listing: Listing, at_ns: int) -> int:
    """How far the instrument's clock is ahead of UTC."""
    offset = listing.trading.local(at_ns).utcoffset()
    return int(offset.total_seconds()) * NS_PER_SECOND if offset else 0


def _long_starts(which: Integers, spans: list[Window], bar: str) -> Integers:
    """For each time the last window of its day, week or month that has any data, as the time at which that begins."""
    present = sorted({int(number) for number in which})
    last: dict[object, int] = {}
    for number in present:
        last[period(spans[number], bar)] = number
    starts = np.array([spans[last.get(period(window, bar), 0)].start_ns for window in spans])
    return starts[which]
