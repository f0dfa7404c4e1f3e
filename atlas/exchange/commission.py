"""What an execution costs.

One formula for every asset class: so much per unit, so much of the value, not less than a minimum, not more than a part of the
value; the ceiling wins over the minimum. Minimum and ceiling count per order, so what a fill costs is the price of all that is
filled so far, less what was charged before.

Sources (Interactive Brokers, "Commissions", fixed pricing): US stocks 0.005 USD per share, minimum 1.00 USD, maximum 1 % of
trade value; spot currencies 0.20 basis point of trade value, minimum 2.00 USD (first tier); US futures 0.85 USD per contract,
to which the exchange's fee (CME E-mini 1.38 USD) and the regulator's (NFA 0.02 USD) are added; US options 0.65 USD per
contract, minimum 1.00 USD (first tier).
"""

from collections.abc import Mapping
from decimal import Decimal

from atlas.domain import Instrument, InstrumentKind
from atlas.domain._struct import Value

_CENT_OF_CENT = Decimal("0.0001")


class CommissionRule(Value, frozen=True):
    """One line of a price list. `maximum_of_value` 0 means no ceiling; an empty currency means the instrument's."""

    per_unit: float = 0.0
    of_value: float = 0.0
    minimum: float = 0.0
    maximum_of_value: float = 0.0
    currency: str = ""

    def currency_for(self, instrument: Instrument) -> str:
        """The currency in which this rule charges for `instrument`."""
        return self.currency or instrument.currency

    def total(self, quantity: Decimal, value: Decimal) -> Decimal:
        """The price of an order filled for `quantity` units worth `value`, both in the rule's currency."""
        amount = Decimal(repr(self.per_unit)) * quantity + Decimal(repr(self.of_value)) * value
        amount = max(amount, Decimal(repr(self.minimum)))
        if self.maximum_of_value:
            amount = min(amount, Decimal(repr(self.maximum_of_value)) * value)
        return amount.quantize(_CENT_OF_CENT)


FIXED_PRICING: Mapping[InstrumentKind, CommissionRule] = {
    InstrumentKind.STOCK: CommissionRule(per_unit=0.005, minimum=1.0, maximum_of_value=0.01),
    InstrumentKind.CASH: CommissionRule(of_value=0.00002, minimum=2.0, currency="USD"),
    InstrumentKind.FUTURE: CommissionRule(per_unit=2.25),
    InstrumentKind.OPTION: CommissionRule(per_unit=0.65, minimum=1.0),
}
"""The rules above, by asset class."""
