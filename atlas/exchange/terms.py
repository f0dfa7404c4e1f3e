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
