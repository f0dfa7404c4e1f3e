"""What robots and people ask of orders: submit, change, cancel; and what became of it on its way out. Pure."""

from collections.abc import Container, Sequence

import msgspec

from atlas.domain import (
    MODIFIABLE,
    Cancel,
    Denial,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    OrderStatus,
)
from atlas.trading.blotter import Blotter
from atlas.trading.effects import (
    NOTHING,
    AskBroker,
    CancelEverything,
    CancelOrder,
    ChangeOrder,
    Decision,
    PlaceOrder,
    Sending,
    joined,
)
from atlas.trading.forks import Forks
from atlas.trading.groups import Groups
from atlas.trading.risk import Gate

_K, _S = OrderEventKind, OrderStatus


class Commands:
    """Judges commands by the gate and by where the order is."""

    def __init__(self, blotter: Blotter, gate: Gate, groups: Groups, forks: Forks) -> None:
        self._blotter = blotter
        self._gate = gate
        self._groups = groups
        self._forks = forks

    # New orders

    def submit(self, orders: Sequence[Order], first_broker_order_id: int) -> Decision:
        """One order, or a group of which a parent comes before its children: all `pending`, or all `denied`."""
        booked = [self._booked(order) for order in orders]
        if denial := self._against(booked):
            return self.deny(booked, denial)
        events: tuple[OrderEvent, ...] = ()
        now_ns = self._blotter.clock.now_ns()
        exits = {order.id for order in booked if order.parent_id or self._gate.is_exit(order, self._blotter)}
        for number, order in enumerate(booked, first_broker_order_id):
            events += self._blotter.record(_K.PENDING, order.id, order=order, broker_order_id=number)
            self._gate.note_submitted(order, now_ns)
        self._blotter.protecting |= exits
        if len(booked) > 1:
            self._groups.join(order.id for order in booked)
        effects = [
            PlaceOrder(order, first_broker_order_id + index, self._parent(order), transmit=_transmits(booked, index))
            for index, order in enumerate(booked)
        ]
        return Decision(events, tuple(effects))

    def deny(self, orders: Sequence[Order], denial: Denial) -> Decision:
        """New orders that are not taken."""
        events: tuple[OrderEvent, ...] = ()
        for order in map(self._booked, orders):
            events += self._blotter.record(_K.DENIED, order.id, order=order, reason=denial.text, denial=denial)
        return Decision(events)

    def known(self, order: Order) -> OrderState | None:
        """The state of the very same order, if it was submitted before, whatever it was changed to since."""
        state = self._blotter.states.get(order.id)
        if state is None:
            return None
        asked = self._blotter.asked.get(order.id)
        same = (
            _same(asked, self._booked(order)) if asked is not None else _same_but_for_changes(state.order, self._booked(order))
        )
        return state if same else None

    # Orders that stand

    def modify(self, wish: Modify) -> Decision:
        """A change that is to be sent, or why it cannot be."""
        state = self._blotter.states.get(wish.order_id)
        if state is not None and wish.id in state.actions:
            return NOTHING  # it came again
        if state is None or (denial := _untouchable(state) or _unchangeable(state) or self._two_fold(state)):
            return Decision(denial=denial if state is not None else _no_such_order(wish.order_id))
        changed = wish.changed(state.order)
        if changed.quantity <= state.filled:
            text = f"the quantity {changed.quantity:g} is not above what is filled, {state.filled:g}"
            return Decision(denial=Denial("filled", text, changed.quantity, state.filled))
        now_ns, instrument = self._blotter.clock.now_ns(), self._blotter.instruments.get(changed.instrument)
        if denial := self._gate.check(changed, instrument, self._blotter, now_ns, replacing=changed.id):
            return Decision(denial=denial)
        events = self._blotter.record(_K.MODIFY_REQUESTED, wish.order_id, order=changed, action_id=wish.id)
        return Decision(events, (ChangeOrder(changed, state.broker_order_id, self._parent(changed)),))

    def cancel(self, wish: Cancel) -> Decision:
        """A cancellation that is to be sent, or why it cannot be. Asked for anew, it is sent anew."""
        state = self._blotter.states.get(wish.order_id)
        if state is None:
            return Decision(denial=_no_such_order(wish.order_id))
        if wish.id in state.actions:
            return NOTHING  # it came again: if it did not leave, it is asked for at the next reconciliation
        if denial := _untouchable(state):
            return Decision(denial=denial)
        return self._cancel(state, wish.id)

    def cancel_all(self, robot: str, instrument: str, spare: Container[str]) -> Decision:
        """Cancel every order that works; of one robot or instrument if named. Those whose ids `spare` has stay.

        Orders that others placed can only go together with all orders of the login: they do when nothing is named.
        """
        decisions, foreign, spared = list[Decision](), False, False
        for state in self._blotter.working():
            if state.order.id in spare:
                spared = True
                continue
            if (robot and state.order.robot != robot) or (instrument and state.order.instrument != instrument):
                continue
            foreign = foreign or not state.broker_order_id
            if state.broker_order_id:
                decisions.append(self._cancel(state))
        if foreign and not (robot or instrument or spared):
            decisions.append(Decision(effects=(CancelEverything(),)))
        return joined(decisions)

    # What became of it on its way out

    def may_send(self, effect: Sending) -> str:
        """Why `effect` must not leave any more, or ""; asked right before it does."""
        state = self._blotter.states[effect.order_id]
        if state.status.is_final:
            return f"order {effect.order_id} is {state.status.value}"
        if not isinstance(effect, CancelOrder) and state.cancel_requested:
            return f"order {effect.order_id} was cancelled before it left"
        return ""

    def sent(self, effect: Sending) -> Decision:
        """`effect` has left for the broker."""
        state = self._blotter.states[effect.order_id]
        if not isinstance(effect, PlaceOrder) or state.status is not _S.PENDING:
            return NOTHING  # the broker's answer can be quicker than this
        return Decision(self._blotter.record(_K.SENT, effect.order_id))

    def not_sent(self, effect: Sending, reason: str, *, code: int) -> Decision:
        """`effect` has not left, and will not."""
        state = self._blotter.states[effect.order_id]
        if state.status.is_final:
            return NOTHING
        if not isinstance(effect, PlaceOrder):
            return Decision(self._blotter.record(_K.REFUSED, effect.order_id, reason=f"not sent: {reason}", code=code))
        events = self._blotter.record(_K.DENIED, effect.order_id, reason=f"not sent: {reason}", code=code)
        return Decision(events) + self._groups.on_failed(effect.order_id, f"not sent: {reason}")

    def unresolved(self, effect: Sending, reason: str) -> Decision:
        """Nobody can say whether `effect` has left. It is never sent again; the broker is asked."""
        question = Decision(effects=(AskBroker(f"order {effect.order_id}: {reason}"),))
        state = self._blotter.states[effect.order_id]
        if not isinstance(effect, PlaceOrder) or state.status not in (_S.PENDING, _S.SENT):
            return question
        return Decision(self._blotter.record(_K.UNKNOWN, effect.order_id, reason=reason)) + question

    def overdue(self, before_ns: int) -> Decision:
        """Orders that were sent before `before_ns` and not heard of since: nobody can say where they are."""
        decisions = []
        for state in self._blotter.working():
            if state.status is _S.SENT and state.at_ns < before_ns:
                reason = "sent, and the broker has not answered in time"
                events = self._blotter.record(_K.UNKNOWN, state.order.id, reason=reason)
                decisions.append(Decision(events, (AskBroker(f"order {state.order.id}: {reason}"),)))
        return joined(decisions)

    def to_resend(self) -> Decision:
        """Cancellations that were asked for, of orders of ours that still work."""
        states = [one for one in self._blotter.working() if one.cancel_requested and one.broker_order_id]
        return Decision(effects=tuple(CancelOrder(one.order.id, one.broker_order_id) for one in states))

    # How it is done

    def _two_fold(self, state: OrderState) -> Denial | None:
        if self._forks.successor(state.order.id) is None:
            return None
        text = f"order {state.order.id} works twice at the broker, under one number: a change could be of either"
        return Denial("fork", text, temporary=True)

    def _cancel(self, state: OrderState, action_id: str = "") -> Decision:
        events = self._blotter.record(_K.CANCEL_REQUESTED, state.order.id, action_id=action_id)
        return Decision(events, (CancelOrder(state.order.id, state.broker_order_id),))

    def _booked(self, order: Order) -> Order:
        return msgspec.structs.replace(order, account=order.account or self._blotter.account)

    def _parent(self, order: Order) -> int:
        parent = self._blotter.states.get(order.parent_id)
        return parent.broker_order_id if parent is not None else 0

    def _against(self, orders: Sequence[Order]) -> Denial | None:
        ids = [order.id for order in orders]
        for number, order in enumerate(orders):
            if order.id in self._blotter.used_ids or order.id in ids[:number]:
                return Denial(
                    "order_id",
                    f"the order id {order.id} was used before by another order; was the robot's journal lost? give it a new id",
                )
            if order.parent_id and order.parent_id not in ids[:number]:
                parent = self._blotter.states.get(order.parent_id)
                if parent is None or parent.status.is_final or not parent.broker_order_id:
                    return Denial("parent", f"the parent {order.parent_id} of order {order.id} does not work at this desk")
        return self._gate.check_group(orders, self._blotter, self._blotter.clock.now_ns())


def _transmits(orders: Sequence[Order], index: int) -> bool:
    """Whether a leg releases what was sent before it: the last one does, and whatever hangs on nothing that comes later.

    A leg that is not transmitted waits at the broker until one of its family is.
    """
    family = {orders[index].id, orders[index].parent_id} - {""}
    return not any(family & {later.id, later.parent_id} for later in orders[index + 1 :])


def _untouchable(state: OrderState) -> Denial | None:
    if state.status.is_final:
        return Denial("order_status", f"order {state.order.id} is {state.status.value}")
    if not state.broker_order_id:
        return Denial(
            "foreign", f"order {state.order.id} was not placed by this desk: it is cancelled and changed where it was"
        )
    return None


_UNPROVEN: dict[OrderStatus, str] = {
    _S.PENDING: "is not sent yet",
    _S.UNKNOWN: "is unknown until the broker has been asked",
}


def _unchangeable(state: OrderState) -> Denial | None:
    if why := _UNPROVEN.get(state.status):
        return Denial("order_status", f"order {state.order.id} {why}", temporary=True)
    if state.cancel_requested:
        return Denial("order_status", f"the cancellation of order {state.order.id} is on its way")
    return None


def _no_such_order(order_id: str) -> Denial:
    return Denial("order_id", f"there is no order {order_id}")


def _same_but_for_changes(one: Order, other: Order) -> bool:
    """Of an order of an earlier run only the present values are known: what can be changed may have been."""
    return _same(one, msgspec.structs.replace(other, **{name: getattr(one, name) for name in MODIFIABLE}))


def _same(one: Order, other: Order) -> bool:
    return msgspec.structs.replace(one, cause_ns=0) == msgspec.structs.replace(other, cause_ns=0)
