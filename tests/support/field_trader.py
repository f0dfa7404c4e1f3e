"""The trader's engine in a field: the real engine on the real client library, against a simulated gateway, in virtual time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from support.field import Field
from support.memory_store import MemoryStore

from atlas.bus.orders import Command, PositionsRequest, Receipt
from atlas.domain import Cancel, Modify, Order, OrderEvent, OrderKind, OrderState, OrderStatus, Side, Submit, SubmitGroup
from atlas.ib import Broker
from atlas.ib.link import Effect
from atlas.journal import Journal
from atlas.service.alarms import Alarms
from atlas.trading.broker import BrokerReport
from services.trader.engine import Engine, EngineValues
from services.trader.faults import FaultPoints
from services.trader.ports import TraderRecord

ACCOUNT = "DU1000001"
EURUSD = "EUR.USD@IDEALPRO"
AAPL = "AAPL@SMART"


class FieldTrader:
    """One trader, which can be stopped and started again on the same store and journal.

    `placed` is every order that left for the gateway, as (our id, the broker's number), in order.
    """

    def __init__(self, field: Field, folder: Path, store: MemoryStore | None = None, **values: Any) -> None:
        self.field = field
        self.folder = folder
        self.store = store or MemoryStore()
        self.values = EngineValues(ACCOUNT, **{"reconcile_seconds": 600.0, **values})
        self.placed: list[tuple[str, int]] = []
        self.cancelled: list[int] = []
        self.published: list[OrderEvent] = []
        self.unwritten: list[str] = []
        """Orders that left before they, and the number they got, stood in the database."""
        self.numbers = 0
        self.listener: Callable[[BrokerReport], None] | None = None
        self.engine: Engine
        self.broker: Broker

    async def begin(self, *, wait: bool = True, **connection: Any) -> None:
        """Start it, connected; by default until it takes orders."""
        self.connection = await self.field.connected(
            1,
            on_lost=lambda: self.engine.on_link_down("the connection was lost"),
            on_effect=self._on_effect,
            **connection,
        )
        self.broker = Watched(self)
        self.alarms = Alarms("trader", self.field.clock)
        self.engine = Engine(
            self.values,
            self.broker,
            self.store,
            self._open_journal(),
            self,
            self.field.clock,
            self.alarms,
            FaultPoints(),
            closing=lambda now_ns: self.connection.schedule.gate(now_ns, 60.0),
            reopen=self._open_journal,
            on_failure=lambda error: self.field.loop.failures.append(repr(error)),
        )
        await self.engine.start()
        if wait:
            await self.ready()

    async def ready(self) -> None:
        """Wait until it takes orders."""
        await self.field.until(lambda: not self.engine.problems(), 600)

    async def end(self) -> None:
        """Stop it as a process that is told to stop."""
        await self.engine.stop()
        self.connection.close()

    # The robot

    def order(self, side: Side = Side.BUY, quantity: float = 20_000, **terms: Any) -> Order:
        """A new order of the robot."""
        self.numbers += 1
        facts = {"instrument": EURUSD, **terms}
        return Order(f"robot-{self.numbers}-0", "robot", side=side, quantity=quantity, **facts)

    def resting(self, side: Side = Side.BUY, **terms: Any) -> Order:
        """A new order that rests far from the market."""
        price = 1.0 if side is Side.BUY else 1.6
        return self.order(side, kind=OrderKind.LIMIT, limit_price=price, **terms)

    async def submit(self, *orders: Order) -> Receipt:
        """Submit one, or a group."""
        action = Submit(orders[0]) if len(orders) == 1 else SubmitGroup(orders)
        return await self.ask(Command(action))

    async def cancel(self, order: Order) -> Receipt:
        """Cancel."""
        self.numbers += 1
        return await self.ask(Command(Cancel(f"robot-{self.numbers}-c", order.id)))

    async def modify(self, order: Order, **changes: Any) -> Receipt:
        """Change."""
        self.numbers += 1
        return await self.ask(Command(Modify(f"robot-{self.numbers}-m", order.id, **changes)))

    async def ask(self, request: Any, peer: str = "cli") -> Any:
        """Ask on the order socket."""
        return await self.engine.on_request(request, peer)

    async def ask_positions(self) -> dict[str, float]:
        """What the trader says is held."""
        answer = await self.ask(PositionsRequest())
        return {held.instrument: held.quantity for held in answer.held}

    # What there is to see

    def state(self, order: Order) -> OrderState:
        """The order by the database."""
        return self.store.orders[order.id]

    def status(self, order: Order) -> OrderStatus | None:
        """The order's status by the database."""
        state = self.store.orders.get(order.id)
        return state.status if state is not None else None

    async def until_status(self, order: Order, *wanted: OrderStatus, seconds: float = 600) -> None:
        """Wait until the database has it so."""
        await self.field.until(lambda: self.status(order) in wanted, seconds)

    async def working(self, **terms: Any) -> Order:
        """An order that works at the broker."""
        order = self.resting(**terms)
        await self.submit(order)
        await self.until_status(order, OrderStatus.WORKING)
        return order

    def position(self, instrument: str = EURUSD) -> float:
        """What is held by the executions in the database."""
        return sum(one.quantity * one.side.sign for one, _ in self.store.trades() if one.instrument == instrument)

    async def at_gateway(self) -> dict[str, float]:
        """What the gateway says is held, asked over a connection of its own."""
        connection = self.field.connection(950)
        await connection.open_within(600, orders=False)
        rows = await connection.ask(connection.ib.reqPositionsAsync, "positions")
        connection.close()
        return {row.contract.localSymbol: float(row.position) for row in rows if row.position and row.account == ACCOUNT}

    def hear(self, report: BrokerReport) -> None:
        """Take what the broker says, or let `listener` have it."""
        (self.listener or self.engine.on_report)(report)

    # The outlet

    def publish(self, events: Sequence[OrderEvent]) -> None:
        """Take what listeners are told."""
        self.published += events

    def heartbeat(self, last_sequence: int) -> None:
        """Nobody listens."""

    def _on_effect(self, effect: Effect) -> None:
        if effect is Effect.RECONCILE and hasattr(self, "engine"):
            self.engine.on_link_up()

    def _open_journal(self) -> Journal[OrderEvent]:
        return Journal.open(self.folder / "journal", TraderRecord)


class Watched(Broker):
    """The broker, with what leaves written down; it can be told to swallow it."""

    def __init__(self, trader: FieldTrader) -> None:
        super().__init__(trader.connection, {}, trader.hear)
        self._trader = trader

    async def place(self, order: Order, broker_order_id: int, **how: Any) -> None:
        """Send an order."""
        written = self._trader.store.orders.get(order.id)
        if written is None or written.broker_order_id != broker_order_id:
            self._trader.unwritten.append(order.id)
        self._trader.placed.append((order.id, broker_order_id))
        await super().place(order, broker_order_id, **how)

    async def cancel(self, broker_order_id: int) -> None:
        """Send a cancellation."""
        self._trader.cancelled.append(broker_order_id)
        await super().cancel(broker_order_id)
