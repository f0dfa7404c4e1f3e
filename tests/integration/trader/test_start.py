"""What keeps a trader from starting, and that two of them trade one login side by side. Real processes and sockets."""

import asyncio
import os

import pytest
from support.desks import EURUSD, OrderClient, desk_of, until
from support.servers import desk_settings, free_ports, service, simulated_gateway

from atlas.bus.orders import AccountRequest, Command, Positions, PositionsRequest
from atlas.domain import Order, OrderStatus, Side, Submit
from atlas.session.plan import ATLAS
from atlas.session.supervisor import Process, tethered

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def settings(tmp_path, database_server):
    return {**desk_settings(tmp_path, database_server), "database.name": f"start-{tmp_path.name[:40]}"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trader.account": "7"}, ["no account '7'", "0: DU1000001"]),
        ({"trader.account": "U7654321"}, ["no account 'U7654321'", "0: DU1000001"]),
        ({"trader.mode": "live"}, ["trader.mode is live", "DU1000001", "gateway.port"]),
    ],
)
def test_a_trader_that_does_not_fit_its_login_ends_and_says_why(tmp_path, settings, changes, words):
    with simulated_gateway(settings["gateway.port"], tmp_path), service("trader", settings | changes, tmp_path) as trader:
        assert trader.wait() == 2
        for word in words:
            assert word in trader.last_words


async def test_a_second_trader_of_an_account_or_of_too_large_a_share_of_the_login_ends_and_names_the_first(tmp_path):
    async with desk_of(tmp_path, ["trader"], {"ATLAS_TRADER__ACCOUNT": "0"}, instruments=(EURUSD,)) as desk:
        ports = dict(zip(("control", "metrics", "order", "event"), free_ports(4), strict=True))
        second = {f"trader__{name}_port": str(port) for name, port in ports.items()}
        second |= {"trader__name": "second", "trader__client_id": "2"}
        environment = {**desk.plan.environment, **{f"ATLAS_{name.upper()}": value for name, value in second.items()}}
        refused = {
            "0": ["DU1000001 is traded by", str(tmp_path), "trader.account"],
            "1": ["0.35 for the watcher", "0.65 for DU1000001", "make 1.65 of 1", "trader.message_share"],
        }
        for account, words in refused.items():
            other = await asyncio.create_subprocess_exec(
                *ATLAS,
                "run",
                "trader",
                env={**os.environ, **environment, "ATLAS_TRADER__ACCOUNT": account},
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            _, said = await other.communicate()
            assert other.returncode != 0
            for word in words:
                assert word in said.decode()


async def test_two_traders_trade_the_two_accounts_of_a_login_side_by_side(tmp_path):
    first_of_it = {"ATLAS_TRADER__ACCOUNT": "0", "ATLAS_TRADER__MESSAGE_SHARE": "0.35"}
    async with desk_of(tmp_path, ["trader"], first_of_it, instruments=(EURUSD,)) as desk:
        ports = dict(zip(("control", "metrics", "order", "event"), free_ports(4), strict=True))
        extra = {f"trader__{name}_port": str(port) for name, port in ports.items()}
        extra |= {"trader__account": "1", "trader__name": "second", "trader__client_id": "2", "trader__message_share": "0.3"}
        client, other = OrderClient(desk), OrderClient(desk, ports["order"])

        async def second_is_ready():
            return isinstance(await other.ask(PositionsRequest(), timeout_seconds=0.5), Positions)

        environment = {**desk.plan.environment, **{f"ATLAS_{name.upper()}": value for name, value in extra.items()}}
        command = tethered(*ATLAS, "run", "trader")
        await desk.supervisor.start(Process("second-trader", command, second_is_ready, environment))
        orders = {
            client: Order("robot-1-0", "robot", EURUSD, Side.BUY, 20_000.0),
            other: Order("other-1-0", "other", EURUSD, Side.SELL, 30_000.0),
        }
        for one, order in orders.items():
            await until(lambda one=one: _is_ready(one))
            receipt = await one.ask(Command(Submit(order)), order.id)
            assert receipt.status is OrderStatus.PENDING, receipt

        async def both_hold():
            held = [(await one.ask(PositionsRequest())) for one in (client, other)]
            return [(one.account, [(h.instrument, h.quantity) for h in one.held]) for one in held] == [
                ("DU1000001", [(EURUSD, 20_000.0)]),
                ("DU1000002", [(EURUSD, -30_000.0)]),
            ]

        await until(both_hold)
        broker = (await desk.broker_snapshot()).value
        assert broker.positions == {"DU1000001": {EURUSD: 20_000.0}, "DU1000002": {EURUSD: -30_000.0}}
        assert {event.order_id for event in await client.events()} == {"robot-1-0"}
        assert {event.order_id for event in await other.events()} == {"other-1-0"}
        client.close()
        other.close()


async def _is_ready(client):
    """Whether the trader is reconciled: until then everything is blocked."""
    return not (await client.ask(AccountRequest())).blocked
