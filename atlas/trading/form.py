"""What a command must look like before anything is written down because of it.

A command that passes can be journaled, stored as a document, sent over the TWS protocol and summed up in the books. One that
does not is turned away at the door: writing it down would be the first harm it does. What an order must be like says
`atlas.domain.order_form`; here are commands and groups.
"""

from collections.abc import Container, Mapping

from atlas.domain import MODIFIABLE, Action, Cancel, Modify, Order, Submit, SubmitGroup, orders_of
from atlas.domain.order_form import ORDER_ID, malformed_number, malformed_order


def malformed(action: Action, known: Container[str] | None = None) -> str:
    """Why `action` is turned away unwritten, or "" when its form is sound.

    `known` are the ids of the orders that there are, to which a new order may be attached; None does not look.
    """
    ids = [("order id", order.id) for order in orders_of(action)]
    if isinstance(action, Modify | Cancel):
        ids = [("id", action.id), ("order id", action.order_id)]
    for what, text in ids:
        if not ORDER_ID.fullmatch(text):
            return f"the {what} {text[:40]!r} must be 1 to 64 letters, digits, dots, colons, dashes or underscores"
    if isinstance(action, Modify):
        return _malformed_modify(action)
    orders = orders_of(action)
    for order in orders:
        wrong = malformed_order(order)
        if wrong:
            return wrong
    if isinstance(action, SubmitGroup):
        return _malformed_group(orders, known)
    if isinstance(action, Submit):
        return _malformed_parent(action.order, known)
    return ""


def _malformed_modify(modify: Modify) -> str:
    for name in MODIFIABLE:
        wrong = malformed_number(name, getattr(modify, name))
        if wrong:
            return wrong
    if modify.quantity is not None and modify.quantity <= 0:
        return f"a quantity of {modify.quantity!r} cannot be ordered; cancel the order instead"
    return ""


def _malformed_parent(order: Order, known: Container[str] | None) -> str:
    if order.parent_id and known is not None and order.parent_id not in known:
        return f"order {order.id}: there is no order {order.parent_id} to attach it to"
    return ""


def _malformed_group(orders: tuple[Order, ...], known: Container[str] | None) -> str:
    """A group hangs together: each order after the first is attached to an earlier one, or shares its OCA group."""
    if len(orders) < 2:
        return "a group needs two orders at least; submit one by itself"
    if len({(order.robot, order.account, order.advisor_group) for order in orders}) > 1:
        return "the orders of a group are of one robot and one account"
    before: dict[str, Order] = {}
    later = {order.id for order in orders}
    for order in orders:
        if order.parent_id in later and order.parent_id not in before:
            return f"order {order.id}: its parent {order.parent_id} does not come before it"
        wrong = _malformed_leg(order, before, known)
        if wrong:
            return f"order {order.id}: {wrong}"
        before[order.id] = order
    return ""


def _malformed_leg(order: Order, before: Mapping[str, Order], known: Container[str] | None) -> str:
    if order.id in before:
        return "its id is in the group twice"
    parent = before.get(order.parent_id)
    if parent is not None:
        return _malformed_child(order, parent)
    if order.parent_id and known is not None and order.parent_id not in known:
        return f"its parent {order.parent_id} neither comes before it in the group nor is an order that there is"
    groups = {one.oca_group for one in before.values()}
    if before and not order.parent_id and (not order.oca_group or order.oca_group not in groups):
        return "it hangs together with none before it: give it a parent of the group or their OCA group"
    return ""


def _malformed_child(child: Order, parent: Order) -> str:
    if child.instrument != parent.instrument:
        return ""  # a hedge
    if child.side is parent.side:
        return f"it is on the same side as its parent {parent.id}, which it is to close"
    if child.quantity > parent.quantity:
        return f"it would close {child.quantity!r}, and its parent {parent.id} opens {parent.quantity!r}"
    return ""
