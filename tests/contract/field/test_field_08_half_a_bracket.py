"""A bracket of which the trader got to send one leg before it died stays at the gateway, untransmitted and out of the market.

Such a leg is listed as inactive, which is what a rejected order is, too.
Here it is cancelled by the next run, and all legs end.
"""

import asyncio

from support.field import Field
from support.field_trader import FieldTrader

from atlas.domain import OrderStatus, Side


def test_the_leg_that_was_sent_is_cancelled_and_all_end(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        await trader.working()  # so that it knows the instrument
        entry = trader.resting()
        stop = trader.resting(Side.SELL, parent_id=entry.id)
        place = trader.broker.place

        async def dying(order, number, **how):
            if order.id == stop.id:
                await asyncio.Event().wait()
            await place(order, number, **how)

        trader.broker.place = dying
        await trader.submit(entry, stop)
        await field.until(lambda: trader.status(entry) is OrderStatus.SENT)
        (held,) = [one for one in (await trader.broker.snapshot()).value.open_orders if one.order_id == entry.id]
        await trader.end()
        await trader.begin()
        await trader.until_status(entry, OrderStatus.CANCELLED)
        assert trader.status(stop) is OrderStatus.DENIED
        alive = (await trader.broker.snapshot()).value.open_orders
        assert held.perm_id not in {one.perm_id for one in alive}
        assert [order_id for order_id, _ in trader.placed].count(entry.id) == 1
        await trader.ready()
        await trader.end()

    Field(hours="always").run(scenario)
