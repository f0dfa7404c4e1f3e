"""What people decided while the database was away holds after a kill: the journal has it before they are answered."""

import pytest
from model.world import World

from atlas.bus.orders import LimitsRequest, SetLimit, SetTradingState
from atlas.domain import Order, OrderStatus, Side, Submit
from atlas.trading.trading_state import TradingState


@pytest.fixture
def world():
    world = World(1)
    yield world
    world.end()


def ask(world, request):
    return world.loop.run(world.trader.engine.on_request(request, "cli"))


def restart(world):
    world.kill()
    world.store.outage = ""
    world.until(lambda: world.ready, "the trader", 60.0)


def test_a_halt(world):
    world.store.outage = "before"
    world.pass_time(3.0)
    ask(world, SetTradingState(TradingState.HALTED, "stop it"))
    restart(world)
    assert world.store.trading_state.reason == "stop it"
    world.robot.ask(Submit(Order("robot-1-0", "robot", "AAPL@SMART", Side.BUY, 10.0)))
    world.pass_time(3.0)
    assert world.store.orders["robot-1-0"].status is OrderStatus.DENIED


def test_a_limit_and_only_the_last_of_several_decisions(world):
    world.store.outage = "before"
    world.pass_time(3.0)
    for value in (5.0, 7.0):
        ask(world, SetLimit("", "max_order_quantity", value))
    ask(world, SetTradingState(TradingState.HALTED, "stop it"))
    ask(world, SetTradingState(TradingState.ACTIVE, "go on"))
    restart(world)
    assert ask(world, LimitsRequest()).limits[""]["max_order_quantity"] == 7.0
    assert world.store.trading_state.state is TradingState.ACTIVE
