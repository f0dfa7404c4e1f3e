"""Opening only while the market is open."""

from functools import lru_cache
from typing import ClassVar

from atlas.domain import BadInput, Denial, Hours, iso
from atlas.trading.risk.case import Case
from atlas.trading.risk.limits import Limits, described


class TradingHours:
    """With `trading_hours`, nothing is opened while the instrument's market is closed.

    Orders that may be filled outside regular trading hours go by its trading hours, all others by its liquid hours.
    """

    name: ClassVar[str] = "trading_hours"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        if not limits.trading_hours:
            return None
        one = case.instrument
        extended = case.order.outside_rth
        hours = _hours(one.trading_hours if extended else one.liquid_hours, one.time_zone)
        found = hours.says_open(case.now_ns) if hours is not None else None
        if found is True:
            return None
        which = "trading hours" if extended else "regular trading hours"
        what = f"{iso(case.now_ns)} is outside the {which} of {one.id}"
        if found is None:
            what = f"the {which} of {one.id} at {iso(case.now_ns)} are not known"
        return Denial(self.name, f"{what}, and {self.name} of {described(scope)} is true", temporary=True)


@lru_cache(maxsize=4096)
def _hours(text: str, time_zone: str) -> Hours | None:
    """The hours, if they can be read."""
    try:
        return Hours(text, time_zone)
    except BadInput:
        return None
