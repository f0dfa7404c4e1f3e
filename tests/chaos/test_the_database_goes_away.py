"""The database stops for half a minute while orders come in: nothing is sent that is not written, and nothing is lost."""

import asyncio
import contextlib
import os
import signal

import pytest
from support.desks import EURUSD, OrderClient, desk_of, until

from atlas.bus.orders import Command
from atlas.domain import Order, OrderEventKind, OrderKind, OrderStatus, Side, Submit, Unavailable
from atlas.session.audit import read_database
from atlas.store import OrderRepository
from atlas.store.alarms import AlarmRepository

pytestmark = pytest.mark.timeout(240)

AWAY_SECONDS = 30.0
K = OrderEventKind


def orders():
    number = 0
    while True:
        number += 1
        side = Side.BUY if number % 2 else Side.SELL
        terms = {} if number % 3 else {"kind": OrderKind.LIMIT, "limit_price": 1.0 if side is Side.BUY else 1.6}
        yield Order(f"robot-{number}-0", "robot", EURUSD, side, 20_000.0, **terms)


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_nothing_unwritten_is_sent_and_everything_is_written_afterwards_in_order(tmp_path, how):
    async with desk_of(tmp_path, ["trader"], instruments=(EURUSD,)) as desk:
        client, coming = OrderClient(desk), orders()
        receipts = {}

        async def load():
            while True:
                order = next(coming)
                with contextlib.suppress(Unavailable):
                    receipts[order.id] = await client.ask(Command(Submit(order)), order.id)
                await asyncio.sleep(0.05)

        loading = asyncio.create_task(load())
        await until(lambda: _count(receipts, 20), 30.0)
        database = next(one for one in desk.supervisor.processes if one.name == "database")
        os.kill(database.handle.pid, signal.SIGSTOP if how == "stopped" else signal.SIGKILL)
        stopped_at = asyncio.get_running_loop().time()
        await until(lambda: _denied(receipts, "database"), 30.0)
        await asyncio.sleep(AWAY_SECONDS - (asyncio.get_running_loop().time() - stopped_at))
        if how == "stopped":
            os.kill(database.handle.pid, signal.SIGCONT)
        else:
            await database.handle.wait()
            desk.supervisor.processes.remove(database)
            await desk.supervisor.start(database)

        before = len(receipts)
        await until(lambda: _accepted_after(receipts, before), 60.0)
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)

        async def all_is_written():
            status = await desk.status("trader")
            return status is not None and not status.figures["backlog"] and status.figures["executions_uncharged"] == 0

        await until(all_is_written, 30.0)
        events = await client.events()
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        written = {state.order.id for state in await OrderRepository(desk.database).newest(10_000)}
        snapshot = (await desk.broker_snapshot()).value
        at_broker = [one.order_id for one in (*snapshot.open_orders, *snapshot.completed_orders)]
        assert {*at_broker} <= written
        assert len({*at_broker}) == len(at_broker), "an order was sent twice"
        assert {event.order_id for event in events if event.kind is K.SENT} == {*at_broker}
        books = await read_database(desk.database)
        assert books.positions == snapshot.positions
        assert books.executions["DU1000001"] == {execution.id for execution in snapshot.executions}
        alarms = [one for one in await AlarmRepository(desk.database).newest(100) if one.key == "database-away"]
        assert len(alarms) == 1
        assert alarms[0].cleared_ns > alarms[0].raised_ns
        client.close()


async def _count(receipts, most):
    return len(receipts) >= most


async def _denied(receipts, rule):
    return any(one.denial is not None and one.denial.rule == rule for one in receipts.values())


async def _accepted_after(receipts, before):
    return any(one.status is OrderStatus.PENDING for one in list(receipts.values())[before:])
