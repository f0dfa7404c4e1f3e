"""What the gateway says about markets now: ticks, bars of five seconds, depth."""

from collections.abc import Mapping, Sequence

import msgspec

from atlas.domain import Quote, Trade
from ib_gateway.simulator.messages.replies.base import Reply


class TickPrice(Reply, frozen=True):
    """A price of the first level, with its size where it has one."""

    req_id: int
    kind: int
    price: float
    size: float
    mask: int = 0


class TickSize(Reply, frozen=True):
    """A size."""

    req_id: int
    kind: int
    size: float


class TickGeneric(Reply, frozen=True):
    """A number."""

    req_id: int
    kind: int
    value: float


class TickString(Reply, frozen=True):
    """A text."""

    req_id: int
    kind: int
    value: str


class TickReqParams(Reply, frozen=True):
    """What a market data stream is made of."""

    req_id: int
    min_tick: float
    bbo_exchange: str
    snapshot_permissions: int


class MarketDataType(Reply, frozen=True):
    """Which kind of data a stream delivers: 1 live, 2 frozen, 3 delayed, 4 delayed and frozen."""

    req_id: int
    kind: int


class SnapshotEnd(Reply, frozen=True):
    """A snapshot is complete."""

    req_id: int


class TickByTick(Reply, frozen=True):
    """Ticks in order. The maps say, by instrument, under which request each kind of tick goes out."""

    events: Sequence[Quote | Trade]
    bid_ask: Mapping[str, int]
    mid_point: Mapping[str, int]
    last: Mapping[str, int]
    all_last: Mapping[str, int]


class RealTimeBar(Reply, frozen=True):
    """Five seconds."""

    req_id: int
    seconds: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    count: int


class DepthExchange(msgspec.Struct, frozen=True):
    """An exchange with market depth."""

    exchange: str
    sec_type: str
    listing_exchange: str
    service: str
    agg_group: int


class DepthExchanges(Reply, frozen=True):
    """Exchanges with market depth."""

    exchanges: Sequence[DepthExchange]


class SmartComponents(Reply, frozen=True):
    """Bit number, exchange and letter of each component."""

    req_id: int
    components: Sequence[tuple[int, str, str]]
