"""A desk without wires: commands and reports go in, events and effects come out."""

from dataclasses import dataclass, field

from atlas.domain import (
    Cancel,
    Commission,
    Execution,
    Instrument,
    InstrumentKind,
    ManualClock,
    Modify,
    Order,
    OrderEvent,
    OrderState,
    OrderStatus,
    Side,
    from_plain,
    plain,
)
from atlas.trading.broker import BrokerOrder, BrokerSnapshot, BrokerStatus, Known, Unknown
from atlas.trading.desk import Desk
from atlas.trading.effects import Decision, Effect, PlaceOrder
from atlas.trading.risk import DESK, Gate, Limits, LimitTree

ACCOUNT = "DU1"
EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, 0.25, multiplier=50.0)
INSTRUMENTS = {EURUSD.id: EURUSD, ES.id: ES}
LIMITS = Limits(max_order_quantity=1_000_000, max_position=1_000_000, max_working_orders=5)


def order(number: int = 1, side: Side = Side.BUY, quantity: float = 20_000, **values: object) -> Order:
    facts: dict[str, object] = {"instrument": EURUSD.id, **values}
    return Order(f"robot-{number}-0", "robot", side=side, quantity=quantity, **facts)  # type: ignore[arg-type]


@dataclass
class DeskDriver:
    """Drives a desk as the trader's shell does, and keeps every event and effect."""

    clock: ManualClock
    desk: Desk
    events: list[OrderEvent] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    next_id: int = 1
    fills: int = 0

    def take(self, decision: Decision) -> list[OrderEvent]:
        self.events += decision.events
        self.effects += decision.effects
        return list(decision.events)

    def decide(self, *wanted: Order) -> Decision:
        self.clock.advance(1)
        decision = self.desk.submit(wanted, self.next_id)
        self.next_id += len(wanted)
        self.take(decision)
        return decision

    def submit(self, wanted: Order) -> OrderEvent:
        return self.decide(wanted).events[0]

    def sent(self, *wanted: Order) -> None:
        self.clock.advance(1)
        for one in wanted:
            effect = next(e for e in reversed(self.effects) if isinstance(e, PlaceOrder) and e.order_id == one.id)
            self.take(self.desk.sent(effect))

    def modify(self, wanted: Order, **values: object) -> Decision:
        self.clock.advance(1)
        decision = self.desk.modify(Modify(f"m-{self.clock.now_ns()}", wanted.id, **values))  # type: ignore[arg-type]
        self.take(decision)
        return decision

    def cancel(self, wanted: Order) -> Decision:
        self.clock.advance(1)
        decision = self.desk.cancel(Cancel(f"c-{self.clock.now_ns()}", wanted.id))
        self.take(decision)
        return decision

    def report(self, report: object) -> list[OrderEvent]:
        self.clock.advance(1)
        return self.take(self.desk.on_report(report))  # type: ignore[arg-type]

    def working(self, *wanted: Order) -> None:
        self.decide(*wanted)
        self.sent(*wanted)
        for one in wanted:
            self.report(self.broker_order(one, BrokerStatus.WORKING))

    def perm_id(self, wanted: Order) -> int:
        return 76 + self.state(wanted).broker_order_id

    def broker_order(self, wanted: Order, status: BrokerStatus = BrokerStatus.WORKING, **values: object) -> BrokerOrder:
        facts = {"perm_id": self.perm_id(wanted), **values}
        return BrokerOrder(wanted.id, self.state(wanted).broker_order_id, status=status, **facts)  # type: ignore[arg-type]

    def execution(self, wanted: Order, quantity: float | None = None, price: float = 1.1, **values: object) -> Execution:
        self.fills += 1
        size = wanted.quantity if quantity is None else quantity
        facts: dict[str, object] = {"perm_id": self.perm_id(wanted), "at_ns": self.fills, **values}
        name = f"e.{self.fills:02d}.01"
        return Execution(name, wanted.id, ACCOUNT, wanted.instrument, wanted.side, size, price, **facts)  # type: ignore[arg-type]

    def commission(self, execution: Execution, amount: float = 2.0) -> Commission:
        return Commission(execution.id, amount, "USD")

    def state(self, wanted: Order) -> OrderState:
        return self.desk.states[wanted.id]

    def status(self, wanted: Order) -> OrderStatus:
        return self.state(wanted).status

    def snapshot(self, **values: object) -> BrokerSnapshot:
        facts: dict[str, object] = {
            "open_orders": (),
            "completed_orders": (),
            "executions": (),
            "commissions": (),
            "positions": self.desk.books.positions(),
        }
        return BrokerSnapshot(**{**facts, **values})  # type: ignore[arg-type]

    def reconcile(self, **values: object) -> list[OrderEvent]:
        """The broker is asked, and answers with `values`; about positions it says what the books have, unless told."""
        self.clock.advance(1)
        decision = self.desk.reconcile(Known(self.snapshot(**values)), self.clock.now_ns())
        self.clock.advance(1)
        return self.take(decision)

    def no_answer(self, reason: str = "no answer in time") -> list[OrderEvent]:
        return self.take(self.desk.reconcile(Unknown(reason), self.clock.now_ns()))


def new_desk(clock: ManualClock, **values: object) -> Desk:
    """A desk with its gate."""
    instruments = dict(INSTRUMENTS)
    gate = Gate(LimitTree({DESK: LIMITS}), ACCOUNT, instruments)
    return Desk(ACCOUNT, instruments, gate, clock, **values)  # type: ignore[arg-type]


def reconciled_desk(clock: ManualClock, **values: object) -> Desk:
    """A desk that has heard that the broker has nothing."""
    desk = new_desk(clock, **values)
    desk.reconcile(Known(BrokerSnapshot((), (), (), (), {})), clock.now_ns())
    clock.advance(1)
    return desk


def restarted(before: DeskDriver, **values: object) -> DeskDriver:
    """A desk that has read back what another one wrote down."""
    clock = ManualClock(before.clock.now_ns() + 1)
    desk = new_desk(clock, **values)
    for event in before.events:
        desk.replay(event)
    return DeskDriver(clock, desk, list(before.events), [], before.next_id, before.fills)


def restored(before: DeskDriver, **values: object) -> Desk:
    """A desk that was given what the database holds of another one."""
    states = [from_plain(plain(state), OrderState) for state in before.desk.states.values()]
    last = before.desk.last_sequence
    desk = new_desk(before.clock, last_sequence=last, used_ids=list(before.desk.states), **values)
    executions = [event.execution for event in before.events if event.execution is not None]
    commissions = [event.commission for event in before.events if event.commission is not None]
    desk.restore(states, executions, commissions)
    return desk
