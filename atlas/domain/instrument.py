"""What can be traded. An instrument id says enough to ask a broker for the rest.

EUR.USD@IDEALPRO       a currency pair: base.quote@exchange
AAPL@SMART             a stock, in US dollars; other currencies: BMW@IBIS:EUR
ES-202612@CME          a future by contract month (YYYYMM) or day (YYYYMMDD); other currencies: FDAX-202612@EUREX:EUR
AAPL-20261218-250C@SMART   an option by last trading day, strike and right (C or P); on a future: ES-20261218-6700P@CME
^SPX@CBOE              an index: it has a price, and nobody trades it
"""

import enum
import re
from decimal import Decimal

from atlas.domain import price_grid
from atlas.domain._struct import Value
from atlas.domain.errors import BadInput
from atlas.domain.price_grid import PriceBand
from atlas.domain.side import Side

_ID = re.compile(
    r"(?P<index>\^)?(?P<symbol>[A-Z0-9]+(?: [A-Z0-9]+)?)"
    r"(?:\.(?P<quote>[A-Z]{3})|-(?P<last_day>\d{8})-(?P<strike>[1-9]\d*(?:\.\d*[1-9])?|0\.\d*[1-9])(?P<right>[CP])"
    r"|-(?P<expiry>\d{6}(?:\d{2})?))?"
    r"@(?P<exchange>[A-Z0-9]+)"
    r"(?::(?P<currency>[A-Z]{3}))?"
)


class InstrumentKind(enum.Enum):
    """The asset classes that Atlas trades."""

    CASH = "cash"
    STOCK = "stock"
    FUTURE = "future"
    OPTION = "option"
    INDEX = "index"


class OptionRight(enum.Enum):
    """What the holder of an option may do at the strike: buy (call) or sell (put)."""

    CALL = "C"
    PUT = "P"


class InstrumentSpec(Value, frozen=True):
    """What an instrument id says by itself; a broker's contract details turn it into an `Instrument`."""

    id: str
    kind: InstrumentKind
    symbol: str
    exchange: str
    currency: str
    expiry: str = ""
    strike: float = 0.0
    right: OptionRight | None = None


def option_id(symbol: str, expiry: str, strike: float, right: OptionRight, exchange: str, currency: str = "USD") -> str:
    """The id of an option: strikes are written without trailing zeros, so that each option has one id.

    >>> option_id("AAPL", "20261218", 252.5, OptionRight.CALL, "SMART")
    'AAPL-20261218-252.5C@SMART'
    """
    written = f"{Decimal(repr(strike)).normalize():f}"
    return f"{symbol}-{expiry}-{written}{right.value}@{exchange}" + ("" if currency == "USD" else f":{currency}")


def parse_instrument_id(text: str) -> InstrumentSpec:
    """The parts of an instrument id.

    Raises:
        BadInput: `text` does not follow the grammar in the head of this module.

    >>> parse_instrument_id("EUR.USD@IDEALPRO").currency
    'USD'
    """
    match = _ID.fullmatch(text)
    if match is None or (match["quote"] and match["currency"]) or (match["index"] and _more_than_a_name(match)):
        raise BadInput(
            f"{text!r} is not an instrument id; write a pair as EUR.USD@IDEALPRO, a stock as AAPL@SMART, "
            "a future as ES-202612@CME, an option as AAPL-20261218-250C@SMART, an index as ^SPX@CBOE"
        )
    kind, currency = InstrumentKind.STOCK, match["currency"] or "USD"
    if match["quote"]:
        kind, currency = InstrumentKind.CASH, match["quote"]
    elif match["right"]:
        kind = InstrumentKind.OPTION
    elif match["expiry"]:
        kind = InstrumentKind.FUTURE
    elif match["index"]:
        kind = InstrumentKind.INDEX
    return InstrumentSpec(
        text,
        kind,
        match["symbol"],
        match["exchange"],
        currency,
        match["last_day"] or match["expiry"] or "",
        float(match["strike"] or 0.0),
        OptionRight(match["right"]) if match["right"] else None,
    )


def _more_than_a_name(match: re.Match[str]) -> bool:
    return bool(match["quote"] or match["expiry"] or match["right"])


class Instrument(Value, frozen=True, tag="instrument"):
    """An instrument as its broker defines it.

    Prices are in `currency` per unit; one unit of a future or an option is worth `multiplier` times its price. `underlying` is
    the id of what an option is written on.
    `trading_hours` and `liquid_hours` are the broker's strings, local to `time_zone`. `price_bands` says the tick by price
    where it is not the same everywhere, as for options and many stocks; without bands it is `tick_size` at every price. A
    spread has a grid of its own, which is none of its legs'.
    """

    id: str
    kind: InstrumentKind
    symbol: str
    exchange: str
    currency: str
    con_id: int
    tick_size: float
    multiplier: float = 1.0
    size_step: float = 1.0
    min_size: float = 1.0
    time_zone: str = "UTC"
    trading_hours: str = ""
    liquid_hours: str = ""
    local_symbol: str = ""
    trading_class: str = ""
    expiry: str = ""
    primary_exchange: str = ""
    long_name: str = ""
    strike: float = 0.0
    right: OptionRight | None = None
    underlying: str = ""
    price_bands: tuple[PriceBand, ...] = ()

    @property
    def grid(self) -> tuple[PriceBand, ...]:
        """The ticks by price, lowest band first; never empty."""
        return self.price_bands or (PriceBand(0.0, self.tick_size),)

    def tick_at(self, price: float) -> float:
        """The tick that holds at `price`. A negative price has that of its magnitude."""
        return price_grid.tick_at(self.grid, price)

    def on_tick(self, price: float) -> bool:
        """Whether `price` lies on the instrument's price grid: what does not, the broker refuses (error 110)."""
        return price_grid.on_tick(self.grid, price)

    def passive_price(self, price: float, side: Side) -> float:
        """`price` moved onto the grid, never to the worse for `side`: a buy is rounded down, a sell up.

        A price that is off a tick by float noise alone stays on that tick.
        """
        return price_grid.rounded(self.grid, price, up=side is Side.SELL)

    def patient_price(self, price: float, side: Side) -> float:
        """A stop's price moved onto the grid, away from the market: a buy stop is rounded up, a sell stop down.

        It never triggers earlier than it was asked to.
        """
        return price_grid.rounded(self.grid, price, up=side is Side.BUY)
