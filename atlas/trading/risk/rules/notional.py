"""What one order may be worth."""

from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case, above, unreadable
from atlas.trading.risk.limits import Limits
from atlas.trading.risk.readings import order_value


class Notional:
    """No order of a value above `max_order_notional`, in the account's base currency."""

    name: ClassVar[str] = "max_order_notional"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit = limits.max_order_notional
        if limit is None:
            return None
        value = order_value(case)
        if isinstance(value, str):
            return unreadable(self.name, scope, limit, value)
        return above(self.name, scope, "the order is worth", value, limit) if value > limit else None
