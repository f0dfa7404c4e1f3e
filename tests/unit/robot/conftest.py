"""A robot on a bench: its journal as a list, and a trader and a broker that answer as they are told."""

from typing import Any

import pytest

from atlas.domain import (
    Action,
    Bar,
    Commission,
    Execution,
    Instrument,
    InstrumentKind,
    Order,
    OrderEvent,
    OrderEventKind,
    Quote,
    Submit,
)
from atlas.robot import Control, Decided, RobotRecord, Runtime, Stopped, Strategy, Timer, started

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 495512563, 0.25, multiplier=50.0)
SECOND = 1_000_000_000


class Bench:
    """Feeds a runtime as a strategy service does, and keeps the records."""

    def __init__(self, strategy: type[Strategy], **parameters: Any) -> None:
        self.strategy = strategy
        self.runtime = Runtime(strategy)
        self.records: list[tuple[int, RobotRecord]] = []
        self.now_ns = 0
        self.trader_sequence = 0
        self.executions = 0
        self.parameters = parameters

    def feed(self, event: RobotRecord) -> list[Action]:
        sequence = len(self.records) + 1
        self.records.append((sequence, event))
        actions = self.runtime.apply(sequence, event)
        if actions:
            decided = Decided(sequence, tuple(actions))
            self.records.append((sequence + 1, decided))
            assert self.runtime.apply(sequence + 1, decided) == []
        return actions

    def start(self, account: str = "") -> list[Action]:
        return self.feed(started("bot", "the_file", self.strategy, self.parameters, (EURUSD, ES), self.tick(), account=account))

    def stop(self) -> list[Action]:
        return self.feed(Stopped(self.tick()))

    def tick(self) -> int:
        self.now_ns += SECOND
        return self.now_ns

    def quote(self, bid: float = 1.1, ask: float = 1.2, instrument: str = EURUSD.id) -> list[Action]:
        at = self.tick()
        return self.feed(Quote(instrument, bid, ask, 1.0, 1.0, at - 1000, at))

    def bar(self, close: float = 1.1, instrument: str = EURUSD.id, seconds: int = 60) -> list[Action]:
        start = self.now_ns
        self.now_ns += seconds * SECOND
        return self.feed(Bar(instrument, start, self.now_ns, close, close, close, close, 0.0, 1, self.now_ns))

    def timer(self, at_ns: int) -> list[Action]:
        return self.feed(Timer(at_ns))

    def control(self, command: str, **arguments: Any) -> list[Action]:
        return self.feed(Control(command, self.tick(), arguments))

    # The trader and the broker

    def tell(self, order: Order | str, kind: OrderEventKind, **fields: Any) -> list[Action]:
        self.trader_sequence += 1
        order_id = order.id if isinstance(order, Order) else order
        if kind in (OrderEventKind.PENDING, OrderEventKind.DENIED, OrderEventKind.ADOPTED, OrderEventKind.MODIFIED):
            fields.setdefault("order", order)
        return self.feed(OrderEvent(self.trader_sequence, order_id, "bot", kind, self.tick(), **fields))

    def work(self, order: Order) -> None:
        for kind in (OrderEventKind.PENDING, OrderEventKind.SENT, OrderEventKind.WORKING):
            self.tell(order, kind)

    def execute(self, order: Order, quantity: float, price: float, account: str = "DU1") -> list[Action]:
        self.executions += 1
        execution = Execution(
            f"x.{self.executions:02d}.01", order.id, account, order.instrument, order.side, quantity, price, self.now_ns
        )
        return self.tell(order, OrderEventKind.EXECUTED, execution=execution)

    def charge(self, amount: float) -> list[Action]:
        commission = Commission(f"x.{self.executions:02d}.01", amount, "USD")
        return self.tell("whatever", OrderEventKind.COMMISSIONED, commission=commission)

    def fill(self, order: Order, price: float = 1.1) -> None:
        self.work(order)
        self.execute(order, order.quantity, price)


def orders(actions: list[Action]) -> list[Order]:
    """The orders among `actions`."""
    return [action.order for action in actions if isinstance(action, Submit)]


@pytest.fixture(scope="session", name="orders")
def orders_fixture() -> Any:
    return orders


@pytest.fixture(scope="session")
def bench() -> Any:
    return Bench


@pytest.fixture(scope="session")
def eurusd() -> Instrument:
    return EURUSD


@pytest.fixture(scope="session")
def es() -> Instrument:
    return ES


class Puppet(Strategy):
    """Does what the test has put into `script` for the next quote; keeps what it was told."""

    def __init__(self, parameters: Any) -> None:
        super().__init__(parameters)
        self.script: Any = None
        self.heard: list[Any] = []
        self.result: Any = None

    def on_start(self, ctx: Any) -> None:
        self.heard.append(("start", ctx.now_ns))

    def on_quote(self, ctx: Any, quote: Quote) -> None:
        self.heard.append(quote)
        script, self.script = self.script, None
        if script is not None:
            self.result = script(ctx)

    def on_bar(self, _ctx: Any, bar: Bar) -> None:
        self.heard.append(bar)

    def on_order(self, ctx: Any, event: OrderEvent) -> None:
        self.heard.append((event.kind, ctx.order(event.order_id)))

    def on_timer(self, ctx: Any, name: str) -> None:
        self.heard.append((name, ctx.now_ns))

    def on_control(self, _ctx: Any, command: str, arguments: dict[str, Any]) -> None:
        self.heard.append((command, arguments))

    def on_stop(self, ctx: Any) -> None:
        self.heard.append(("stop", ctx.now_ns))


class PuppetBench(Bench):
    """A bench with a puppet on it that has started."""

    def __init__(self, account: str = "") -> None:
        super().__init__(Puppet)
        self.start(account)

    @property
    def puppet(self) -> Puppet:
        assert isinstance(self.runtime.strategy, Puppet)
        return self.runtime.strategy

    def do(self, script: Any) -> list[Action]:
        """Run `script(ctx)` inside the strategy, upon a quote."""
        self.puppet.script = script
        return self.quote()

    def look(self, script: Any) -> Any:
        """What `script(ctx)` sees."""
        assert self.do(script) == []
        return self.puppet.result

    def buy(self, quantity: float = 10.0, **options: Any) -> Order:
        (order,) = orders(self.do(lambda ctx: ctx.buy(EURUSD.id, quantity, **options)))
        return order

    def sell(self, quantity: float = 10.0, **options: Any) -> Order:
        (order,) = orders(self.do(lambda ctx: ctx.sell(EURUSD.id, quantity, **options)))
        return order


@pytest.fixture
def desk() -> PuppetBench:
    return PuppetBench()


@pytest.fixture
def desk_with_account() -> PuppetBench:
    return PuppetBench("DU7")
