"""The trader is killed while it cancels, changes, sends a bracket or reconciles. Afterwards all agree on what there is."""

import contextlib

import pytest
from support.desks import EURUSD, OrderClient, desk_of, until

from atlas.bus.orders import Command, OrdersRequest
from atlas.domain import Cancel, Modify, Order, OrderEventKind, OrderKind, OrderStatus, Side, Submit, SubmitGroup, Unavailable
from atlas.trading.broker import BrokerStatus

pytestmark = pytest.mark.timeout(240)

CANCELLED, WORKING = OrderStatus.CANCELLED, OrderStatus.WORKING


def resting(number, side=Side.BUY, **terms):
    price = 1.0 if side is Side.BUY else 1.6
    return Order(f"robot-{number}-0", "robot", EURUSD, side, 20_000.0, OrderKind.LIMIT, price, **terms)


@contextlib.asynccontextmanager
async def armed_desk(folder, point):
    environment = {"ATLAS_TRADER__FAULT_POINT": point}
    async with desk_of(folder, ["trader"], environment, instruments=(EURUSD,)) as desk:
        client = OrderClient(desk)
        yield desk, client
        client.close()


async def carry_out(client, action, key):
    """Have it done, or see the trader die over it."""
    with contextlib.suppress(Unavailable):
        await client.ask(Command(action), key)


async def restarted(desk):
    trader = next(one for one in desk.supervisor.processes if one.name == "trader")
    await trader.handle.wait()
    assert trader.exit_code == -9
    desk.supervisor.processes.remove(trader)
    await desk.launch("trader", trader__fault_point="")


async def states(client):
    return {state.order.id: state for state in (await client.ask(OrdersRequest(everything=True))).orders}


async def until_status(client, order, *wanted):
    async def is_so():
        found = (await states(client)).get(order.id)
        return found is not None and found.status in wanted

    await until(is_so)


async def at_broker(desk):
    snapshot = (await desk.broker_snapshot()).value
    return {one.order_id: one for one in snapshot.open_orders if one.status is not BrokerStatus.INACTIVE}


async def events_agree(client):
    events = await client.events()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))


@pytest.mark.parametrize("point", ["cancel.1_requested", "cancel.2_journaled", "cancel.3_sent"])
async def test_a_cancellation_is_carried_out_or_was_never_taken(tmp_path, point):
    async with armed_desk(tmp_path, point) as (desk, client):
        order = resting(1)
        await carry_out(client, Submit(order), order.id)
        await until_status(client, order, WORKING)
        await carry_out(client, Cancel("robot-2-0", order.id), "robot-2-0")
        await restarted(desk)
        if point == "cancel.1_requested":
            assert (await states(client))[order.id].status is WORKING
            await carry_out(client, Cancel("robot-2-0", order.id), "robot-2-0")
        await until_status(client, order, CANCELLED)
        assert await at_broker(desk) == {}
        await events_agree(client)


@pytest.mark.parametrize("point", ["modify.1_requested", "modify.2_journaled", "modify.3_written", "modify.4_sent"])
async def test_a_change_holds_on_both_sides_or_on_none(tmp_path, point):
    async with armed_desk(tmp_path, point) as (desk, client):
        order = resting(1)
        await carry_out(client, Submit(order), order.id)
        await until_status(client, order, WORKING)
        await carry_out(client, Modify("robot-2-0", order.id, quantity=25_000.0), "robot-2-0")
        await restarted(desk)

        async def is_settled():
            return not (await states(client))[order.id].requested_quantity

        await until(is_settled)
        ours, theirs = (await states(client))[order.id], (await at_broker(desk))[order.id]
        assert ours.status is WORKING
        assert ours.order.quantity == theirs.quantity == (25_000.0 if point == "modify.4_sent" else 20_000.0)
        await events_agree(client)


@pytest.mark.parametrize("point", ["group.1_journaled", "group.2_leg_sent", "group.3_sent"])
async def test_of_a_bracket_all_legs_work_or_none(tmp_path, point):
    parent = resting(1)
    children = [resting(2, Side.SELL, parent_id=parent.id), resting(3, Side.SELL, parent_id=parent.id)]
    legs = (parent, *children)
    async with armed_desk(tmp_path, point) as (desk, client):
        await carry_out(client, SubmitGroup(legs), parent.id)
        await restarted(desk)

        async def is_settled():
            found = await states(client)
            return len(found) == len(legs) and {state.status for state in found.values()} in settled

        whole = point == "group.3_sent"
        none = [{OrderStatus.DENIED}, {OrderStatus.DENIED, CANCELLED}, {OrderStatus.DENIED, OrderStatus.REJECTED}]
        settled = [{WORKING}] if whole else none
        await until(is_settled)
        assert {*await at_broker(desk)} == ({order.id for order in legs} if whole else set())
        await events_agree(client)


@pytest.mark.parametrize("point", ["reconcile.1_answered", "reconcile.2_entered"])
async def test_a_reconciliation_that_is_killed_is_done_again_and_makes_nothing_twice(tmp_path, point):
    async with desk_of(tmp_path, ["trader"], instruments=(EURUSD,)) as desk:
        client, order = OrderClient(desk), resting(1)
        await carry_out(client, Submit(order), order.id)
        await until(lambda: _heard(client, OrderEventKind.WORKING))
        before = await client.events()
        trader = next(one for one in desk.supervisor.processes if one.name == "trader")
        trader.handle.kill()
        await trader.handle.wait()
        desk.supervisor.processes.remove(trader)
        with pytest.raises(Unavailable):
            await desk.launch("trader", trader__fault_point=point)
        desk.supervisor.processes[:] = [one for one in desk.supervisor.processes if one.name != "trader"]
        await desk.launch("trader")
        assert (await states(client))[order.id].status is WORKING
        assert await client.events() == before
        assert {*await at_broker(desk)} == {order.id}
        client.close()


async def _heard(client, kind):
    return any(event.kind is kind for event in await client.events())
