"""The process of the trader: sockets, database, journal and broker, wired to the engine, which works."""

import asyncio
import socket
from collections.abc import Sequence
from typing import ClassVar

from atlas.bus import Bus, Publisher, RequestServer
from atlas.bus import orders as messages
from atlas.bus.orders import ORDER_EVENTS, Done, Greet
from atlas.domain import BadInput, Clock, MarketEvent, OrderEvent, Quote
from atlas.journal import Journal
from atlas.service.alarms import Alarms
from atlas.service.metrics import Figures
from atlas.service.service import Service
from atlas.service.settings import Settings
from atlas.store import Database
from atlas.store.alarms import AlarmRepository
from atlas.trading.adoption import ForeignOrders, Policy
from atlas.trading.broker import BrokerReport
from services.trader.database_route import DatabaseRoute
from services.trader.engine import Engine, EngineValues
from services.trader.faults import FAULT_POINTS, FaultPoints, is_fault_point
from services.trader.gateway_side import GatewaySide
from services.trader.journal_home import open_journal
from services.trader.mongo_store import MongoStore
from services.trader.paper_side import PaperSide
from services.trader.ports import TraderRecord
from services.trader.quotes import Quotes


class _EventsOutlet:
    """Order events on the bus, numbered for good."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def publish(self, events: Sequence[OrderEvent]) -> None:
        self._publisher.publish_numbered(ORDER_EVENTS, events[0].sequence, list(events))

    def heartbeat(self, last_sequence: int) -> None:
        self._publisher.heartbeat(ORDER_EVENTS, last_sequence)


class Trader(Service):
    """Trades one account."""

    name: ClassVar[str] = "trader"

    def __init__(self, settings: Settings, bus: Bus, clock: Clock) -> None:
        super().__init__(settings, bus, clock)
        own = settings.trader
        if own.fault_point and not is_fault_point(own.fault_point):
            raise BadInput(f"trader.fault_point {own.fault_point!r} is not one of {', '.join(FAULT_POINTS)}")
        self._alarms = Alarms(own.name, clock)
        self._engine: Engine | None = None
        kinds = ("quote", "trade") if own.broker == "paper" else ("quote",)
        self._quotes = Quotes(bus, settings, self._on_event, kinds)
        self._side = self._broker_side()
        self._database: Database | None = None
        self._journal: Journal[TraderRecord] | None = None
        self._server: RequestServer[messages.Request] | None = None
        self._route: DatabaseRoute | None = None
        self._publisher: Publisher

    # Lifecycle

    async def start(self) -> None:
        """Open database and journal, connect, take over what was, and begin to reconcile."""
        settings, own = self.settings, self.settings.trader
        self._database = await Database.connect(
            settings.database.url,
            settings.database.name,
            user=settings.database.user,
            password=settings.database_password(),
            wait_seconds=settings.database.start_timeout_seconds,
        )
        with self.listening_on("event_port") as endpoint:
            self._publisher = Publisher(self.bus, endpoint, "order events")
        account = await self._side.open()

        def journal() -> Journal[TraderRecord]:
            return open_journal(settings.state_dir, own.name, own.broker, account)

        self._journal = journal()
        store = MongoStore(self._database, account)
        await store.prepare()
        await AlarmRepository(self._database).clear_earlier(own.name, self.clock.now_ns())
        values = EngineValues(
            account,
            holder=f"{socket.gethostname()}:{self._journal.folder.resolve()}",
            login=self._side.login,
            message_share=own.message_share,
            reserved_share=settings.watcher.message_share,
            limits=own.risk.tree(),
            days=own.risk.session_days(),
            policy=Policy(ForeignOrders(own.foreign_orders), own.claims),
            operators=own.operators if self.bus.keys is not None else ("*",),
            probe_after_seconds=own.probe_after_seconds,
            in_flight_seconds=own.in_flight_seconds,
            unheard_minutes=own.unheard_minutes,
            send_within_seconds=own.send_within_seconds,
            reconcile_seconds=own.reconcile_seconds,
        )
        engine = Engine(
            values,
            self._side.broker,
            store,
            self._journal,
            _EventsOutlet(self._publisher),
            self.clock,
            self._alarms,
            FaultPoints(own.fault_point),
            closing=self._side.closing,
            reopen=journal,
            on_failure=self.fail,
            wants=self._quotes.want,
        )
        await engine.start()
        for key, reason in store.quarantined.items():
            self._alarms.raise_(f"order-quarantined:{key}", f"the document {key!r} in orders is left alone: {reason}")
        self._engine = engine
        for job in (*self._side.jobs(), *self._quotes.jobs()):
            self.keep(asyncio.create_task(job))
        with self.listening_on("order_port") as endpoint:
            self._server = RequestServer(self.bus, endpoint, "order commands", messages.Request, self._on_request)
        self._route = DatabaseRoute(self._database, account, engine.on_request, self.clock, self._alarms, self.fail)
        await self._route.start()

    async def stop(self) -> None:
        """Take no more orders, write what is under way, close."""
        if self._server is not None:
            self._server.close()
        if self._route is not None:
            await self._route.stop()
        if self._engine is not None:
            await self._engine.stop()
        elif self._journal is not None:
            self._journal.close()
        await self._side.close()
        await self.cancel_tasks()
        if self._database is not None:
            await self._database.close()

    def problems(self) -> list[str]:
        """Why orders are not taken, and every alarm that is raised."""
        if self._engine is None:
            return ["starting"]
        return self._engine.problems() + (self._route.problems() if self._route is not None else [])

    def figures(self) -> Figures:
        """Counts of orders and executions, what waits, and how long ticks take to become orders."""
        figures = self._engine.figures() if self._engine is not None else {}
        return {**figures, **(self._route.figures() if self._route is not None else {})}

    def _broker_side(self) -> GatewaySide | PaperSide:
        if self.settings.trader.broker == "paper":
            return PaperSide(
                self.settings,
                self.clock,
                on_report=self._on_report,
                find=self._quotes.find,
                want=self._quotes.want,
                is_heard=lambda: self._quotes.is_heard,
            )
        return GatewaySide(
            self.settings,
            self.clock,
            self._alarms,
            on_report=self._on_report,
            on_down=lambda reason: self._engine.on_link_down(reason) if self._engine is not None else None,
            on_up=lambda: self._engine.on_link_up() if self._engine is not None else None,
        )

    def _on_report(self, report: BrokerReport) -> None:
        if self._engine is not None:
            self._engine.on_report(report)

    async def _on_request(self, request: messages.Request, peer: str) -> messages.Reply:
        if isinstance(request, Greet):
            self._publisher.greet(request.id)
            return Done()
        assert self._engine is not None  # noqa: S101 # the socket is opened after it
        return await self._engine.on_request(request, peer)

    def _on_event(self, event: MarketEvent) -> None:
        if isinstance(self._side, PaperSide):
            self._side.on_event(event)
        if self._engine is not None and isinstance(event, Quote):
            self._engine.on_quote(event)
