"""How much of a position an account must be able to cover.

Sources: stocks half of their value to open, long or short (Regulation T, 12 CFR 220.12 (a) and (c): the 150 % for a short
sale are its proceeds and a half), and to hold a quarter when long, 30 % when short (FINRA rule 4210 (c)); currencies 2 % of
the notional (NFA Financial Requirements, section 12, major pairs). Futures are margined per contract by their exchange; as a
part of the notional that is about 5 % to hold, and a tenth more to open, for an index future. A long option is paid in full;
a short one needs its premium and 20 % of the underlying's value less what it is out of the money, at least 10 % of the
underlying's value for a call or of the strike for a put (FINRA rule 4210 (f)(2)(E)).
"""

from collections.abc import Mapping

from atlas.domain import Instrument, InstrumentKind, OptionRight
from atlas.domain._struct import Value


class MarginRate(Value, frozen=True):
    """Parts of the notional that must be covered to open (`initial`) and to hold (`maintenance`) a position.

    For a short position they are `short_initial` and `short_maintenance`, or the same where those are None. For a short option
    they are parts of the underlying's value, and `short_least` is the least part.
    """

    initial: float
    maintenance: float
    short_initial: float | None = None
    short_maintenance: float | None = None
    short_least: float = 0.0


MARGIN_RATES: Mapping[InstrumentKind, MarginRate] = {
    InstrumentKind.STOCK: MarginRate(0.5, 0.25, short_maintenance=0.3),
    InstrumentKind.CASH: MarginRate(0.02, 0.02),
    InstrumentKind.FUTURE: MarginRate(0.055, 0.05),
    InstrumentKind.OPTION: MarginRate(1.0, 1.0, 0.2, 0.2, 0.1),
}
"""The rates above, by asset class."""


class MarginState(Value, frozen=True):
    """What an account has and must cover, in its base currency."""

    equity: float
    initial: float
    maintenance: float


class WhatIf(Value, frozen=True):
    """What an order would do to its account if it were filled whole, and what it would cost."""

    before: MarginState
    after: MarginState
    commission: float
    currency: str


def requirement(
    instrument: Instrument, quantity: float, price: float, rate: MarginRate, underlying: float | None
) -> tuple[float, float]:
    """What `quantity` of `instrument` at `price` asks for to open and to hold, in its currency.

    `underlying` is the price of what an option is written on; its strike stands in while that is not known.
    """
    notional = abs(quantity) * price * instrument.multiplier
    if quantity >= 0:
        return notional * rate.initial, notional * rate.maintenance
    initial = rate.initial if rate.short_initial is None else rate.short_initial
    maintenance = rate.maintenance if rate.short_maintenance is None else rate.short_maintenance
    if instrument.kind is not InstrumentKind.OPTION:
        return notional * initial, notional * maintenance
    spot, is_call = underlying or instrument.strike, instrument.right is OptionRight.CALL
    outside = max(instrument.strike - spot if is_call else spot - instrument.strike, 0.0)
    least = (spot if is_call else instrument.strike) * rate.short_least
    units = abs(quantity) * instrument.multiplier
    return max(spot * initial - outside, least) * units, max(spot * maintenance - outside, least) * units
