"""The tape: what the market has said so far. Remembers a bounded number of ticks per instrument, and minutes of older ones."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import numpy as np

from atlas.domain import NS_PER_SECOND, Quote, Trade
from ib_gateway.simulator.broker.history.bars import bar_starts, merged
from ib_gateway.simulator.market.columns import Columns

MAX_TICKS = 400_000
"""Ticks that are remembered per instrument and kind; when they are exceeded the older half is folded into minutes."""


class QuoteTicks(NamedTuple):
    """Quotes in columns."""

    times: Sequence[int]
    bids: Sequence[float]
    asks: Sequence[float]
    bid_sizes: Sequence[float]
    ask_sizes: Sequence[float]


class _Track:
    """The ticks of one instrument, in columns."""

    __slots__ = (
        "ask_sizes", "asks", "bid_sizes", "bids", "first", "folded", "high", "low", "mids", "open", "prices", "quote_times",
        "sizes", "trade_times", "volume",
    )  # fmt: skip

    def __init__(self) -> None:
        self.quote_times, self.trade_times = array("q"), array("q")
        self.bids, self.asks, self.mids = array("d"), array("d"), array("d")
        self.bid_sizes, self.ask_sizes = array("d"), array("d")
        self.prices, self.sizes = array("d"), array("d")
        self.volume = 0.0
        self.first: tuple[int, float] | None = None
        self.folded: dict[str, list[Columns]] = {what: [] for what in _SERIES}

    def extend(self, quotes: Sequence[Quote]) -> None:
        """Note many quotes, column by column."""
        if self.first is None:
            self.first = (quotes[0].exchange_ns, quotes[0].bid)
        bids, asks = [quote.bid for quote in quotes], [quote.ask for quote in quotes]
        self.quote_times.extend([quote.exchange_ns for quote in quotes])
        self.bids.extend(bids)
        self.asks.extend(asks)
        self.mids.extend([(bid + ask) / 2 for bid, ask in zip(bids, asks, strict=True)])
        self.bid_sizes.extend([quote.bid_size for quote in quotes])
        self.ask_sizes.extend([quote.ask_size for quote in quotes])
        if len(self.quote_times) > MAX_TICKS:
            self.fold()

    def fold(self) -> None:
        """Make minutes of the older half of the ticks if there are too many."""
        quotes = (self.quote_times, self.bids, self.asks, self.mids, self.bid_sizes, self.ask_sizes)
        trades = (self.trade_times, self.prices, self.sizes)
        for columns, kinds in ((quotes, ("BID", "ASK", "MIDPOINT")), (trades, ("TRADES",))):
            if len(columns[0]) > MAX_TICKS:
                half = MAX_TICKS // 2
                for what in kinds:
                    ticks = self.ticks(what, 0, half)
                    self.folded[what].append(merged(ticks, bar_starts(ticks.times, 60 * NS_PER_SECOND)))
                for column in columns:
                    del column[:half]

    def ticks(self, what: str, start: int, stop: int) -> Columns:
        """Ticks from the one numbered `start` up to `stop`."""
        times, values = _SERIES[what](self)
        sizes = np.array(self.sizes[start:stop]) if what == "TRADES" else None
        return Columns.of_ticks(np.array(times[start:stop], dtype=np.int64), np.array(values[start:stop]), sizes)


_SERIES: dict[str, Callable[[_Track], tuple["array[int]", "array[float]"]]] = {
    "MIDPOINT": lambda track: (track.quote_times, track.mids),
    "BID": lambda track: (track.quote_times, track.bids),
    "ASK": lambda track: (track.quote_times, track.asks),
    "TRADES": lambda track: (track.trade_times, track.prices),
}


class Tape:
    """What was played, by instrument."""

    KINDS = frozenset(_SERIES)

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def extend(self, events: Sequence[Quote | Trade]) -> None:
        """Note what the market said."""
        count, names = len(events), [event.instrument for event in events]
        if count > 1 and names.count(names[0]) == count and list(map(type, events)).count(Quote) == count:
            self._tracks.setdefault(names[0], _Track()).extend(cast("Sequence[Quote]", events))
            return
        name, track = "", _Track()
        for event in events:
            if event.instrument != name:
                name = event.instrument
                track = self._tracks.setdefault(name, _Track())
            if isinstance(event, Quote):
                if track.first is None:
                    track.first = (event.exchange_ns, event.bid)
                track.quote_times.append(event.exchange_ns)
                track.bids.append(event.bid)
                track.asks.append(event.ask)
                track.mids.append((event.bid + event.ask) / 2)
                track.bid_sizes.append(event.bid_size)
                track.ask_sizes.append(event.ask_size)
            else:
                track.trade_times.append(event.exchange_ns)
                track.prices.append(event.price)
                track.sizes.append(event.size)
                track.volume += event.size
        for track in self._tracks.values():
            if len(track.quote_times) > MAX_TICKS or len(track.trade_times) > MAX_TICKS:
                track.fold()

    def first_quote(self, instrument: str) -> tuple[int, float] | None:
        """Time and bid of the first quote ever."""
        track = self._tracks.get(instrument)
        return track.first if track else None

    def begin(self, instrument: str, what: str) -> int | None:
        """When the first remembered tick of a kind was."""
        track = self._tracks.get(instrument)
        if track is None:
            return None
        if track.folded[what]:
            return int(track.folded[what][0].times[0])
        times = _SERIES[what](track)[0]
        return times[0] if times else None

    def last_trade(self, instrument: str) -> tuple[float, float, float] | None:
        """Price and size of the last trade, and the volume of all."""
        track = self._tracks.get(instrument)
        if track is None or not track.prices:
            return None
        return track.prices[-1], track.sizes[-1], track.volume

    def span(self, instrument: str) -> tuple[float, float, float] | None:
        """Open, high and low of trades, else of the middle of quotes."""
        track = self._tracks.get(instrument)
        values = (track.prices or track.mids) if track else None
        return (values[0], max(values), min(values)) if values else None

    def columns(self, instrument: str, what: str, start_ns: int, end_ns: int) -> Columns:
        """Ticks of a kind in [`start_ns`, `end_ns`), as minutes where they are too old."""
        track = self._tracks.get(instrument)
        if track is None:
            return Columns.none()
        times = _SERIES[what](track)[0]
        start, stop = bisect_left(times, start_ns), bisect_left(times, end_ns)
        older = [minutes.between(start_ns, end_ns) for minutes in track.folded[what]]
        return Columns.joined([*older, track.ticks(what, start, stop)])

    def quotes(self, instrument: str, start_ns: int, end_ns: int) -> QuoteTicks:
        """Quotes in [`start_ns`, `end_ns`) that are still remembered one by one."""
        track = self._tracks.get(instrument, _Track())
        start, stop = bisect_left(track.quote_times, start_ns), bisect_left(track.quote_times, end_ns)
        prices = (column[start:stop] for column in (track.bids, track.asks, track.bid_sizes, track.ask_sizes))
        return QuoteTicks(track.quote_times[start:stop], *prices)
