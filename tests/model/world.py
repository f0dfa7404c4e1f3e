"""A whole desk in one process under virtual time: gateway, trader, database, disk, robot, and everything that can go wrong.

Every method named in `model.steps` is one step of a run. Numbers stand for things that are there (the third order, modulo how
many there are), so that a run stays a run when steps are taken out of it.
"""

import asyncio
import contextlib
import contextvars
import functools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from model.agreement import ACCOUNT, Seen, differences
from model.disk import Disk
from model.market import HandMarket
from model.robot import Line, Robot
from model.trader import Trader
from model.watch import Watch
from support.memory_network import Network
from support.memory_store import MemoryStore
from support.virtual_loop import Process, VirtualLoop

from atlas.domain import NS_PER_SECOND, AtlasError, BadInput, Execution, Order, Side
from ib_gateway.simulator import faults
from ib_gateway.simulator.instruments import Catalogue, load
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server.gateway import SimulatedGateway

START_NS = 1_699_974_000 * NS_PER_SECOND  # a Tuesday, 10:00 in New York
QUOTES = {"EUR.USD@IDEALPRO": (1.16, 0.00005, 500_000.0), "AAPL@SMART": (270.0, 0.01, 200.0)}
"""Bid, tick and size at the touch of what is traded, at the beginning."""

RESTART_SECONDS = 0.3
_NOBODY = contextvars.Context()
"""Belongs to no process: what a supervisor does outlives whom it watches."""


@functools.cache
def _catalogue() -> Catalogue:
    """What is listed: nothing changes it, so all worlds share it."""
    return load(Path(__file__).with_name("instruments.yaml"))


class VirtualTime:
    """The loop's time as UTC nanoseconds."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.off_ns = self.most_off_ns = 0
        """How far the machine's clock is off, and was at most; what counts time does not look at it."""

    def jump(self, by_ns: int) -> None:
        """Set the clock forwards or backwards."""
        self.off_ns += by_ns
        self.most_off_ns = max(self.most_off_ns, self.off_ns)

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        return START_NS + self.monotonic_ns() + self.off_ns

    def monotonic_ns(self) -> int:
        """Nanoseconds since the beginning."""
        return round(self._loop.now * NS_PER_SECOND)


class World:
    """The desk. The same seed and the same steps give the same run."""

    def __init__(self, seed: int) -> None:
        self.loop = VirtualLoop()
        self.network = Network(self.loop)
        self.clock = VirtualTime(self.loop)
        self.store = MemoryStore()
        self.chance = random.Random(seed)
        self.disk = Disk(self.chance)
        self.market = HandMarket(QUOTES, self.clock.now_ns)
        options = SimulatorOptions(port=0, hours="always", start_ns=START_NS, seed=seed, accounts=(ACCOUNT,))
        self.gateway = SimulatedGateway(
            options, source=self.market, catalogue=_catalogue(), monotonic_ns=self.clock.monotonic_ns
        )
        self.trader: Trader | None = None
        self.deaths = 0
        self.orders = 0
        self.changes = 0
        self.forked: set[str] = set()
        self.moved: dict[str, float] = {}
        """What was booked in by hand and is to be booked out before the end."""
        self._moves = 0
        self._operations: list[asyncio.Task[None]] = []
        self._later: list[asyncio.TimerHandle] = []
        self._dead: list[Process] = []
        self._traders: list[Trader] = []  # tasks of the dead must not be collected while the world goes on
        self._restarting = False
        self.loop.run(self._begin())
        self.until(lambda: self.ready, "the trader", 30.0)

    async def _begin(self) -> None:
        await self.gateway.__aenter__()
        for name, (bid, tick, size) in QUOTES.items():
            self.market.quote(name, bid, round(bid + tick, 8), size)
        self.gateway.feed.wake()
        self.store.instruments = {listing.instrument.id: listing.instrument for listing in _catalogue()}
        self.robot = Robot(self.loop, self.clock, lambda: self.trader.asked if self.trader else None)
        self.robot.learn(self.store.instruments.values())
        self.start_trader()

    # The trader's life.

    def start_trader(self) -> None:
        """Start the trader, as a supervisor does."""
        self._restarting = False
        self.trader = Trader(
            self.loop,
            self.network,
            self.gateway.port,
            self.store,
            self.disk,
            self.clock,
            self.robot.tell,
            self.robot.tell_last,
            self.chance,
            self.watch(),
        )
        self.trader.process.on_death.append(self._on_death)
        self._traders.append(self.trader)

    def watch(self) -> Watch:
        """An eye on one more life of a trader."""
        return Watch(self.store, self.gateway.terminal, self.forked)

    def _on_death(self) -> None:
        assert self.trader is not None
        self.deaths += 1
        self._dead.append(self.trader.process)
        self.trader = None
        self.loop.call_later(RESTART_SECONDS, self.start_trader, context=_NOBODY)

    def kill(self) -> None:
        """SIGKILL the trader, if it runs."""
        if self.trader is not None:
            self.loop.run(self._do(self.trader.process.kill))

    # What steps need.

    def pick_working(self, which: int) -> Order | None:
        """One of the robot's working orders."""
        working = list(self.robot.ledger.working.values())
        return working[which % len(working)].order if working else None

    def inject(self, fault: faults.Fault) -> bool:
        """Let the gateway go wrong; False if that makes no sense as it stands."""
        return self.attempt(lambda: self.gateway.faults.inject(fault))

    def attempt(self, what: Callable[[], object]) -> bool:
        """Do what the broker may turn down; False if it does."""
        try:
            self.loop.run(self._do(what))
        except BadInput:
            return False
        return True

    def operate(self, request: Any) -> None:
        """A person asks the trader for something, and does not insist."""
        asked = self.trader.asked if self.trader else None
        if asked is not None:
            process, ask = asked
            task = self.loop.spawn(process, self._asked(ask, request))
            self._operations.append(task)
        self.pass_time(0.05)

    async def _asked(self, ask: Any, request: Any) -> None:
        with contextlib.suppress(AtlasError):
            await ask(request)

    def calm(self) -> None:
        """Let everything be well from now on: the run is to end connected."""
        for timer in self._later:
            timer.cancel()
        self.loop.run(self._do(self._make_well))

    def _make_well(self) -> None:
        self.gateway.faults.clear_all()
        self.network.heal()
        self.store.outage = ""
        self.disk.full = False
        self.clock.off_ns = self.clock.most_off_ns
        for instrument, quantity in self.moved.items():
            self.move_position(instrument, -quantity)
        self.moved.clear()
        self.robot.line = Line()
        if self.trader is not None:
            self.trader.fault_point.arm("", 0)

    def move_position(self, instrument: str, quantity: float) -> None:
        """The broker books units in or out (a transfer, an assignment), and tells nobody: it is no execution of the day's."""
        exchange: Any = self.gateway.terminal._exchange
        side, now_ns = (Side.BUY if quantity > 0 else Side.SELL), self.clock.now_ns()
        self._moves += 1
        moved = Execution(
            f"moved-{self._moves}",
            "",
            ACCOUNT,
            instrument,
            side,
            abs(quantity),
            self.market.bids.get(instrument, QUOTES[instrument][0]),
            now_ns,
        )
        exchange.ledger._books.execute(moved, self.store.instruments[instrument])

    # What can be asked about it.

    @property
    def ready(self) -> bool:
        """Whether the trader runs and takes orders."""
        return self.trader is not None and self.trader.taking and not self.problems

    @property
    def problems(self) -> list[str]:
        """What the trader says is wrong."""
        if self.trader is None:
            return ["the trader does not run"]
        return self.trader.engine.problems()

    def seen(self) -> Seen:
        """What database, broker and robot say now."""
        store, terminal = self.store, self.gateway.terminal
        return Seen(
            store.all_events(), store.orders, list(store.executions.values()), store.commissions, store.instruments,
            terminal.orders(), terminal.executions(), {name: held for (_, name), held in terminal.positions().items()},
            self.robot.ledger, self.robot.waiting, self.forked,
        )  # fmt: skip

    def differences(self) -> list[str]:
        """What must not be: books that do not agree, and anything that went wrong on the way."""
        told = [f"the robot was told what cannot be: {text}" for text in self.robot.illegal]
        failed = [f"the engine failed of {error!r}" for trader in self._traders for error in trader.failures]
        return differences(self.seen()) + told + failed + self.offences

    @property
    def offences(self) -> list[str]:
        """What was done on the way that must never be."""
        return [text for trader in self._traders for text in trader.watch.offences]

    # Time.

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass, and everything happen in it."""
        self.loop.run(asyncio.sleep(seconds))

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        """Let something happen later."""
        self._later.append(self.loop.call_later(seconds, do, context=_NOBODY))

    async def _do(self, what: Callable[[], object]) -> object:
        return what()

    def until(self, condition: Callable[[], bool], what: str, at_most_seconds: float) -> None:
        """Let time pass until something is so."""
        deadline = self.loop.now + at_most_seconds
        while not condition():
            if self.loop.now > deadline:
                raise AssertionError(f"{what} did not come about in {at_most_seconds:g} s")
            self.pass_time(0.5)

    def end(self) -> None:
        """Take everything down."""
        try:
            self.loop.run(self._finish())
            for trader in self._traders:
                trader.forget()
            self.loop.end(self._dead)
        finally:
            self.disk.remove()

    async def _finish(self) -> None:
        if self.trader is not None:
            self.trader.process.on_death.remove(self._on_death)
            self._dead.append(self.trader.process)
            self.trader.process.kill()
        await self.gateway.__aexit__(None, None, None)
