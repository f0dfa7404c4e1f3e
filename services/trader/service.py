"""The shell of the trader: sockets, database and gateway around `atlas.trading.desk`, which decides.

The way of an order: command -> desk (risk) -> journal, synced -> receipt to the robot -> database -> gateway. The way of a
report: gateway -> desk -> journal, synced -> database -> robots. What is not in the database was never sent; what the broker
says is written before anyone hears of it.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import ClassVar

from atlas.bus import Bus, Publisher, RequestServer
from atlas.bus import orders as messages
from atlas.bus.orders import (
    Command,
    Done,
    Events,
    EventsSince,
    Greet,
    Held,
    OrderAnswer,
    OrderQuery,
    Positions,
    PositionsRequest,
    Receipt,
)
from atlas.domain import (
    NS_PER_SECOND,
    BadInput,
    Cancel,
    Clock,
    Instrument,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    OrderStatus,
    Submit,
    Unavailable,
    UnknownInstrument,
)
from atlas.ib import Broker, Connection
from atlas.journal import Journal
from atlas.service.metrics import Figures
from atlas.service.service import Service
from atlas.service.settings import Settings
from atlas.store import Database, InstrumentRepository, OrderEventRepository, OrderRepository, TradeRepository
from atlas.trading.broker import BrokerReport, Unknown
from atlas.trading.desk import Desk
from atlas.trading.form import malformed
from atlas.trading.risk import Limits
from services.trader.account import check_mode, choose_account
from services.trader.faults import FAULT_POINTS, FaultPoints
from services.trader.latency import Latency
from services.trader.ledger import Ledger
from services.trader.sender import Sender

_K = OrderEventKind
_REMEMBERED_NS = 3 * 86_400 * NS_PER_SECOND  # final orders stay in memory so long: commissions and late fills still find them
_EVENTS_AT_ONCE = 1000
_WRITE_SECONDS = 2.0
_RECHECK_SECONDS = 2  # a fill on its way while positions were asked for looks like a break, once


class Trader(Service):
    """Trades one account."""

    name: ClassVar[str] = "trader"

    def __init__(self, settings: Settings, bus: Bus, clock: Clock) -> None:
        super().__init__(settings, bus, clock)
        own = settings.trader
        if own.fault_point and own.fault_point not in FAULT_POINTS:
            raise BadInput(f"trader.fault_point {own.fault_point!r} is not one of {', '.join(FAULT_POINTS)}")
        self._faults = FaultPoints(own.fault_point)
        self._instruments: dict[str, Instrument] = {}
        gateway = settings.gateway
        self._connection = Connection(
            gateway.host,
            gateway.port,
            own.client_id,
            clock,
            request_timeout_seconds=gateway.request_timeout_seconds,
            on_lost=self._on_lost,
        )
        self._broker = Broker(self._connection, self._instruments, self._on_report)
        self._unreconciled = "orders are not reconciled with the broker yet"
        self._to_journal = Latency("tick_to_journal")
        self._database: Database | None = None
        self._books_open = False
        self._journal: Journal[OrderEvent] | None = None
        self._server: RequestServer[messages.Request] | None = None
        self._publisher: Publisher
        self._events: OrderEventRepository
        self._instruments_stored: InstrumentRepository
        self._desk: Desk
        self._ledger: Ledger
        self._sender: Sender
        self._next_order_id = 0

    # Lifecycle

    async def start(self) -> None:
        """Open database and journal, take over what was, connect, reconcile, and only then take orders."""
        settings = self.settings
        database = await self._open_database()
        self._journal = Journal.open(settings.state_dir / "journal" / "trader", OrderEvent)
        with self.listening_on("event_port") as endpoint:
            self._publisher = Publisher(self.bus, endpoint, "order events")
        await self._connection.open_within(settings.gateway.start_timeout_seconds, orders=True)
        account = self._choose_account()
        orders, trades = OrderRepository(database), TradeRepository(database)
        events = OrderEventRepository(database, account)
        for repository in (orders, trades, events):
            await repository.prepare()
        self._ledger = Ledger(self._journal, (orders, trades, events), self._publisher, self._on_written, self._faults)
        self._events = events
        await self._restore(account, orders, trades, events)
        self.keep(asyncio.create_task(self._ledger.run()))
        self.keep(asyncio.create_task(self._sender.run()))
        staying = self._connection.stay_open(orders=True, on_problem=self._on_problem, on_open=self._on_open)
        self.keep(asyncio.create_task(staying))
        while not await self._reconcile():  # noqa: ASYNC110 # the broker is asked again; nothing tells when it will answer
            await asyncio.sleep(_RECHECK_SECONDS)
        with self.listening_on("order_port") as endpoint:
            self._server = RequestServer(self.bus, endpoint, "order commands", messages.Request, self._on_request)
        self.keep(asyncio.create_task(self._timer_loop()))

    async def stop(self) -> None:
        """Take no more orders, write what is under way, close."""
        if self._server is not None:
            self._server.close()
        if self.started:
            await self._written_or_given_up()
        self._connection.close()
        await self.cancel_tasks()
        if self._journal is not None:
            self._journal.close()
        if self._database is not None:
            await self._database.close()

    def problems(self) -> list[str]:
        """Why orders are not taken, and breaks between our books and the broker's."""
        if not self.started:
            return ["starting"]
        result = [reason for reason in (self._cannot_send(), self._ledger.database_problem) if reason]
        return result + [f"position break: {text}" for text in self._desk.breaks.values()]

    def figures(self) -> Figures:
        """Counts of orders and executions, what waits, and how long ticks take to become orders."""
        if not self.started:
            return {}
        desk = self._desk
        return {
            "account": desk.account,
            "orders_known": len(desk.states),
            "orders_working": len(desk.working()),
            "events": desk.last_sequence,
            "backlog": self._ledger.backlog,
            "anomalies": sum(desk.anomalies.values()),
            "executions": desk.books.executions,
            "executions_uncharged": desk.books.uncharged,
            **self._to_journal.figures(),
            **self._sender.latency.figures(),
        }

    # Start

    async def _open_database(self) -> Database:
        settings = self.settings.database
        self._database = await Database.connect(
            settings.url,
            settings.name,
            user=settings.user,
            password=self.settings.database_password(),
            wait_seconds=settings.start_timeout_seconds,
        )
        return self._database

    def _choose_account(self) -> str:
        """The configured account, or the login's first; it, mode and port must agree on whether real money is meant."""
        account = choose_account(self.settings.trader.account, self._connection.accounts)
        check_mode(self.settings.trader.mode, account, self.settings.gateway.port)
        return account

    async def _restore(
        self, account: str, orders: OrderRepository, trades: TradeRepository, events: OrderEventRepository
    ) -> None:
        """Take over what the database knows, then what only the journal knows."""
        assert self._database is not None  # noqa: S101 # opened before
        self._instruments_stored = InstrumentRepository(self._database)
        self._instruments.update(await self._instruments_stored.all())
        risk = self.settings.trader.risk
        self._desk = Desk(
            account,
            self._instruments,
            Limits(
                max_order_quantity=risk.max_order_quantity,
                max_position=risk.max_position,
                max_working_orders=risk.max_working_orders,
            ),
            self.clock,
            last_sequence=await events.last_sequence(),
            used_ids=await orders.ids(),
        )
        self._sender = Sender(
            self._connection,
            self._broker,
            self._desk,
            self.clock,
            enter=self._enter,
            faults=self._faults,
            probe_after_seconds=self.settings.trader.probe_after_seconds,
        )
        states = await orders.open_or_since(self.clock.now_ns() - _REMEMBERED_NS)
        paid = await trades.all()
        self._desk.restore(states, [one for one, _ in paid], [cost for _, cost in paid if cost is not None])
        self._ledger.published_sequence = written = self._desk.last_sequence
        tail: list[tuple[OrderEvent, OrderState | None]] = []
        for _, event in self._journal.read() if self._journal is not None else ():
            if event.sequence > written:
                self._desk.replay(event)
                tail.append((event, self._desk.states.get(event.order_id)))
        if tail:
            self.log.warning("events of an earlier run were in the journal only", count=len(tail))
            self._ledger.reenter(tail)
        self._books_open = True
        self._next_order_id = self._desk.first_free_broker_id(self._connection.next_order_id())

    async def _written_or_given_up(self) -> None:
        """Let what is under way reach the database; what does not, waits in the journal for the next start."""
        try:
            await asyncio.wait_for(self._ledger.drained(), _WRITE_SECONDS)
        except TimeoutError:
            self.log.warning("stopped with events in the journal only", count=self._ledger.backlog)

    # Requests

    async def _on_request(self, request: messages.Request, _peer: str) -> messages.Reply:
        match request:
            case Command(action=action) if reason := malformed(action):
                raise BadInput(f"{reason}; nothing was written")
            case Command(action=Submit(order=order)):
                return await self._on_submit(order)
            case Command(action=Modify() | Cancel() as wish):
                return await self._on_wish(wish)
            case EventsSince(sequence=sequence, robot=robot):
                found = await self._events.since(sequence, _EVENTS_AT_ONCE, robot)
                return Events(found, max([self._ledger.published_sequence, *(event.sequence for event in found[-1:])]))
            case OrderQuery(order_id=order_id):
                found = await self._events.of_order(order_id)
                return OrderAnswer(bool(found) or order_id in self._desk.states, found)
            case PositionsRequest():
                return self._positions()
            case Greet(id=greeting):
                self._publisher.greet(greeting)
        return Done()

    def _positions(self) -> Positions:
        account, books = self._desk.account, self._desk.books
        held = []
        for name in books.traded(account):
            one, position = self._instruments[name], books.position(account, name)
            realised = books.realised(account, name)
            held.append(Held(name, position.quantity, position.average_price, realised, one.multiplier, one.currency))
        return Positions(account, held, books.commissions(account))

    async def _on_submit(self, order: Order) -> Receipt:
        known = self._desk.known(order)
        if known is not None:
            return Receipt(order.id, known.status, known.reason)
        reason = self._cannot_send() or self._ledger.database_problem
        if not reason:
            reason = await self._learn(order.instrument)
            known = self._desk.known(order)
            if known is not None:  # it came again meanwhile
                return Receipt(order.id, known.status, known.reason)
        if reason:
            event = self._desk.deny(order, reason)
        else:
            event = self._desk.submit(order, self._next_order_id)
            self._next_order_id += event.kind is _K.PENDING
        await self._enter([event])
        self._to_journal.measure(order.cause_ns, self.clock.now_ns())
        return Receipt(order.id, OrderStatus(event.kind.value), event.reason)

    async def _on_wish(self, wish: Modify | Cancel) -> Receipt:
        made = self._desk.modify(wish) if isinstance(wish, Modify) else self._desk.cancel(wish)
        state = self._desk.states.get(wish.order_id)
        status = state.status if state is not None else OrderStatus.UNKNOWN
        if isinstance(made, str):
            return Receipt(wish.order_id, status, made)
        await self._enter([made])
        return Receipt(wish.order_id, status, "")

    async def _learn(self, instrument_id: str) -> str:
        """Make sure that the instrument is known; why it cannot be, else ""."""
        if instrument_id in self._instruments:
            return ""
        try:
            instrument = await self._connection.instrument(instrument_id)
            await self._instruments_stored.save([instrument])
        except (UnknownInstrument, BadInput, Unavailable) as error:
            return str(error)
        self._instruments[instrument_id] = instrument
        return ""

    # What is written, sent and reported

    def _enter(self, events: Iterable[OrderEvent]) -> asyncio.Future[None]:
        """Have events written, told and acted upon. The future is done when they are on disk."""
        done: asyncio.Future[None] | None = None
        for event in events:
            done = self._ledger.enter(event, self._desk.states.get(event.order_id))
        if done is None:
            done = asyncio.get_running_loop().create_future()
            done.set_result(None)
        else:
            done.add_done_callback(self._on_synced)
        return done

    def _on_written(self, event: OrderEvent) -> None:
        self._sender.put(event)

    def _on_synced(self, done: asyncio.Future[None]) -> None:
        error = done.exception()
        if error is not None:
            self.fail(error)

    def _cannot_send(self) -> str:
        if not self._connection.is_up:
            return "the gateway is not connected"
        return self._unreconciled

    def _on_report(self, report: BrokerReport) -> None:
        if not self._books_open:
            return  # reconciliation asks for all of it again
        events = self._desk.on_report(report)
        if any(event.kind is _K.EXECUTED for event in events):
            self._faults.reached("report_received")
        self._enter(events)

    # Connection

    def _on_lost(self) -> None:
        self._unreconciled = "the connection to the gateway was lost; orders are not reconciled yet"

    def _on_problem(self, reason: str) -> None:
        self._unreconciled = reason

    async def _on_open(self) -> None:
        await self._reconcile()

    async def _reconcile(self) -> bool:
        """Bring the books in line with the broker's. False if the broker did not answer: until it does, nothing is sent."""
        asked_ns = self.clock.now_ns()
        snapshot = await self._broker.snapshot()
        if isinstance(snapshot, Unknown):
            self._unreconciled = f"reconciliation failed: {snapshot.reason}"
            self.log.warning("not reconciled", reason=snapshot.reason)
            return False
        events = self._desk.reconcile(snapshot.value, asked_ns)
        await self._enter(events)
        self._unreconciled = ""
        with contextlib.suppress(Unavailable):  # the next reconciliation says it again
            for order_id in self._desk.to_resend():
                self._sender.cancel_again(order_id)
        if events:
            self.log.info("reconciled", events=len(events))
        return True

    async def _timer_loop(self) -> None:
        reconciled_at = self.clock.now_ns()
        while True:
            await asyncio.sleep(1.0)
            self._ledger.publish_heartbeat()
            if self._connection.is_up and self._has_to_reconcile(self.clock.now_ns() - reconciled_at):
                reconciled_at = self.clock.now_ns()
                await self._reconcile()

    def _has_to_reconcile(self, age_ns: int) -> bool:
        own = self.settings.trader
        overdue = self._desk.unconfirmed_since(self.clock.now_ns() - int(own.in_flight_seconds * NS_PER_SECOND))
        doubtful = self._unreconciled or overdue or self._desk.breaks
        return age_ns >= (_RECHECK_SECONDS if doubtful else own.reconcile_seconds) * NS_PER_SECOND
