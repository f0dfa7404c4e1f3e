"""An order id that was used before is used again (103), after a restart of ours or of the gateway.

Here the next number is above every one that the gateway offers and every one that was ever written, and stands in the database
before it is sent.
"""

from support.field import START_NS, Field
from support.field_trader import FieldTrader
from support.memory_store import MemoryStore

from atlas.domain import NS_PER_SECOND, OrderStatus
from atlas.ib.library import library

DAY_NS = 86_400 * NS_PER_SECOND


def test_a_gateway_that_forgot_its_numbers_gets_none_of_them_twice(tmp_path):
    store, used = MemoryStore(), []

    async def first(field):
        trader = FieldTrader(field, tmp_path, store)
        await trader.begin()
        for _ in range(3):
            order = trader.order()
            await trader.submit(order)
            await trader.until_status(order, OrderStatus.FILLED)
        used.extend(number for _, number in trader.placed)
        await trader.end()

    async def after_the_gateway_was_set_up_anew(field):
        trader = FieldTrader(field, tmp_path, store)
        trader.numbers = 10
        await trader.begin(wait=False)
        assert trader.broker.next_order_id() <= max(used)
        await field.until(lambda: trader.engine.figures()["reconciliations"])
        order = trader.order(quantity=1_000, instrument="AAPL@SMART")
        await trader.submit(order)
        await trader.until_status(order, OrderStatus.FILLED)
        assert trader.placed[0][1] == max(used) + 1
        assert trader.unwritten == []
        await trader.end()

    Field(hours="always").run(first)
    Field(hours="always", start_ns=START_NS + 3 * DAY_NS).run(after_the_gateway_was_set_up_anew)


def test_numbers_that_another_program_used_under_our_client_id_are_not_used_again(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        await trader.end()
        highest = 700

        async def place_one_more():
            other = field.connection(1)
            await other.open_within(600, orders=True)
            resting = library.LimitOrder("BUY", 20_000, 1.0, tif="GTC")
            other.ib.client.placeOrder(highest, library.Forex("EURUSD"), resting)
            await other.round_trip()
            other.close()

        await place_one_more()
        again = FieldTrader(field, tmp_path, trader.store)
        await again.begin(wait=False)
        await field.until(lambda: again.engine.figures()["reconciliations"])
        order = again.order(instrument="AAPL@SMART", quantity=100)
        await again.submit(order)
        await again.until_status(order, OrderStatus.FILLED)
        assert again.placed[0][1] > highest
        await again.end()

    Field(hours="always").run(scenario)
