"""A fill arrives under an order id that nobody knows; the order that it belongs to stays open for ever.

Here our reference on every order says whose a fill is; one that names nothing waits until the broker has been asked, and no
order is invented before.
"""

import msgspec
from support.field import Field
from support.field_trader import FieldTrader

from atlas.domain import Execution, OrderStatus
from atlas.trading.broker import BrokerError, BrokerOrder
from ib_gateway.simulator.faults import Drop


class WithoutNames:
    """Takes reports on their way and takes off what says whose they are."""

    def __init__(self, trader):
        self._pass_on = trader.engine.on_report
        self.taken = 0

    def __call__(self, report):
        if isinstance(report, Execution):
            self.taken += 1
            report = msgspec.structs.replace(report, order_id="", perm_id=990_000 + self.taken)
        if not isinstance(report, BrokerOrder | BrokerError):
            self._pass_on(report)


def test_a_fill_that_names_nobody_waits_for_the_broker_s_answer_and_finds_its_order(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        unanswered = field.inject(Drop(message="PositionEnd"))
        trader.listener = nameless = WithoutNames(trader)
        order = trader.order()
        await trader.submit(order)
        await field.until(lambda: nameless.taken)
        await trader.engine.settled()
        assert {*trader.store.orders} == {order.id}, "nothing was made up"
        assert trader.position() == 0
        trader.listener = None
        field.gateway.faults.clear(unanswered)
        await trader.until_status(order, OrderStatus.FILLED)
        await trader.ready()
        assert {*trader.store.orders} == {order.id}
        assert trader.position() == 20_000
        assert await trader.at_gateway() == {"EUR.USD": 20_000}
        await trader.end()

    Field(hours="always").run(scenario)
