"""What the exchange remembers of one instrument's market: last prices, the day's volume and the phase it is in.

Prices are forgotten when the phase changes: what was quoted before the opening fills and triggers nothing after it.
"""

import math
from decimal import Decimal

from atlas.domain import Instrument, InstrumentKind, Quote, Side, Trade
from atlas.domain._struct import Value
from atlas.exchange.calendar import NEVER_NS, Calendar, Phase

_NONE = Decimal(0)


class MarketState(Value, frozen=True):
    """A market at rest. `bought` and `sold` are what orders took of the sizes that the quote displays."""

    instrument: str
    quote: Quote | None
    quote_before: Quote | None
    last: Trade | None
    last_before: Trade | None
    last_price: float
    volume: float
    close: float
    phase: Phase
    until_ns: int
    has_turned: bool
    bought: Decimal
    sold: Decimal


class Market:
    """One instrument's market.

    `quote`, `quote_before`, `last` and `last_before` are of this phase; `last_price` is the last trade's of any, `close` that
    of the last regular session, 0 if there was none; `volume` is the trading day's. `until_ns` is when the phase is over: 0
    while nobody has asked. `has_turned`: it began while the market was looked at, or its prices were forgotten, so a quote
    of it is to come.

    The four bounds tell without a look at the orders which prices concern any of them: an ask at or below `ask_within`, a bid
    at or above `bid_within`, a trade at or below `last_below` or at or above `last_above`.
    """

    __slots__ = (
        "ask_within",
        "bid_within",
        "bought",
        "close",
        "has_turned",
        "instrument",
        "kind",
        "last",
        "last_above",
        "last_before",
        "last_below",
        "last_price",
        "phase",
        "quote",
        "quote_before",
        "sold",
        "until_ns",
        "volume",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.kind: InstrumentKind = instrument.kind
        self.quote: Quote | None = None
        self.quote_before: Quote | None = None
        self.last: Trade | None = None
        self.last_before: Trade | None = None
        self.last_price = self.volume = self.close = 0.0
        self.phase = Phase.CLOSED
        self.until_ns = 0
        self.has_turned = False
        self.bought = self.sold = _NONE
        self.unbound()

    def unbound(self) -> None:
        """No price concerns anybody."""
        self.ask_within, self.bid_within = -math.inf, math.inf
        self.last_below, self.last_above = -math.inf, math.inf

    # Prices.

    @property
    def has_traded(self) -> bool:
        """Whether it has had trades, or only quotes."""
        return self.last_price > 0

    def print(self, trade: Trade) -> None:
        """A trade."""
        self.last_before, self.last = self.last, trade
        self.last_price = trade.price
        self.volume += trade.size

    def taken(self, side: Side) -> Decimal:
        """How much of the displayed size our orders of `side` have taken."""
        return self.bought if side is Side.BUY else self.sold

    def take(self, side: Side, quantity: Decimal) -> None:
        """Count what an order of `side` takes."""
        if side is Side.BUY:
            self.bought += quantity
        else:
            self.sold += quantity

    # Phases.

    def wake(self, at_ns: int, calendar: Calendar) -> None:
        """Find out the phase that it is in."""
        self.phase = calendar.phase(self.instrument.id, at_ns)
        self.until_ns = calendar.next_change(self.instrument.id, at_ns)

    def turn(self, at_ns: int, calendar: Calendar) -> None:
        """Another phase begins at `at_ns`."""
        before = self.phase
        self.wake(at_ns, calendar)
        if before is Phase.REGULAR and self.phase is not Phase.REGULAR and self.last_price > 0:
            self.close = self.last_price
        if before is Phase.CLOSED:
            self.volume = 0.0
        self.forget_prices()

    def restart(self, at_ns: int, calendar: Calendar) -> None:
        """The clock was set to `at_ns`, perhaps back: find out the phase anew, and begin its day's volume anew."""
        self.wake(at_ns, calendar)
        self.volume = 0.0
        self.forget_prices()

    def forget_prices(self) -> None:
        """What was quoted and traded fills and triggers nothing any more; a quote is to come."""
        self.has_turned = True
        self.quote = self.quote_before = None
        self.last = self.last_before = None
        self.bought = self.sold = _NONE

    @property
    def is_awake(self) -> bool:
        """Whether its phase is known."""
        return self.until_ns > 0

    @property
    def changes(self) -> bool:
        """Whether its phase will change."""
        return 0 < self.until_ns < NEVER_NS

    @property
    def is_over(self) -> bool:
        """Whether its instrument is past its last trading moment: it has expired, and no session of it is to come."""
        return bool(self.instrument.expiry) and self.phase is Phase.CLOSED and self.until_ns >= NEVER_NS

    # How it rests.

    def state(self) -> MarketState:
        """The market at rest."""
        return MarketState(
            self.instrument.id,
            self.quote,
            self.quote_before,
            self.last,
            self.last_before,
            self.last_price,
            self.volume,
            self.close,
            self.phase,
            self.until_ns,
            self.has_turned,
            self.bought,
            self.sold,
        )

    def restore(self, state: MarketState) -> None:
        """Go on from `state`."""
        self.quote, self.quote_before, self.last, self.last_before = (
            state.quote,
            state.quote_before,
            state.last,
            state.last_before,
        )
        self.last_price, self.volume, self.close = state.last_price, state.volume, state.close
        self.phase, self.until_ns = state.phase, state.until_ns
        self.has_turned = state.has_turned
        self.bought, self.sold = state.bought, state.sold
