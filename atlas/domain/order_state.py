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
_SENT = (_S.SENT, _S.WORKING, _S.PARTIALLY_FILLED, _S.UNKNOWN)
_OPEN = (_S.PENDING, *_SENT)
_ENDED = (_S.FILLED, _S.CANCELLED, _S.REJECTED, _S.EXPIRED)
_TOLD = tuple(status for status in OrderStatus if status is not _S.DENIED)

# Each row: in which statuses the event can happen, what the order then is (None: what it was), and why. A pair that no row
# names is illegal. Whatever a row says, the executions that count decide between working, partly filled and filled.
_ROWS: tuple[tuple[tuple[OrderStatus, ...], OrderEventKind, OrderStatus | None, str], ...] = (
    ((_S.PENDING,), _E.SENT, _S.SENT, "it has left for the broker"),
    ((_S.PENDING, _S.UNKNOWN), _E.DENIED, _S.DENIED, "it never left, or turned out never to have left"),
    (_OPEN, _E.WORKING, _S.WORKING, "the broker has it; said again, it still has it"),
    (_OPEN, _E.UNKNOWN, _S.UNKNOWN, "nobody can say where it is until the broker has been asked"),
    ((*_OPEN, _S.FILLED), _E.CANCELLED, _S.CANCELLED, "the broker's word, which a corrected fill brings to light again"),
    (_OPEN, _E.REJECTED, _S.REJECTED, "the broker turns down working orders, too"),
    ((*_OPEN, _S.FILLED), _E.EXPIRED, _S.EXPIRED, "its time is over; of a filled one this shows once a fill is corrected"),
    ((*_SENT, _S.FILLED), _E.MODIFIED, None, "the broker shows it with other values, maybe for more than what is filled"),
    (
        (_S.SENT, _S.WORKING, _S.PARTIALLY_FILLED),
        _E.MODIFY_REQUESTED,
        None,
        "a change is asked for; the order stands as it was",
    ),
    (_OPEN, _E.CANCEL_REQUESTED, None, "until the broker confirms it, it may be filled"),
    (_TOLD, _E.REFUSED, None, "a change or cancellation was turned down, maybe because it came too late"),
    (tuple(OrderStatus), _E.EXECUTED, None, "the broker's word on a fill counts whenever it comes"),
    (tuple(OrderStatus), _E.COMMISSIONED, None, "what an execution costs is told after it, also long after"),
    ((*_SENT, *_ENDED), _E.ADOPTED, None, "a person has looked at what is not ours, and said whose it is"),
    (tuple(OrderStatus), _E.ANOMALY, None, "written down, and nothing else"),
)
_NEXT = {(status, kind): becomes for statuses, kind, becomes, _ in _ROWS for status in statuses}
_FIRST = {_E.PENDING: _S.PENDING, _E.DENIED: _S.DENIED, _E.ADOPTED: _S.WORKING}
_PROVEN_BY_A_FILL = frozenset({_S.PENDING, _S.SENT, _S.UNKNOWN, _S.PARTIALLY_FILLED, _S.FILLED})
MOST_ANOMALIES = 20
"""So many are kept with an order."""
MOST_ACTIONS = 50
"""So many changes and cancellations of an order are recognised when they come again: the newest."""


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
    `adopted` says that it did not come to the broker through us. `standing` is where it would be without its fills, so that a
    correction of the last one puts it back there; None says that `status` tells. `anomalies` are the reasons of what was
    recorded as impossible. `actions` are the ids of the changes and cancellations that were taken. `released` says that a
    person has looked at an adopted order.
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
    standing: OrderStatus | None = None
    anomalies: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    released: bool = False

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
    pair = (state.status, event.kind)
    if pair not in _NEXT:
        raise IllegalTransition(f"order {event.order_id} is {state.status.value}: {event.kind.value} cannot happen to it")
    if event.kind is _E.EXECUTED:
        return _executed(state, event)
    if event.kind is _E.COMMISSIONED:
        return _charged(state, event)
    if event.kind is _E.ANOMALY:
        return _recorded(state, event)
    standing = _NEXT[pair] or state.standing or state.status
    order = event.order if event.kind in (_E.MODIFIED, _E.ADOPTED) and event.order is not None else state.order
    return msgspec.structs.replace(
        state,
        order=order,
        status=_status(standing, order.quantity, exact(state.filled)),
        standing=standing,
        at_ns=event.at_ns,
        reason=event.reason or state.reason,
        broker_order_id=event.broker_order_id or state.broker_order_id,
        perm_id=event.perm_id or state.perm_id,
        cancel_requested=(state.cancel_requested or event.kind is _E.CANCEL_REQUESTED) and event.kind is not _E.REFUSED,
        sequence=event.sequence or state.sequence,
        requested_quantity=_requested(state, event),
        code=event.code or state.code,
        actions=(*state.actions, event.action_id)[-MOST_ACTIONS:] if event.action_id else state.actions,
        released=state.released or event.kind is _E.ADOPTED,
    )


def _status(standing: OrderStatus, quantity: float, filled: Decimal) -> OrderStatus:
    """Where an order is that stands so and of which so much is filled."""
    if filled and filled >= exact(quantity):
        return _S.FILLED
    return _S.PARTIALLY_FILLED if filled and standing is _S.WORKING else standing


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
    standing = state.standing or state.status
    if standing in _PROVEN_BY_A_FILL:
        standing = _S.WORKING
    return msgspec.structs.replace(
        state,
        status=_status(standing, state.order.quantity, filled),
        standing=standing,
        at_ns=event.at_ns,
        filled=float(filled),
        average_price=float(paid / filled) if filled else 0.0,
        broker_order_id=event.broker_order_id or state.broker_order_id,
        perm_id=event.perm_id or state.perm_id,
        fills=fills,
        sequence=event.sequence or state.sequence,
    )


def _charged(state: OrderState, event: OrderEvent) -> OrderState:
    commission = event.commission
    if commission is None:
        raise IllegalTransition(f"order {event.order_id}: commissioned, but no commission came with it")
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


def _recorded(state: OrderState, event: OrderEvent) -> OrderState:
    anomalies = state.anomalies
    if event.reason not in anomalies and len(anomalies) < MOST_ANOMALIES:
        anomalies = (*anomalies, event.reason)
    return msgspec.structs.replace(state, anomalies=anomalies, sequence=event.sequence or state.sequence)


_Part = TypeVar("_Part", bound=Fill | Charge)


def _with(parts: tuple[_Part, ...], new: _Part) -> tuple[_Part, ...] | None:
    """`parts` with `new` added, or in the place of what it corrects; None if that, or a later correction, is there already.

    Sorted by id, so that it does not matter in which order they were told.
    """
    base, revision = execution_base(new.id), execution_revision(new.id)
    for index, part in enumerate(parts):
        if execution_base(part.id) == base:
            return None if execution_revision(part.id) >= revision else (*parts[:index], new, *parts[index + 1 :])
    return tuple(sorted((*parts, new), key=lambda part: part.id))
