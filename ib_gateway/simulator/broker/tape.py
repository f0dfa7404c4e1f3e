"""The tape: what the market has said so far, and bars made of it. Remembers a bounded number of ticks per instrument."""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import NamedTuple

from atlas.domain import NS_PER_SECOND, Quote, Trade

MAX_TICKS = 400_000
"""Ticks that are remembered per instrument and kind; when they are exceeded the older half is dropped."""


class TapeBar(NamedTuple):
    """Open, high, low, close of [start, start + size). Volume and average are of trades, -1 for bars of quotes."""

    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    ticks: int


class _Track:
    """The ticks of one instrument, in columns."""

    __slots__ = ("asks", "bids", "mids", "prices", "quote_times", "sizes", "trade_times", "volume")

    def __init__(self) -> None:
        self.quote_times, self.trade_times = array("q"), array("q")
        self.bids, self.asks, self.mids = array("d"), array("d"), array("d")
        self.prices, self.sizes = array("d"), array("d")
        self.volume = 0.0

    def trim(self) -> None:
        for columns in ((self.quote_times, self.bids, self.asks, self.mids), (self.trade_times, self.prices, self.sizes)):
            if len(columns[0]) > MAX_TICKS:
                for column in columns:
                    del column[: MAX_TICKS // 2]


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
        name, track = "", _Track()
        for event in events:
            if event.instrument != name:
                name = event.instrument
                track = self._tracks.setdefault(name, _Track())
            if isinstance(event, Quote):
                track.quote_times.append(event.exchange_ns)
                track.bids.append(event.bid)
                track.asks.append(event.ask)
                track.mids.append((event.bid + event.ask) / 2)
            else:
                track.trade_times.append(event.exchange_ns)
                track.prices.append(event.price)
                track.sizes.append(event.size)
                track.volume += event.size
        for track in self._tracks.values():
            if len(track.quote_times) > MAX_TICKS or len(track.trade_times) > MAX_TICKS:
                track.trim()

    def begin(self, instrument: str, what: str) -> int | None:
        """When the first remembered tick of a kind was."""
        track = self._tracks.get(instrument)
        times = _SERIES[what](track)[0] if track else None
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

    def bars(self, instrument: str, what: str, start_ns: int, end_ns: int, edges: Callable[[int], int]) -> list[TapeBar]:
        """Bars of ticks in [`start_ns`, `end_ns`), empty ones left out. `edges` says for a time when the next bar begins."""
        track = self._tracks.get(instrument)
        if track is None:
            return []
        times, values = _SERIES[what](track)
        at, stop = bisect_left(times, start_ns), bisect_left(times, end_ns)
        result = []
        while at < stop:
            edge = edges(times[at])
            upto = min(bisect_left(times, edge, at, stop), stop)
            part = values[at:upto]
            volume = average = -1.0
            ticks = -1
            if what == "TRADES":
                sizes = track.sizes[at:upto]
                volume, ticks = sum(sizes), len(part)
                money = sum(price * size for price, size in zip(part, sizes, strict=True))
                average = round(money / volume, 8) if volume else part[-1]
            first, high, low, close = (round(price, 10) for price in (part[0], max(part), min(part), part[-1]))
            result.append(TapeBar(times[at], first, high, low, close, volume, average, ticks))
            at = upto
        return result


def fixed_edges(size_seconds: int) -> Callable[[int], int]:
    """Edges at whole multiples of a size since the epoch."""
    size = size_seconds * NS_PER_SECOND
    return lambda ns: (ns // size + 1) * size
