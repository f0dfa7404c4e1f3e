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


def sentence(outcome: Outcome) -> str:
    """The outcome in one line, for people: who said what, by which rule and which numbers, and what to do if nobody knows."""
    order = f"order {outcome.order_id}"
    if outcome.verdict is Verdict.UNKNOWN:
        why = f": {outcome.text}" if outcome.text else ""
        return f"unknown what became of {order}{why}. Do not send it again; `atlas orders --id {outcome.order_id}` asks for it"
    if outcome.verdict is Verdict.REJECTED:
        code = f" with code {outcome.code}" if outcome.code else ""
        return f"rejected by the broker{code}: {outcome.text or order}"
    if outcome.verdict is Verdict.DENIED:
        return f"denied{_rule(outcome.denial)}: {_without_rule(outcome)}"
    return f"accepted: {order} is {outcome.status.value}"


def _rule(denial: Denial | None) -> str:
    if denial is None:
        return ""
    numbers = [f"{name} {value:g}" for name, value in (("found", denial.found), ("limit", denial.limit)) if value is not None]
    return f" by {denial.rule}" + (f" ({', '.join(numbers)})" if numbers else "")


def _without_rule(outcome: Outcome) -> str:
    text = outcome.denial.text if outcome.denial is not None else outcome.text
    later = "; it may pass later" if outcome.denial is not None and outcome.denial.temporary else ""
    return f"{text or outcome.order_id}{later}"
