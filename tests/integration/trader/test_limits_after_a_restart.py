"""What was submitted before a restart counts after it: for how fast orders follow each other, and for the same order twice."""

import pytest
from support.field import Field
from support.field_trader import FieldTrader

from atlas.bus.orders import SetLimit
from atlas.domain import NS_PER_SECOND, OrderStatus
from atlas.trading.outcome import Verdict

SECONDS = 120  # more than a restart takes


def run(scenario):
    Field(hours="always").run(scenario)


async def restarted(field, trader):
    """The trader once more, on what the former one left."""
    trader.store.outage = ""
    again = FieldTrader(field, trader.folder, trader.store)
    again.numbers = trader.numbers
    await again.begin()
    return again


async def with_limits(field, folder, **limits):
    trader = FieldTrader(field, folder)
    await trader.begin()
    for name, value in limits.items():
        await trader.ask(SetLimit("", name, value))
    return trader


async def submitted_and_ended(trader, outage):
    """Two orders, the second of them while the database is away if so wanted, and the end of the trader."""
    await trader.working()
    trader.store.outage = outage
    await trader.submit(trader.resting(quantity=30_000))
    await trader.end()


@pytest.mark.parametrize("outage", ["", "before"], ids=["in the database", "in the journal only"])
def test_orders_of_the_last_hour_count_after_a_restart(tmp_path, outage):
    async def scenario(field):
        trader = await with_limits(field, tmp_path, max_orders_per_hour=2)
        await submitted_and_ended(trader, outage)
        again = await restarted(field, trader)
        receipt = await again.submit(again.resting(quantity=40_000))
        assert (receipt.verdict, receipt.denial.rule, receipt.denial.found) == (Verdict.DENIED, "max_orders_per_hour", 3)
        await again.end()

    run(scenario)


@pytest.mark.parametrize("outage", ["", "before"], ids=["in the database", "in the journal only"])
def test_the_same_order_is_known_after_a_restart_for_as_long_as_without_one(tmp_path, outage):
    async def scenario(field):
        trader = await with_limits(field, tmp_path, duplicate_seconds=SECONDS)
        since = field.clock.now_ns()
        await submitted_and_ended(trader, outage)
        again = await restarted(field, trader)
        receipt = await again.submit(again.resting(quantity=30_000))
        assert (receipt.verdict, receipt.denial.rule) == (Verdict.DENIED, "duplicate_seconds")
        await field.until(lambda: field.clock.now_ns() > since + (SECONDS + 10) * NS_PER_SECOND)
        assert (await again.submit(again.resting(quantity=30_000))).verdict is Verdict.ACCEPTED
        await again.end()

    run(scenario)


def test_orders_that_were_denied_do_not_count(tmp_path):
    async def scenario(field):
        trader = await with_limits(field, tmp_path, max_orders_per_hour=1, max_order_quantity=20_000)
        denied = trader.resting(quantity=30_000)
        await trader.submit(denied)
        await trader.until_status(denied, OrderStatus.DENIED)
        await trader.end()
        again = await restarted(field, trader)
        assert (await again.submit(again.resting())).verdict is Verdict.ACCEPTED
        assert (await again.submit(again.resting())).denial.rule == "max_orders_per_hour"
        await again.end()

    run(scenario)
