"""Robots and people on a whole desk: gateway, database, watcher, trader and strategy as processes; every way in, to the end."""

import asyncio
import contextlib
import json
import os
import subprocess

import httpx
import msgspec
import pytest
from support.desks import EURUSD, OrderClient, desk_of, kill_and_restart, until
from support.servers import COMMANDS

from atlas.bus.orders import Command
from atlas.domain import Cancel, Order, OrderKind, OrderStatus, Side, Submit, SubmitGroup, TimeInForce
from atlas.store import Database, OrderEventRepository, OrderRepository, RequestRepository
from atlas.trading.outcome import Verdict

pytestmark = pytest.mark.timeout(240)

ACCOUNT = "DU1000001"
DATABASE_ROUTE = {"ATLAS_STRATEGY__ROUTE": "database"}


class LoneRobot:
    """A robot that has nothing but the database, not even our library: it writes documents and reads what becomes of them."""

    def __init__(self, database, name="lone"):
        self.requests = RequestRepository(database, ACCOUNT)
        self.orders = OrderRepository(database)
        self.events = OrderEventRepository(database, ACCOUNT)
        self.name = name
        self.number = 0

    async def ask(self, action):
        self.number += 1
        await self.requests.ask(self.name, self.number, action, at_ns=0, until_ns=0)

    async def outcome(self, request_id):
        async def answer():
            return (await self.requests.answers([request_id])).get(request_id)

        return (await until(answer, 20.0)).outcome

    async def until_status(self, order_id, status):
        async def there():
            states = [state for state in await self.orders.newest(50, self.name) if state.order.id == order_id]
            return states and states[0].status is status and states[0]

        return await until(there, 30.0)


@contextlib.asynccontextmanager
async def database_of(desk):
    own = desk.settings.database
    database = await Database.connect(own.url, own.name)
    try:
        yield database
    finally:
        await database.close()


def atlas_on(desk, *arguments):
    """Run `atlas` against a desk, as its operator."""
    return asyncio.to_thread(
        subprocess.run,
        [str(COMMANDS / "atlas"), *arguments],
        env={**os.environ, **desk.plan.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_robot_with_nothing_but_the_database_trades(tmp_path):
    async with desk_of(tmp_path, ["trader"], instruments=(EURUSD,)) as desk, database_of(desk) as database:
        robot = LoneRobot(database)
        await robot.ask(Submit(Order("lone-1-0", "lone", EURUSD, Side.BUY, 20_000.0)))
        accepted = await robot.outcome("lone-1-0")
        assert (accepted.verdict, accepted.order_id) == (Verdict.ACCEPTED, "lone-1-0")
        filled = await robot.until_status("lone-1-0", OrderStatus.FILLED)
        assert (filled.filled, filled.order.account) == (20_000.0, ACCOUNT)

        resting = Order("lone-2-0", "lone", EURUSD, Side.BUY, 20_000.0, OrderKind.LIMIT, 0.5, TimeInForce.GTC)
        await robot.ask(Submit(resting))
        await robot.until_status("lone-2-0", OrderStatus.WORKING)
        await robot.ask(Cancel("lone-3-0", "lone-2-0"))
        assert (await robot.outcome("lone-3-0")).verdict is Verdict.ACCEPTED
        await robot.until_status("lone-2-0", OrderStatus.CANCELLED)

        await robot.ask(Submit(Order("lone-4-0", "lone", EURUSD, Side.BUY, 9e9)))
        denied = await robot.outcome("lone-4-0")
        assert denied.verdict is Verdict.DENIED
        assert denied.text
        await robot.until_status("lone-4-0", OrderStatus.DENIED)

        await robot.ask(Cancel("lone-5-0", "lone-9-0"))
        assert (await robot.outcome("lone-5-0")).verdict is Verdict.DENIED


async def test_a_bracket_goes_in_as_one_request_by_either_route(tmp_path):
    async with desk_of(tmp_path, ["trader"], instruments=(EURUSD,)) as desk, database_of(desk) as database:
        robot = LoneRobot(database)
        far = {"time_in_force": TimeInForce.GTC, "kind": OrderKind.LIMIT}
        parent = Order("lone-1-0", "lone", EURUSD, Side.BUY, 20_000.0, limit_price=0.5, **far)
        profit = Order("lone-1-1", "lone", EURUSD, Side.SELL, 20_000.0, limit_price=2.0, parent_id=parent.id, **far)
        await robot.ask(SubmitGroup((parent, profit)))
        assert (await robot.outcome("lone-1-0")).verdict is Verdict.ACCEPTED
        for order in (parent, profit):
            await robot.until_status(order.id, OrderStatus.WORKING)

        names = {"robot": "direct"}
        direct = msgspec.structs.replace(parent, id="direct-1-0", **names)
        child = msgspec.structs.replace(profit, id="direct-1-1", parent_id=direct.id, **names)
        client = OrderClient(desk)
        for _ in range(2):  # sent again, it is recognised by its id
            receipt = await client.ask(Command(SubmitGroup((direct, child))), "direct-1-0")
            assert (receipt.order_id, receipt.verdict, receipt.reason) == ("direct-1-0", Verdict.ACCEPTED, "")
        client.close()
        for order in (direct, child):
            await LoneRobot(database, "direct").until_status(order.id, OrderStatus.WORKING)
        assert len(await robot.orders.newest(10)) == 4


async def test_no_request_is_lost_or_doubled_when_the_trader_is_killed_under_them(tmp_path):
    async with desk_of(tmp_path, ["trader"], instruments=(EURUSD,)) as desk, database_of(desk) as database:
        robot = LoneRobot(database)
        ids = [f"lone-{n}-0" for n in range(1, 31)]
        for n, order_id in enumerate(ids):
            side = Side.BUY if n % 2 else Side.SELL
            await robot.ask(Submit(Order(order_id, "lone", EURUSD, side, 20_000.0)))
            if n == 15:
                await kill_and_restart(desk, "trader")

        async def all_final():
            states = {state.order.id: state for state in await robot.orders.newest(100, "lone")}
            return len(states) == len(ids) and all(state.status.is_final for state in states.values()) and states

        states = await until(all_final, 60.0)
        for order_id in ids:
            await robot.outcome(order_id)
        denied = [state for state in states.values() if state.status is OrderStatus.DENIED]
        filled = [state for state in states.values() if state.status is OrderStatus.FILLED]
        assert len(denied) + len(filled) == len(ids)
        executions = await database.collection("trades").count_documents({"robot": "lone"})
        assert executions == len(filled)
        events = await robot.events.since(0, 10_000)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))


async def test_a_strategy_service_without_a_link_to_the_trader_trades_through_the_database(tmp_path):
    settings = {**DATABASE_ROUTE, "ATLAS_STRATEGY__ACCOUNT": ACCOUNT}
    services = ["watcher", "trader", "strategy"]
    async with desk_of(tmp_path, services, settings, instruments=(EURUSD,)) as desk, database_of(desk) as database:
        orders = OrderRepository(database)

        async def filled():
            return len([state for state in await orders.newest(100) if state.status is OrderStatus.FILLED]) >= 2

        await until(filled, 60.0)
        status = await desk.status("trader")
        assert status.figures["database_requests"] >= 2


async def test_a_person_trades_from_the_command_line(tmp_path):
    async with desk_of(tmp_path, ["trader"], instruments=(EURUSD,)) as desk:
        bought = await atlas_on(desk, "trade", "buy", EURUSD, "20000", "--wait", "--timeout", "30", "--json")
        told = json.loads(bought.stdout)
        assert (bought.returncode, told["status"], told["filled"]) == (0, "filled", 20_000.0), bought
        held = json.loads((await atlas_on(desk, "positions", "--json")).stdout)
        assert [(one["instrument"], one["quantity"]) for one in held["held"]] == [(EURUSD, 20_000.0)]

        resting = await atlas_on(desk, "trade", "buy", EURUSD, "20000", "--limit", "0.5", "--json")
        order_id = json.loads(resting.stdout)["order_id"]
        (working,) = json.loads((await atlas_on(desk, "orders", "--json")).stdout)
        assert working["order"]["id"] == order_id
        cancelled = await atlas_on(desk, "trade", "cancel", order_id, "--wait", "--timeout", "30")
        assert (cancelled.returncode, cancelled.stdout.split(":")[0]) == (0, "cancelled"), cancelled

        halted = await atlas_on(desk, "trade", "halt", "--reason", "test")
        assert (halted.returncode, "halted" in halted.stdout) == (0, True), halted
        denied = await atlas_on(desk, "trade", "buy", EURUSD, "20000")
        assert (denied.returncode, denied.stdout.split(":")[0]) == (1, "denied by trading_state"), denied
        resumed = await atlas_on(desk, "trade", "resume")
        assert (resumed.returncode, "active" in resumed.stdout) == (0, True), resumed
        killed = await atlas_on(desk, "trade", "kill", "--flatten", "--yes")
        assert (killed.returncode, "closing with 1 orders" in killed.stdout) == (0, True), killed


async def test_a_program_trades_over_http(tmp_path):
    async with desk_of(tmp_path, ["trader", "monitor"], instruments=(EURUSD,)) as desk:
        token = desk.settings.monitor_token_file.read_text().strip()
        address = f"http://127.0.0.1:{desk.settings.monitor.http_port}/api/v1"
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=40) as client:
            body = {"instrument": EURUSD, "side": "buy", "quantity": 20_000.0, "id": "operator-first"}
            for _ in range(2):  # sent again, it is the same order
                filled = await client.post("/orders", params={"wait_seconds": 30}, json=body)
                assert (filled.status_code, filled.json()["status"], filled.json()["filled"]) == (200, "filled", 20_000.0)
            off_grid = {**body, "id": "operator-2", "kind": "limit", "limit_price": 0.123456789}
            assert (await client.post("/orders", json=off_grid)).status_code == 202
            first = (await client.get("/orders/operator-2")).json()["events"][0]
            assert first["order"]["limit_price"] == 0.12345  # on the grid, in the safe direction
            halted = await client.post("/trading-state", json={"state": "halted", "reason": "test"})
            assert (halted.status_code, halted.json()["trading_state"]["who"]) == (200, "monitor")
            refused = await client.post("/orders", json={**body, "id": "operator-3"})
            assert (refused.status_code, refused.json()["denial"]["rule"]) == (409, "trading_state")
            killed = await client.post("/kill", json={"flatten": True})
            assert (killed.status_code, len(killed.json()["closing"])) == (200, 1)
            positions = (await client.get("/positions")).json()["held"]
            assert [one["instrument"] for one in positions] == [EURUSD]
