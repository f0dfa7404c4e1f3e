"""What the rules see of the orders and positions of an account, and what can be filled of them. Pure.

What can be filled on a side is counted once for orders of which the broker lets only one be filled (a blocking OCA group), and
not at all as far as it waits for a parent that opens what it closes. What an exit is: `atlas.trading.risk.exits`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Protocol

import msgspec

from atlas.domain import Books, OcaType, Order, OrderState, OrderStatus, Position, Side, exact


class OrdersView(Protocol):
    """The account's orders and positions by our books."""

    def position(self, instrument: str) -> float:
        """The signed quantity that is held."""
        ...

    def told(self, instrument: str) -> float | None:
        """The signed quantity that the broker is known to hold where that is another than ours, else None."""
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
        self.position, self.held, self.told = view.position, view.held, view.told
        self._view, self._order_id = view, order_id

    def working(self) -> Iterable[OrderState]:
        """Orders that are not final, but for the one."""
        return [state for state in self._view.working() if state.order.id != self._order_id]


@dataclass(frozen=True, slots=True)
class Wish:
    """A new order, or what a standing one is to become, beside all others.

    `units` is what it can still fill. `only_reduces` says that a change makes the order smaller or harder to fill, and nothing
    else, so that it cannot add to any risk.
    """

    order: Order
    view: OrdersView
    units: float
    only_reduces: bool = False

    @classmethod
    def of(cls, order: Order, view: OrdersView, replacing: str) -> "Wish":
        """The wish for `order` in the place of the working order with the id `replacing`, "" for none."""
        standing = next((state for state in view.working() if state.order.id == replacing), None) if replacing else None
        if standing is None:
            return cls(order, view, order.quantity)
        units = max(float(exact(order.quantity) - exact(standing.filled)), 0.0)
        return cls(order, Without(view, replacing), units, only_reduces(order, standing.order))


class Joined:
    """A view in which orders work that have not been placed yet: the legs of a group before the one that is judged."""

    def __init__(self, view: OrdersView, orders: Iterable[Order]) -> None:
        self.position, self.held, self.told = view.position, view.held, view.told
        self._view = view
        self._states = [OrderState(order, OrderStatus.PENDING, 0) for order in orders]

    def working(self) -> Iterable[OrderState]:
        """Orders that are not final, and the legs."""
        return [*self._view.working(), *self._states]


class Scoped:
    """A view of what a scope has. `robots` holds what each robot brought about; the account's other scopes have it by name."""

    def __init__(self, view: OrdersView, scope: str, robots: Books) -> None:
        self._view, self._scope, self._robots = view, scope, robots
        self._kind, _, self._name = scope.partition(":")

    def position(self, instrument: str) -> float:
        """The signed quantity that the scope holds."""
        if self._kind == "robot":
            return self._robots.position(self._name, instrument).quantity
        return self._view.position(instrument) if self._kind != "instrument" or self._name == instrument else 0.0

    def told(self, instrument: str) -> float | None:
        """The signed quantity that the broker is known to hold where that is another; of a robot it knows nothing."""
        return self._view.told(instrument) if self._kind != "robot" and self._name in ("", instrument) else None

    def held(self) -> Mapping[str, Position]:
        """All that the scope holds, by instrument."""
        if self._kind == "robot":
            return self._robots.held(self._name)
        held = self._view.held()
        return {name: one for name, one in held.items() if name == self._name} if self._kind == "instrument" else held

    def working(self) -> Iterable[OrderState]:
        """The scope's orders that are not final."""
        states = self._view.working()
        if self._kind == "robot":
            return [state for state in states if state.order.robot == self._name]
        return [state for state in states if state.order.instrument == self._name] if self._kind == "instrument" else states


def fillable(view: OrdersView, instrument: str, order: Order | None = None, units: float = 0.0) -> dict[Side, Decimal]:
    """What can be filled at most on each side of `instrument` while nothing is filled on the other.

    That is all that works there, and `units` of `order` besides.
    """
    bought = sold = Decimal(0)
    bound: list[tuple[Order, Decimal]] = []  # to a group, or to a parent
    for one, left in _fillable_orders(view, instrument, order, units):
        if one.oca_group or one.parent_id:
            bound.append((one, left))
        elif one.side is Side.BUY:
            bought += left
        else:
            sold += left
    result = {Side.BUY: bought, Side.SELL: sold}
    if bound:
        _add_bound(result, bound, {(one.side, one.id): left for one, left in _fillable_orders(view, instrument, order, units)})
    return result


def _fillable_orders(view: OrdersView, instrument: str, order: Order | None, units: float) -> Iterator[tuple[Order, Decimal]]:
    for state in view.working():
        if state.order.instrument == instrument:
            yield state.order, _exact(state.order.quantity if _is_untouched(state) else state.exposed)
    if order is not None and order.instrument == instrument:
        yield order, _exact(units)


def _add_bound(
    result: dict[Side, Decimal], bound: list[tuple[Order, Decimal]], opened: dict[tuple[Side, str], Decimal]
) -> None:
    """Add to `result` what orders of groups and children can fill; `opened` is what each order can, by its side and id."""
    groups: dict[tuple[Side, str, str], Decimal] = defaultdict(Decimal)
    for one, left in bound:
        parent = one.parent_id if (one.side.opposite, one.parent_id) in opened else ""
        group = (one.side, parent, _group_of(one))
        groups[group] = max(groups[group], left)
    children: dict[tuple[Side, str], Decimal] = defaultdict(Decimal)
    for (side, parent, _), left in groups.items():
        children[side, parent] += left
    for (side, parent), left in children.items():
        result[side] += max(left - opened.get((side.opposite, parent), Decimal(0)), Decimal(0))


def _is_untouched(state: OrderState) -> bool:
    """Whether the whole quantity is still to be filled, and no other one was asked for."""
    return not state.filled and not state.requested_quantity


_exact = lru_cache(maxsize=65536)(exact)
"""Most orders share a few quantities; a decimal of each is made once."""


def filled_on_side(order: Order, view: OrdersView, units: float) -> Decimal:
    """What can be filled at most on the side of `order`: all that works there, and `units` of `order` besides."""
    return fillable(view, order.instrument, order, units)[order.side]


def uncovered(wish: Wish, before: OrdersView) -> float:
    """How many units more than the position what is attached to a standing order could close, were that changed to `wish`.

    Only what the change brings about: nothing, if it was so before.
    """
    order = wish.order
    name, other = order.instrument, order.side.opposite
    room = max(exact(wish.view.position(name)) * order.side.sign, fillable(before, name)[other])
    return float(max(fillable(wish.view, name, order, wish.units)[other] - room, Decimal(0)))


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
