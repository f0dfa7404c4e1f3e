"""The shell of the strategy service: threads that bring market data, order events and commands to the one robot loop."""

import asyncio
from typing import Any, ClassVar

from atlas.bus import (
    BlockingRequester,
    Bus,
    Forwarder,
    Mailbox,
    MailboxSender,
    Message,
    Requester,
    Subscriber,
    control,
    market,
    orders,
    robots,
)
from atlas.bus.orders import ORDER_EVENTS
from atlas.domain import MARKET_KINDS, AtlasError, Clock, Instrument, MarketEvent, OrderEvent, Unavailable, topic
from atlas.robot import Control
from atlas.service.metrics import Figures
from atlas.service.service import Service
from atlas.service.settings import Settings
from atlas.store import Database
from services.strategy.database_link import DatabaseLink, trader_account
from services.strategy.host import RobotHost
from services.strategy.link import DirectLink, OrderEvents
from services.strategy.loop import RobotLoop, RobotMailbox

_PEER_SECONDS = 30.0
_REQUEST_SECONDS = 10.0
_REFRESH_SECONDS = 2.0
_GREETING_SECONDS = 1.0


class StrategyService(Service):
    """Runs the configured robots."""

    name: ClassVar[str] = "strategy"
    control_requests: ClassVar[Any] = robots.Request

    def __init__(self, settings: Settings, bus: Bus, clock: Clock) -> None:
        super().__init__(settings, bus, clock)
        own = settings.strategy
        journals = settings.state_dir / "journal" / "robots"
        self._hosts = [RobotHost(robot, own.folder, journals) for robot in own.robots]
        self._names = sorted({name for robot in own.robots for name in robot.instruments})
        self._loop: RobotLoop | None = None
        self._opening: asyncio.Task[None] | None = None
        self._database: Database | None = None
        self._database_link: DatabaseLink | None = None
        self._forwarders: list[Forwarder] = []
        self._market: Requester[market.Reply] | None = None
        self._control: MailboxSender | None = None
        self._watcher_problem = ""

    # Lifecycle

    async def start(self) -> None:
        """Recover the robots, prove the links, catch up with the trader, and only then have the market flow."""
        settings = self.settings
        for host in self._hosts:
            await asyncio.to_thread(host.recover)
        direct = settings.strategy.route == "direct"
        await self.know("watcher", *(["trader"] if direct else []))
        watcher = settings.watcher
        self._market = Requester(self.bus, f"tcp://{watcher.host}:{watcher.request_port}", "watcher", market.Reply)
        mailbox: RobotMailbox = Mailbox(
            self.bus,
            "inproc://robots",
            MarketEvent | OrderEvent,
            Control | OrderEvents,
            capacity=settings.strategy.mailbox_size,
            on_high_fill=lambda fill, size: self.log.warning("the mailbox is filling up", messages=fill, capacity=size),
        )
        self._control = mailbox.sender()
        definitions = await self._instruments()
        for host in self._hosts:
            host.begin(tuple(definitions[name] for name in host.settings.instruments), self.clock)
        if not direct:
            await self._open_database_link(mailbox)
        self._opening = asyncio.create_task(asyncio.to_thread(self._open_links, mailbox))
        await asyncio.shield(self._opening)
        assert self._loop is not None  # noqa: S101 # made by _open_links
        if self._database_link is not None:
            self._database_link.follow(self._loop.trader_sequence)
        self._loop.start()
        for forwarder in self._forwarders:
            forwarder.start()
        await self._refresh()
        self.keep(asyncio.create_task(self._refresh_loop()))

    async def stop(self) -> None:
        """Stop the threads, sync and close the journals."""
        await self.cancel_tasks()
        if self._opening is not None:  # its sockets must not be closed under it
            await asyncio.gather(self._opening, return_exceptions=True)
        for forwarder in self._forwarders:
            await asyncio.to_thread(forwarder.close)
        if self._loop is not None and self._loop.is_alive():
            await asyncio.to_thread(self._loop.stop)
        if self._database_link is not None:
            await self._database_link.stop()
        if self._database is not None:
            await self._database.close()
        for host in self._hosts:
            host.close()

    def problems(self) -> list[str]:
        """Robots in error, links that are down."""
        result = [f"robot {host.id} is in ERROR" for host in self._hosts if host.runtime.error]
        if self._watcher_problem:
            result.append(self._watcher_problem)
        if self._loop is not None and not self._loop.trader_connected:
            result.append("the trader is not connected")
        return result

    def figures(self) -> Figures:
        """Sums over the robots."""
        return {
            "robots": len(self._hosts),
            "quotes": sum(host.quotes for host in self._hosts),
            "bars": sum(host.bars for host in self._hosts),
            "orders": sum(host.orders for host in self._hosts),
            "missed": self._loop.missed if self._loop is not None else 0,
            "conflated": sum(forwarder.conflated for forwarder in self._forwarders),
            "waiting": self._loop.waiting if self._loop is not None else 0,
        }

    async def pause(self) -> None:
        """Have the robots decide nothing; what happens to their orders is still followed."""
        self._command("pause")

    async def resume(self) -> None:
        """Have the robots decide again."""
        self._command("resume")

    def _command(self, command: str) -> None:
        """Put a command for all robots into the mailbox: it has its place in the sequence of their events."""
        if self._control is None or not self._control.try_send(Control(command, self.clock.now_ns())):
            raise Unavailable(f"the robots cannot take {command!r} now; try again")

    async def on_control(self, request: Any, peer: str) -> Message:
        """Answer what every service answers, and for the robots."""
        if isinstance(request, robots.RobotsRequest):
            reports = self._loop.reports() if self._loop is not None else [host.report() for host in self._hosts]
            return robots.Robots(reports)
        return await super().on_control(request, peer)

    # Links

    async def _open_database_link(self, mailbox: RobotMailbox) -> None:
        """Take the database for the way to the trader, both ways: of the bus, nothing but market data is needed then."""
        settings = self.settings.database
        self._database = await Database.connect(
            settings.url,
            settings.name,
            user=settings.user,
            password=self.settings.database_password(),
            wait_seconds=settings.start_timeout_seconds,
        )
        account = await trader_account(self._database, self.settings.strategy.account)
        robots = [host.id for host in self._hosts]
        link = DatabaseLink(self._database, account, robots, self.clock, mailbox.sender().try_send, self.fail)
        await link.start()
        self._database_link = link

    def _open_links(self, mailbox: RobotMailbox) -> None:
        """Subscribe to watcher and trader and see that the subscriptions have arrived, before anything flows. In a thread."""
        watcher = self.settings.watcher
        topics = [topic(name, kind) for name in self._names for kind in MARKET_KINDS.values()]
        data: Subscriber[MarketEvent] = Subscriber(
            self.bus, f"tcp://{watcher.host}:{watcher.data_port}", "watcher", topics, MarketEvent
        )
        to_watcher: BlockingRequester[market.Reply] = BlockingRequester(
            self.bus, f"tcp://{watcher.host}:{watcher.request_port}", "watcher", market.Reply
        )
        data.hello(lambda mark: self._greet(to_watcher, mark), _PEER_SECONDS)
        to_watcher.close()
        self._forwarders = [Forwarder(data, mailbox.sender(), watcher.overflow, "data")]
        link = self._database_link or self._direct_link(mailbox)
        self._loop = RobotLoop(self._hosts, mailbox, link, self.clock)
        self._loop.catch_up()

    def _direct_link(self, mailbox: RobotMailbox) -> DirectLink:
        trader = self.settings.trader
        events: Subscriber[OrderEvent] = Subscriber(
            self.bus, f"tcp://{trader.host}:{trader.event_port}", "trader", [ORDER_EVENTS], OrderEvent
        )
        to_trader: BlockingRequester[orders.Reply] = BlockingRequester(
            self.bus, f"tcp://{trader.host}:{trader.order_port}", "trader", orders.Reply
        )
        events.hello(lambda mark: self._greet(to_trader, mark), _PEER_SECONDS)
        self._forwarders.append(Forwarder(events, mailbox.sender(), "wait", "trade"))
        return DirectLink(to_trader)

    def _greet(self, peer: BlockingRequester[Any], mark: str) -> None:
        if self.stopping.is_set():
            raise AtlasError("stopped while waiting for a greeting")
        peer.ask(control.Greet(mark), _GREETING_SECONDS)

    async def _instruments(self) -> dict[str, Instrument]:
        assert self._market is not None  # noqa: S101 # opened before
        answer = await _until_there(self._market, market.InstrumentsRequest(self._names))
        if not isinstance(answer, market.Instruments):
            raise Unavailable(f"the watcher answered with {type(answer).__name__} instead of its instruments")
        return {one.id: one for one in answer.instruments}

    async def _refresh(self) -> None:
        assert self._market is not None  # noqa: S101 # opened before
        await self._market.ask(market.Subscribe(self._names, list(MARKET_KINDS.values())), _REQUEST_SECONDS)

    async def _refresh_loop(self) -> None:
        """Say again and again what is wanted: a watcher that was restarted has forgotten it."""
        while True:
            await asyncio.sleep(_REFRESH_SECONDS)
            try:
                await self._refresh()
                self._watcher_problem = ""
            except AtlasError as error:
                self._watcher_problem = str(error)
            if self._loop is not None and self._loop.failure is not None:
                raise self._loop.failure


async def _until_there(requester: Requester[market.Reply], body: Message) -> market.Reply:
    """Ask a peer that may still be starting."""
    deadline = asyncio.get_running_loop().time() + _PEER_SECONDS
    while True:
        try:
            return await requester.ask(body, _REQUEST_SECONDS)
        except Unavailable:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(0.2)
