"""The trader's core: every order it knows, and what each command and each report makes of it. Pure.

Whatever comes in goes out as numbered `OrderEvent`s. The shell makes them durable, carries them out (`pending`, modify and
cancel requests are to be sent to the broker) and publishes them; it decides nothing.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from atlas.domain import (
    Books,
    Cancel,
    Clock,
    Commission,
    Execution,
    IllegalTransition,
    Instrument,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    OrderStatus,
    fold,
)
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerReport, BrokerSnapshot, BrokerStatus
from atlas.trading.broker_codes import Meaning, meaning_of
from atlas.trading.risk import Exposure, Limits, deny

_K, _S = OrderEventKind, OrderStatus
_NOT_CONFIRMED = frozenset({_S.PENDING, _S.SENT, _S.UNKNOWN})


class Desk:
    """Orders of one account.

    Args:
        account: the account that every order is booked to.
        instruments: what may be traded, by id.
        last_sequence: number of the last event that was ever written.
        used_ids: ids of all orders that were ever written, so that none is used twice.
    """

    def __init__(
        self,
        account: str,
        instruments: dict[str, Instrument],
        limits: Limits,
        clock: Clock,
        *,
        last_sequence: int = 0,
        used_ids: Iterable[str] = (),
    ) -> None:
        self.account = account
        self.instruments = instruments
        self.limits = limits
        self.states: dict[str, OrderState] = {}
        self.books = Books()
        self.last_sequence = last_sequence
        self.anomalies: Counter[str] = Counter()
        self.breaks: dict[str, str] = {}
        self._clock = clock
        self._used_ids = set(used_ids)
        self._working: dict[str, OrderState] = {}
        self._by_broker_id: dict[int, str] = {}
        self._by_execution: dict[str, str] = {}
        self._early_commissions: dict[str, Commission] = {}
        self._inherited: set[str] = set()

    # What was before the start

    def restore(self, states: Iterable[OrderState], executions: Iterable[Execution], commissions: Iterable[Commission]) -> None:
        """Take over what the database knows."""
        for state in states:
            self._remember(state)
            self._inherited.add(state.order.id)
        for execution in executions:
            if execution.instrument in self.instruments:
                self.books.execute(execution, self.instruments[execution.instrument])
        for commission in commissions:
            self.books.charge(commission)

    def replay(self, event: OrderEvent) -> None:
        """Apply an event that was written down before the start, in its turn."""
        self._apply(event)
        self._inherited.add(event.order_id)
        self.last_sequence = max(self.last_sequence, event.sequence)

    # Commands

    def known(self, order: Order) -> OrderState | None:
        """The state of the very same order, if it was submitted before."""
        state = self.states.get(order.id)
        return state if state is not None and _same(state.order, self._booked(order)) else None

    def submit(self, order: Order, broker_order_id: int) -> OrderEvent:
        """A new order: `pending`, or `denied` with the reason."""
        order = self._booked(order)
        reason = self._reason_against(order)
        if reason:
            return self._record(_K.DENIED, order.id, robot=order.robot, reason=reason, order=order)
        return self._record(_K.PENDING, order.id, robot=order.robot, order=order, broker_order_id=broker_order_id)

    def deny(self, order: Order, reason: str) -> OrderEvent:
        """A new order that the shell cannot take now."""
        order = self._booked(order)
        return self._record(_K.DENIED, order.id, robot=order.robot, reason=reason, order=order)

    def modify(self, wish: Modify) -> OrderEvent | str:
        """A change that is to be sent, or why it cannot be."""
        state = self.states.get(wish.order_id)
        if state is None or state.status.is_final or state.status is _S.PENDING:
            return self._why_untouchable(wish.order_id, state)
        changed = msgspec.structs.replace(
            state.order,
            quantity=state.order.quantity if wish.quantity is None else wish.quantity,
            limit_price=state.order.limit_price if wish.limit_price is None else wish.limit_price,
        )
        instrument = self.instruments.get(changed.instrument)
        if reason := deny(changed, instrument, self._exposure(changed, leaving_out=changed.id), self.limits):
            return reason
        if changed.quantity <= state.filled:
            return f"the quantity {changed.quantity:g} is not above what is filled, {state.filled:g}"
        return self._record(_K.MODIFY_REQUESTED, wish.order_id, order=changed)

    def cancel(self, wish: Cancel) -> OrderEvent | str:
        """A cancellation that is to be sent, or why it cannot be."""
        state = self.states.get(wish.order_id)
        if state is None or state.status.is_final:
            return self._why_untouchable(wish.order_id, state)
        return self._record(_K.CANCEL_REQUESTED, wish.order_id)

    def note(self, kind: OrderEventKind, order_id: str, reason: str = "") -> list[OrderEvent]:
        """What the shell knows about an order by itself: it was sent, or it was not, or nobody can say."""
        return self._if_legal(kind, order_id, reason=reason)

    # Reports

    def on_report(self, report: BrokerReport) -> list[OrderEvent]:
        """What the broker's report makes happen; nothing, when it repeats what is known."""
        if isinstance(report, BrokerOrder):
            return self._on_order(report)
        if isinstance(report, Execution):
            return self._on_execution(report)
        if isinstance(report, Commission):
            return self._on_commission(report)
        return self._on_error(report)

    def reconcile(self, broker: BrokerSnapshot, asked_ns: int) -> list[OrderEvent]:
        """Bring all orders in line with what the broker knew at `asked_ns` or later, and name the positions that differ.

        An order that an earlier run wrote down and of which the broker never heard is denied: it was not sent. An order that
        was sent and of which the broker knows nothing becomes unknown first, and rejected when it is missing the next time.
        What happened to an order after `asked_ns` is left to its own reports.
        """
        missing = {order_id for order_id, state in self._working.items() if state.at_ns < asked_ns}
        events: list[OrderEvent] = []
        reports: list[BrokerReport] = [*broker.executions, *broker.commissions, *broker.completed_orders, *broker.open_orders]
        for report in reports:
            if isinstance(report, BrokerOrder | Execution):
                missing.discard(report.order_id)
            events += self.on_report(report)
        for order_id in sorted(missing):
            events += self._on_missing(order_id)
        held = broker.positions.get(self.account, {})
        ours = self.books.positions().get(self.account, {})
        self.breaks = {
            name: f"{name}: our books have {ours.get(name, 0.0):g}, the broker has {held.get(name, 0.0):g}"
            for name in sorted(set(held) | set(ours))
            if held.get(name, 0.0) != ours.get(name, 0.0)
        }
        return events

    def to_resend(self) -> list[str]:
        """Orders whose cancellation was asked for, that still work: it may never have reached the broker."""
        return [order_id for order_id, state in self.states.items() if state.cancel_requested and not state.status.is_final]

    def unconfirmed_since(self, before_ns: int) -> list[str]:
        """Orders that were sent before `before_ns` and not heard of since."""
        return [o for o, state in self._working.items() if state.status is _S.SENT and state.at_ns < before_ns]

    def first_free_broker_id(self, offered: int) -> int:
        """The first broker order id that no order of ours ever had; `offered` is the broker's idea of it."""
        return max([offered, *(state.broker_order_id + 1 for state in self.states.values())])

    def working(self) -> list[OrderState]:
        """Orders that are not final."""
        return list(self._working.values())

    # How it is done

    def _booked(self, order: Order) -> Order:
        return msgspec.structs.replace(order, account=order.account or self.account)

    def _reason_against(self, order: Order) -> str:
        if order.id in self._used_ids:
            return f"the order id {order.id} was used before by another order; was the robot's journal lost? give it a new id"
        if order.account != self.account:
            return f"this trader trades {self.account}, not {order.account}"
        return deny(order, self.instruments.get(order.instrument), self._exposure(order), self.limits)

    def _exposure(self, order: Order, leaving_out: str = "") -> Exposure:
        working = [s for s in self._working.values() if s.order.id != leaving_out]
        same = [s for s in working if s.order.instrument == order.instrument]
        return Exposure(
            position=self.books.position(self.account, order.instrument).quantity,
            working_buys=sum(s.exposed for s in same if s.order.side.sign > 0),
            working_sells=sum(s.exposed for s in same if s.order.side.sign < 0),
            working_orders_of_robot=sum(s.order.robot == order.robot for s in working),
        )

    def _why_untouchable(self, order_id: str, state: OrderState | None) -> str:
        if state is None:
            return f"there is no order {order_id}"
        return f"order {order_id} is {state.status.value}"

    def _on_order(self, report: BrokerOrder) -> list[OrderEvent]:
        order_id = report.order_id or self._by_broker_id.get(report.broker_order_id, "")
        state = self.states.get(order_id)
        if state is None:
            self.anomalies["report of an order that is not ours"] += 1
            return []
        facts: dict[str, Any] = {"perm_id": report.perm_id, "reason": report.reason}
        if report.status is BrokerStatus.CANCELLED and not state.status.is_final:
            return self._if_legal(_K.CANCELLED, order_id, **facts)
        if report.status is BrokerStatus.INACTIVE and not state.status.is_final:
            return self._if_legal(_K.REJECTED, order_id, **facts)
        events: list[OrderEvent] = []
        if report.status is BrokerStatus.WORKING:
            if state.status in _NOT_CONFIRMED:
                events += self._if_legal(_K.WORKING, order_id, **facts)
            events += self._on_changed_values(order_id, report)
        return events

    def _on_changed_values(self, order_id: str, report: BrokerOrder) -> list[OrderEvent]:
        order = self.states[order_id].order
        quantity = order.quantity if report.quantity is None else report.quantity
        limit_price = order.limit_price if report.limit_price is None else report.limit_price
        if (quantity, limit_price) == (order.quantity, order.limit_price):
            return []
        changed = msgspec.structs.replace(order, quantity=quantity, limit_price=limit_price)
        return self._if_legal(_K.MODIFIED, order_id, order=changed, perm_id=report.perm_id)

    def _on_execution(self, execution: Execution) -> list[OrderEvent]:
        state = self.states.get(execution.order_id)
        if state is None:
            self.anomalies["execution of an order that is not ours"] += 1
            return []
        if any(fill.id == execution.id for fill in state.fills):
            return []
        events = self._if_legal(_K.EXECUTED, execution.order_id, execution=execution, perm_id=execution.perm_id)
        early = self._early_commissions.pop(execution.id, None)
        return events + (self._on_commission(early) if early is not None else [])

    def _on_commission(self, commission: Commission) -> list[OrderEvent]:
        order_id = self._by_execution.get(commission.execution_id)
        if order_id is None:
            self._early_commissions[commission.execution_id] = commission
            return []
        if any(charge.id == commission.execution_id for charge in self.states[order_id].charges):
            return []
        return self._if_legal(_K.COMMISSIONED, order_id, commission=commission)

    def _on_error(self, error: BrokerError) -> list[OrderEvent]:
        order_id = self._by_broker_id.get(error.broker_order_id, "")
        state = self.states.get(order_id)
        if state is None:
            return []
        reason, meaning = f"{error.code}: {error.text}", meaning_of(error.code)
        if meaning is Meaning.CANCELLED and not state.status.is_final:
            return self._if_legal(_K.CANCELLED, order_id, reason=reason)
        if meaning is Meaning.REJECTED and state.status in _NOT_CONFIRMED:
            return self._if_legal(_K.REJECTED, order_id, reason=reason)
        if meaning in (Meaning.REJECTED, Meaning.REFUSED):
            return self._if_legal(_K.REFUSED, order_id, reason=reason)
        return []

    def _on_missing(self, order_id: str) -> list[OrderEvent]:
        state = self.states[order_id]
        status = state.status
        if status is _S.PENDING:
            if order_id not in self._inherited:
                return []  # on its way to be sent
            return self._if_legal(_K.DENIED, order_id, reason="written but never sent: the trader stopped in between")
        if status is _S.UNKNOWN and state.filled:
            return self._if_legal(_K.CANCELLED, order_id, reason="partly filled, and the broker knows nothing of the rest")
        if status is _S.UNKNOWN:
            return self._if_legal(_K.REJECTED, order_id, reason="sent, but the broker knows nothing of it")
        return self._if_legal(_K.UNKNOWN, order_id, reason="sent, but the broker does not list it")

    def _if_legal(self, kind: OrderEventKind, order_id: str, **facts: Any) -> list[OrderEvent]:
        try:
            return [self._record(kind, order_id, **facts)]
        except IllegalTransition as error:
            self.anomalies[str(error)] += 1
            return []

    def _record(self, kind: OrderEventKind, order_id: str, *, robot: str = "", **facts: Any) -> OrderEvent:
        state = self.states.get(order_id)
        event = OrderEvent(
            sequence=self.last_sequence + 1,
            order_id=order_id,
            robot=robot or (state.order.robot if state else ""),
            kind=kind,
            at_ns=self._clock.now_ns(),
            **facts,
        )
        self._apply(event)
        self.last_sequence = event.sequence
        return event

    def _apply(self, event: OrderEvent) -> None:
        if event.kind is _K.DENIED and event.order_id in self._used_ids and event.order is not None:
            return  # an order whose id was used before: the denial is told, the earlier order stays as it is
        state = fold(self.states.get(event.order_id), event)
        if event.execution is not None:
            instrument = self.instruments.get(event.execution.instrument)
            if instrument is not None:
                self.books.execute(event.execution, instrument)
        if event.commission is not None:
            self.books.charge(event.commission)
        self._remember(state)

    def _remember(self, state: OrderState) -> None:
        order_id = state.order.id
        self.states[order_id] = state
        self._used_ids.add(order_id)
        if state.status.is_final:
            self._working.pop(order_id, None)
        else:
            self._working[order_id] = state
        if state.broker_order_id:
            self._by_broker_id[state.broker_order_id] = order_id
        for fill in state.fills:
            self._by_execution[fill.id] = order_id


def _same(one: Order, other: Order) -> bool:
    return msgspec.structs.replace(one, cause_ns=0) == msgspec.structs.replace(other, cause_ns=0)
