"""What the gateway says about markets: ticks and bars."""

from collections.abc import Mapping, Sequence

import msgspec

from atlas.domain import Quote, Trade
from ib_gateway.simulator.messages.replies.base import Moment, Reply


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


class Bar(msgspec.Struct, frozen=True):
    """A historical bar; `date` as the request wants it written. Volume, average and count are -1 for bars of quotes."""

    date: Moment | int | str
    open: float
    high: float
    low: float
    close: float
    volume: float
    average: float
    count: int


class HistoricalData(Reply, frozen=True):
    """Bars of the past."""

    req_id: int
    start: Moment
    end: Moment
    bars: Sequence[Bar]


class HistoricalDataUpdate(Reply, frozen=True):
    """The newest bar of a request that is kept up to date."""

    req_id: int
    bar: Bar


class HeadTimestamp(Reply, frozen=True):
    """When data begins."""

    req_id: int
    time: Moment | int


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
