"""What a client may ask for that the simulator answers."""

import msgspec

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.ticket import Ticket


class Request(msgspec.Struct, frozen=True, gc=False):
    """Anything a client sends."""


class Numbered(Request, frozen=True):
    """A request that carries a number, by which its answers are known."""

    req_id: int


class StartApi(Request, frozen=True):
    """The client says who it is; nothing may be sent to it before."""

    client_id: int
    optional_capabilities: str = ""


class MarketData(Numbered, frozen=True):
    """Stream, or one snapshot, of the first level and what goes with it."""

    contract: Contract
    generic_ticks: str = ""
    snapshot: bool = False
    regulatory_snapshot: bool = False
    options: str = ""


class CancelMarketData(Numbered, frozen=True):
    """End of `MarketData`."""


class PlaceOrder(Request, frozen=True):
    """A new order, or new terms for one that stands."""

    order_id: int
    contract: Contract
    ticket: Ticket
    sec_id_type: str = ""
    sec_id: str = ""


class CancelOrder(Request, frozen=True):
    """Cancel an order of this client."""

    order_id: int
    manual_time: str = ""


class OpenOrders(Request, frozen=True):
    """The standing orders of this client."""


class AllOpenOrders(Request, frozen=True):
    """The standing orders of all clients."""


class AutoOpenOrders(Request, frozen=True):
    """Bind orders entered by hand to client 0."""

    bind: bool


class GlobalCancel(Request, frozen=True):
    """Cancel every standing order."""


class CompletedOrders(Request, frozen=True):
    """The orders that were completed today."""

    api_only: bool


class Executions(Numbered, frozen=True):
    """The executions of today that pass a filter; empty texts and client 0 pass everything."""

    client_id: int = 0
    account: str = ""
    time: str = ""
    symbol: str = ""
    sec_type: str = ""
    exchange: str = ""
    side: str = ""


class Ids(Request, frozen=True):
    """The next valid order id."""

    count: int = 1


class ManagedAccounts(Request, frozen=True):
    """The accounts of this login."""


class CurrentTime(Request, frozen=True):
    """The gateway's time."""


class ServerLogLevel(Request, frozen=True):
    """How much the gateway logs; taken and ignored."""

    level: int


class ContractDetails(Numbered, frozen=True):
    """Everything about the contracts that a description can mean."""

    contract: Contract
    include_expired: bool = False
    sec_id_type: str = ""
    sec_id: str = ""
    issuer_id: str = ""


class MatchingSymbols(Numbered, frozen=True):
    """Instruments whose symbol or name begins with a pattern."""

    pattern: str


class MarketRule(Request, frozen=True):
    """The price increments of a market rule."""

    rule_id: int


class MarketDataType(Request, frozen=True):
    """Live, frozen or delayed: which kinds of data the client permits."""

    kind: int


class TickByTick(Numbered, frozen=True):
    """Every tick of a kind: Last, AllLast, BidAsk or MidPoint."""

    contract: Contract
    kind: str
    count: int = 0
    ignore_size: bool = False


class CancelTickByTick(Numbered, frozen=True):
    """End of `TickByTick`."""


class RealTimeBars(Numbered, frozen=True):
    """A bar every five seconds."""

    contract: Contract
    bar_size: int
    what_to_show: str
    use_rth: bool
    options: str = ""


class CancelRealTimeBars(Numbered, frozen=True):
    """End of `RealTimeBars`."""


class HistoricalData(Numbered, frozen=True):
    """Bars of the past."""

    contract: Contract
    include_expired: bool
    end: str
    bar_size: str
    duration: str
    use_rth: bool
    what_to_show: str
    format_date: int
    keep_up_to_date: bool
    options: str = ""


class CancelHistoricalData(Numbered, frozen=True):
    """End of `HistoricalData`."""


class HeadTimestamp(Numbered, frozen=True):
    """When the data of a contract begins."""

    contract: Contract
    include_expired: bool
    use_rth: bool
    what_to_show: str
    format_date: int


class CancelHeadTimestamp(Numbered, frozen=True):
    """End of `HeadTimestamp`."""


class AccountUpdates(Request, frozen=True):
    """Begin or end the stream of one account's values and portfolio."""

    subscribe: bool
    account: str


class AccountUpdatesMulti(Numbered, frozen=True):
    """The values of an account, under a request id."""

    account: str
    model_code: str
    ledger_and_nlv: bool


class CancelAccountUpdatesMulti(Numbered, frozen=True):
    """End of `AccountUpdatesMulti`."""


class AccountSummary(Numbered, frozen=True):
    """Chosen values of all accounts."""

    group: str
    tags: str


class CancelAccountSummary(Numbered, frozen=True):
    """End of `AccountSummary`."""


class Positions(Request, frozen=True):
    """The positions of all accounts, and every change of them."""


class CancelPositions(Request, frozen=True):
    """End of `Positions`."""


class PositionsMulti(Numbered, frozen=True):
    """The positions of an account, under a request id."""

    account: str
    model_code: str


class CancelPositionsMulti(Numbered, frozen=True):
    """End of `PositionsMulti`."""


class Pnl(Numbered, frozen=True):
    """Profit and loss of an account."""

    account: str
    model_code: str


class CancelPnl(Numbered, frozen=True):
    """End of `Pnl`."""


class PnlSingle(Numbered, frozen=True):
    """Profit and loss of one position."""

    account: str
    model_code: str
    con_id: int


class CancelPnlSingle(Numbered, frozen=True):
    """End of `PnlSingle`."""


class FamilyCodes(Request, frozen=True):
    """The family of each account."""


class UserInfo(Numbered, frozen=True):
    """The branding of the login."""


class SoftDollarTiers(Numbered, frozen=True):
    """Tiers of soft dollar commissions."""


class OptionParameters(Numbered, frozen=True):
    """Expiries and strikes of the options on an underlying."""

    symbol: str
    exchange: str
    sec_type: str
    con_id: int


class DepthExchanges(Request, frozen=True):
    """Exchanges with market depth."""


class SmartComponents(Numbered, frozen=True):
    """The exchanges behind a smart-routed quote."""

    bbo_exchange: str


class NewsProviders(Request, frozen=True):
    """News sources of the login."""


class NotSimulated(Numbered, frozen=True):
    """A request that IB knows and the simulator does not; `req_id` is -1 where it has none."""

    message_id: int
    code: int
    text: str


class Silent(Request, frozen=True):
    """A request that asks for no answer and changes nothing here."""

    message_id: int
