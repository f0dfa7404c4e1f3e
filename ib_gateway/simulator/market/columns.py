"""Prices over time in columns: ticks, or bars that others are made of."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Columns(NamedTuple):
    """Spans of time in order, each with its prices. A tick is a span whose four prices are one.

    `times` are when they begin, in UTC nanoseconds; `money` is the sum of price times size of the trades in a span, `trades`
    how many there were. Volume, money and trades are 0 for quotes.
    """

    times: Integers
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    money: Floats
    trades: Floats

    @classmethod
    def of(cls, times: ArrayLike, prices: Sequence[ArrayLike], trades: Sequence[ArrayLike] | None = None) -> Self:
        """Columns of open, high, low and close, and of volume, money and number where there are trades."""
        at = np.asarray(times, dtype=np.int64)
        floats = [np.asarray(column, dtype=np.float64) for column in (*prices, *(trades or ()))]
        return cls(at, *floats, *[np.zeros(len(at)) for _ in range(7 - len(floats))])

    @classmethod
    def of_ticks(cls, times: ArrayLike, prices: ArrayLike, sizes: ArrayLike | None = None) -> Self:
        """Columns of ticks, of trades where there are sizes."""
        price = np.asarray(prices, dtype=np.float64)
        if sizes is None:
            return cls.of(times, [price] * 4)
        size = np.asarray(sizes, dtype=np.float64)
        return cls.of(times, [price] * 4, [size, price * size, np.ones(len(size))])

    @classmethod
    def none(cls) -> Self:
        """Nothing."""
        return cls.of((), [()] * 4)

    @classmethod
    def joined(cls, parts: Sequence["Columns"]) -> Self:
        """Columns one after another."""
        full = [part for part in parts if len(part.times)]
        return cls(*(np.concatenate(column) for column in zip(*full, strict=True))) if full else cls.none()

    def chosen(self, which: "Integers | NDArray[np.bool_] | slice") -> Self:
        """Some of the spans."""
        prices: list[Floats] = [column[which] for column in self[1:]]
        return type(self)(self.times[which], *prices)

    def between(self, start_ns: int, end_ns: int) -> Self:
        """Spans that begin in [`start_ns`, `end_ns`)."""
        return self.chosen(slice(*(int(at) for at in np.searchsorted(self.times, (start_ns, end_ns)))))
