"""Bars that a client has subscribed to: of five seconds, or those of a historical request that is kept up to date."""

from dataclasses import dataclass

from ib_gateway.simulator.broker.history.bars import PriceBar
from ib_gateway.simulator.broker.history.query import BarQuery
from ib_gateway.simulator.instruments import Listing


@dataclass(slots=True)
class LiveBars:
    """Bars of five seconds that go on; the next one is over at `next_ns`."""

    listing: Listing
    what: str
    regular: bool
    next_ns: int
    last_close: float = 0.0


@dataclass(slots=True)
class KeptBars:
    """Bars of a request that goes on: from `since_ns` on they may still change."""

    listing: Listing
    query: BarQuery
    regular: bool
    format_date: int
    next_ns: int
    since_ns: int
    last: PriceBar | None
