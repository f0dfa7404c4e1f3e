"""What the risk gate is fed with, and what is done when a limit of the session day is reached."""

import asyncio
from collections.abc import Callable, Collection, Iterable

import msgspec
import structlog

from atlas.domain import NS_PER_SECOND, Cancel, Clock, OrderEvent, OrderEventKind
from atlas.service.alarms import Alarms, Severity
from atlas.trading.broker import BrokerPort
from atlas.trading.desk import Desk
from atlas.trading.effects import NOTHING, Decision
from atlas.trading.risk import Gate
from atlas.trading.risk.closing import LimitReached, closings
from atlas.trading.risk.session import SessionMemory
from services.trader.closer import Closer
from services.trader.filing import Filing
from services.trader.ports import Restored, Store
from services.trader.worth import Worth

ACCOUNT_SECONDS = 30.0
_MEMORY_NS = 5 * NS_PER_SECOND

log = structlog.get_logger("atlas.trader")


class RiskWatch:
    """Feeds the gate, and looks after the day's limits."""

    def __init__(
        self,
        desk: Desk,
        gate: Gate,
        broker: BrokerPort,
        worth: Worth,
        store: Store,
        filing: Filing,
        closer: Closer,
        clock: Clock,
        alarms: Alarms,
        *,
        take: Callable[[Decision], object],
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._broker = broker
        self._worth = worth
        self._store = store
        self._filing = filing
        self._closer = closer
        self._clock = clock
        self._alarms = alarms
        self._take = take
        self._reached: dict[str, LimitReached] = {}  # by the key of the alarm
        self._memory: SessionMemory | None = None
        self._unclosed: Collection[str] = ()
        self._memory_due_ns = 0

    def restore(self, restored: Restored) -> None:
        """Feed the gate with every execution there ever was, in order, the last submissions, and its memory of the day."""
        for execution, commission in restored.trades:
            self._gate.on_execution(execution, restored.robots.get(execution.id, ""))
            if commission is not None:
                self._gate.on_commission(commission)
        for event in restored.submitted:
            self.note_submitted(event)
        if restored.session is not None:
            self._gate.recall(restored.session, self._clock.now_ns())
            self._unclosed = restored.session.closing

    def note_submitted(self, event: OrderEvent) -> None:
        """Have an order count that an earlier run submitted; other events are none of that."""
        if event.kind is OrderEventKind.PENDING and event.order is not None:
            self._gate.note_submitted(event.order, event.at_ns)

    def on_events(self, events: Iterable[OrderEvent]) -> None:
        """Take what was executed, and what it cost."""
        for event in events:
            if event.execution is not None:
                self._gate.on_execution(event.execution, event.robot)
            if event.commission is not None:
                self._gate.on_commission(event.commission)

    def look(self) -> None:
        """Look whether a limit of the day is reached, and do about it what is configured."""
        now_ns = self._clock.now_ns()
        for key in [key for key, one in self._reached.items() if now_ns >= one.until_ns or not self._gate.is_reached(one)]:
            del self._reached[key]
            self._alarms.clear(key)
        for reached in self._gate.watch(self._desk, now_ns):
            self._on_reached(reached)
        wanted = self._closer.wanted
        if now_ns >= self._memory_due_ns or (self._memory is not None and wanted != self._memory.closing):
            self._memory_due_ns = now_ns + _MEMORY_NS
            self._remember(msgspec.structs.replace(self._gate.memory(), closing=wanted))

    def close_on(self) -> None:
        """Go on closing what an earlier run had not closed yet."""
        held = self._desk.at_broker().items()
        self._closer.close(closings((name, one) for name, one in held if name in self._unclosed))

    async def run(self) -> None:
        """Ask the broker what the account is worth, now and then, for good."""
        while True:
            if self._broker.is_up:
                await self._worth.ask()
            await asyncio.sleep(ACCOUNT_SECONDS if self._broker.is_up else 1.0)

    def _on_reached(self, reached: LimitReached) -> None:
        where = f" of {reached.scope}" if reached.scope else ""
        numbers = f"{reached.found:.2f}, limit {reached.limit:g}"
        text = f"{reached.name}{where} is reached: {numbers}; nothing is opened until the session day ends"
        key = f"limit:{reached.scope}:{reached.name}"
        self._alarms.raise_(key, text, Severity.CRITICAL)
        self._reached[key] = reached
        decision = NOTHING
        for order_id in reached.cancel:
            decision += self._desk.cancel(Cancel(f"{key}:{order_id}", order_id))
        self._take(decision)
        self._closer.close(reached.close)

    def _remember(self, memory: SessionMemory) -> None:
        if memory != self._memory:
            self._memory = memory
            self._filing.put(lambda: self._store.save_session(memory), "the session day")
