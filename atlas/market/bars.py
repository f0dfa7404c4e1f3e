"""Bars from ticks. One builder for live, replay and backtest: the same ticks in the same order give the same bars.

A time bar covers [start, end) of market time, with both on the UTC clock's multiples of its length. It closes when the market
shows that it is over: by a tick of a later bar, or because market time has passed its end. What comes for it afterwards is
late: counted, never applied, for the bar is out. There are no empty bars.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from atlas.domain import NS_PER_SECOND, BadInput, Bar, Quote, Trade


@dataclass(slots=True)
class _OpenBar:
    """A bar of one length while it forms."""

    period_ns: int
    start_ns: int = 0
    end_ns: int = 0  # of this bar, or of the last one that was closed
    is_open: bool = False
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0
    count: int = 0

    def begin(self, price: float, size: float, at_ns: int) -> None:
        self.start_ns = at_ns - at_ns % self.period_ns
        self.end_ns = self.start_ns + self.period_ns
        self.is_open = True
        self.open = self.high = self.low = self.close = price
        self.volume = size
        self.count = 1

    def go_on(self, price: float, size: float) -> None:
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price
        self.volume += size
        self.count += 1

    def finish(self, instrument: str, receive_ns: int) -> Bar:
        self.is_open = False
        return Bar(
            instrument,
            self.start_ns,
            self.end_ns,
            self.open,
            self.high,
            self.low,
            self.close,
            self.volume,
            self.count,
            receive_ns,
        )


class BarBuilder:
    """Time bars of one instrument, of one or several lengths in one pass. Give it quotes or trades, not both.

    Quotes make bars of the mid and have no volume. Ticks of one bar count in the order in which they come; the first is the
    open, the last the close.
    """

    def __init__(self, instrument: str, period_seconds: Iterable[int]) -> None:
        """Bars of every length in `period_seconds`; a length of more than a day is not aligned to weeks or months.

        Raises:
            BadInput: no length, or one that is not a positive number of seconds.
        """
        periods = sorted(set(period_seconds))
        if not periods or periods[0] <= 0:
            raise BadInput(
                f"bars of {periods or 'no'} seconds for {instrument} cannot be built; give positive numbers of seconds"
            )
        self.instrument = instrument
        self.late = 0  # ticks that came for a bar that was out, once per length
        self.unusable = 0  # ticks whose price is no number
        self._bars = [_OpenBar(seconds * NS_PER_SECOND) for seconds in periods]

    def on_quote(self, quote: Quote) -> list[Bar]:
        """Take a quote at its mid. Returns the bars that it shows to be over, shorter ones first."""
        return self._on_tick(quote.mid, 0.0, quote.exchange_ns, quote.receive_ns)

    def on_trade(self, trade: Trade) -> list[Bar]:
        """Take a trade. Returns the bars that it shows to be over, shorter ones first."""
        return self._on_tick(trade.price, trade.size, trade.exchange_ns, trade.receive_ns)

    def advance(self, now_ns: int, receive_ns: int) -> list[Bar]:
        """Market time is `now_ns`, as known since `receive_ns`, and no tick came. Returns the bars that are over by then."""
        return [bar.finish(self.instrument, receive_ns) for bar in self._bars if bar.is_open and bar.end_ns <= now_ns]

    def _on_tick(self, price: float, size: float, at_ns: int, receive_ns: int) -> list[Bar]:
        if not math.isfinite(price):
            self.unusable += 1
            return []
        closed: list[Bar] = []
        for bar in self._bars:
            if bar.is_open and bar.start_ns <= at_ns < bar.end_ns:
                bar.go_on(price, size)
                continue
            if at_ns < bar.end_ns:  # of a bar before the open one, or of one that is out
                self.late += 1
                continue
            if bar.is_open:
                closed.append(bar.finish(self.instrument, receive_ns))
            bar.begin(price, size, at_ns)
        return closed
