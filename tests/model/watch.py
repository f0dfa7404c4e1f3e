"""An eye on one life of the trader: what must hold at every single moment, and not only once all is calm.

Nothing leaves that is not written exactly so; nothing is told that is not written; nothing is over in our books that lives
at the broker; nothing is opened into a halt, a block or a doubt; an answer that says nothing changes nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from support.memory_store import MemoryStore

from atlas.domain import Order, OrderEvent, OrderEventKind
from atlas.trading.broker import Unknown
from atlas.trading.effects import Decision
from atlas.trading.risk import OPERATOR
from atlas.trading.trading_state import TradingState
from ib_gateway.simulator.server.terminal import Terminal
from services.trader.engine import Engine

_K = OrderEventKind
_OVER = (_K.CANCELLED, _K.EXPIRED, _K.REJECTED, _K.DENIED)
_UNMOVING = (_K.ANOMALY, _K.EXECUTED, _K.COMMISSIONED)
"""What may leave an order as it was: an execution that counts already does."""
_LIVE = ("Submitted", "PreSubmitted", "PendingSubmit")


class Watch:
    """Writes down every offence.

    Args:
        terminal: the broker's own view, which knows how orders stand whatever is heard of it.
        forked: the orders that a fault made two of.
    """

    def __init__(self, store: MemoryStore, terminal: Terminal, forked: set[str]) -> None:
        self.offences: list[str] = []
        self._store = store
        self._terminal = terminal
        self._forked = forked
        self._engine: Engine

    def attach(self, engine: Engine) -> None:
        """Watch an engine that has started."""
        self._engine = engine
        desk: Any = engine._desk
        desk.submit = self._watched_submit(desk.submit)
        desk.reconcile = self._watched_reconcile(desk.reconcile)

    # Sending

    def on_place(self, order: Order, broker_order_id: int) -> None:
        """An order, new or changed, leaves now."""
        engine, events = self._engine, self._store.events.values()
        written = [event.order for event in events if event.order_id == order.id and event.order is not None]
        there = self._store.orders.get(order.id)
        if there is None or there.broker_order_id != broker_order_id:
            self._note(f"order {order.id} was sent as {broker_order_id} and is so not in the database")
        elif order not in written:
            self._note(f"order {order.id} was sent with terms that are not written: {order}, written are {written}")
        state = engine._desk.states[order.id]
        if state.cancel_requested or state.status.is_final:
            self._note(f"order {order.id} left, and was {state.status.value}, cancelled {state.cancel_requested}")
        if not engine._reconciler.count or not engine._broker.is_up:
            self._note(f"order {order.id} left before anything was reconciled")
        self._judge_state((order,), "left")

    # Deciding

    def _watched_submit(self, submit: Callable[..., Decision]) -> Callable[..., Decision]:
        def watched(orders: Sequence[Order], first: int) -> Decision:
            engine = self._engine
            shut = [order for order in orders if self._opens(order) and self._blocked(order)]
            decision = submit(orders, first)
            if decision.effects:
                self._judge_state(orders, "was taken")
                for order in shut:
                    self._note(f"order {order.id} was taken, and {order.instrument} is blocked")
                if not engine._broker.is_up or not engine._reconciler.count or engine._ledger.store_problem:
                    self._note(f"order {orders[0].id} was taken in doubt")
            return decision

        return watched

    def _watched_reconcile(self, reconcile: Callable[..., Decision]) -> Callable[..., Decision]:
        def watched(answer: Any, asked_ns: int) -> Decision:
            decision = reconcile(answer, asked_ns)
            if isinstance(answer, Unknown) and decision.events:
                self._note(f"an answer that is unknown ({answer.reason}) made {decision.events}")
            return decision

        return watched

    def on_decision(self, decision: Decision) -> None:
        """The engine takes a decision."""
        if over := {event.order_id: event for event in decision.events if event.kind in _OVER}:
            for row in self._terminal.orders():
                event = over.get(row.order_ref)
                if event is not None and row.status in _LIVE and row.order_ref not in self._forked:
                    self._note(
                        f"order {row.order_ref} is {event.kind.value} in our books and {row.status} at the broker: {event}"
                    )

    def _judge_state(self, orders: Sequence[Order], what: str) -> None:
        gate = self._engine._gate
        state = gate.trading_state.at(self._engine._clock.now_ns())
        for order in orders:
            if order.robot != OPERATOR and (
                state is TradingState.HALTED or (state is TradingState.REDUCING and not order.parent_id and self._opens(order))
            ):
                self._note(f"order {order.id} {what} while trading was {state.value}")

    def _opens(self, order: Order) -> bool:
        """Whether it can but open or add, whoever's position is meant."""
        desk = self._engine._desk
        held = (desk.position(order.instrument), desk.told(order.instrument) or 0.0)
        return not order.parent_id and all(one * order.side.sign >= 0 for one in held)

    def _blocked(self, order: Order) -> bool:
        blocked = self._engine._gate.blocked
        return bool(blocked.get("") or blocked.get(order.instrument))

    # Telling

    def on_publish(self, events: Sequence[OrderEvent]) -> None:
        """Listeners are told events now."""
        for event in events:
            state = self._store.orders.get(event.order_id)
            if self._store.events.get(event.sequence) != event:
                self._note(f"event {event.sequence} was told and is not in the database")
            elif event.kind not in _UNMOVING and (state is None or state.sequence < event.sequence):
                self._note(f"event {event.sequence} was told before its order was written: {event}")
            if event.execution is not None and event.execution.id not in self._store.executions:
                self._note(f"execution {event.execution.id} was told and is not in the database")

    def _note(self, text: str) -> None:
        if text not in self.offences:
            self.offences.append(text)
