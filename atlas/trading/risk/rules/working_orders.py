"""How many orders may work at once."""

from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case, above
from atlas.trading.risk.limits import Limits


class WorkingOrders:
    """No more than `max_working_orders` orders of the scope that are not final."""

    name: ClassVar[str] = "max_working_orders"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit = limits.max_working_orders
        if limit is None:
            return None
        would_be = 1 + sum(1 for _ in case.seen_from(scope).working())
        what = "the orders working would be"
        return above(self.name, scope, what, would_be, limit, temporary=True) if would_be > limit else None
