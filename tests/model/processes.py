"""The same desk as processes: trader, gateway and database each on its own, with real sockets and real signals.

It is started once and lives through all examples; only what is killed starts anew. Books only grow, so that what an example
leaves behind is compared again after every later one.
"""

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from model.agreement import Seen, differences
from model.robot import Robot
from support.desks import kill_and_restart
from support.servers import free_port
from support.virtual_loop import Process

from atlas.bus import Requester, orders
from atlas.domain import AtlasError, Unavailable
from atlas.service.clock import WallClock
from atlas.session.desk import LocalDesk
from atlas.session.plan import DemoOptions, make_plan
from atlas.store import InstrumentRepository, OrderEventRepository, OrderRepository, TradeRepository
from ib_gateway.simulator.server.terminal import ExecutionRow, OrderRow

ACCOUNT = "DU1000001"
EURUSD, AAPL = "EUR.USD@IDEALPRO", "AAPL@SMART"
CALM_SECONDS = 60.0


class _RealLoop:
    """The machine's event loop, as the robot wants one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.time, self.create_future, self.call_later = self._loop.time, self._loop.create_future, self._loop.call_later

    def spawn(self, process: Process, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        return self._loop.create_task(work, context=process.context())


class ProcessDesk:
    """A trader, a gateway and a database that can be hurt from outside."""

    def __init__(self, desk: LocalDesk, control: httpx.AsyncClient) -> None:
        self.desk = desk
        self.orders = 0
        self.changes = 0
        self.forked: set[str] = set()
        self.control = control
        trader = desk.settings.trader
        self._requester: Requester[Any] = Requester(
            desk.bus, f"tcp://{trader.host}:{trader.order_port}", "trader", orders.Reply
        )
        self._there = Process("trader")
        self.robot = Robot(_RealLoop(), WallClock(), lambda: (self._there, self._ask))
        self._busy: set[asyncio.Task[None]] = set()

    async def _ask(self, body: Any) -> Any:
        return await self._requester.ask(body, 1.5)

    def close(self) -> None:
        """Ask for nothing any more."""
        self.robot.stop()
        self._requester.close()

    # What is done to it.

    def part(self, name: str) -> Any:
        """The process of a part."""
        return next(one for one in self.desk.supervisor.processes if one.name == name)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done while the run goes on."""
        task = asyncio.get_running_loop().create_task(work)
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def kill(self, name: str) -> None:
        """SIGKILL a part and start it again; wait until that is done."""
        await self.settled()
        await kill_and_restart(self.desk, name)

    async def stop_for(self, name: str, seconds: float) -> None:
        """SIGSTOP a part, and SIGCONT after a while."""
        process = self.part(name)
        process.handle.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.handle.send_signal(signal.SIGCONT)

    async def settled(self) -> None:
        """Wait until nothing is being done to it."""
        while self._busy:
            await asyncio.gather(*self._busy)

    async def inject(self, **fault: Any) -> bool:
        """Let the gateway go wrong; False if that makes no sense as it stands, or it does not answer now."""
        try:
            answer = await self.control.post("/faults", json=fault)
        except httpx.HTTPError:
            return False
        return answer.status_code == 201

    async def broker_orders(self) -> list[OrderRow]:
        """The broker's orders, at its own terminal."""
        return [OrderRow(**row) for row in (await self.control.get("/orders")).json()]

    async def broker_executions(self) -> list[ExecutionRow]:
        """The broker's executions, at its own terminal."""
        return [ExecutionRow(**row) for row in (await self.control.get("/executions")).json()]

    # What must be so.

    async def calm(self) -> None:
        """Let everything be well from now on, until the books agree.

        Raises:
            AssertionError: they do not, in good time.
        """
        await self.settled()
        await self.control.delete("/faults")
        found = ["nobody was asked"]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CALM_SECONDS):
                while found:
                    await asyncio.sleep(0.3)
                    with contextlib.suppress(AtlasError, httpx.HTTPError):
                        self.robot.tell_last(self.robot.last_sequence + 1)  # have it ask for what there is
                        found = await self._differences()
        assert not found, "\n".join(found)

    async def _differences(self) -> list[str]:
        if not (await self.desk.status("trader")):
            raise Unavailable("the trader does not answer")
        database = self.desk.database
        instruments = await InstrumentRepository(database).all()
        trades = await TradeRepository(database).all()
        collection = database.collection("trades")
        owners = {row["_id"]: row.get("robot", "") async for row in collection.find({}, {"robot": 1})}
        events = await OrderEventRepository(database, ACCOUNT).since(0, 1_000_000)
        seen = Seen(
            events,
            {state.order.id: state for state in await OrderRepository(database).open_or_since(0)},
            [(owners[execution.id], execution) for execution, _ in trades],
            {execution.id: commission for execution, commission in trades if commission is not None},
            instruments,
            await self.broker_orders(),
            await self.broker_executions(),
            (await self.control.get("/accounts")).json()[ACCOUNT]["positions"],
            self.robot.ledger,
            self.robot.waiting,
            self.forked,
        )
        behind = [f"the robot has heard {self.robot.last_sequence} of {len(events)} events"]
        return differences(seen) + (behind if self.robot.last_sequence < len(events) else [])


@asynccontextmanager
async def process_desk(folder: Path) -> AsyncIterator[ProcessDesk]:
    """A running desk of processes."""
    plan = make_plan(folder, DemoOptions(json=True, instruments=(EURUSD, AAPL)))
    port = free_port()
    plan = dataclasses.replace(plan, gateway_command=[*plan.gateway_command, "--control-port", str(port)])
    async with LocalDesk(plan, ["trader"]) as desk, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as control:
        made = ProcessDesk(desk, control)
        made.robot.learn([await desk.instrument(name) for name in (EURUSD, AAPL)])
        try:
            yield made
        finally:
            made.close()
