"""An order is made, changed and cancelled by its robot, or by an operator; a service's key speaks for the robots it runs."""

import pytest
from support.field import Field
from support.field_trader import FieldTrader

from atlas.bus.orders import Command
from atlas.domain import Cancel, Modify, OrderStatus, Refused, Submit, SubmitGroup


def run(folder, scenario):
    async def whole(field):
        trader = FieldTrader(field, folder, operators=("cli",))
        await trader.begin()
        await scenario(trader)
        await trader.end()

    Field(hours="always", accounts=("DU1000001",)).run(whole)


def test_a_robot_has_no_say_in_the_orders_of_another(tmp_path):
    async def scenario(trader):
        order = await trader.working()
        for action in (
            Modify("evil-1-0", order.id, limit_price=1.01),
            Cancel("evil-2-0", order.id),
            Submit(trader.resting()),
            SubmitGroup((trader.resting(), trader.resting())),
        ):
            with pytest.raises(Refused, match="not one of evil"):
                await trader.ask(Command(action), "robot:evil")
        assert trader.state(order).order.limit_price == order.limit_price
        assert trader.status(order) is OrderStatus.WORKING
        assert len(trader.store.orders) == 1

    run(tmp_path, scenario)


@pytest.mark.parametrize("peer", ["robot:robot", "cli", "strategies"])
def test_its_own_robot_an_operator_and_the_service_that_runs_it_have(tmp_path, peer):
    async def scenario(trader):
        order = trader.resting()
        await trader.ask(Command(Submit(order)), peer)
        await trader.until_status(order, OrderStatus.WORKING)
        await trader.ask(Command(Modify("m-1", order.id, limit_price=1.01)), peer)
        await trader.field.until(lambda: trader.state(order).order.limit_price == 1.01, 60)
        await trader.ask(Command(Cancel("c-1", order.id)), peer)
        await trader.until_status(order, OrderStatus.CANCELLED)

    run(tmp_path, scenario)


def test_an_order_that_nobody_knows_is_told_as_such(tmp_path):
    async def scenario(trader):
        receipt = await trader.ask(Command(Cancel("a-1-0", "nobody-1-0")), "robot:a")
        assert receipt.status is OrderStatus.UNKNOWN

    run(tmp_path, scenario)
