"""A whole desk that trades on paper: the gateway gives the market only, and the orders never reach it."""

import pytest
from support.desks import EURUSD, OrderClient, desk_of, kill_and_restart, until

from atlas.bus import orders
from atlas.domain import Order, OrderEventKind, OrderKind, OrderStatus, Side, Submit, TimeInForce, Unavailable
from atlas.trading.outcome import Verdict

pytestmark = pytest.mark.timeout(240)

PAPER = {"ATLAS_TRADER__BROKER": "paper", "ATLAS_PAPER__HOURS": "always", "ATLAS_PAPER__FEES": "ib"}
ROBOT = "sma-eurusd"


def submit(number, side=Side.BUY, quantity=20_000.0, **terms):
    return orders.Command(Submit(Order(f"hand-{number}-0", "hand", EURUSD, side, quantity, **terms)))


async def when_ready(client, question):
    """The answer of a trader that may be starting."""

    async def answered():
        try:
            return await client.ask(question)
        except Unavailable:
            return None

    return await until(answered, 60.0)


async def accepted(client, command):
    """Give a command until the trader, which may be reconciling, takes it; it knows a repeated one."""

    async def taken():
        receipt = await when_ready(client, command)
        return receipt if receipt.verdict is Verdict.ACCEPTED else None

    return await until(taken, 60.0)


async def filled(client, order_id):
    async def done():
        return any(e.kind is OrderEventKind.COMMISSIONED for e in await client.events() if e.order_id == order_id)

    await until(done, 60.0)


async def books(client):
    """Positions, and orders that work, by id."""
    working = (await when_ready(client, orders.OrdersRequest())).orders
    return await when_ready(client, orders.PositionsRequest()), {one.order.id: one for one in working}


async def stop_for_good(desk, name):
    process = next(one for one in desk.supervisor.processes if one.name == name)
    desk.supervisor.processes.remove(process)
    process.handle.kill()
    await process.handle.wait()
    return process


async def test_a_desk_on_paper_is_killed_and_comes_back_with_the_same_positions_and_orders(tmp_path):
    async with desk_of(tmp_path, ["watcher", "trader", "strategy"], PAPER, instruments=(EURUSD,)) as desk:
        client = OrderClient(desk)
        try:

            async def robot_has_traded():
                return [e for e in await client.events() if e.robot == ROBOT and e.kind is OrderEventKind.EXECUTED]

            await when_ready(client, orders.PositionsRequest())
            before = len(await until(robot_has_traded, 90.0))
            strategy = await stop_for_good(desk, "strategy")
            await accepted(client, submit(1))
            await filled(client, "hand-1-0")
            resting = submit(2, kind=OrderKind.LIMIT, limit_price=0.5, time_in_force=TimeInForce.GTC)
            await accepted(client, resting)

            async def works():
                _, working = await books(client)
                return working.get("hand-2-0") and working["hand-2-0"].status is OrderStatus.WORKING

            await until(works, 30.0)
            positions, working = await books(client)
            assert positions.account == "DUPAPER"
            assert positions.commissions["USD"] > 0

            for name in ("watcher", "trader"):
                await kill_and_restart(desk, name)
            assert await books(client) == (positions, working)
            await accepted(client, submit(3, Side.SELL))
            await filled(client, "hand-3-0")
            account = await when_ready(client, orders.AccountRequest())
            assert (account.unknown, account.blocked) == ("", {})

            await desk.supervisor.start(strategy)

            async def robot_has_traded_on():
                return len(await robot_has_traded()) > before

            await until(robot_has_traded_on, 90.0)
            gateway = (await desk.broker_snapshot()).value
            assert [*gateway.open_orders, *gateway.completed_orders, *gateway.executions] == []
        finally:
            client.close()
