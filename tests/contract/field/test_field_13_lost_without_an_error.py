"""An order that vanishes on its way, or whose confirmation does: it stays "submitted" for ever, or is sent again blindly.

Here it is unknown after a while, the broker is asked, and what he knows decides. Nothing is ever sent again.
"""

from support.field import Field
from support.field_trader import FieldTrader

from atlas.domain import OrderEventKind, OrderStatus
from ib_gateway.simulator.faults import Drop


def kinds(trader, order):
    return [event.kind for event in trader.store.all_events() if event.order_id == order.id]


def test_an_order_that_never_arrived_is_unknown_and_named_until_it_is_given_up_and_never_called_rejected(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, unheard_minutes=0.1)
        await trader.begin()
        field.inject(Drop(message="PlaceOrder", direction="request", count=1))
        lost = trader.order()
        await trader.submit(lost)
        await trader.until_status(lost, OrderStatus.UNKNOWN)
        await field.until(lambda: any(f"order {lost.id}" in one for one in trader.engine.problems()))
        sent_ns = trader.state(lost).at_ns
        await trader.until_status(lost, OrderStatus.CANCELLED)
        assert trader.state(lost).at_ns - sent_ns >= 3 * 6 * 10**9
        assert "did not reject it" in trader.state(lost).reason
        assert OrderEventKind.UNKNOWN in kinds(trader, lost)
        assert [order_id for order_id, _ in trader.placed] == [lost.id]
        assert await trader.at_gateway() == {}
        again = trader.order()
        await trader.submit(again)
        await trader.until_status(again, OrderStatus.FILLED)
        await trader.end()

    Field(hours="always").run(scenario)


def test_an_order_of_which_only_the_confirmation_was_lost_is_found_at_the_broker(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        silence = [field.inject(Drop(message=name)) for name in ("OpenOrder", "OrderStatus")]
        order = trader.resting()
        await trader.submit(order)
        await field.until(lambda: trader.status(order) is OrderStatus.SENT)
        await field.until(lambda: field.clock.now_ns() > trader.state(order).at_ns + 5 * 10**9)
        for one in silence:
            field.gateway.faults.clear(one)
        await trader.until_status(order, OrderStatus.WORKING)
        assert OrderEventKind.UNKNOWN in kinds(trader, order)
        assert len(trader.placed) == 1
        await trader.end()

    Field(hours="always").run(scenario)


def test_a_cancellation_is_final_only_when_the_broker_says_so_and_is_asked_for_again(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        order = await trader.working()
        field.inject(Drop(message="CancelOrder", direction="request", count=1))
        receipt = await trader.cancel(order)
        assert receipt.reason == ""
        await field.until(lambda: trader.cancelled)
        await field.until(lambda: trader.state(order).cancel_requested)
        assert trader.status(order) is OrderStatus.WORKING
        trader.engine.on_link_up()
        await trader.until_status(order, OrderStatus.CANCELLED)
        assert len(trader.cancelled) == 2
        await trader.end()

    Field(hours="always").run(scenario)
