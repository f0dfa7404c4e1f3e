"""The way of an order through a real desk: gateway, database, watcher, trader, strategy as processes on loopback.

Three things are measured: from submit to receipt (risk-checked and durable in the trader's journal), from insert to change
event in the same database (what a robot on the database route would wait for), and from tick to order in a running desk. Floors
are taken in the same run: a bare round trip between two processes, and a bare fdatasync in the same folder.
"""

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from atlas.bus import BlockingRequester, orders
from atlas.domain import Order, Side, Submit
from atlas.session.desk import LocalDesk
from atlas.session.plan import DemoOptions, make_plan
from benchmarks.floors import round_trips

_ROUNDS = 5
_PER_ROUND = 100
_INSTRUMENT = "EUR.USD@IDEALPRO"
_TICKING_SECONDS = 20.0


def measure() -> list[dict[str, Any]]:
    """Rows of the table."""
    return asyncio.run(_measure())


async def _measure() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="atlas-bench-") as folder:
        plan = make_plan(Path(folder), DemoOptions(seconds=60, json=True, instruments=(_INSTRUMENT,)))
        async with LocalDesk(plan) as desk:
            rows = await asyncio.to_thread(_receipts, desk, Path(folder))
            rows += await _change_stream(desk, rows[0]["ours"])
            await asyncio.sleep(_TICKING_SECONDS)
            trader = await desk.status("trader")
    figures = trader.figures if trader is not None else {}
    trip = next(row["floor_trip"] for row in rows if "floor_trip" in row)
    for key, name, target in (
        ("tick_to_journal_us", "tick in to order durable, three processes", "<= 6x"),
        ("tick_to_order_us", "tick in to order on the gateway's socket", ""),
    ):
        ours = float(figures.get(f"{key}_p50", float("nan")))
        rows.append(_row(f"{name}, median", ours, trip, target))
    for row in rows:
        row.pop("floor_trip", None)
    return rows


def _receipts(desk: LocalDesk, folder: Path) -> list[dict[str, Any]]:
    """Submit orders one at a time; between the rounds the floors, so that all see the same machine."""
    trader = desk.settings.trader
    requester: BlockingRequester[orders.Reply] = BlockingRequester(
        desk.bus, f"tcp://{trader.host}:{trader.order_port}", "trader", orders.Reply
    )
    ours: list[float] = []
    trips: list[float] = []
    syncs: list[float] = []
    for number in range(_ROUNDS):
        ours += [_submit(requester, number * _PER_ROUND + index) for index in range(_PER_ROUND)]
        trips += round_trips(_PER_ROUND * 5)
        syncs += _fdatasyncs(folder, _PER_ROUND)
    requester.close()
    trip, sync = statistics.median(trips), statistics.median(syncs)
    median, p99 = statistics.median(ours), statistics.quantiles(ours, n=100)[98]
    return [
        {**_row("submit to durable receipt, median", median, trip + 1.5 * sync, "<= 1x"), "floor_trip": trip},
        _row("submit to durable receipt, 99th percentile", p99, trip + 1.5 * sync, ""),
        _row("bare round trip of two processes (floor)", trip, None, ""),
        _row("bare fdatasync of 100 bytes (floor)", sync, None, ""),
    ]


def _submit(requester: BlockingRequester[orders.Reply], number: int) -> float:
    side = Side.BUY if number % 2 == 0 else Side.SELL
    order = Order(f"bench-{time.time_ns()}-{number}", "bench", _INSTRUMENT, side, 20_000.0)
    begin = time.perf_counter_ns()
    receipt = requester.ask(orders.Command(Submit(order)), 5.0, order.id)
    took = (time.perf_counter_ns() - begin) / 1e3
    if not isinstance(receipt, orders.Receipt) or receipt.reason:
        raise RuntimeError(f"the order was not taken: {receipt}")
    return took


def _fdatasyncs(folder: Path, count: int) -> list[float]:
    took = []
    handle = os.open(folder / "floor", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for _ in range(count):
            begin = time.perf_counter_ns()
            os.write(handle, b"x" * 100)
            os.fdatasync(handle)
            took.append((time.perf_counter_ns() - begin) / 1e3)
    finally:
        os.close(handle)
    return took


async def _change_stream(desk: LocalDesk, direct: float) -> list[dict[str, Any]]:
    """From an acknowledged insert's start to the change event, in the desk's own database server."""
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(desk.settings.database.url)
    collection = client["atlas_bench"]["orders"]
    await collection.insert_one({"_id": "first"})
    took = []
    async with await collection.watch(max_await_time_ms=100) as stream:
        for number in range(_PER_ROUND):
            begin = time.perf_counter_ns()
            await collection.insert_one({"_id": f"o{number}", "quantity": 20_000.0, "side": "buy"})
            while await stream.try_next() is None:  # noqa: ASYNC110 # the embedded server answers an empty stream at once
                await asyncio.sleep(0.001)
            took.append((time.perf_counter_ns() - begin) / 1e3)
    await client.close()
    median = statistics.median(took)
    return [_row("submit to durable receipt, beside insert to change event", direct, median, "<= 0.25x")]


def _row(name: str, ours: float, floor: float | None, target: str) -> dict[str, Any]:
    return {
        "name": name,
        "unit": "us",
        "ours": ours,
        "floor": floor,
        "ratio": None if floor is None else ours / floor,
        "target": target,
    }
