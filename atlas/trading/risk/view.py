"""What the rules see of the orders and positions of an account, and what an exit is. Pure.

An order is an exit if, with everything that works on its side, it can only reduce the position. What can be filled on a side
is counted once for orders of which the broker lets only one be filled (a blocking OCA group), and not at all as far as it
waits for a parent that opens what it closes.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

import msgspec

from atlas.domain import OcaType, Order, OrderState, OrderStatus, Position, exact


class OrdersView(Protocol):
    """The account's orders and positions by our books."""

    def position(self, instrument: str) -> float:
        """The signed quantity that is held."""
        ...

    def held(self) -> Mapping[str, Position]:
        """All that is held, by instrument."""
        ...

    def working(self) -> Iterable[OrderState]:
        """Orders that are not final."""
        ...


class Without:
    """A view without one of its orders: that which a change replaces."""

    def __init__(self, view: OrdersView, order_id: str) -> None:
        self.position, self.held = view.position, view.held
        self._view, self._order_id = view, order_id

    def working(self) -> Iterable[OrderState]:
        """Orders that are not final, but for the one."""
        return [state for state in self._view.working() if state.order.id != self._order_id]


class Joined:
    """A view in which orders work that have not been placed yet: the legs of a group before the one that is judged."""

    def __init__(self, view: OrdersView, orders: Iterable[Order]) -> None:
        self.position, self.held = view.position, view.held
        self._view = view
        self._states = [OrderState(order, OrderStatus.PENDING, 0) for order in orders]

    def working(self) -> Iterable[OrderState]:
        """Orders that are not final, and the legs."""
        return [*self._view.working(), *self._states]


def fillable(orders: Iterable[tuple[Order, float]], parents: Mapping[str, OrderState]) -> Decimal:
    """How much of one side of one instrument can be filled at most without anything on the other side being filled first.

    Args:
        orders: orders of that side with the units that may still be filled.
        parents: the working orders of the other side by id; children wait until these are filled, and close what they open.
    """
    groups: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for order, units in orders:
        parent = order.parent_id if order.parent_id in parents else ""
        group = (parent, _group_of(order))
        groups[group] = max(groups[group], exact(units))
    by_parent: dict[str, Decimal] = defaultdict(Decimal)
    for (parent, _), units in groups.items():
        by_parent[parent] += units
    return sum((max(units - _opened_by(parents.get(parent)), Decimal(0)) for parent, units in by_parent.items()), Decimal(0))


def working_on_side(order: Order, view: OrdersView, units: float = 0.0) -> Decimal:
    """What can be filled at most on `order`'s side of its instrument by all that works there, and by `units` of `order`."""
    working = [state for state in view.working() if state.order.instrument == order.instrument]
    parents = {state.order.id: state for state in working if state.order.side is not order.side}
    same = [(state.order, state.exposed) for state in working if state.order.side is order.side]
    return fillable([*same, (order, units)], parents)


def closable(order: Order, view: OrdersView) -> Decimal:
    """How much of the position `order`'s side can close; zero when it is flat or on the same side."""
    return max(-exact(view.position(order.instrument)) * order.side.sign, Decimal(0))


def is_exit(order: Order, view: OrdersView, units: float | None = None) -> bool:
    """Whether `order`, with all that works on its side, only reduces the position and does not turn it round.

    `units` is what it can still fill, its quantity unless told.
    """
    return working_on_side(order, view, order.quantity if units is None else units) <= closable(order, view)


def exit_room(order: Order, view: OrdersView) -> float:
    """How many units an order beside all that works on `order`'s side could have and be an exit."""
    return float(max(closable(order, view) - working_on_side(order, view), Decimal(0)))


def only_reduces(changed: Order, standing: Order) -> bool:
    """Whether the change makes an order smaller or harder to fill, and nothing else."""
    if changed.quantity > standing.quantity:
        return False
    old, new = standing.limit_price, changed.limit_price
    if old is not None and new is not None and (new - old) * changed.side.sign > 0:
        return False
    if (old is None) is not (new is None):
        return False
    return msgspec.structs.replace(changed, quantity=standing.quantity, limit_price=old) == standing


def _group_of(order: Order) -> str:
    """What the order shares with those beside which it cannot be filled; its own id when there are none.

    Without block, orders of a group are all in the market, and together can be filled beyond one of them.
    """
    return f"oca {order.oca_group}" if order.oca_group and order.oca_type is not OcaType.REDUCE else f"order {order.id}"


def _opened_by(parent: OrderState | None) -> Decimal:
    return Decimal(0) if parent is None else exact(parent.exposed)
