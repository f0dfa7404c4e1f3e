"""What the exchange asks of its accounts."""

import msgspec

from atlas.domain import InstrumentKind
from atlas.domain._struct import Value
from atlas.exchange.commission import FIXED_PRICING, CommissionRule
from atlas.exchange.margin import MARGIN_RATES, MarginRate


class Terms(Value, frozen=True):
    """Price lists, margin rates, and what can be sold short. Tables by instrument id override those by asset class.

    `reference_rates` are units of the base currency for one unit of a currency, for pairs that have no quote yet.
    `not_shortable` are the stocks whose shares nobody lends.

    Attributes:
        use_sizes: A quote fills no more than it displays, where it displays sizes; False fills every order whole.
        slippage_ticks: So many ticks of its instrument a fill against a quote is worse than the touch.
        slippage_percent: So many percent of the touch, likewise, and both together. The price stays on the grid, away from
            the touch, and never gets worse than the order's limit.
    """

    base_currency: str = "USD"
    check_margin: bool = True
    commissions: dict[InstrumentKind, CommissionRule] = msgspec.field(default_factory=lambda: dict(FIXED_PRICING))
    instrument_commissions: dict[str, CommissionRule] = msgspec.field(default_factory=dict)
    margins: dict[InstrumentKind, MarginRate] = msgspec.field(default_factory=lambda: dict(MARGIN_RATES))
    instrument_margins: dict[str, MarginRate] = msgspec.field(default_factory=dict)
    reference_rates: dict[str, float] = msgspec.field(default_factory=dict)
    first_perm_id: int = 1_000_000_001
    execution_prefix: str = "0000e0d5"
    first_execution: int = 0x6781ABCD
    not_shortable: frozenset[str] = frozenset()
    use_sizes: bool = True
    slippage_ticks: float = 0.0
    slippage_percent: float = 0.0
