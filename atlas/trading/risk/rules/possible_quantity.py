"""Quantities that an instrument has."""

import math
from typing import ClassVar

from atlas.domain import Denial, Instrument, Order, exact
from atlas.trading.risk.case import shown


class PossibleQuantity:
    """A quantity is a positive number and a multiple of the instrument's step.

    An order below the instrument's smallest size is left to the broker to refuse: an exit must be able to sell an odd lot.
    """

    name: ClassVar[str] = "quantity"

    def check(self, order: Order, instrument: Instrument) -> Denial | None:
        """See `Check`."""
        quantity, step = order.quantity, instrument.size_step
        if not 0 < quantity < math.inf:
            return Denial(self.name, f"the quantity {shown(quantity)} is not a positive number", quantity)
        if exact(quantity) % exact(step):
            return Denial(self.name, f"the quantity {shown(quantity)} is not a multiple of {shown(step)}", quantity, step)
        return None
