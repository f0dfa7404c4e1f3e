"""How much may come to be held of one instrument."""

from typing import ClassVar

from atlas.domain import Denial, exact
from atlas.trading.risk.case import Case, above
from atlas.trading.risk.limits import Limits


class PositionSize:
    """No order with which more than `max_position` units could come to be held, long or short.

    All that works on its side is taken as filled, and nothing on the other.
    """

    name: ClassVar[str] = "max_position"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit = limits.max_position
        if limit is None:
            return None
        order, held = case.order, case.seen_from(scope).position(case.order.instrument)
        filled = case.fillable(scope, order.instrument)[order.side]
        would_be = float(abs(exact(held) + filled * order.side.sign))
        return above(self.name, scope, "the position could become", would_be, limit) if would_be > limit else None
