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
    """Ticks in order. The maps say, by instrument, under which request each kind of tick goes out.

    `written` is shared by the replies with the same ticks to several clients: whoever writes them keeps there what is the same
    for all.
    """

    events: Sequence[Quote | Trade]
    bid_ask: Mapping[str, int]
    mid_point: Mapping[str, int]
    last: Mapping[str, int]
    all_last: Mapping[str, int]
    written: dict[object, list[str]] = msgspec.field(default_factory=dict)


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


class MarketDepth(Reply, frozen=True):
    """A change of one level: operation 0 inserts, 1 updates, 2 deletes; side 0 is the ask, 1 the bid."""

    req_id: int
    position: int
    operation: int
    side: int
    price: float
    size: float


class MarketDepthL2(Reply, frozen=True):
    """As `MarketDepth`, with who quotes: a market maker, or an exchange where the book is merged (`smart`)."""

    req_id: int
    position: int
    market_maker: str
    operation: int
    side: int
    price: float
    size: float
    smart: bool = False


class OptionComputation(Reply, frozen=True):
    """What follows from the price of an option; None is not computed. Attribute 0 is return based, 1 price based."""

    req_id: int
    kind: int
    attribute: int
    implied_volatility: float | None
    delta: float | None
    option_price: float | None
    present_dividend: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    under_price: float | None


class TickEfp(Reply, frozen=True):
    """An exchange for physicals: what a future costs against its stock, in basis points."""

    req_id: int
    kind: int
    basis_points: float
    formatted_basis_points: str
    total_dividends: float
    hold_days: int
    future_expiry: str
    dividend_impact: float
    dividends_to_expiry: float


class RerouteMarketData(Reply, frozen=True):
    """Ask for the market data of another contract: a CFD has those of its underlying."""

    req_id: int
    con_id: int
    exchange: str


class RerouteMarketDepth(Reply, frozen=True):
    """Ask for the depth of another contract."""

    req_id: int
    con_id: int
    exchange: str


class DeltaNeutralValidation(Reply, frozen=True):
    """The underlying of a delta neutral order, completed."""

    req_id: int
    con_id: int
    delta: float
    price: float
