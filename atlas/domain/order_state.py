"""The state of an order: the fold of its events. Pure; the same for the trader, the database, the robots and the monitor.

    (nothing) ──► denied
        ├──────────────────────► working   adopted: it did not come to the broker through us
        └──► pending ──► sent ──► working ◄──► partially_filled ──► filled
                │          │         │                │
                └──────────┴─────────┴────────────────┴──► cancelled, rejected, expired
                           └──► unknown ──► any state that the broker turns out to know

An execution counts whenever it arrives, also after a cancel: the broker's word on a fill is final. A correction takes the place
of what it corrects. Everything that the table does not allow is an `IllegalTransition` and changes nothing.
"""

from decimal import Decimal
from typing import TypeVar

import msgspec

from atlas.domain._struct import Value
from atlas.domain.books import exact
from atlas.domain.events import OrderEvent, OrderEventKind, execution_base, execution_revision
from atlas.domain.order import Denial, Order, OrderStatus

_S, _E = OrderStatus, OrderEventKind
_OPEN = (_S.PENDING, _S.SENT, _S.WORKING, _S.PARTIALLY_FILLED, _S.UNKNOWN)

# What each event makes of each status. Executions are not here: they go by quantity. Where an event keeps the status, the
# table says so; where a pair is missing, the event is illegal.
_NEXT: dict[tuple[OrderStatus, OrderEventKind], OrderStatus] = {
    (_S.PENDING, _E.SENT): _S.SENT,
    (_S.PENDING, _E.DENIED): _S.DENIED,
    (_S.UNKNOWN, _E.DENIED): _S.DENIED,
    **{(status, _E.WORKING): _S.WORKING for status in (_S.PENDING, _S.SENT, _S.WORKING, _S.UNKNOWN)},
    (_S.PARTIALLY_FILLED, _E.WORKING): _S.PARTIALLY_FILLED,
    **{(status, _E.UNKNOWN): _S.UNKNOWN for status in _OPEN},
    **{(status, _E.CANCELLED): _S.CANCELLED for status in _OPEN},
    **{(status, _E.REJECTED): _S.REJECTED for status in _OPEN},
    **{(status, _E.EXPIRED): _S.EXPIRED for status in _OPEN},
    **{(status, _E.MODIFIED): status for status in (_S.SENT, _S.WORKING, _S.PARTIALLY_FILLED, _S.UNKNOWN)},
    **{(status, _E.MODIFY_REQUESTED): status for status in _OPEN},
    **{(status, _E.CANCEL_REQUESTED): status for status in _OPEN},
    **{(status, _E.REFUSED): status for status in OrderStatus},
    **{(status, _E.COMMISSIONED): status for status in OrderStatus},
    **{(status, _E.ANOMALY): status for status in OrderStatus},
}
_FIRST = {_E.PENDING: _S.PENDING, _E.DENIED: _S.DENIED, _E.ADOPTED: _S.WORKING}


class IllegalTransition(Exception):  # named for what happened, as all our errors
    """An event that cannot happen to an order in its present state. It is recorded and alarmed, never applied."""


class Fill(Value, frozen=True):
    """What one execution, as last corrected, counts for in its order. `id` is the execution's."""

    id: str
    quantity: float
    price: float


class Charge(Value, frozen=True):
    """What one execution, as last corrected, cost. `id` is the execution's."""

    id: str
    amount: float


class OrderState(Value, frozen=True, tag="order_state"):
    """Where an order is, and what has been executed of it.

    `order` is as last modified. `filled` is in units, `average_price` is 0.0 until something was filled, `commission` sums the
    reported commissions. `fills` holds the executions that count, `charges` the commissions, each as last corrected.
    `requested_quantity` is what a change that the broker has not answered yet asks for, 0.0 when there is none.
    `sequence` is the number of the last event that was applied; an event with that number or a lower one changes nothing.
    `adopted` says that it did not come to the broker through us.
    """

    order: Order
    status: OrderStatus
    at_ns: int
    filled: float = 0.0
    average_price: float = 0.0
    commission: float = 0.0
    reason: str = ""
    broker_order_id: int = 0
    perm_id: int = 0
    fills: tuple[Fill, ...] = ()
    charges: tuple[Charge, ...] = ()
    cancel_requested: bool = False
    sequence: int = 0
    requested_quantity: float = 0.0
    adopted: bool = False
    code: int = 0
    denial: Denial | None = None

    @property
    def exposed(self) -> float:
        """Units that may still be filled, also if the broker grants the change that was asked for."""
        return max(self.remaining, float(exact(self.requested_quantity) - exact(self.filled)))

    @property
    def remaining(self) -> float:
        """Units not filled yet."""
        return float(exact(self.order.quantity) - exact(self.filled))


def fold(state: OrderState | None, event: OrderEvent) -> OrderState:
    """The state after `event`. An execution or commission that was counted before changes nothing.

    Raises:
        IllegalTransition: the event cannot happen now.
    """
    if state is None:
        return _first(event)
    if event.sequence and event.sequence <= state.sequence:
        return state
    if event.kind is _E.EXECUTED:
        return _executed(state, event)
    status = _NEXT.get((state.status, event.kind))
    if status is None:
        raise IllegalTransition(f"order {event.order_id} is {state.status.value}: {event.kind.value} cannot happen to it")
    if event.kind is _E.COMMISSIONED and event.commission is not None:
        return _charged(state, event)
    if event.kind is _E.ANOMALY:
        return msgspec.structs.replace(state, sequence=event.sequence or state.sequence)
    if status is _S.WORKING and state.filled:
        status = _S.PARTIALLY_FILLED
    return msgspec.structs.replace(
        state,
        order=event.order if event.kind is _E.MODIFIED and event.order is not None else state.order,
        status=status,
        at_ns=event.at_ns,
        reason=event.reason or state.reason,
        broker_order_id=event.broker_order_id or state.broker_order_id,
        perm_id=event.perm_id or state.perm_id,
        cancel_requested=(state.cancel_requested or event.kind is _E.CANCEL_REQUESTED) and event.kind is not _E.REFUSED,
        sequence=event.sequence or state.sequence,
        requested_quantity=_requested(state, event),
        code=event.code or state.code,
    )


def _requested(state: OrderState, event: OrderEvent) -> float:
    if event.kind is _E.MODIFY_REQUESTED and event.order is not None:
        return max(event.order.quantity, state.requested_quantity)
    return 0.0 if event.kind in (_E.MODIFIED, _E.REFUSED) else state.requested_quantity


def _first(event: OrderEvent) -> OrderState:
    status = _FIRST.get(event.kind)
    if event.order is None or status is None:
        raise IllegalTransition(
            f"order {event.order_id} is not known: {event.kind.value} cannot be the first that is heard of it"
        )
    return OrderState(
        event.order,
        status,
        event.at_ns,
        reason=event.reason,
        broker_order_id=event.broker_order_id,
        perm_id=event.perm_id,
        sequence=event.sequence,
        adopted=event.kind is _E.ADOPTED,
        code=event.code,
        denial=event.denial,
    )


def _executed(state: OrderState, event: OrderEvent) -> OrderState:
    execution = event.execution
    if execution is None:
        raise IllegalTransition(f"order {event.order_id}: executed, but no execution came with it")
    fills = _with(state.fills, Fill(execution.id, execution.quantity, execution.price))
    if fills is None:
        return state
    filled = sum((exact(fill.quantity) for fill in fills), Decimal(0))
    paid = sum((exact(fill.quantity) * exact(fill.price) for fill in fills), Decimal(0))
    return msgspec.structs.replace(
        state,
        status=_after_execution(state, filled),
        at_ns=event.at_ns,
        filled=float(filled),
        average_price=float(paid / filled) if filled else 0.0,
        broker_order_id=event.broker_order_id or state.broker_order_id,
        perm_id=event.perm_id or state.perm_id,
        fills=fills,
        sequence=event.sequence or state.sequence,
    )


def _after_execution(state: OrderState, filled: Decimal) -> OrderStatus:
    if filled >= exact(state.order.quantity):
        return _S.FILLED
    if state.status.is_final:
        return state.status
    return _S.PARTIALLY_FILLED if filled else _S.WORKING


def _charged(state: OrderState, event: OrderEvent) -> OrderState:
    commission = event.commission
    if commission is None:
        return state
    charges = _with(state.charges, Charge(commission.execution_id, commission.amount))
    if charges is None:
        return state
    return msgspec.structs.replace(
        state,
        at_ns=event.at_ns,
        commission=float(sum((exact(charge.amount) for charge in charges), Decimal(0))),
        charges=charges,
        sequence=event.sequence or state.sequence,
    )


_Part = TypeVar("_Part", bound=Fill | Charge)


def _with(parts: tuple[_Part, ...], new: _Part) -> tuple[_Part, ...] | None:
    """`parts` with `new` added, or in the place of what it corrects; None if that, or a later correction, is there already."""
    base, revision = execution_base(new.id), execution_revision(new.id)
    for index, part in enumerate(parts):
        if execution_base(part.id) == base:
            return None if execution_revision(part.id) >= revision else (*parts[:index], new, *parts[index + 1 :])
    return (*parts, new)
