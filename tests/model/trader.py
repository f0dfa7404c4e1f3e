"""A trader in a process of its own that can be killed: the real engine and the real Interactive Brokers adapter, in memory."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from model.disk import Disk, ModelJournal
from model.robot import Ask
from model.watch import Watch
from support.memory_network import Network
from support.memory_store import MemoryStore
from support.virtual_loop import Killed, Process, VirtualLoop

from atlas.domain import Clock, Order, OrderEvent, Refused, Unavailable
from atlas.ib import Broker, Connection
from atlas.ib.link import Effect
from atlas.service.alarms import Alarms
from atlas.trading.broker import BrokerReport
from atlas.trading.effects import Decision
from services.trader.engine import Engine, EngineValues

CLIENT_ID = 7
VALUES = EngineValues("DU1000001", reconcile_seconds=8.0, unheard_minutes=0.05)


class FaultPoint:
    """Kills its process when the armed point is reached for the nth time."""

    def __init__(self, process: Process) -> None:
        self.armed = ""
        self.left = 0
        self._process = process

    def arm(self, point: str, nth: int) -> None:
        """Die there."""
        self.armed, self.left = point, nth

    def reached(self, point: str) -> None:
        """The process has got to `point`."""
        if not self._process.alive:
            raise Killed(point)
        if point == self.armed:
            self.left -= 1
            if self.left <= 0:
                self._process.kill()
                raise Killed(point)


@dataclass
class Outlet:
    """Hands events to those who listen, as long as the process lives."""

    process: Process
    tell: Callable[[Sequence[OrderEvent]], None]
    tell_last: Callable[[int], None]
    watch: Watch

    def publish(self, events: Sequence[OrderEvent]) -> None:
        if self.process.alive:
            self.watch.on_publish(events)
            self.tell(events)

    def heartbeat(self, last_sequence: int) -> None:
        if self.process.alive:
            self.tell_last(last_sequence)


class WatchedBroker(Broker):
    """The broker as it is, with an eye on what leaves."""

    def __init__(self, watch: Watch, connection: Connection, on_report: Callable[[BrokerReport], None]) -> None:
        super().__init__(connection, {}, on_report)
        self._watch = watch

    async def place(self, order: Order, broker_order_id: int, *, parent_id: int = 0, transmit: bool = True) -> None:
        """Send an order."""
        self._watch.on_place(order, broker_order_id)
        await super().place(order, broker_order_id, parent_id=parent_id, transmit=transmit)


class WatchedEngine(Engine):
    """The engine as it is, with an eye on what it decides."""

    watch: Watch

    def take(self, decision: Decision) -> "asyncio.Future[None]":
        """Have a decision carried out."""
        self.watch.on_decision(decision)
        return super().take(decision)


class Trader:
    """One life of the trader, from start to death."""

    def __init__(
        self,
        loop: VirtualLoop,
        network: Network,
        port: int,
        store: MemoryStore,
        disk: Disk,
        clock: Clock,
        tell: Callable[[Sequence[OrderEvent]], None],
        tell_last: Callable[[int], None],
        chance: random.Random,
        watch: Watch,
    ) -> None:
        self.watch = watch
        self.process = Process("trader")
        self.fault_point = FaultPoint(self.process)
        self.taking = False
        self.failures: list[BaseException] = []
        self.refusals: list[Refused] = []
        """Why it may not start: another one trades the account."""
        self._disk = disk
        self._journals: list[ModelJournal] = []
        self.process.on_death += [self._crash, lambda: network.hang_up_of(self.process)]
        self.connection = Connection(
            "127.0.0.1", port, CLIENT_ID, clock, chance=chance, on_lost=self._on_lost, on_effect=self._on_effect
        )
        self.broker = WatchedBroker(watch, self.connection, self._on_report)
        self.alarms = Alarms("trader", clock)
        self.engine = WatchedEngine(
            replace(VALUES, holder=str(disk.folder)),
            self.broker,
            store,
            self._open_journal(),
            Outlet(self.process, tell, tell_last, watch),
            clock,
            self.alarms,
            self.fault_point,
            reopen=self._open_journal,
            on_failure=self.failures.append,
        )
        self.engine.watch = watch
        loop.spawn(self.process, self._live())

    @property
    def asked(self) -> tuple[Process, Ask] | None:
        """Where requests go, once it takes any."""
        return (
            (self.process, lambda body: self.engine.on_request(body, "robot")) if self.taking and self.process.alive else None
        )

    def forget(self) -> None:
        """Nobody needs it any more: nor shall the client library call anybody when it is collected."""
        self.connection.ib.disconnectedEvent.clear()

    async def _live(self) -> None:
        while not self.taking:
            try:
                await self.engine.start()
                self.watch.attach(self.engine)
                self.taking = True
            except Refused as error:
                self.refusals.append(error)
                await asyncio.sleep(1.0)
            except Unavailable:  # the store is away: a supervisor would start the process again
                await asyncio.sleep(1.0)
        await self.connection.stay_open(orders=True)

    def _on_effect(self, effect: Effect, _text: str) -> None:
        if effect is Effect.RECONCILE:
            self.engine.on_link_up()

    def _on_lost(self) -> None:
        self.engine.on_link_down("the connection was lost")

    def _on_report(self, report: BrokerReport) -> None:
        self.engine.on_report(report)

    def _open_journal(self) -> ModelJournal:
        journal = self._disk.open()
        self._journals.append(journal)
        return journal

    def _crash(self) -> None:
        for journal in self._journals:
            with contextlib.suppress(OSError):
                journal.crash()
