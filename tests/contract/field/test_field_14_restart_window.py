"""Orders that are sent in the second of the scheduled restart vanish.

Here nothing enters a window that is known, nor the minute before it: it is refused at once, with the reason.
"""

from support.field import START_NS, Field
from support.field_trader import FieldTrader

from atlas.domain import NS_PER_SECOND, OrderStatus, Side, to_datetime
from atlas.market.windows import Schedule, interruption
from ib_gateway.simulator.faults import Restart


def window(first_minutes, last_minutes):
    start, end = (to_datetime(START_NS + round(minutes * 60) * NS_PER_SECOND) for minutes in (first_minutes, last_minutes))
    return Schedule((interruption(f"{start:%H:%M}-{end:%H:%M}", "UTC"),))


def test_nothing_enters_a_window_and_everything_passes_behind_it(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, reconcile_seconds=30.0)
        await trader.begin(schedule=window(10, 15))
        bought = trader.order()
        await trader.submit(bought)
        await trader.until_status(bought, OrderStatus.FILLED)
        resting = await trader.working()
        await field.until(lambda: field.clock.now_ns() > START_NS + (10 * 60 - 55) * NS_PER_SECOND)
        placed = len(trader.placed)
        for order in (trader.order(), trader.order(Side.SELL)):
            receipt = await trader.submit(order)
            assert (receipt.status, receipt.denial.rule, receipt.denial.temporary) == (OrderStatus.DENIED, "closing_time", True)
            assert "a known interruption begins in" in receipt.reason
        assert (await trader.modify(resting, quantity=30_000.0)).denial.rule == "closing_time"
        await field.until(lambda: field.clock.now_ns() > START_NS + 10 * 60 * NS_PER_SECOND)
        field.inject(Restart(down_seconds=120))
        await field.until(lambda: field.clock.now_ns() > START_NS + 15 * 60 * NS_PER_SECOND)
        await trader.ready()
        assert len(trader.placed) == placed
        assert trader.status(resting) is OrderStatus.WORKING
        sold = trader.order(Side.SELL)
        await trader.submit(sold)
        await trader.until_status(sold, OrderStatus.FILLED)
        await trader.end()

    Field(hours="always").run(scenario)


def test_a_cancellation_in_a_window_reaches_the_broker_when_he_is_back(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        order = await trader.working()
        field.inject(Restart(down_seconds=120))
        await field.until(lambda: not trader.connection.is_up)
        assert (await trader.cancel(order)).reason == ""
        await trader.until_status(order, OrderStatus.CANCELLED)
        await trader.end()

    Field(hours="always").run(scenario)
