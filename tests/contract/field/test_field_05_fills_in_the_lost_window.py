"""Fills of the time in which the gateway had lost the broker, or was away: dropped, and never recovered.

Here every report counts whatever a flag says, and after each reconnect executions, open and completed orders and positions are
asked for and counted once by their ids.
"""

import pytest
from support.field import Field
from support.field_trader import EURUSD, FieldTrader

from atlas.domain import NS_PER_SECOND, OrderEventKind, OrderStatus
from ib_gateway.simulator.faults import ConnectivityLost, Disconnect, Duplicate, Restart

OUTAGES = {
    "1100 then 1102": ConnectivityLost(for_seconds=60),
    "1100 then 1101": ConnectivityLost(for_seconds=60, data="lost"),
    "1102 and then all that was missed is told, too": ConnectivityLost(for_seconds=60, tell_missed=True),
    "the nightly restart": Restart(down_seconds=60),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_an_order_that_fills_while_the_broker_is_lost_is_counted_once_afterwards(tmp_path, outage):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        order = trader.order(good_after_ns=(field.clock.now_ns() // NS_PER_SECOND + 30) * NS_PER_SECOND)
        await trader.submit(order)
        await trader.until_status(order, OrderStatus.WORKING)
        field.inject(outage)
        await field.until(lambda: not trader.connection.is_up)
        assert (await trader.submit(trader.order())).denial.temporary
        await trader.ready()
        assert field.clock.now_ns() > order.good_after_ns
        assert trader.status(order) is OrderStatus.FILLED
        assert trader.position() == 20_000
        assert await trader.at_gateway() == {"EUR.USD": 20_000}
        assert [event.kind for event in trader.published].count(OrderEventKind.EXECUTED) == 1
        assert [order_id for order_id, _ in trader.placed] == [order.id]
        assert trader.engine.figures()["executions_uncharged"] == 0
        await trader.end()

    Field(hours="always").run(scenario)


def test_a_report_that_comes_while_the_session_is_declared_lost_still_counts(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        order = trader.order()
        trader.engine.on_link_down("somebody says so")
        trader.engine.on_link_up()
        await trader.ready()
        field.inject(Duplicate(message="Execution"))
        await trader.submit(order)
        trader.engine.on_link_down("somebody says so")
        await trader.until_status(order, OrderStatus.FILLED)
        trader.engine.on_link_up()
        await trader.ready()
        assert trader.position(EURUSD) == 20_000
        await trader.end()

    Field(hours="always").run(scenario)


def test_a_socket_that_closes_between_order_and_fill_loses_nothing(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        orders = [trader.order() for _ in range(3)]
        for order in orders:
            await trader.submit(order)
        before = trader.engine.figures()["reconciliations"]
        field.inject(Disconnect(reset=True))
        await field.until(lambda: trader.engine.figures()["reconciliations"] > before + 1)
        await trader.ready()
        for order in orders:
            assert trader.status(order).is_final
        sent = {order_id for order_id, _ in trader.placed}
        assert len(sent) == len(trader.placed)
        assert await trader.at_gateway() == ({"EUR.USD": trader.position()} if trader.position() else {})
        await trader.end()

    Field(hours="always").run(scenario)
