"""How much of a position an account must be able to cover.

Sources: stocks half of their value to open (Regulation T, 12 CFR 220.12) and a quarter to hold (FINRA rule 4210); currencies
2 % of the notional (NFA Financial Requirements, section 12, major pairs). Futures are margined per contract by their exchange;
as a part of the notional that is about 5 % to hold, and a tenth more to open, for an index future.
"""

from collections.abc import Mapping

from atlas.domain import InstrumentKind
from atlas.domain._struct import Value


class MarginRate(Value, frozen=True):
    """Parts of the notional that must be covered to open (`initial`) and to hold (`maintenance`) a position."""

    initial: float
    maintenance: float


MARGIN_RATES: Mapping[InstrumentKind, MarginRate] = {
    InstrumentKind.STOCK: MarginRate(0.5, 0.25),
    InstrumentKind.CASH: MarginRate(0.02, 0.02),
    InstrumentKind.FUTURE: MarginRate(0.055, 0.05),
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
