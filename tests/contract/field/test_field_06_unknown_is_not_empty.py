"""A query that was not answered is read as an empty answer: a false flat position, and books that are corrupt from then on.

Here only a finished list counts. Unknown keeps everything as it is, blocks what opens, and never what closes.
"""

import pytest
from support.field import Field
from support.field_trader import FieldTrader

from atlas.domain import OrderStatus, Side
from ib_gateway.simulator.faults import Drop


@pytest.mark.parametrize("message", ["PositionEnd", "OpenOrderEnd", "CompletedOrdersEnd", "ExecutionsEnd"])
def test_a_list_without_its_end_is_unknown_keeps_the_books_and_blocks_opening_only(tmp_path, message):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, recheck_seconds=2.0)
        await trader.begin(request_timeout_seconds=2.0)
        bought = trader.order()
        await trader.submit(bought)
        await trader.until_status(bought, OrderStatus.FILLED)
        resting = await trader.working()

        unanswered = field.inject(Drop(message=message))
        trader.engine.on_link_up()
        await field.until(lambda: "does not say" in " ".join(trader.engine.problems()))
        assert (await trader.ask_positions()) == {"EUR.USD@IDEALPRO": 20_000}
        assert trader.status(resting) is OrderStatus.WORKING

        opening = await trader.submit(trader.order())
        assert (opening.status, opening.denial.temporary) == (OrderStatus.DENIED, True)
        assert "does not say" in opening.reason
        exit_ = trader.order(Side.SELL)
        assert (await trader.submit(exit_)).status is OrderStatus.PENDING
        await trader.until_status(exit_, OrderStatus.FILLED)

        field.gateway.faults.clear(unanswered)
        await trader.ready()
        assert trader.position() == 0
        assert trader.status(resting) is OrderStatus.WORKING
        await trader.end()

    Field(hours="always").run(scenario)


def test_a_trader_that_cannot_reconcile_at_its_start_trades_nothing_says_why_and_keeps_trying(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, recheck_seconds=2.0)
        unanswered = field.inject(Drop(message="PositionEnd"))
        await trader.begin(wait=False, request_timeout_seconds=2.0)
        await field.until(lambda: "does not say" in " ".join(trader.engine.problems()))
        for order in (trader.order(), trader.order(Side.SELL)):
            receipt = await trader.submit(order)
            assert (receipt.status, receipt.denial.rule, receipt.denial.temporary) == (
                OrderStatus.DENIED,
                "reconciliation",
                True,
            )
        assert trader.placed == []
        field.gateway.faults.clear(unanswered)
        await trader.ready()
        assert (await trader.submit(trader.order())).status is OrderStatus.PENDING
        await trader.end()

    Field(hours="always").run(scenario)
