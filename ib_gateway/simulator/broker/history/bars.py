"""Bars: made of ticks or of shorter bars. Pure: columns in, bars out."""

from typing import NamedTuple, cast

import numpy as np

from ib_gateway.simulator.market.columns import Columns, Floats, Integers


class PriceBar(NamedTuple):
    """A bar that begins at `start_ns`. Volume, average price and number of trades are -1 for bars of quotes."""

    start_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    trades: int


def bar_starts(times: Integers, size_ns: int, offset_ns: int = 0) -> Integers:
    """When the bar of each time begins: at whole multiples of a size of the clock that is `offset_ns` ahead of UTC."""
    return (times + offset_ns) // size_ns * size_ns - offset_ns


def merged(columns: Columns, starts: Integers) -> Columns:
    """Spans of the same start in one. `starts` are in order."""
    if not len(starts):
        return columns
    first = np.flatnonzero(np.concatenate(([True], starts[1:] != starts[:-1])))
    last = np.concatenate((first[1:], [len(starts)])) - 1
    volume, money, trades = (np.add.reduceat(column, first) for column in (columns.volume, columns.money, columns.trades))
    return Columns(
        starts[first], columns.open[first], np.maximum.reduceat(columns.high, first), np.minimum.reduceat(columns.low, first),
        columns.close[last], volume, money, trades,
    )  # fmt: skip


def price_bars(columns: Columns, *, trades: bool) -> list[PriceBar]:
    """Columns as bars."""
    prices: list[list[float]] = [np.round(column, 10).tolist() for column in columns[1:5]]
    times: list[int] = columns.times.tolist()
    if not trades:
        return [PriceBar(*row, -1.0, -1.0, -1) for row in zip(times, *prices, strict=True)]  # type: ignore[call-arg]
    with np.errstate(invalid="ignore", divide="ignore"):
        average = np.round(np.where(columns.volume > 0, columns.money / columns.volume, columns.close), 8)
    rows = zip(times, *prices, columns.volume.tolist(), average.tolist(), columns.trades.astype(int).tolist(), strict=True)
    return [PriceBar(*row) for row in rows]


def bid_ask_bars(bids: Columns, asks: Columns, starts: Integers, ends: Integers) -> list[PriceBar]:
    """Bars of BID_ASK, as IB documents them.

    Open is the time average of the bid, close that of the ask, low the lowest bid, high the highest ask. Bids and asks are of
    the same times; `ends` says until when each of them stood.
    """
    low, high = merged(bids, starts), merged(asks, starts)
    first = np.searchsorted(starts, low.times)
    lasting = np.maximum(ends - bids.times, 1).astype(np.float64)
    total = np.add.reduceat(lasting, first) if len(first) else lasting

    def average(columns: Columns) -> Floats:
        typical = (columns.open + columns.high + columns.low + columns.close) / 4
        return cast("Floats", np.add.reduceat(typical * lasting, first) / total if len(first) else typical)

    zero = np.zeros(len(low.times))
    return price_bars(Columns(low.times, average(bids), high.high, low.low, average(asks), zero, zero, zero), trades=False)
