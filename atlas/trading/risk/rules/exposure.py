"""What all positions together may be worth."""

from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case, above, unreadable
from atlas.trading.risk.limits import Limits
from atlas.trading.risk.readings import gross_exposure


class Exposure:
    """Long and short positions, added up with what could still be filled, are worth no more than `max_exposure`."""

    name: ClassVar[str] = "max_exposure"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit = limits.max_exposure
        if limit is None:
            return None
        value = gross_exposure(case, scope)
        if isinstance(value, str):
            return unreadable(self.name, scope, limit, value)
        return above(self.name, scope, "the exposure could become", value, limit) if value > limit else None
