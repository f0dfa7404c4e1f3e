"""The codes and words with which a paper broker turns something down: those of Interactive Brokers, where it has them.

Source: TWS API, "Message codes".
"""

from collections.abc import Mapping
from typing import NamedTuple

from atlas.exchange import Reason, Refused, Rejected

CANCELLED = 202
"""An order was taken off the book."""


class Objection(NamedTuple):
    """A code and its words."""

    code: int
    text: str


DUPLICATE_ID = Objection(103, "Duplicate order id")
MODIFY_FILLED = Objection(104, "Cannot modify a filled order.")
MISSING_PARENT = Objection(10006, "Missing parent order.")

_REJECTED, _MISMATCH, _CHANGE_FAILED = 201, 105, 134
_OWN_CODES: Mapping[Reason, int] = {
    Reason.UNKNOWN_INSTRUMENT: 200,
    Reason.DUPLICATE_ID: 103,
    Reason.OFF_TICK: 110,
    Reason.NO_LIMIT_PRICE: 463,
    Reason.NO_STOP_PRICE: 463,
    Reason.UNKNOWN_PARENT: 10006,
    Reason.UNKNOWN_ACCOUNT: 435,
}


def objection_to(event: Rejected | Refused) -> Objection:
    """Code and words for an order, or a change or cancellation of one, that the exchange turned down.

    A refused change never says 201, "Order rejected": the order lives.
    """
    own = _OWN_CODES.get(event.reason)
    if own is not None:
        return Objection(own, event.text)
    if isinstance(event, Rejected):
        return Objection(_REJECTED, f"Order rejected - reason:{event.text}")
    if event.reason is Reason.BAD_CHANGE:
        return Objection(_MISMATCH, event.text)
    return Objection(_CHANGE_FAILED, f"Modify order failed. {event.text}")


def no_such_order(broker_order_id: int) -> Objection:
    """The cancellation of an order that was never placed."""
    return Objection(10147, f"OrderId {broker_order_id} that needs to be cancelled is not found.")


def not_cancellable(broker_order_id: int, status: str) -> Objection:
    """The cancellation of an order that is over."""
    return Objection(10148, f"OrderId {broker_order_id} that needs to be cancelled can not be cancelled, state: {status}.")
