"""How fast orders may follow each other."""

from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case, above
from atlas.trading.risk.limits import Limits


class OrderRate:
    """No more orders than `max_orders_per_second` in any second, and `max_orders_per_hour` in any hour.

    Exits count, and are never refused.
    """

    name: ClassVar[str] = "max_orders_per_second"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        flow, now = case.flow, case.now_ns
        for name, limit, window, span in (
            (self.name, limits.max_orders_per_second, flow.by_second, "second"),
            ("max_orders_per_hour", limits.max_orders_per_hour, flow.by_hour, "hour"),
        ):
            if limit is None:
                continue
            would_be = window.count(scope, now) + 1
            if would_be > limit:
                return above(name, scope, f"the orders within a {span} would be", would_be, limit, temporary=True)
        return None
