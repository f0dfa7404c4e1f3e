"""A desk without wires: commands and reports go in, events come out."""

from dataclasses import dataclass, field

from atlas.domain import (
    Commission,
    Execution,
    Instrument,
    InstrumentKind,
    ManualClock,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    OrderStatus,
    Side,
    from_plain,
    plain,
)
from atlas.trading.broker import BrokerOrder, BrokerSnapshot, BrokerStatus
from atlas.trading.desk import Desk
from atlas.trading.risk import Limits

ACCOUNT = "DU1"
EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
LIMITS = Limits(max_order_quantity=1_000_000, max_position=1_000_000, max_working_orders=5)


def order(number: int = 1, side: Side = Side.BUY, quantity: float = 20_000, **values: object) -> Order:
    return Order(f"robot-{number}-0", "robot", EURUSD.id, side, quantity, **values)  # type: ignore[arg-type]


@dataclass
class DeskDriver:
    """Drives a desk as the trader's shell does, and keeps every event."""

    clock: ManualClock
    desk: Desk
    events: list[OrderEvent] = field(default_factory=list)
    next_id: int = 1
    fills: int = 0

    def submit(self, wanted: Order) -> OrderEvent:
        self.clock.advance(1)
        event = self.desk.submit(wanted, self.next_id)
        self.next_id += 1
        self.events.append(event)
        return event

    def sent(self, wanted: Order) -> None:
        self.clock.advance(1)
        self.events += self.desk.note(OrderEventKind.SENT, wanted.id)

    def report(self, report: object) -> list[OrderEvent]:
        self.clock.advance(1)
        new = self.desk.on_report(report)  # type: ignore[arg-type]
        self.events += new
        return new

    def working(self, wanted: Order) -> None:
        self.submit(wanted)
        self.sent(wanted)
        self.report(self.broker_order(wanted, BrokerStatus.WORKING))

    def broker_order(self, wanted: Order, status: BrokerStatus, **values: object) -> BrokerOrder:
        return BrokerOrder(wanted.id, self.desk.states[wanted.id].broker_order_id, 77, status, **values)  # type: ignore[arg-type]

    def execution(self, wanted: Order, quantity: float | None = None, price: float = 1.1) -> Execution:
        self.fills += 1
        size = wanted.quantity if quantity is None else quantity
        return Execution(f"e.{self.fills:02d}.01", wanted.id, ACCOUNT, wanted.instrument, wanted.side, size, price, 5, 77)

    def commission(self, execution: Execution, amount: float = 2.0) -> Commission:
        return Commission(execution.id, amount, "USD")

    def status(self, wanted: Order) -> OrderStatus:
        return self.desk.states[wanted.id].status

    def snapshot(self, **values: object) -> BrokerSnapshot:
        facts: dict[str, object] = {
            "open_orders": (),
            "completed_orders": (),
            "executions": (),
            "commissions": (),
            "positions": {},
        }
        return BrokerSnapshot(**{**facts, **values})  # type: ignore[arg-type]

    def reconcile(self, **values: object) -> list[OrderEvent]:
        self.clock.advance(1)
        new = self.desk.reconcile(self.snapshot(**values), self.clock.now_ns())
        self.events += new
        return new


def new_desk(clock: ManualClock, **values: object) -> Desk:
    return Desk(ACCOUNT, {EURUSD.id: EURUSD}, LIMITS, clock, **values)  # type: ignore[arg-type]


def restarted(before: DeskDriver) -> DeskDriver:
    """A desk that has read back what another one wrote down."""
    clock = ManualClock(before.clock.now_ns() + 1)
    desk = new_desk(clock)
    for event in before.events:
        desk.replay(event)
    return DeskDriver(clock, desk, list(before.events), before.next_id, before.fills)


def restored(before: DeskDriver) -> Desk:
    """A desk that was given what the database holds of another one."""
    states = [from_plain(plain(state), OrderState) for state in before.desk.states.values()]
    desk = new_desk(before.clock, last_sequence=before.desk.last_sequence, used_ids=list(before.desk.states))
    executions = [event.execution for event in before.events if event.execution is not None]
    commissions = [event.commission for event in before.events if event.commission is not None]
    desk.restore(states, executions, commissions)
    return desk
