"""The same order twice, by accident."""

from typing import ClassVar

from atlas.domain import NS_PER_SECOND, Denial
from atlas.trading.risk.case import Case, shown
from atlas.trading.risk.limits import Limits, described


class Duplicate:
    """A robot does not send the same order (instrument, side, quantity, kind, prices) again within `duplicate_seconds`."""

    name: ClassVar[str] = "duplicate_seconds"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit, before = limits.duplicate_seconds, case.flow.same_before(case.order)
        if limit is None or before is None:
            return None
        at_ns, order_id = before
        seconds = (case.now_ns - at_ns) / NS_PER_SECOND
        if order_id == case.order.id or seconds >= limit:
            return None
        text = f"order {order_id} was the same {shown(seconds)} s ago, within {self.name} {shown(limit)} of {described(scope)}"
        return Denial(self.name, text, seconds, limit, temporary=True)
