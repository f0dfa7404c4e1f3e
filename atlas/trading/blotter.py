"""The blotter: every order of the desk, its state, the books that its executions make, and how a report finds it. Pure.

It is what the gate looks at when it judges an order.

All that happens to orders passes `Blotter.record`, which numbers it and folds it. What cannot have happened is recorded as an
anomaly, once for each order and reason, and changes nothing.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from atlas.domain import (
    Books,
    Clock,
    Commission,
    Execution,
    IllegalTransition,
    Instrument,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    Position,
    exact,
    execution_base,
    fold,
)

_K = OrderEventKind


class Blotter:
    """Orders of one account by their ids and by the broker's.

    Args:
        account: whose orders.
        instruments: definitions by id; may grow while the desk runs.
        last_sequence: number of the last event that was ever written.
        used_ids: ids of all orders that were ever written, so that none is used twice.
    """

    def __init__(
        self,
        account: str,
        instruments: dict[str, Instrument],
        clock: Clock,
        *,
        last_sequence: int = 0,
        used_ids: Iterable[str] = (),
    ) -> None:
        self.account = account
        self.instruments = instruments
        self.clock = clock
        self.states: dict[str, OrderState] = {}
        self.inherited: set[str] = set()
        """Orders of an earlier run: what they had on their way to the broker is not on its way any more."""
        self.books = Books()
        self.last_sequence = last_sequence
        self.used_ids = set(used_ids)
        self.anomalies = 0
        self.asked: dict[str, Order] = {}
        """Orders as they were asked for first, before any change; of those that the database brought it is not known."""
        self.adrift: dict[str, Decimal] = {}
        """By how much the broker is known to hold more than our books (less where negative), by instrument."""
        self.costs: dict[str, float] = {}
        """The broker's average prices, by instrument, as last told."""
        self.protecting: set[str] = set()
        """Working orders that were exits when they came, and children of others."""
        self._working: dict[str, OrderState] = {}
        self._unbooked: dict[str, Execution] = {}
        self._strange: set[tuple[str, str]] = set()  # anomalies of orders that are not known
        self._by_broker_id: dict[int, str] = {}
        self._by_perm_id: dict[int, str] = {}
        self._by_execution: dict[str, str] = {}
        self._executed_ns: dict[str, int] = {}  # by instrument: when the last execution was recorded
        self._perm_ids: dict[str, int] = {}  # of executions: the perm id under which they happened

    # What the gate looks at

    def position(self, instrument: str) -> float:
        """The signed quantity that the account holds by our books."""
        return self.books.position(self.account, instrument).quantity

    def told(self, instrument: str) -> float | None:
        """The signed quantity that the broker is known to hold where that is another than ours, else None."""
        more = self.adrift.get(instrument)
        return float(exact(self.position(instrument)) + more) if more else None

    def held(self) -> Mapping[str, Position]:
        """All that the account holds by our books, by instrument."""
        return self.books.held(self.account)

    def working(self) -> list[OrderState]:
        """Orders that are not final."""
        return list(self._working.values())

    # What was before the start

    def restore(self, states: Iterable[OrderState], executions: Iterable[Execution], commissions: Iterable[Commission]) -> None:
        """Take over what the database knows."""
        for state in states:
            self._remember(state)
            self.inherited.add(state.order.id)
        for execution in executions:
            self._book(execution)
        for commission in commissions:
            self.books.charge(commission)

    def replay(self, event: OrderEvent) -> None:
        """Apply an event that was written down before the start, in its turn."""
        self._apply(event)
        self.inherited.add(event.order_id)
        self.last_sequence = max(self.last_sequence, event.sequence)

    # What happens

    def record(
        self, kind: OrderEventKind, order_id: str, *, order: Order | None = None, **facts: Any
    ) -> tuple[OrderEvent, ...]:
        """Number an event and fold it. One that cannot happen to the order becomes an anomaly, or nothing if that is known.

        The event is the robot's whose order comes with it, else of the order as it is known.
        """
        state = self.states.get(order_id)
        known = order or (state.order if state is not None else None)
        event = OrderEvent(
            sequence=self.last_sequence + 1,
            order_id=order_id,
            robot=known.robot if known is not None else "",
            kind=kind,
            at_ns=self.clock.now_ns(),
            order=order,
            **facts,
        )
        try:
            self._apply(event)
        except IllegalTransition as error:
            return self.anomaly(order_id, str(error))
        self.last_sequence = event.sequence
        return (event,)

    def anomaly(self, order_id: str, reason: str) -> tuple[OrderEvent, ...]:
        """Record that something cannot have happened; once for each order and reason, also across restarts."""
        state = self.states.get(order_id)
        if (order_id, reason) in self._strange or (state is not None and reason in state.anomalies):
            return ()
        self.anomalies += 1
        return self.record(_K.ANOMALY, order_id, reason=reason)

    # How an order is found

    def find(self, order_id: str, perm_id: int, broker_order_id: int = 0, *, ours: bool = False) -> OrderState | None:
        """The order that a report is about: by our reference, else by the perm id, else by our client's number for it.

        Orders by hand have the number 0 or a negative one, and other clients count their own: such numbers name nothing here.
        """
        found = self.states.get(order_id) or self.states.get(self._by_perm_id.get(perm_id, ""))
        return found or (self.find_by_number(broker_order_id) if ours else None)

    def find_by_number(self, broker_order_id: int) -> OrderState | None:
        """The order that this client placed under a number."""
        return self.states.get(self._by_broker_id.get(broker_order_id, ""))

    def find_by_execution(self, execution_id: str) -> OrderState | None:
        """The order of an execution or of one of its corrections."""
        return self.states.get(self._by_execution.get(execution_base(execution_id), ""))

    def link(self, perm_id: int, order_id: str) -> None:
        """Know an order by another perm id, too."""
        if perm_id:
            self._by_perm_id.setdefault(perm_id, order_id)

    def traded_since(self, since_ns: int) -> set[str]:
        """Instruments of which an execution was recorded at `since_ns` or later."""
        return {name for name, at_ns in self._executed_ns.items() if at_ns >= since_ns}

    def filled_beside(self, order_id: str, perm_id: int) -> float:
        """Units of an order that were filled under other perm ids than `perm_id`."""
        fills = self.states[order_id].fills
        others = [fill.quantity for fill in fills if self._perm_ids.get(execution_base(fill.id)) != perm_id]
        return float(sum(map(exact, others)))

    def book_what_waits(self) -> None:
        """Book the executions whose instruments have become known since."""
        waiting, self._unbooked = self._unbooked, {}
        for execution in waiting.values():
            self._book(execution)

    # How it is done

    def _apply(self, event: OrderEvent) -> None:
        state = self.states.get(event.order_id)
        if event.kind is _K.DENIED and event.order is not None and event.order_id in self.used_ids:
            return  # an order whose id was used before: the denial is told, the earlier order stays as it is
        if event.kind is _K.ANOMALY and state is None:
            self._strange.add((event.order_id, event.reason))
            return
        folded = fold(state, event)
        if state is None and event.order is not None:
            self.asked[event.order_id] = event.order
        if event.execution is not None:
            self._book(event.execution)
            self._executed_ns[event.execution.instrument] = event.at_ns
            self._explain(event.execution)
        if event.commission is not None:
            self.books.charge(event.commission)
        self._remember(folded)

    def _explain(self, execution: Execution) -> None:
        """What the broker holds beside our books may come of this execution: as much of it is not known any more."""
        name, more = execution.instrument, self.adrift.get(execution.instrument, Decimal(0))
        if more * execution.side.sign > 0:
            left = max(abs(more) - exact(execution.quantity), Decimal(0))
            self.adrift[name] = left * execution.side.sign
            if not left:
                del self.adrift[name]

    def _book(self, execution: Execution) -> None:
        self._perm_ids[execution_base(execution.id)] = execution.perm_id
        instrument = self.instruments.get(execution.instrument)
        if instrument is None:
            self._unbooked[execution.id] = execution
        else:
            self.books.execute(execution, instrument)

    def _remember(self, state: OrderState) -> None:
        order_id = state.order.id
        self.states[order_id] = state
        self.used_ids.add(order_id)
        if state.status.is_final:
            self._working.pop(order_id, None)
            self.protecting.discard(order_id)
        else:
            self._working[order_id] = state
        if state.broker_order_id > 0:
            self._by_broker_id[state.broker_order_id] = order_id
        self.link(state.perm_id, order_id)
        for fill in state.fills:
            self._by_execution[execution_base(fill.id)] = order_id
