"""The day's loss limit through the whole trader: what it cancels and closes, and that it outlives a restart."""

from support.field import Field
from support.field_trader import FieldTrader

from atlas.bus.orders import SetLimit
from atlas.domain import OrderStatus, Quote, Side


def test_at_the_daily_loss_pending_orders_go_losers_are_closed_and_nothing_opens_until_the_next_day(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        bought = trader.order()
        await trader.submit(bought)
        await trader.until_status(bought, OrderStatus.FILLED)
        resting = await trader.working()
        await trader.ask(SetLimit("", "at_daily_limit", ["cancel_pending", "close_losers"]))
        await trader.ask(SetLimit("", "max_daily_loss", 50.0))
        paid = trader.state(bought).average_price
        for price in (paid, paid - 0.01):  # 200 dollars on 20 000 euros
            now = field.clock.now_ns()
            trader.engine.on_quote(Quote("EUR.USD@IDEALPRO", price, price, 1e6, 1e6, now, now))
        key = "limit::max_daily_loss"
        await field.until(lambda: trader.alarms.is_raised(key))
        await trader.until_status(resting, OrderStatus.CANCELLED)
        await field.until(lambda: trader.position() == 0)
        closing = [state for state in trader.store.orders.values() if state.order.robot == "operator"]
        assert [(state.order.side, state.order.quantity, state.status) for state in closing] == [
            (Side.SELL, 20_000, OrderStatus.FILLED)
        ]
        assert (await trader.submit(trader.order())).denial.rule == "max_daily_loss"
        await trader.ask(SetLimit("", "max_daily_loss", 1e6))
        await field.until(lambda: not trader.alarms.is_raised(key))
        assert (await trader.submit(trader.order())).status is OrderStatus.PENDING
        await trader.ask(SetLimit("", "max_daily_loss", 60.0))
        await field.until(lambda: trader.alarms.is_raised(key) and "limit 60" in trader.alarms.raised[key].text)
        await field.until(lambda: trader.position() == 0)
        assert (await trader.submit(trader.order())).denial.rule == "max_daily_loss"
        await field.until(lambda: trader.store.session is not None and trader.store.session.reached)
        await trader.end()

        again = FieldTrader(field, tmp_path, trader.store)
        again.numbers = 100
        await again.begin()
        assert (await again.submit(again.order())).denial.rule == "max_daily_loss"
        assert not again.alarms.is_raised(key), "what was to be done about it is done once"
        await again.end()

    Field(hours="always").run(scenario)
