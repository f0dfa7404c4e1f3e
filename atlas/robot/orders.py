"""The orders of one robot, each the fold of its events. Pure values; nobody sets a status by hand."""

from decimal import Decimal

import msgspec

from atlas.domain import Order, OrderEvent, OrderEventKind, OrderStatus, exact
from atlas.domain._struct import Value

_ENDINGS = {
    OrderEventKind.DENIED: OrderStatus.DENIED,
    OrderEventKind.CANCELLED: OrderStatus.CANCELLED,
    OrderEventKind.REJECTED: OrderStatus.REJECTED,
    OrderEventKind.EXPIRED: OrderStatus.EXPIRED,
}

_ON_THE_WAY = {
    OrderEventKind.PENDING: OrderStatus.PENDING,
    OrderEventKind.SENT: OrderStatus.SENT,
    OrderEventKind.WORKING: OrderStatus.WORKING,
    OrderEventKind.MODIFIED: OrderStatus.WORKING,
    OrderEventKind.EXECUTED: OrderStatus.WORKING,
    OrderEventKind.UNKNOWN: OrderStatus.UNKNOWN,
}


class OrderState(Value, frozen=True):
    """An order and what became of it so far.

    `order` is as last modified, `filled` the quantity executed, `cancelling` whether a cancel was asked for and not yet
    answered, `heard` whether the trader has said anything about the order, `reason` what was last said by trader or broker.
    """

    order: Order
    status: OrderStatus = OrderStatus.PENDING
    filled: float = 0.0
    cancelling: bool = False
    heard: bool = False
    reason: str = ""

    @property
    def remaining(self) -> float:
        """The quantity that may still execute; 0.0 once the status is final."""
        return 0.0 if self.status.is_final else float(exact(self.order.quantity) - exact(self.filled))

    @property
    def signed_remaining(self) -> Decimal:
        """`remaining`, negative for a sell, exact."""
        return exact(self.remaining) * self.order.side.sign


def after(state: OrderState, event: OrderEvent) -> OrderState:
    """`state` once `event` has happened.

    An ending is final, but for executions that arrive late: they always count, and may complete the order.
    """
    order = event.order if event.order is not None else state.order
    filled = state.filled
    if event.kind is OrderEventKind.EXECUTED and event.execution is not None:
        filled = float(exact(filled) + exact(event.execution.quantity))
    status = _status(state.status, event.kind, complete=filled >= order.quantity, begun=filled > 0)
    cancelling = not status.is_final and event.kind is not OrderEventKind.REFUSED
    cancelling = cancelling and (state.cancelling or event.kind is OrderEventKind.CANCEL_REQUESTED)
    return OrderState(order, status, filled, cancelling, heard=True, reason=event.reason or state.reason)


def _status(status: OrderStatus, kind: OrderEventKind, *, complete: bool, begun: bool) -> OrderStatus:
    if complete:
        return OrderStatus.FILLED
    if status.is_final:
        return status
    if kind in _ENDINGS:
        return _ENDINGS[kind]
    status = _ON_THE_WAY.get(kind, status)
    if begun and status is not OrderStatus.UNKNOWN:
        return OrderStatus.PARTIALLY_FILLED
    return status


def with_cancel(state: OrderState) -> OrderState:
    """`state` once its robot has asked for a cancel."""
    return msgspec.structs.replace(state, cancelling=True)
