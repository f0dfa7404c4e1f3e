"""How large one order may be."""

from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case, above
from atlas.trading.risk.limits import Limits


class OrderSize:
    """No order of more than `max_order_quantity` units."""

    name: ClassVar[str] = "max_order_quantity"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit, quantity = limits.max_order_quantity, case.order.quantity
        return above(self.name, scope, "the quantity is", quantity, limit) if limit is not None and quantity > limit else None
