"""What a client asks about the market now: streams, ticks, bars of five seconds, depth."""

from ib_gateway.simulator.messages.contract import Contract
from ib_gateway.simulator.messages.requests.base import Numbered, Request


class MarketData(Numbered, frozen=True):
    """Stream, or one snapshot, of the first level and what goes with it."""

    contract: Contract
    generic_ticks: str = ""
    snapshot: bool = False
    regulatory_snapshot: bool = False
    options: str = ""


class CancelMarketData(Numbered, frozen=True):
    """End of `MarketData`."""


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


class DepthExchanges(Request, frozen=True):
    """Exchanges with market depth."""


class SmartComponents(Numbered, frozen=True):
    """The exchanges behind a smart-routed quote."""

    bbo_exchange: str


class MarketDepth(Numbered, frozen=True):
    """The first levels of a book; `smart` merges the books of all exchanges."""

    contract: Contract
    rows: int
    smart: bool = False
    options: str = ""


class CancelMarketDepth(Numbered, frozen=True):
    """End of `MarketDepth`."""

    smart: bool = False


class ImpliedVolatility(Numbered, frozen=True):
    """The volatility at which an option has a price."""

    contract: Contract
    option_price: float
    under_price: float
    options: str = ""


class CancelImpliedVolatility(Numbered, frozen=True):
    """End of `ImpliedVolatility`."""


class OptionPrice(Numbered, frozen=True):
    """The price of an option at a volatility."""

    contract: Contract
    volatility: float
    under_price: float
    options: str = ""


class CancelOptionPrice(Numbered, frozen=True):
    """End of `OptionPrice`."""
