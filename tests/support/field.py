"""A simulated gateway and Atlas's own side of it in one virtual hour: sockets in memory, time that jumps, nothing by chance."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from support.memory_network import Network
from support.virtual_loop import VirtualLoop

from atlas.domain import NS_PER_SECOND, Quote, Trade
from atlas.ib import Connection, Feed
from atlas.ib.link import FOR_PEOPLE, Effect
from atlas.service.alarms import Alarm, Alarms
from atlas.service.gateway import sound
from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.faults import Fault
from services.watcher.subscriber import Subscriber

T = TypeVar("T")

START_NS = 1_780_671_600 * NS_PER_SECOND  # Friday 2026-06-05 15:00 UTC: every exchange of the instruments file trades
TICK_SECONDS = 30.0
"""How long the first tick may take: so long that an instrument that trades rarely is not taken for a dead one."""

MOST_SECONDS = 7 * 86_400.0


class VirtualClock:
    """The loop's time as UTC nanoseconds."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        return START_NS + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds since the beginning."""
        return round(self._loop.now * NS_PER_SECOND)


class Field:
    """The gateway, and connections to it whose effects and alarms are kept."""

    def __init__(self, **options: Any) -> None:
        self.loop = VirtualLoop()
        self.network = Network(self.loop)
        self.clock = VirtualClock(self.loop)
        self.alarms = Alarms("field", self.clock, self._on_alarm)
        self.history: list[tuple[str, str]] = []
        """Every alarm and all-clear: "raised" or "cleared", and its key."""
        self.effects: list[Effect] = []
        self.changes: list[str] = []
        """Every state of the link, as it came."""
        self._connections: list[Connection] = []
        defaults: dict[str, Any] = {"port": 0, "start_ns": START_NS, "quotes_per_second": 2.0}
        self.gateway = SimulatedGateway(SimulatorOptions(**defaults | options), monotonic_ns=self.clock.monotonic_ns)

    def run(self, scenario: Callable[["Field"], Coroutine[Any, Any, T]]) -> T:
        """Run a scenario in virtual time, and leave nothing behind."""

        async def whole() -> T:
            async with self.gateway:
                try:
                    async with asyncio.timeout(MOST_SECONDS):
                        return await scenario(self)
                finally:
                    for connection in self._connections:
                        connection.close()

        try:
            result = self.loop.run(whole())
            assert not self.loop.failures, self.loop.failures
            return result
        finally:
            self.loop.end([])

    def connection(self, client_id: int = 1, **more: Any) -> Connection:
        """A connection that is not open yet."""

        def on_effect(effect: Effect, text: str) -> None:
            if effect in FOR_PEOPLE:
                sound(self.alarms, effect, text)
            else:
                self.effects.append(effect)
                heard(effect)

        heard: Callable[[Effect], None] = more.pop("on_effect", lambda _: None)
        connection = Connection(
            "127.0.0.1", self.gateway.port, client_id, self.clock, chance=random.Random(1), on_effect=on_effect, **more
        )
        self._connections.append(connection)
        return connection

    async def connected(self, client_id: int = 1, **more: Any) -> Connection:
        """A connection that is up, and stays open by itself."""
        connection = self.connection(client_id, **more)
        await connection.open_within(60, orders=True)
        self.keep(connection.stay_open(orders=True))
        self.effects.clear()
        return connection

    def keep(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Work that goes on until the end; a failure of it fails the test."""
        task = self.loop.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def inject(self, fault: Fault) -> int:
        """Let something go wrong."""
        return self.gateway.faults.inject(fault)

    async def until(self, holds: Callable[[], object], seconds: float = 3600.0) -> float:
        """Wait until something holds; returns how many virtual seconds that took."""
        begun = self.loop.time()
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 # no event tells, and in virtual time it costs nothing
                await asyncio.sleep(0.25)
        return self.loop.time() - begun

    def _on_alarm(self, alarm: Alarm) -> None:
        self.history.append(("cleared" if alarm.cleared_ns else "raised", alarm.key))

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self.loop.failures.append(repr(task.exception()))


class Watching:
    """A watcher without its bus: what ticks, and how it is kept ticking."""

    def __init__(self, field: Field, **more: Any) -> None:
        self.field = field
        self.ticks: dict[str, int] = {}
        self.losses = 0
        terms: Mapping[str, Any] = {"lines": 100, "tick_by_tick_lines": 5, "tick_seconds": TICK_SECONDS, "stale_seconds": 60.0}
        self.subscriber = Subscriber(field.clock, field.alarms, **{**terms, **more})
        self.connection = field.connection(
            11, on_lost=self._on_lost, on_effect=self.subscriber.on_effect, on_farm=self.subscriber.on_farm
        )
        self.subscriber.feed = Feed(self.connection, self._on_tick, self.subscriber.on_trouble)

    async def begin(self, names: list[str]) -> None:
        """Connect, want these, and see all of them tick."""
        await self.connection.open_within(60, orders=False)
        self.field.keep(self.connection.stay_open(orders=False))
        self.field.keep(self.subscriber.run())
        self.subscriber.want("robot", [await self.connection.instrument(name) for name in names])
        await self.field.until(lambda: self.all_up)

    @property
    def all_up(self) -> bool:
        """Whether all that is wanted ticks."""
        return self.subscriber.table.up == self.subscriber.table.wanted

    async def tick_anew(self, seconds: float = 3600.0) -> float:
        """Wait until each instrument has ticked once more; returns how many virtual seconds that took."""
        self.ticks.clear()
        return await self.field.until(lambda: len(self.ticks) == len(self.subscriber.table.wanted), seconds)

    def _on_lost(self) -> None:
        self.losses += 1
        self.subscriber.on_lost()
        assert not self.subscriber.table.up, "nothing counts as up without a session"

    def _on_tick(self, tick: Quote | Trade) -> None:
        self.ticks[tick.instrument] = self.ticks.get(tick.instrument, 0) + 1
        self.subscriber.on_tick(tick.instrument, tick.receive_ns)
