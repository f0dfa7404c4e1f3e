"""What a command must look like before anything is written down because of it.

An order that passes can be journaled, stored as a document, sent over the TWS protocol and summed up in the books. One that
does not is turned away at the door: writing it down would be the first harm it does.
"""

import math
import re

from atlas.domain import Action, Cancel, Modify, Order, OrderKind, Side, Submit, SubmitGroup, TimeInForce, orders_of

MOST = 1e12
"""No quantity and no price is larger: beyond it floats have no cents left."""

_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_ACCOUNT = re.compile(r"[A-Za-z0-9]{0,32}")
_INSTRUMENT = re.compile(r"[A-Z0-9 .@:-]{1,64}")
_MOST_NS = 2**63 - 1

_KINDS = (OrderKind.MARKET, OrderKind.LIMIT)
_TIMES_IN_FORCE = (TimeInForce.DAY, TimeInForce.GTC, TimeInForce.IOC)
_PLAIN = Order("", "", "", Side.BUY, 0.0)
_TRAVELLING = frozenset({
    "id", "robot", "instrument", "side", "quantity", "kind", "limit_price", "time_in_force", "account", "cause_ns",
})  # fmt: skip


def malformed(action: Action) -> str:
    """Why `action` is turned away unwritten, or "" when its form is sound."""
    ids = [("order id", order.id) for order in orders_of(action)]
    if isinstance(action, Modify | Cancel):
        ids = [("id", action.id), ("order id", action.order_id)]
    for what, text in ids:
        if not _ID.fullmatch(text):
            return f"the {what} {text[:40]!r} must be 1 to 64 letters, digits, dots, colons, dashes or underscores"
    if isinstance(action, SubmitGroup):
        return "a group of orders is not sent by the trader"
    if isinstance(action, Submit):
        return _malformed_order(action.order)
    if isinstance(action, Modify):
        return _malformed_number("quantity", action.quantity) or _malformed_number("limit price", action.limit_price)
    return ""


def _malformed_order(order: Order) -> str:
    for what, text, pattern in (
        ("robot", order.robot, _ID),
        ("account", order.account, _ACCOUNT),
        ("instrument", order.instrument, _INSTRUMENT),
    ):
        if not pattern.fullmatch(text):
            return f"the {what} {text[:40]!r} of order {order.id} is no {what}"
    if not 0 <= order.cause_ns <= _MOST_NS:
        return f"the cause_ns {order.cause_ns} of order {order.id} is no time"
    return (
        _malformed_number("quantity", order.quantity) or _malformed_number("limit price", order.limit_price) or _untold(order)
    )


def _untold(order: Order) -> str:
    """What the way to the broker does not carry yet: to leave it out would place another order than was meant."""
    if order.kind not in _KINDS or order.time_in_force not in _TIMES_IN_FORCE:
        return f"order {order.id} is {order.kind.value} {order.time_in_force.value}, which the trader does not send"
    for name in order.__struct_fields__:
        if name not in _TRAVELLING and getattr(order, name) != getattr(_PLAIN, name):
            return f"the {name.replace('_', ' ')} of order {order.id} is not sent by the trader; leave it out"
    return ""


def _malformed_number(what: str, value: float | None) -> str:
    if value is None or (math.isfinite(value) and abs(value) <= MOST):
        return ""
    return f"the {what} {value!r} is not a number up to {MOST:g}"
