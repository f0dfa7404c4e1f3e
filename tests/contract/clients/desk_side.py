"""Atlas's own side of the gateway, `atlas.ib`, on whichever client library this interpreter has.

    python desk_side.py PORT

Prints one JSON object: what was seen.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable

from atlas.domain import Execution, Order, OrderKind, Quote, Side
from atlas.ib import Broker, Connection, Feed
from atlas.ib.library import NAME
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus, Known

EURUSD = "EUR.USD@IDEALPRO"


class Clock:
    def now_ns(self) -> int:
        return time.time_ns()


async def main(port: int) -> dict[str, object]:
    connection = Connection("127.0.0.1", port, 1, Clock())
    ticks: list[object] = []
    reports: list[object] = []
    instruments = {}
    broker = Broker(connection, instruments, reports.append)
    feed = Feed(connection, ticks.append)
    await connection.open_within(10, orders=True)
    instruments[EURUSD] = await connection.instrument(EURUSD)
    broker.learn(instruments)
    await feed.subscribe(instruments[EURUSD], tick_by_tick=True)
    async with asyncio.timeout(20):
        await until(lambda: len(ticks) >= 5)

        number = connection.next_order_id()
        await broker.place(Order("d-1", "d", EURUSD, Side.BUY, 20_000.0, account="DU1000001"), number)
        await until(lambda: any(isinstance(one, Execution) for one in reports))
        resting = Order("d-2", "d", EURUSD, Side.BUY, 20_000.0, OrderKind.LIMIT, 0.9, account="DU1000001")
        await broker.place(resting, number + 1)
        await until(lambda: seen(reports, "d-2", BrokerStatus.WORKING))
        await broker.cancel(number + 1)
        await until(lambda: seen(reports, "d-2", BrokerStatus.CANCELLED))
        off_grid = Order("d-3", "d", EURUSD, Side.BUY, 20_000.0, OrderKind.LIMIT, 0.900001, account="DU1000001")
        await broker.place(off_grid, number + 2)
        await until(lambda: any(isinstance(one, BrokerError) and one.broker_order_id == number + 2 for one in reports))

    snapshot = await broker.snapshot()
    assert isinstance(snapshot, Known)
    cash = await broker.cash("DU1000001")
    server_ns = await connection.round_trip()
    connection.close()
    return {
        "library": NAME,
        "con id": instruments[EURUSD].con_id,
        "ticks are quotes in whole seconds": all(isinstance(one, Quote) and one.exchange_ns % 10**9 == 0 for one in ticks),
        "executed": [[one.order_id, one.quantity] for one in snapshot.value.executions],
        "completed": sorted([one.order_id, one.status.value] for one in snapshot.value.completed_orders),
        "errors": sorted({one.code for one in reports if isinstance(one, BrokerError)}),
        "positions": snapshot.value.positions,
        "euros": str(cash["EUR"]),
        "the gateway tells the time": server_ns > 0,
    }


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 # reports come by callbacks
        await asyncio.sleep(0.01)


def seen(reports: list[object], order_id: str, status: BrokerStatus) -> bool:
    return any(isinstance(one, BrokerOrder) and (one.order_id, one.status) == (order_id, status) for one in reports)


print(json.dumps(asyncio.run(main(int(sys.argv[1])))))
