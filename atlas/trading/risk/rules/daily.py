"""What a session day may lose, and at which profit it is left at that.

Once reached, a limit of the day stays reached until the next one begins, whatever the market does then: what counts is the
lowest and the highest profit that was seen. Only another limit ends it.
"""

from collections.abc import Iterator
from typing import ClassVar

from atlas.domain import Denial
from atlas.trading.risk.case import Case, shown, unreadable
from atlas.trading.risk.limits import Limits, described
from atlas.trading.risk.readings import extremes
from atlas.trading.risk.session import Extremes


class Daily:
    """Nothing is opened until the next session day once this one lost `max_daily_loss`, or made `daily_profit_lock`.

    What is not realised counts like what is.
    """

    name: ClassVar[str] = "max_daily_loss"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        least = limits.max_daily_loss or limits.daily_profit_lock
        if least is None:
            return None
        seen, missing = extremes(scope, case.account, case.session, case.view)
        for name, found, limit in reached(limits, seen):
            what = "loss" if name == self.name else "profit"
            text = f"the {what} of the session day came to {shown(found)}, {name} {shown(limit)} of {described(scope)}"
            return Denial(name, f"{text}; nothing is opened until the next", found, limit, temporary=True)
        name = self.name if limits.max_daily_loss else "daily_profit_lock"
        return unreadable(name, scope, least, missing) if missing else None


def reached(limits: Limits, seen: Extremes) -> Iterator[tuple[str, float, float]]:
    """The limits of the day that were reached: name, what was found, limit."""
    for name, found, limit in (
        ("max_daily_loss", -seen.worst, limits.max_daily_loss),
        ("daily_profit_lock", seen.best, limits.daily_profit_lock),
    ):
        if limit is not None and found >= limit:
            yield name, found, limit
