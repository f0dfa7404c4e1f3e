"""What became of a command, for whoever gave it: accepted, denied by us, rejected by the broker, or unknown. Pure.

The four are never mixed up: denied means that nothing was sent, rejected that the broker turned it down, unknown that
nobody can say yet, and that asking again, not sending again, is what helps.
"""

import enum

from atlas.domain import Denial, OrderState, OrderStatus
from atlas.domain._struct import Value


class Verdict(enum.Enum):
    """The four outcomes."""

    ACCEPTED = "accepted"
    DENIED = "denied"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class Outcome(Value, frozen=True, tag="outcome"):
    """The verdict on one order. `denial` comes with DENIED, the broker's `code` and words with REJECTED, `text` explains."""

    order_id: str
    verdict: Verdict
    status: OrderStatus
    text: str = ""
    denial: Denial | None = None
    code: int = 0


_VERDICTS = {
    OrderStatus.DENIED: Verdict.DENIED,
    OrderStatus.REJECTED: Verdict.REJECTED,
    OrderStatus.UNKNOWN: Verdict.UNKNOWN,
}


def outcome_of(state: OrderState) -> Outcome:
    """The verdict on an order as it stands."""
    verdict = _VERDICTS.get(state.status, Verdict.ACCEPTED)
    return Outcome(state.order.id, verdict, state.status, state.reason, state.denial, state.code)
