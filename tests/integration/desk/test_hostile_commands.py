"""Well-encoded commands that mean harm are turned away unwritten: the trader goes on, and starts again as if nothing was."""

import msgspec
import pytest
from support.desks import EURUSD, OrderClient, desk_of, kill_and_restart, until

from atlas.bus.orders import Command
from atlas.domain import BadInput, Order, OrderKind, OrderStatus, PriceCondition, Side, Submit, VolumeCondition

pytestmark = pytest.mark.timeout(90)

GOOD = Order("good-1", "robot", EURUSD, Side.BUY, 20_000.0)
HARMFUL = [
    {"quantity": float("nan")},
    {"quantity": float("inf")},
    {"quantity": 1e308},
    {"kind": OrderKind.LIMIT, "limit_price": float("nan")},
    {"kind": OrderKind.LIMIT, "limit_price": 1e308},
    {"cause_ns": 2**64 - 1},
    {"id": ""},
    {"id": "é"},
    {"id": "r\0DU9\0"},
    {"id": "x" * 5_000},
    {"robot": "\0"},
    {"kind": OrderKind.STOP, "stop_price": float("nan")},
    {"oca_group": "\0"},
    {"parent_id": "\0"},
    {"algo": "\0"},
    {"conditions": (PriceCondition("EUR\0", 1.0, above=True),)},
    {"conditions": (VolumeCondition(EURUSD, float("inf"), above=True),)},
    {"good_after_ns": 2**64 - 1},
]


async def test_a_command_that_cannot_be_written_down_harms_nobody(tmp_path):
    async with desk_of(tmp_path, ["trader"], instruments=(EURUSD,)) as desk:
        client = OrderClient(desk)
        for number, values in enumerate(HARMFUL):
            bad = msgspec.structs.replace(GOOD, **{"id": f"bad-{number}", **values})
            with pytest.raises(BadInput, match="nothing was written"):
                await client.ask(Command(Submit(bad)))
        assert await client.events() == []
        await kill_and_restart(desk, "trader")

        receipt = await client.ask(Command(Submit(GOOD)), GOOD.id)
        assert receipt.status is OrderStatus.PENDING

        async def is_filled():
            return (await desk.count_orders()) == 1 and (await desk.newest_orders(1))[0].status is OrderStatus.FILLED

        await until(is_filled, 15.0, "the fill")
        assert (await desk.status("trader")).problems == []
        assert (await desk.broker_snapshot()).value.positions == {"DU1000001": {EURUSD: 20_000.0}}
        client.close()
