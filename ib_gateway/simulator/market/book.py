"""A book of orders around the first level: deterministic in seed and quote, so that it needs no memory.

Every price of the grid is taken or free, with a size, by a hash of seed, instrument, side and price; sizes change every some
seconds. The first level is the quote's. Thus a level that stays in view stays what it was, as in a real book, and the same
quotes give the same books.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple
from zlib import crc32

from atlas.domain import NS_PER_SECOND, Quote
from ib_gateway.simulator.instruments import Listing

MAX_ROWS = 50
_TAKEN_PERCENT = 85
_LARGEST_LOTS = 24
_FREE_PRICES = 200  # a side ends where so many prices in a row are free


class Row(NamedTuple):
    """A level, or a part of it: one exchange's, or one market maker's."""

    price: float
    size: float
    maker: str


class Book(NamedTuple):
    """Both sides, best first."""

    bids: list[Row]
    asks: list[Row]


class BookModel:
    """Books of one seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def book(self, listing: Listing, quote: Quote, rows: int, makers: Sequence[str] = ("",)) -> Book:
        """The book of `quote`: at most `rows` rows each side, each price divided among some of `makers`.

        A side without a price in the quote is empty.
        """
        rows = max(0, min(rows, MAX_ROWS))
        bids = self._side(listing, quote, quote.bid, quote.bid_size, -1, rows, makers)
        return Book(bids, self._side(listing, quote, quote.ask, quote.ask_size, 1, rows, makers))

    def _side(
        self, listing: Listing, quote: Quote, best: float, size: float, way: int, rows: int, makers: Sequence[str]
    ) -> list[Row]:
        if best <= 0 or not rows:
            return []
        tick, lot = listing.instrument.tick_size, listing.model.lot
        decimals = max(0, -math.floor(math.log10(tick) + 1e-9)) + 1
        at = best / tick
        index = math.floor(at + 1e-6) + 1 if way > 0 else math.ceil(at - 1e-6) - 1
        head = f"{self._seed}/{quote.instrument}/{way}/"
        found = self._divide(best, size, lot, crc32(f"{head}{best!r}".encode()), makers)
        free = 0
        while len(found) < rows and index > 0 and free < _FREE_PRICES:
            mark = crc32(f"{head}{index}".encode())
            if mark % 100 < _TAKEN_PERCENT:
                period = 3 + mark // 100 % 17
                turn = (quote.exchange_ns // NS_PER_SECOND + mark % period) // period
                lots = 1 + crc32(f"{head}{index}/{turn}".encode()) % _LARGEST_LOTS
                found += self._divide(round(index * tick, decimals), lots * lot, lot, mark, makers)
                free = 0
            else:
                free += 1
            index += way
        return found[:rows]

    @staticmethod
    def _divide(price: float, size: float, lot: float, mark: int, makers: Sequence[str]) -> list[Row]:
        """One price, divided among makers in whole lots; the first takes what is left over. Exact in total."""
        wanted = 1 + mark // 7 % min(3, len(makers))
        share = size // (wanted * lot) * lot
        if share <= 0:
            wanted = 1
        first = mark % len(makers)
        others = [Row(price, share, makers[(first + n) % len(makers)]) for n in range(1, wanted)]
        return [Row(price, size - share * len(others), makers[first]), *others]
