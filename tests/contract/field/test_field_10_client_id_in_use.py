"""326: after a crash the gateway still has our client id, and orders belong to it.

Here every service has its own id for good and comes back under it, with growing pauses. Another id is used once, to look; never
for orders. If our id stays stuck and holds live orders, people are asked to restart the gateway.
"""

import pytest
from support.field import Field

from atlas.domain import Refused
from atlas.ib.contracts import to_contract
from atlas.ib.library import Order
from atlas.ib.link import LinkState
from atlas.service import client_ids
from atlas.service.gateway import HELP
from ib_gateway.simulator.faults import Disconnect, StuckClientId

EURUSD = "EUR.USD@IDEALPRO"


async def crash(field, connection, seconds):
    """The session goes without a word, and its id stays taken."""
    field.inject(StuckClientId(client_id=connection.client_id, for_seconds=seconds))
    field.inject(Disconnect(client_id=connection.client_id, reset=True))
    await field.until(lambda: connection.state is LinkState.REFUSED)


async def rest_an_order(connection):
    instrument = await connection.instrument(EURUSD)
    order = Order(action="BUY", totalQuantity=20_000, orderType="LMT", lmtPrice=0.9, tif="GTC", account="DU1000001")
    connection.ib.client.placeOrder(connection.next_order_id(), to_contract(instrument), order)
    await connection.round_trip()


def test_the_same_id_is_tried_again_until_the_gateway_lets_it_go():
    async def scenario(field):
        connection = await field.connected(look_client_id=client_ids.LOOK)
        await crash(field, connection, 40)
        assert "turns client id 1 away" in connection.problem
        assert "326" in connection.problem
        took = await field.until(lambda: connection.is_up)
        return took, connection.client_id, HELP in [key for _, key in field.history]

    took, client_id, asked_for_help = Field().run(scenario)
    assert 35 < took < 60
    assert client_id == 1
    assert not asked_for_help, "an id that holds no orders may be waited for"


def test_who_is_refused_at_the_start_is_told_so_at_once():
    async def scenario(field):
        first, second = field.connection(), field.connection()
        await first.open(orders=True)
        begun = field.loop.time()
        with pytest.raises(Refused, match="326"):
            await second.open(orders=True)
        assert first.is_up
        assert field.loop.time() - begun < 1, "not when the greeting has timed out"

    Field().run(scenario)


def test_our_own_id_that_is_stuck_with_live_orders_asks_people_to_restart_the_gateway():
    async def scenario(field):
        connection = await field.connected(look_client_id=client_ids.LOOK)
        await rest_an_order(connection)
        await crash(field, connection, 120)
        await field.until(lambda: HELP in field.alarms.raised)
        text = field.alarms.raised[HELP].text
        await field.until(lambda: connection.is_up)
        return text, field.history.count(("raised", HELP))

    text, times = Field().run(scenario)
    assert "holds 1 live orders of client id 1: restart the gateway" in text
    assert times == 1


def test_the_look_is_one_short_session_that_leaves_no_trace():
    async def scenario(field):
        connection = await field.connected(look_client_id=client_ids.LOOK)
        await rest_an_order(connection)
        await crash(field, connection, 30)
        await field.until(lambda: connection.is_up)
        other = field.connection(client_ids.LOOK)
        await other.open(orders=False)  # would be refused, were the look still there
        rows = await other.ask(other.ib.reqAllOpenOrdersAsync, "open orders")
        return [(row.order.clientId, row.orderStatus.status) for row in rows]

    orders = Field().run(scenario)
    assert orders == [(1, "Submitted")], "the order is as it was, and still ours"
