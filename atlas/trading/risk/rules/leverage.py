"""How much exposure an account may carry for what it is worth."""

import math
from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case, above, unreadable
from atlas.trading.risk.limits import Limits
from atlas.trading.risk.readings import gross_exposure, net_liquidation


class Leverage:
    """The exposure is no more than `max_leverage` times the account's net liquidation value."""

    name: ClassVar[str] = "max_leverage"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit = limits.max_leverage
        if limit is None:
            return None
        worth, value = net_liquidation(case.account), gross_exposure(case, scope)
        if isinstance(worth, str):
            return unreadable(self.name, scope, limit, worth)
        if isinstance(value, str):
            return unreadable(self.name, scope, limit, value)
        leverage = value / worth if worth > 0 else math.inf
        return above(self.name, scope, "the leverage could become", leverage, limit) if leverage > limit else None
