"""Each restart makes up the same orders once more.

Here what has to be made up has ids and words made of the broker's facts only: however often the trader starts, nothing new
comes of it.
"""

from support.field import Field
from support.field_trader import FieldTrader

from atlas.domain import OrderStatus, Side
from atlas.ib.library import library
from ib_gateway.simulator.faults import CorrectExecution


def test_restarts_make_no_events(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        for side in (Side.BUY, Side.SELL, Side.BUY):
            order = trader.order(side)
            await trader.submit(order)
            await trader.until_status(order, OrderStatus.FILLED)
        await trader.working()
        field.inject(CorrectExecution(price=1.2345))
        cancelled = await trader.working()
        await trader.cancel(cancelled)
        await trader.until_status(cancelled, OrderStatus.CANCELLED)
        other = field.connection(5)
        await other.open_within(60, orders=True)
        by_hand = library.LimitOrder("BUY", 30_000, 1.0, tif="GTC")
        other.ib.client.placeOrder(other.next_order_id(), library.Forex("EURUSD"), by_hand)
        await other.round_trip()
        trader.engine.on_link_up()
        await field.until(lambda: any(state.adopted for state in trader.store.orders.values()))
        await trader.ready()
        await trader.engine.settled()
        await trader.end()
        before, orders = trader.store.all_events(), dict(trader.store.orders)
        for _ in range(3):
            again = FieldTrader(field, tmp_path, trader.store)
            await again.begin()
            await again.engine.settled()
            await again.end()
            assert again.published == []
        assert trader.store.all_events() == before
        assert trader.store.orders == orders

    Field(hours="always").run(scenario)
