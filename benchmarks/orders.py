"""The way of an order through a real desk: gateway, database, watcher, trader and strategy as processes on loopback.

Measured are: from submit to receipt (risk-checked, durable in the trader's journal) by the direct route; by the database route,
with the strategy service's own link, from the robot's action to the trader's decision on it, and to the news of that at the
robot, both beside an insert and its change event in the same database; and in a desk that trades, from the tick to the order
durable at the trader, and to the order on the gateway's socket, which is after the database has acknowledged it.
Floors are taken in the same run, round by round: a round trip of two C programs on the same libzmq, and a bare fdatasync in the
same folder. Orders are a thirtieth of a second apart, for the broker takes no more than fifty messages a second, and the floors
are paced alike: a machine that has gone to sleep in between wakes up slowly for both.
"""

import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from atlas.bus import BlockingRequester, orders
from atlas.domain import Order, OrderEvent, OrderEventKind, Side, Submit
from atlas.service.clock import WallClock
from atlas.session.desk import LocalDesk
from atlas.session.plan import DemoOptions, make_plan
from atlas.store import Database, OrderEventRepository
from benchmarks.bus import Floor
from services.strategy.database_link import DatabaseLink, trader_account
from services.strategy.link import OrderEvents

ROUNDS = 5
ORDERS_PER_ROUND = 60
APART_SECONDS = 1 / 30
TICKING_SECONDS = 40.0
INSTRUMENT = "EUR.USD@IDEALPRO"


def measure() -> list[dict[str, Any]]:
    """Rows of the table, without and with encryption."""
    return [*asyncio.run(_measure(curve=False)), *asyncio.run(_measure(curve=True))]


async def _measure(*, curve: bool) -> list[dict[str, Any]]:
    security = ", CURVE" if curve else ""
    with tempfile.TemporaryDirectory(prefix=".orders-", dir=Path.cwd()) as name:  # where /tmp may be no disk at all
        folder = Path(name)
        floor = Floor.build(folder)
        plan = make_plan(folder / "desk", DemoOptions(json=True, instruments=(INSTRUMENT,), curve=curve))
        async with LocalDesk(plan, ["trader"]) as desk:
            receipts, trip, sync = await asyncio.to_thread(_receipts, desk, floor, folder, curve)
            change, there, back = await _database(desk)
        plan = make_plan(folder / "trading", DemoOptions(json=True, curve=curve))
        async with LocalDesk(plan) as desk:
            await asyncio.sleep(TICKING_SECONDS)
            trader = await desk.status("trader")
    figures = trader.figures if trader is not None else {}
    median, p99 = statistics.median(receipts), statistics.quantiles(receipts, n=100)[98]
    durable = f"C round trip + 1.5 fdatasync{security}"
    rows = [
        _row(f"submit to durable receipt{security}, median (floor: {durable})", median, trip + 1.5 * sync, "<= 1"),
        _row(f"submit to durable receipt{security}, p99 (floor: {durable})", p99, trip + 1.5 * sync, ""),
        _row(f"submit to durable receipt{security}, median (floor: insert to change event)", median, change, "<= 0.25"),
        _row(f"database route, robot to trader{security}, median (floor: insert to change event)", there, change, "<= 3 ms"),
        _row(f"database route, robot to trader and back{security}, median (floor: insert to change event)", back, change, ""),
    ]
    for key, what in (("journal", "durable at the trader"), ("order", "in the database and on the gateway's socket")):
        ours = float(figures.get(f"tick_to_{key}_us_p50", float("nan")))
        target = "<= 6" if key == "journal" else ""
        rows.append(_row(f"tick to order {what}{security}, median (floor: C round trip)", ours, trip, target))
    return rows


def _receipts(desk: LocalDesk, floor: Floor, folder: Path, curve: bool) -> tuple[list[float], float, float]:  # noqa: FBT001
    """Microseconds of each receipt; medians of the round trip and of the fdatasync beside them."""
    trader = desk.settings.trader
    requester: BlockingRequester[orders.Reply] = BlockingRequester(
        desk.bus, f"tcp://{trader.host}:{trader.order_port}", "trader", orders.Reply
    )
    ours: list[float] = []
    trips: list[float] = []
    syncs: list[float] = []
    for number in range(ROUNDS):
        ours += [_submit(requester, number * ORDERS_PER_ROUND + index) for index in range(ORDERS_PER_ROUND)]
        trips.append(floor.round_trip(curve=curve, count=ORDERS_PER_ROUND, pause_us=int(APART_SECONDS * 1e6))[0])
        syncs.append(_fdatasync(folder))
    requester.close()
    return ours, statistics.median(trips), statistics.median(syncs)


def _submit(requester: BlockingRequester[orders.Reply], number: int) -> float:
    time.sleep(APART_SECONDS)
    side = Side.BUY if number % 2 == 0 else Side.SELL
    order = Order(f"bench-{number}", "bench", INSTRUMENT, side, 20_000.0)
    begin = time.perf_counter_ns()
    receipt = requester.ask(orders.Command(Submit(order)), 5.0, order.id)
    took = (time.perf_counter_ns() - begin) / 1e3
    if not isinstance(receipt, orders.Receipt) or receipt.reason:
        raise RuntimeError(f"the order was not taken: {receipt}")
    return took


def _fdatasync(folder: Path) -> float:
    """Microseconds of a write of 100 bytes and its fdatasync, median."""
    took = []
    handle = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(ORDERS_PER_ROUND):
            time.sleep(APART_SECONDS)
            begin = time.perf_counter_ns()
            os.write(handle, b"x" * 100)
            os.fdatasync(handle)
            took.append((time.perf_counter_ns() - begin) / 1e3)
    finally:
        os.close(handle)
    return statistics.median(took)


async def _database(desk: LocalDesk) -> tuple[float, float, float]:
    """Microseconds, medians, measured in turn: a bare insert to its change event, and an order to the trader, and back."""
    inserts, there, back = list[float](), list[float](), list[float]()
    async with _inserting(desk) as insert, _ordering(desk) as order:
        for number in range(ROUNDS):
            first = number * ORDERS_PER_ROUND // 2
            numbers = range(first, first + ORDERS_PER_ROUND // 2)
            inserts += [await insert(one) for one in numbers]
            for one in numbers:
                decided, told = await order(one)
                there.append(decided)
                back.append(told)
    return statistics.median(inserts), statistics.median(there), statistics.median(back)


@contextlib.asynccontextmanager
async def _inserting(desk: LocalDesk) -> AsyncIterator[Callable[[int], Awaitable[float]]]:
    """From the start of an insert to its change event, in the desk's own database server."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(desk.settings.database.url)
    collection = client["atlas_bench"]["orders"]
    await collection.insert_one({"_id": "first"})
    async with await collection.watch(max_await_time_ms=100) as stream:

        async def insert(number: int) -> float:
            await asyncio.sleep(APART_SECONDS)
            begin = time.perf_counter()
            await collection.insert_one({"_id": f"o{number}", "quantity": 20_000.0, "side": "buy"})
            while await stream.try_next() is None:  # noqa: ASYNC110 # the embedded server answers an empty stream at once
                await asyncio.sleep(0.001)
            return (time.perf_counter() - begin) * 1e6

        yield insert
    await client.close()


@contextlib.asynccontextmanager
async def _ordering(desk: LocalDesk) -> AsyncIterator[Callable[[int], Awaitable[tuple[float, float]]]]:
    """From a robot's action to the trader's decision on it, and to its first event at the robot.

    The decision is when its first event says that it happened (`at_ns`): both clocks are this machine's.
    """
    settings = desk.settings
    database = await Database.connect(settings.database.url, settings.database.name)
    account = await trader_account(database, "")
    heard: asyncio.Queue[tuple[int, OrderEvent]] = asyncio.Queue()

    def deliver(news: OrderEvents) -> bool:
        for event in news.events:
            heard.put_nowait((time.time_ns(), event))
        return True

    failed = asyncio.get_running_loop().create_future()
    link = DatabaseLink(database, account, ["lone"], WallClock(), deliver, failed.set_exception)
    await link.start()
    link.follow(await OrderEventRepository(database, account).last_sequence())

    async def order(number: int) -> tuple[float, float]:
        await asyncio.sleep(APART_SECONDS)
        side = Side.BUY if number % 2 == 0 else Side.SELL
        one = Order(f"lone-{number}-0", "lone", INSTRUMENT, side, 20_000.0, cause_ns=time.time_ns())
        link.post("lone", Submit(one))
        while True:
            at_ns, event = await asyncio.wait_for(heard.get(), 10.0)
            if event.order_id == one.id and event.kind is OrderEventKind.PENDING:
                return (event.at_ns - one.cause_ns) / 1e3, (at_ns - one.cause_ns) / 1e3

    yield order
    await link.stop()
    await database.close()


def _row(name: str, ours: float, floor: float, target: str) -> dict[str, Any]:
    return {"name": name, "unit": "us", "ours": ours, "floor": floor, "ratio": ours / floor, "target": target}
