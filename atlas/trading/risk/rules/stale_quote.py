"""Opening where the market has not been heard for a while."""

from typing import ClassVar

from atlas.domain import NS_PER_SECOND, Denial
from atlas.trading.risk.case import Case, above, unreadable
from atlas.trading.risk.limits import Limits


class StaleQuote:
    """Nothing is opened on a quote that was received more than `max_quote_age_seconds` ago, or without one."""

    name: ClassVar[str] = "max_quote_age_seconds"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        limit = limits.max_quote_age_seconds
        if limit is None:
            return None
        instrument = case.order.instrument
        quote = case.prices.quote(instrument)
        if quote is None:
            return unreadable(self.name, scope, limit, f"there is no quote of {instrument}")
        seconds = (case.now_ns - quote.receive_ns) / NS_PER_SECOND
        what = f"the age of the last quote of {instrument} in seconds is"
        return above(self.name, scope, what, seconds, limit, temporary=True) if seconds > limit else None
