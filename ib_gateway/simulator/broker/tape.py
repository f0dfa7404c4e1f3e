"""The tape: what the market has said so far. Remembers a bounded number of ticks per instrument, and minutes of older ones."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from atlas.domain import NS_PER_SECOND, Quote, Trade
from ib_gateway.simulator.broker.history.bars import bar_starts, merged
from ib_gateway.simulator.market.columns import Columns, Floats

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
        "ask_sizes", "asks", "bid_sizes", "bids", "first", "folded", "prices", "quote_times", "sizes", "trade_times", "volume",
    )  # fmt: skip

    def __init__(self) -> None:
        self.quote_times, self.trade_times = array("q"), array("q")
        self.bids, self.asks = array("d"), array("d")
        self.bid_sizes, self.ask_sizes = array("d"), array("d")
        self.prices, self.sizes = array("d"), array("d")
        self.volume = 0.0
        self.first: tuple[int, float] | None = None
        self.folded: dict[str, list[Columns]] = {what: [] for what in _SERIES}

    def extend(self, quotes: Sequence[Quote]) -> None:
        """Note many quotes, column by column."""
        if self.first is None:
            self.first = (quotes[0].exchange_ns, quotes[0].bid)
        self.quote_times.fromlist([quote.exchange_ns for quote in quotes])
        self.bids.fromlist([quote.bid for quote in quotes])
        self.asks.fromlist([quote.ask for quote in quotes])
        self.bid_sizes.fromlist([quote.bid_size for quote in quotes])
        self.ask_sizes.fromlist([quote.ask_size for quote in quotes])
        if len(self.quote_times) > MAX_TICKS:
            self.fold()

    def fold(self) -> None:
        """Make minutes of the older half of the ticks if there are too many."""
        quotes = (self.quote_times, self.bids, self.asks, self.bid_sizes, self.ask_sizes)
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
        times = np.array(self.times(what)[start:stop], dtype=np.int64)
        sizes = np.array(self.sizes[start:stop]) if what == "TRADES" else None
        return Columns.of_ticks(times, _SERIES[what](self, slice(start, stop)), sizes)

    def times(self, what: str) -> "array[int]":
        """When ticks of a kind were."""
        return self.trade_times if what == "TRADES" else self.quote_times


_SERIES: dict[str, Callable[[_Track, slice], Floats]] = {
    "MIDPOINT": lambda track, some: (np.array(track.bids[some]) + np.array(track.asks[some])) / 2,
    "BID": lambda track, some: np.array(track.bids[some]),
    "ASK": lambda track, some: np.array(track.asks[some]),
    "TRADES": lambda track, some: np.array(track.prices[some]),
}


class Tape:
    """What was played, by instrument."""

    KINDS = frozenset(_SERIES)

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def extend(self, events: Sequence[Quote | Trade]) -> None:
        """Note what the market said."""
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

    def extend_quotes(self, quotes: Sequence[Quote]) -> None:
        """Note quotes of one instrument."""
        self._tracks.setdefault(quotes[0].instrument, _Track()).extend(quotes)

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
        times = track.times(what)
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
        if track is None or not (track.prices or track.bids):
            return None
        values = _SERIES["TRADES" if track.prices else "MIDPOINT"](track, slice(None))
        return float(values[0]), float(values.max()), float(values.min())

    def columns(self, instrument: str, what: str, start_ns: int, end_ns: int) -> Columns:
        """Ticks of a kind in [`start_ns`, `end_ns`), as minutes where they are too old."""
        track = self._tracks.get(instrument)
        if track is None:
            return Columns.none()
        times = track.times(what)
        start, stop = bisect_left(times, start_ns), bisect_left(times, end_ns)
        older = [minutes.between(start_ns, end_ns) for minutes in track.folded[what]]
        return Columns.joined([*older, track.ticks(what, start, stop)])

    def quotes(self, instrument: str, start_ns: int, end_ns: int) -> QuoteTicks:
        """Quotes in [`start_ns`, `end_ns`) that are still remembered one by one."""
        track = self._tracks.get(instrument, _Track())
        start, stop = bisect_left(track.quote_times, start_ns), bisect_left(track.quote_times, end_ns)
        prices = (column[start:stop] for column in (track.bids, track.asks, track.bid_sizes, track.ask_sizes))
        return QuoteTicks(track.quote_times[start:stop], *prices)
