"""The trader's engine in one process, between a store that costs nothing and a broker that fills at once.

Measured are: orders per second through the whole engine, each risk-checked with every rule on, durable in the journal before
its receipt, sent, filled and booked, beside the same without a journal and beside bare appends to a journal with one sync for
as many; what one order waits for its receipt when it is alone; what the gate costs; a reconciliation of 10,000 working orders;
and the turn that an order takes at the message limiter. Floors are measured in the same run, in turn.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from statistics import median
from typing import Any

from atlas.bus.orders import Command, Receipt
from atlas.domain import ManualClock, Order, OrderEvent, OrderEventKind, OrderKind, OrderState, OrderStatus, Side, Submit
from atlas.ib.limiter import Limiter, Priority
from atlas.journal import Journal
from atlas.service.alarms import Alarms
from atlas.service.clock import WallClock
from atlas.trading.broker import BrokerOrder, BrokerSnapshot, BrokerStatus, Known
from atlas.trading.desk import Desk
from atlas.trading.risk import Gate, LimitTree
from benchmarks.journal import in_turn, row, timed_us
from benchmarks.trader_ports import (
    ACCOUNT,
    INSTRUMENT,
    PRICE,
    VALUES,
    FillingBroker,
    NoJournal,
    NoListeners,
    NoStore,
    every_rule,
    quote,
)
from services.trader.engine import Engine, EngineValues
from services.trader.faults import FaultPoints
from services.trader.ports import JournalPort

ORDERS, ROBOTS = 2_000, 100
LONE_ORDERS = 300
CHECKS, WORKING = 2_000, 100
RECONCILED = 10_000
TURNS = 100_000
NOW_NS = 1_790_000_000_000_000_000


def measure() -> list[dict[str, Any]]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory(prefix=".trader-", dir=Path.cwd()) as folder:  # where /tmp may be no disk at all
        path = Path(folder)
        return [*group_commit(path), lone_receipt(path), *gate(), reconciliation(), limiter()]


def order(number: int, robot: str = "bench", **terms: Any) -> Order:
    """An order that opens. No two that follow each other are alike."""
    facts = {"kind": OrderKind.LIMIT, "limit_price": PRICE, "account": ACCOUNT, "cause_ns": NOW_NS, **terms}
    return Order(f"{robot}-{number}-0", robot, INSTRUMENT.id, Side.BUY, 20_000.0 + number % 1000, **facts)


# Through the engine


async def trading(journal: JournalPort, trade: Callable[[Engine], Coroutine[Any, Any, float]]) -> float:
    """What `trade` finds with an engine that takes orders."""
    clock, broker = WallClock(), FillingBroker()
    values = EngineValues(ACCOUNT, every_rule())
    engine = Engine(values, broker, NoStore(), journal, NoListeners(), clock, Alarms("bench", clock), FaultPoints())
    broker.sink = engine.on_report
    await engine.start()
    while engine.problems():  # noqa: ASYNC110 # it says it nowhere else
        await asyncio.sleep(0.01)
    engine.on_quote(quote(clock.now_ns()))
    found = await trade(engine)
    await engine.stop()
    return found


async def submit(engine: Engine, one: Order) -> None:
    receipt = await engine.on_request(Command(Submit(one)), one.robot)
    if not isinstance(receipt, Receipt) or receipt.reason:
        raise RuntimeError(f"the order was not taken: {receipt}")


def group_commit(folder: Path) -> list[dict[str, Any]]:
    """Robots that each wait for a receipt before the next order: all orders of one turn of the loop share a sync."""

    async def trade(engine: Engine) -> float:
        async def robot(name: str) -> None:
            for number in range(ORDERS // ROBOTS):
                await submit(engine, order(number, name))

        begin = time.perf_counter()
        await asyncio.gather(*(robot(f"r{number}") for number in range(ROBOTS)))
        await engine.settled()
        return ORDERS / (time.perf_counter() - begin)

    def with_journal(number: int) -> float:
        return asyncio.run(trading(Journal.open(folder / f"engine-{number}", OrderEvent), trade))

    def bare(number: int) -> float:
        events = [event(index) for index in range(ORDERS)]
        with Journal.open(folder / f"bare-{number}", OrderEvent) as journal:
            begin = time.perf_counter()
            for index, one in enumerate(events, 1):
                journal.append(one)
                if index % ROBOTS == 0:
                    journal.sync()
            return ORDERS / (time.perf_counter() - begin)

    what = f"orders of {ROBOTS} robots through the engine to the fill, durable before the receipt"
    ours, floor = in_turn(with_journal, lambda _number: asyncio.run(trading(NoJournal(), trade)))
    again, appended = in_turn(lambda number: with_journal(1000 + number), bare)
    return [
        row(f"{what} (floor: no journal)", "orders/s", "", ours, floor),
        row(f"{what} (floor: bare appends, a sync for {ROBOTS})", "orders/s", "", again, appended),
    ]


def event(number: int) -> OrderEvent:
    return OrderEvent(number + 1, f"bench-{number}-0", "bench", OrderEventKind.PENDING, NOW_NS, order=order(number))


def lone_receipt(folder: Path) -> dict[str, Any]:
    """From submit to receipt in the process itself, one order at a time, beside a write and fdatasync of as many bytes."""

    async def trade(engine: Engine) -> float:
        took = []
        for number in range(LONE_ORDERS):
            begin = time.perf_counter_ns()
            await submit(engine, order(number))
            took.append((time.perf_counter_ns() - begin) / 1e3)
            await engine.settled()
        return median(took)

    def ours(number: int) -> float:
        return asyncio.run(trading(Journal.open(folder / f"lone-{number}", OrderEvent), trade))

    def floor(number: int) -> float:
        descriptor = os.open(folder / f"raw-{number}", os.O_CREAT | os.O_WRONLY)

        def write_and_sync() -> None:
            os.write(descriptor, bytes(200))
            os.fdatasync(descriptor)

        try:
            return median(timed_us(write_and_sync) for _ in range(LONE_ORDERS))
        finally:
            os.close(descriptor)

    what = "submit to durable receipt inside the engine, every risk rule on (floor: write and fdatasync)"
    return row(what, "us", "", *in_turn(ours, floor))


# Its parts


def desk(limits: LimitTree, working: int) -> tuple[Desk, Gate]:
    """A desk with orders that work, whose market and account are known."""
    clock, instruments = ManualClock(NOW_NS), {INSTRUMENT.id: INSTRUMENT}
    judge = Gate(limits, ACCOUNT, instruments)
    judge.on_account(VALUES)
    judge.on_quote(quote(NOW_NS))
    found = Desk(ACCOUNT, instruments, judge, clock)
    states = [
        OrderState(
            order(number),
            OrderStatus.WORKING,
            NOW_NS - 10**9,
            broker_order_id=number + 1,
            perm_id=number + 1,
            sequence=number + 1,
        )
        for number in range(working)
    ]
    found.restore(states, (), ())
    return found, judge


def gate() -> list[dict[str, Any]]:
    """One judgement of an order that opens, with a limit of every kind and with none, beside no and many orders that work."""
    orders = [order(number + RECONCILED) for number in range(CHECKS)]

    def check(limits: LimitTree, working: int) -> float:
        view, judge = desk(limits, working)
        judge.blocked.clear()
        begin = time.perf_counter()
        for one in orders:
            if denial := judge.check(one, INSTRUMENT, view, NOW_NS):
                raise RuntimeError(f"the order was denied: {denial}")
        return (time.perf_counter() - begin) / CHECKS * 1e6

    return [
        row(
            f"risk gate, every rule on, beside {working} working orders (floor: no limit set)",
            "us/order",
            "",
            *in_turn(lambda _: check(every_rule(), working), lambda _: check(LimitTree(), working)),  # noqa: B023 # used at once
        )
        for working in (0, WORKING)
    ]


def reconciliation() -> dict[str, Any]:
    """The broker's whole answer, in which nothing differs, beside the comparison of two dictionaries of the same facts."""
    ours, _ = desk(LimitTree(), RECONCILED)
    listed = tuple(
        BrokerOrder(one.order.id, one.broker_order_id, one.perm_id, BrokerStatus.WORKING, one.order.quantity, terms=one.order)
        for one in ours.states.values()
    )
    answer = Known(BrokerSnapshot(listed, (), (), (), {}))
    if ours.reconcile(answer, NOW_NS).events:
        raise RuntimeError("nothing differs, and the reconciliation makes something of it")

    def compare() -> list[str]:
        known = {one.perm_id: (one.order.id, one.order.quantity, one.status.value) for one in ours.states.values()}
        told = {one.perm_id: (one.order_id, one.quantity, one.status.value) for one in listed}
        return [order_id for number, (order_id, *_) in known.items() if told.get(number) != known[number]]

    what = f"reconciliation of {RECONCILED:,} working orders (floor: comparison of two dictionaries)"
    measured = in_turn(
        lambda _: timed_us(lambda: ours.reconcile(answer, NOW_NS)) / 1e3,
        lambda _: timed_us(compare) / 1e3,
    )
    return row(what, "ms", "", *measured)


def limiter() -> dict[str, Any]:
    """A turn at the writer that is free, beside awaiting a coroutine that does nothing."""

    async def nothing(_priority: Priority) -> None: ...

    async def turns(take: Callable[[Priority], Coroutine[Any, Any, None]], written: Callable[[], None]) -> float:
        begin = time.perf_counter()
        for _ in range(TURNS):
            await take(Priority.ORDER)
            written()
        return (time.perf_counter() - begin) / TURNS * 1e6

    def ours(_number: int) -> float:
        one = Limiter(TURNS * 2)
        return asyncio.run(turns(one.turn, one.written))

    what = "an order's turn at the message limiter, when it is free (floor: awaiting nothing)"
    return row(what, "us", "", *in_turn(ours, lambda _: asyncio.run(turns(nothing, lambda: None))))
