"""What an order must be like to make sense to a broker: its prices, times, links, conditions and texts. Pure.

A price that its kind of order does not have is refused as well as one that is missing: whoever gave it meant another order.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from atlas.domain.algos import malformed_algo
from atlas.domain.condition import TriggerMethod
from atlas.domain.condition_form import malformed_condition
from atlas.domain.order import OcaType, Order, OrderKind, TimeInForce
from atlas.domain.order_prices import ORDER_PRICES, PRICE_NAMES
from atlas.domain.time import NS_PER_SECOND

MOST = 1e12
"""No quantity and no price is larger: beyond it floats have no cents left."""

ORDER_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_ACCOUNT = re.compile(r"[A-Za-z0-9]{0,32}")
_INSTRUMENT = re.compile(r"[A-Z0-9 .@:^-]{1,64}")
_WORDS = re.compile(r"[A-Za-z0-9_.: -]{0,64}")
_MOST_NS = 2**63 - 1
_MOST_CONDITIONS = 20

_LASTING = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
_NOT_AT_OPEN = frozenset(TimeInForce) - {TimeInForce.OPG}
TIMES_OF_KIND: Mapping[OrderKind, frozenset[TimeInForce]] = {
    OrderKind.MARKET: frozenset(TimeInForce),
    OrderKind.LIMIT: frozenset(TimeInForce),
    OrderKind.STOP: _NOT_AT_OPEN,
    OrderKind.STOP_LIMIT: _NOT_AT_OPEN,
    OrderKind.MARKET_ON_CLOSE: frozenset({TimeInForce.DAY}),
    OrderKind.LIMIT_ON_CLOSE: frozenset({TimeInForce.DAY}),
}
"""The times in force of a kind (IB's errors 111 and 113); of the others those that last."""

TRIGGERED = frozenset({
    OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.MARKET_IF_TOUCHED, OrderKind.LIMIT_IF_TOUCHED,
    OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT,
})  # fmt: skip


def malformed_order(order: Order) -> str:
    """Why `order` is turned away, or "": also for what a change would make of one."""
    for rule in _RULES:
        wrong = rule(order)
        if wrong:
            return f"order {order.id[:64]}: {wrong}" if ORDER_ID.fullmatch(order.id) else wrong
    return ""


def _texts(order: Order) -> str:
    for what, text, pattern in (
        ("robot", order.robot, ORDER_ID),
        ("account", order.account, _ACCOUNT),
        ("instrument", order.instrument, _INSTRUMENT),
        ("parent id", order.parent_id or "none", ORDER_ID),
        ("OCA group", order.oca_group, _WORDS),
        ("advisor group", order.advisor_group, _WORDS),
        ("advisor method", order.advisor_method, _WORDS),
    ):
        if not pattern.fullmatch(text) or text != text.strip():
            return f"{text[:40]!r} is no {what}"
    return ""


def _numbers(order: Order) -> str:
    for name in ("quantity", "min_quantity", *PRICE_NAMES):
        wrong = malformed_number(name, getattr(order, name))
        if wrong:
            return wrong
    if order.quantity <= 0:
        return f"a quantity of {order.quantity!r} cannot be ordered; give a positive one, and choose buy or sell"
    if not 0 <= order.min_quantity <= order.quantity or order.min_quantity % 1:
        return f"the min quantity {order.min_quantity!r} is no whole number up to the quantity {order.quantity!r}"
    return ""


def _prices(order: Order) -> str:
    kind, prices = order.kind.value.replace("_", " "), ORDER_PRICES[order.kind]
    given = [name for name in PRICE_NAMES if getattr(order, name) is not None]
    for name in prices.needed:
        if name not in given:
            return f"a {kind} order needs a {_say(name)}"
    for name in given:
        if name not in prices.all:
            return f"a {kind} order has no {_say(name)}; leave it out or choose another kind"
    if prices.one_of and sum(name in given for name in prices.one_of) != 1:
        return f"a {kind} order needs either a {' or a '.join(_say(name) for name in prices.one_of)}"
    return ""


def _distances(order: Order) -> str:
    for name in ("trail_amount", "trail_percent"):
        value = getattr(order, name)
        if value is not None and value <= 0:
            return f"the {_say(name)} {value!r} must be more than nothing"
    if order.trail_percent is not None and order.trail_percent >= 100:
        return f"the trail percent {order.trail_percent!r} must be less than 100"
    offset, optional = order.limit_offset, ORDER_PRICES[order.kind].optional
    if offset is not None and (offset < 0 or ("limit_offset" in optional and not offset)):
        return f"the limit offset {offset!r} must be more than nothing; leave it out for none"
    if "limit_price" in optional and order.limit_price == 0:
        return "a limit price of 0 is none to the broker; leave it out"
    if "trail_amount" in ORDER_PRICES[order.kind].one_of and order.stop_price == 0:
        return "a first stop price of 0 is none to the broker; leave it out"
    return ""


def _times(order: Order) -> str:
    force = order.time_in_force
    if force not in TIMES_OF_KIND.get(order.kind, _LASTING):
        return f"time in force {force.value} does not go with {order.kind.value.replace('_', ' ')}"
    for name in ("cause_ns", "good_till_ns", "good_after_ns"):
        value = getattr(order, name)
        if not 0 <= value <= _MOST_NS:
            return f"the {name} {value} is no time"
        if name != "cause_ns" and value % NS_PER_SECOND:
            return f"the {name} {value} is no whole second, and the broker knows no smaller time"
    if (force is TimeInForce.GTD) != bool(order.good_till_ns):
        return "good_till_ns belongs to time in force gtd, and gtd needs it"
    if order.good_till_ns and order.good_till_ns <= order.good_after_ns:
        return "it would end before it begins"
    return ""


def _trigger(order: Order) -> str:
    if order.trigger_method is not TriggerMethod.DEFAULT and order.kind not in TRIGGERED:
        return f"a {order.kind.value.replace('_', ' ')} order waits for no trigger; leave the trigger method out"
    return ""


def _links(order: Order) -> str:
    if order.parent_id == order.id:
        return "it is its own parent"
    if order.oca_type is not OcaType.CANCEL_WITH_BLOCK and not order.oca_group:
        return "an OCA type needs an OCA group"
    if order.shares:
        return "the broker divides fills among accounts by the groups of the advisor; name one as advisor_group"
    if order.advisor_group and order.account:
        return "it is either for an account or for an advisor group"
    if order.advisor_method and not order.advisor_group:
        return "an advisor method needs an advisor group"
    return ""


def _conditions(order: Order) -> str:
    if not order.conditions:
        wants = order.conditions_cancel or order.conditions_outside_rth
        return "it says how conditions are looked at, and has none" if wants else ""
    if len(order.conditions) > _MOST_CONDITIONS:
        return f"{len(order.conditions)} conditions are too many; {_MOST_CONDITIONS} are the most"
    for number, condition in enumerate(order.conditions, start=1):
        wrong = malformed_condition(condition)
        if wrong:
            return f"condition {number}: {wrong}"
    return ""


_RULES: tuple[Callable[[Order], str], ...] = (
    _texts, _numbers, _prices, _distances, _times, _trigger, _links, _conditions, malformed_algo,
)  # fmt: skip


def malformed_number(name: str, value: Any) -> str:
    """Why `value` cannot be a field `name` of an order, or ""."""
    if value is None or (math.isfinite(value) and abs(value) <= MOST):
        return ""
    return f"the {_say(name)} {value!r} is not a number up to {MOST:g}"


def _say(name: str) -> str:
    return name.replace("_", " ")
