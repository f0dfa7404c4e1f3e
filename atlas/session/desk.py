"""A whole desk on this machine: its processes, and the questions that can be put to it."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from atlas.bus import Requester, control, market, orders, robots
from atlas.domain import AtlasError, Instrument, OrderState, Unavailable
from atlas.ib import Broker, Connection
from atlas.service import client_ids
from atlas.service.clock import WallClock
from atlas.service.config import load
from atlas.service.run import open_bus
from atlas.service.settings import ServiceSettings, Settings
from atlas.session.audit import Audit, Cash, DatabaseBooks, audit, read_database
from atlas.session.plan import ATLAS, DemoPlan
from atlas.session.supervisor import Process, Supervisor, tethered
from atlas.store import Database, InstrumentRepository, OrderRepository
from atlas.trading.broker import BrokerSnapshot, Known, Unknown

SERVICES = ("watcher", "trader", "strategy", "monitor")
_ASK_SECONDS = 2.0
_SETTLE_SECONDS = 10.0
_POLL_SECONDS = 0.1


class LocalDesk:
    """Starts, asks and stops a desk. As an async context manager it leaves nothing behind."""

    def __init__(self, plan: DemoPlan, services: Sequence[str] = SERVICES) -> None:
        self.plan = plan
        self.services = tuple(services)
        self.settings: Settings = load(environment=dict(plan.environment)).settings
        self.supervisor = Supervisor(plan.folder / "logs")
        self.account = ""
        self.cash_before: Cash = {}
        gateway = self.settings.gateway
        self._connection = Connection(gateway.host, gateway.port, client_ids.OBSERVER, WallClock())
        self._broker = Broker(self._connection, {}, lambda _: None)
        self.database: Database
        self._controls: dict[str, Requester[Any]] = {}

    async def __aenter__(self) -> Self:
        """Start everything in order; if one part does not come up, stop those that did."""
        try:
            await self._start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _start(self) -> None:
        self.bus = open_bus("desk", self.settings, peer_key_seconds=0.0)  # who is not there yet is asked again
        await self._launch("gateway", self.plan.gateway_command, self._gateway_is_ready)
        await self._launch("database", self.plan.database_command, self._database_is_ready)
        self.account = self._connection.accounts[0]
        self.cash_before = await self._broker.cash(self.account)
        for name in self.services:
            await self.launch(name)

    async def launch(self, name: str, **settings: str) -> Process:
        """Start a service, with `settings` (`trader__account="DU1"`) on top of the plan's, and wait until it is ready."""
        extra = {f"ATLAS_{key.upper()}": value for key, value in settings.items()}
        command = [*ATLAS, "run", name]
        return await self._launch(name, command, lambda: self._service_is_ready(name), extra)

    async def _launch(
        self, name: str, command: Sequence[str], is_ready: Callable[[], Awaitable[bool]], extra: Mapping[str, str] | None = None
    ) -> Process:
        process = Process(name, tethered(*command), is_ready, {**self.plan.environment, **(extra or {})})
        await self.supervisor.start(process)
        return process

    async def _close(self) -> None:
        self._connection.close()
        await self.supervisor.stop()
        if hasattr(self, "database"):
            await self.database.close()
        if hasattr(self, "bus"):
            self.bus.close()

    @functools.cached_property
    def _market(self) -> Requester[market.Reply]:
        watcher = self.settings.watcher
        return Requester(self.bus, f"tcp://{watcher.host}:{watcher.request_port}", "watcher", market.Reply)

    @functools.cached_property
    def _orders(self) -> Requester[orders.Reply]:
        trader = self.settings.trader
        return Requester(self.bus, f"tcp://{trader.host}:{trader.order_port}", "trader", orders.Reply)

    # Is it there?

    async def _gateway_is_ready(self) -> bool:
        await self._connection.open(orders=False)
        return True

    async def _database_is_ready(self) -> bool:
        if hasattr(self, "database"):
            await self.database.ping()
            return True
        settings = self.settings.database
        self.database = await Database.connect(settings.url, settings.name, wait_seconds=0.0)
        return True

    async def _service_is_ready(self, name: str) -> bool:
        if name not in self._controls:
            own: ServiceSettings = getattr(self.settings, name)
            kind = robots.Reply if name == "strategy" else control.Reply
            self._controls[name] = Requester(self.bus, f"tcp://{own.host}:{own.control_port}", name, kind)
        answer = await self._controls[name].ask(control.Ping(), 0.5)
        return isinstance(answer, control.Pong) and answer.ready

    # Questions

    async def states(self) -> dict[str, str]:
        """Every part of the desk with its state in a word."""
        answers = await asyncio.gather(*(self.status(name) for name in self.services))
        states = {"gateway": "running", "database": "running"}
        named = zip(self.services, answers, strict=True)
        states |= {name: one.state if one is not None else "unreachable" for name, one in named}
        return states | {process.name: "ended" for process in self.supervisor.dead()}

    async def status(self, name: str) -> control.Status | None:
        """The status of a service; None if it does not answer."""
        try:
            answer = await self._controls[name].ask(control.StatusRequest(), _ASK_SECONDS)
        except AtlasError:
            return None
        return answer if isinstance(answer, control.Status) else None

    async def snapshot(self) -> market.Snapshot | None:
        """The newest quotes and bars; None if the watcher does not answer."""
        try:
            answer = await self._market.ask(market.SnapshotRequest([]), _ASK_SECONDS)
        except AtlasError:
            return None
        return answer if isinstance(answer, market.Snapshot) else None

    async def positions(self) -> orders.Positions | None:
        """The trader's books; None if it does not answer."""
        try:
            answer = await self._orders.ask(orders.PositionsRequest(), _ASK_SECONDS)
        except AtlasError:
            return None
        return answer if isinstance(answer, orders.Positions) else None

    async def newest_orders(self, limit: int) -> list[OrderState]:
        """The orders that changed last."""
        return await OrderRepository(self.database).newest(limit)

    async def count_orders(self) -> int:
        """How many orders the database has."""
        return sum((await OrderRepository(self.database).count_by_status()).values())

    async def robots(self) -> list[robots.RobotReport]:
        """All robots.

        Raises:
            Unavailable: the strategy service does not answer.
        """
        answer = await self._controls["strategy"].ask(robots.RobotsRequest(), _ASK_SECONDS)
        if not isinstance(answer, robots.Robots):
            raise Unavailable(f"the strategy service answered with {type(answer).__name__} instead of its robots")
        return answer.robots

    async def instrument(self, name: str) -> Instrument:
        """An instrument's definition by the broker."""
        return await self._connection.instrument(name)

    async def broker_snapshot(self) -> Known[BrokerSnapshot] | Unknown:
        """What the gateway knows, asked over a connection of our own."""
        self._broker.learn(await InstrumentRepository(self.database).all())
        return await self._broker.snapshot()

    def page_address(self) -> str:
        """Where the web page is, with the token behind the # sign, which browsers keep to themselves."""
        monitor = self.settings.monitor
        try:
            token = self.settings.monitor_token_file.read_text(encoding="utf-8").strip()
        except OSError:
            token = ""
        return f"http://{monitor.host}:{monitor.http_port}/#{token}"

    # The end

    async def settle(self) -> None:
        """Have no new orders decided, and wait until those under way are over and everyone knows."""
        await self._controls["strategy"].ask(control.Pause(), _ASK_SECONDS)
        deadline = asyncio.get_running_loop().time() + _SETTLE_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            trader, strategy = await asyncio.gather(self.status("trader"), self.status("strategy"))
            if trader is not None and strategy is not None and await self._is_settled(trader.figures, strategy.figures):
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _is_settled(self, trader: Mapping[str, Any], strategy: Mapping[str, Any]) -> bool:
        if trader.get("orders_working") or trader.get("backlog") or strategy.get("waiting"):
            return False
        robots_now = await self.robots()
        if any(robot.state == "running" for robot in robots_now):
            return False
        heard = max((robot.last_trader_sequence for robot in robots_now), default=0)
        return heard >= trader.get("events", 0) and trader.get("executions_uncharged") == 0

    async def audit(self) -> tuple[Audit, DatabaseBooks]:
        """Compare the books of the robots, the database and the gateway.

        Raises:
            Unavailable: one of them does not answer; what it knows is unknown.
        """
        gateway = await self.broker_snapshot()
        if isinstance(gateway, Unknown):
            raise Unavailable(gateway.reason)
        database = await read_database(self.database)
        after = await self._broker.cash(self.account)
        found = audit(await self.robots(), database, gateway.value, self.account, self.cash_before, after)
        return found, database
