"""What the gateway says."""

from collections.abc import Mapping, Sequence

import msgspec

from atlas.domain import Quote, Trade
from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.ticket import Ticket


class Reply(msgspec.Struct, frozen=True, gc=False):
    """Anything the gateway sends."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A time to be written in a time zone, where the client's version of the protocol writes zones."""

    ns: int
    zone: str = "UTC"


class Error(Reply, frozen=True):
    """An error, a warning or a notice. Id -1 belongs to no request."""

    req_id: int
    code: int
    text: str
    advanced_reject: str = ""


class ManagedAccounts(Reply, frozen=True):
    """The accounts of the login, separated by commas."""

    accounts: str


class NextValidId(Reply, frozen=True):
    """The next valid order id."""

    order_id: int


class CurrentTime(Reply, frozen=True):
    """Seconds since the epoch."""

    seconds: int


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


class ContractDetails(Reply, frozen=True):
    """All about one contract. `last_trade` is expiry and time of the last trade."""

    req_id: int
    contract: Contract
    last_trade: str
    market_name: str
    min_tick: float
    order_types: str
    valid_exchanges: str
    under_con_id: int
    long_name: str
    contract_month: str
    industry: str
    category: str
    subcategory: str
    time_zone: str
    trading_hours: str
    liquid_hours: str
    security_ids: Sequence[tuple[str, str]]
    agg_group: int
    under_symbol: str
    under_sec_type: str
    market_rule_ids: str
    real_expiry: str
    stock_type: str
    min_size: float = 1.0
    size_increment: float = 1.0
    suggested_size_increment: float = 1.0
    price_magnifier: int = 1
    ev_rule: str = ""
    ev_multiplier: float = 0.0


class ContractDetailsEnd(Reply, frozen=True):
    """No more contracts."""

    req_id: int


class SymbolSample(msgspec.Struct, frozen=True):
    """An instrument that matches a pattern."""

    con_id: int
    symbol: str
    sec_type: str
    primary_exchange: str
    currency: str
    description: str
    issuer_id: str = ""
    derivatives: tuple[str, ...] = ()


class SymbolSamples(Reply, frozen=True):
    """Instruments that match a pattern."""

    req_id: int
    samples: Sequence[SymbolSample]


class MarketRule(Reply, frozen=True):
    """Price increments, each from a price on."""

    rule_id: int
    increments: Sequence[tuple[float, float]]


class OrderState(msgspec.Struct, frozen=True, gc=False):
    """Where an order is and what it costs; None is unknown yet."""

    status: str
    initial_before: float | None = None
    maintenance_before: float | None = None
    equity_before: float | None = None
    initial_change: float | None = None
    maintenance_change: float | None = None
    equity_change: float | None = None
    initial_after: float | None = None
    maintenance_after: float | None = None
    equity_after: float | None = None
    commission: float | None = None
    min_commission: float | None = None
    max_commission: float | None = None
    commission_currency: str = ""
    warning: str = ""


class OpenOrder(Reply, frozen=True):
    """An order that stands, or just came to its end."""

    order_id: int
    client_id: int
    perm_id: int
    contract: Contract
    ticket: Ticket
    state: OrderState


class OpenOrderEnd(Reply, frozen=True):
    """No more open orders."""


class OrderStatus(Reply, frozen=True):
    """Where an order is."""

    order_id: int
    status: str
    filled: float
    remaining: float
    average_price: float
    perm_id: int
    parent_id: int
    last_price: float
    client_id: int
    why_held: str = ""
    market_cap_price: float = 0.0


class CompletedOrder(Reply, frozen=True):
    """An order that is done."""

    perm_id: int
    contract: Contract
    ticket: Ticket
    status: str
    filled: float
    completed_time: Moment
    completed_status: str


class CompletedOrdersEnd(Reply, frozen=True):
    """No more completed orders."""


class Execution(Reply, frozen=True):
    """A fill. Request id -1 is one that just happened."""

    req_id: int
    order_id: int
    contract: Contract
    execution_id: str
    time: Moment
    account: str
    exchange: str
    side: str
    shares: float
    price: float
    perm_id: int
    client_id: int
    cumulative: float
    average_price: float
    order_ref: str
    last_liquidity: int = 2


class ExecutionsEnd(Reply, frozen=True):
    """No more executions."""

    req_id: int


class CommissionReport(Reply, frozen=True):
    """What a fill cost; `realized` is None unless it closed something."""

    execution_id: str
    commission: float
    currency: str
    realized: float | None


class AccountValue(Reply, frozen=True):
    """A value of an account."""

    key: str
    value: str
    currency: str
    account: str


class PortfolioValue(Reply, frozen=True):
    """A position and what it is worth."""

    contract: Contract
    position: float
    market_price: float
    market_value: float
    average_cost: float
    unrealized: float
    realized: float
    account: str


class AccountTime(Reply, frozen=True):
    """When account values were computed, HH:MM."""

    text: str


class AccountDownloadEnd(Reply, frozen=True):
    """No more values of an account for now."""

    account: str


class AccountUpdateMulti(Reply, frozen=True):
    """A value of an account, under a request id."""

    req_id: int
    account: str
    model_code: str
    key: str
    value: str
    currency: str


class AccountUpdateMultiEnd(Reply, frozen=True):
    """No more values for now."""

    req_id: int


class AccountSummary(Reply, frozen=True):
    """A chosen value of an account."""

    req_id: int
    account: str
    tag: str
    value: str
    currency: str


class AccountSummaryEnd(Reply, frozen=True):
    """No more values for now."""

    req_id: int


class Position(Reply, frozen=True):
    """A position of an account."""

    account: str
    contract: Contract
    position: float
    average_cost: float


class PositionEnd(Reply, frozen=True):
    """No more positions for now."""


class PositionMulti(Reply, frozen=True):
    """A position of an account, under a request id."""

    req_id: int
    account: str
    contract: Contract
    position: float
    average_cost: float
    model_code: str


class PositionMultiEnd(Reply, frozen=True):
    """No more positions for now."""

    req_id: int


class Pnl(Reply, frozen=True):
    """Profit and loss of an account; None is unknown."""

    req_id: int
    daily: float | None
    unrealized: float | None
    realized: float | None


class PnlSingle(Reply, frozen=True):
    """Profit and loss of one position; None is unknown."""

    req_id: int
    position: float
    daily: float | None
    unrealized: float | None
    realized: float | None
    value: float | None


class FamilyCodes(Reply, frozen=True):
    """Accounts and their families."""

    codes: Sequence[tuple[str, str]]


class UserInfo(Reply, frozen=True):
    """The branding of the login."""

    req_id: int
    branding: str


class SoftDollarTiers(Reply, frozen=True):
    """Name, value and display name of each tier."""

    req_id: int
    tiers: Sequence[tuple[str, str, str]]


class OptionParametersEnd(Reply, frozen=True):
    """No more expiries and strikes."""

    req_id: int


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


class NewsProviders(Reply, frozen=True):
    """Code and name of each news source."""

    providers: Sequence[tuple[str, str]]
