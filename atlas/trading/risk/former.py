"""The rules as the desk asked them before there was a gate; goes as soon as it asks the gate."""

from collections.abc import Callable
from dataclasses import dataclass

from atlas.domain import Instrument, Order, OrderKind, exact
from atlas.trading.risk.limits import Limits


@dataclass(frozen=True, slots=True)
class Exposure:
    """What the rules look at besides the order: the account's position, what works already on each side, and for the robot."""

    position: float
    working_buys: float
    working_sells: float
    working_orders_of_robot: int


Rule = Callable[[Order, Instrument, Exposure, Limits], str]
"""Says why an order is refused, or "" when it passes."""


def is_exit(order: Order, exposure: Exposure) -> bool:
    """Whether `order`, with all that works on its side already, only reduces the position and does not turn it round."""
    signed = exact(order.quantity) * order.side.sign
    working = exact(exposure.working_buys if order.side.sign > 0 else exposure.working_sells)
    held = exact(exposure.position)
    return held * signed < 0 and abs(signed) + working <= abs(held)


def deny(order: Order, instrument: Instrument | None, exposure: Exposure, limits: Limits) -> str:
    """Why `order` is denied, or "" when it may be sent."""
    if instrument is None:
        return f"{order.instrument} is not an instrument of this desk"
    for rule in _ALWAYS:
        if reason := rule(order, instrument, exposure, limits):
            return reason
    if is_exit(order, exposure):
        return ""
    for rule in _OPENING:
        if reason := rule(order, instrument, exposure, limits):
            return reason
    return ""


def _quantity_is_possible(order: Order, instrument: Instrument, _exposure: Exposure, _limits: Limits) -> str:
    if not 0 < order.quantity < float("inf"):
        return f"the quantity {order.quantity:g} is not a positive number"
    if exact(order.quantity) % exact(instrument.size_step):
        return f"the quantity {order.quantity:g} is not a multiple of {instrument.size_step:g}"
    return ""


def _price_is_possible(order: Order, instrument: Instrument, _exposure: Exposure, _limits: Limits) -> str:
    if order.kind is OrderKind.LIMIT and order.limit_price is None:
        return "a limit order needs a limit price"
    if order.limit_price is None:
        return ""
    if not 0 < order.limit_price < float("inf"):
        return f"the limit price {order.limit_price:g} is not a positive number"
    if not instrument.on_tick(order.limit_price):
        return f"the limit price {order.limit_price!r} is not a multiple of the tick {instrument.tick_size!r}"
    return ""


def _order_size(order: Order, _instrument: Instrument, _exposure: Exposure, limits: Limits) -> str:
    if limits.max_order_quantity is not None and order.quantity > limits.max_order_quantity:
        return f"the quantity {order.quantity:g} is above max_order_quantity {limits.max_order_quantity:g}"
    return ""


def _position_size(order: Order, _instrument: Instrument, exposure: Exposure, limits: Limits) -> str:
    working = exposure.working_buys if order.side.sign > 0 else exposure.working_sells
    would_be = abs(exposure.position + order.side.sign * (working + order.quantity))
    if limits.max_position is not None and would_be > limits.max_position:
        return f"the position could become {would_be:g}, above max_position {limits.max_position:g}"
    return ""


def _working_orders(_order: Order, _instrument: Instrument, exposure: Exposure, limits: Limits) -> str:
    if limits.max_working_orders is not None and exposure.working_orders_of_robot >= limits.max_working_orders:
        return (
            f"the robot has {exposure.working_orders_of_robot} orders working, max_working_orders {limits.max_working_orders}"
        )
    return ""


_ALWAYS: tuple[Rule, ...] = (_quantity_is_possible, _price_is_possible)
_OPENING: tuple[Rule, ...] = (_order_size, _position_size, _working_orders)
