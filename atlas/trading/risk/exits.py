"""What an exit is: an order that can only reduce the position, by our books or by what the broker is known to hold. Pure.

Everything that works on its side counts against the position, but for what rests to protect it: a stop must not keep its robot
from leaving at the market. Such orders are too many once the exit is filled; the desk then cancels or shrinks them
(`atlas.trading.surplus`).
"""

from collections.abc import Iterable
from decimal import Decimal

from atlas.domain import Order, OrderKind, OrderState, OrderStatus, TimeInForce, exact
from atlas.trading.risk.view import OrdersView, fillable, filled_on_side

OPERATOR = "operator"
"""Whose exits pass while trading is halted: a person's, not a robot's. No robot may go by this name."""

WAITS_FOR_ITS_PRICE = frozenset(
    {
        OrderKind.STOP,
        OrderKind.STOP_LIMIT,
        OrderKind.MARKET_IF_TOUCHED,
        OrderKind.LIMIT_IF_TOUCHED,
        OrderKind.TRAILING_STOP,
        OrderKind.TRAILING_STOP_LIMIT,
    }
)
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
_AT_THE_BROKER = frozenset({OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED})


class _WithoutResting:
    """A view without the orders that rest on the side of `order` and that it may overtake."""

    def __init__(self, view: OrdersView, order: Order) -> None:
        self.position, self.held, self.told = view.position, view.held, view.told
        self._states = [state for state in view.working() if not _overtakes(order, state)]

    def working(self) -> Iterable[OrderState]:
        """What counts against the position beside the order."""
        return self._states


def closable(order: Order, view: OrdersView) -> Decimal:
    """How much of the position `order`'s side can close: ours, or the broker's where it is known to hold something else."""
    told = view.told(order.instrument)
    quantities = (view.position(order.instrument),) if told is None else (view.position(order.instrument), told)
    return max(Decimal(0), *(-exact(quantity) * order.side.sign for quantity in quantities))


def is_exit(order: Order, view: OrdersView, units: float) -> bool:
    """Whether `order`, with what counts on its side, only reduces the position and does not turn it round.

    `units` is what it can still fill.
    """
    room = closable(order, view)
    if not room and not order.parent_id:
        return False
    if filled_on_side(order, view, units) <= room:
        return True
    if not room or order.parent_id or filled_on_side(order, _WithoutResting(view, order), units) > room:
        return False
    return not _is_limit(order) or _limits_on_side(order, view) + exact(units) <= 2 * room  # one layer of targets, and no more


def closes_alone(order: Order, view: OrdersView, units: float) -> bool:
    """Whether `order`, even if all else that works on its side is filled, too, only reduces the position."""
    return filled_on_side(order, view, units) <= closable(order, view)


def exit_room(order: Order, view: OrdersView) -> float:
    """How many units an order like `order` could have, beside what counts on its side, and be an exit."""
    room = closable(order, view)
    if not room:
        return 0.0
    seen = view if order.parent_id else _WithoutResting(view, order)
    return float(max(room - fillable(seen, order.instrument)[order.side], Decimal(0)))


def rests(state: OrderState) -> bool:
    """Whether an order waits for a price, and is not filled at once by being there."""
    if state.order.kind in WAITS_FOR_ITS_PRICE:
        return True
    return _is_limit(state.order) and (state.status in _AT_THE_BROKER or bool(state.perm_id))


def same_hand(order: Order, other: Order) -> bool:
    """Whether `order` may overtake `other`: both are of one robot, or it is a person's."""
    return order.robot in (other.robot, OPERATOR)


def _overtakes(order: Order, state: OrderState) -> bool:
    other = state.order
    if (other.instrument, other.side) != (order.instrument, order.side) or other.id == order.id:
        return False
    if order.kind in WAITS_FOR_ITS_PRICE or not rests(state) or not same_hand(order, other):
        return False
    if _is_limit(order) and _is_limit(other):  # a target that is further away than the new one
        return ((order.limit_price or 0.0) - (other.limit_price or 0.0)) * order.side.sign > 0
    return True


def _is_limit(order: Order) -> bool:
    """Whether the order is a limit order that stays at its price."""
    return order.kind is OrderKind.LIMIT and order.time_in_force not in _AT_ONCE


def _limits_on_side(order: Order, view: OrdersView) -> Decimal:
    places = (state for state in view.working() if _is_limit(state.order))
    here = (state for state in places if (state.order.instrument, state.order.side) == (order.instrument, order.side))
    return sum((exact(state.exposed) for state in here), Decimal(0))
