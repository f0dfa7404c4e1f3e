"""The trader is killed between two writes and starts on another machine, without its journal: the database alone is enough."""

import shutil

import pytest
from model.agreement import ACCOUNT
from model.world import World

from atlas.domain import Order, OrderStatus, Side, Submit


@pytest.fixture
def world():
    world = World(1)
    yield world
    world.end()


@pytest.mark.parametrize("point", ["fill.3_order_written", "fill.4_trade_written", "send.4_written"])
def test_an_order_that_was_filled_meanwhile_is_made_whole_and_no_number_is_used_twice(world, point):
    world.trader.fault_point.arm(point, 1)
    order = Order("robot-1-0", "robot", "AAPL@SMART", Side.BUY, 10.0)
    world.robot.ask(Submit(order))
    world.until(lambda: world.deaths == 1, "its death", 10.0)
    shutil.rmtree(world.disk.folder / "trader")
    world.until(lambda: world.ready, "the trader", 60.0)
    world.pass_time(20.0)
    state = world.store.orders[order.id]
    filled = 0.0 if point.startswith("send") else 10.0
    assert state.status is (OrderStatus.FILLED if filled else OrderStatus.DENIED)
    assert state.filled == filled == world.gateway.terminal.positions().get((ACCOUNT, order.instrument), 0.0)
    assert sum(execution.quantity for execution, _ in world.store.trades()) == filled
    assert [event.sequence for event in world.store.all_events()] == list(range(1, len(world.store.events) + 1))
    assert world.differences() == []
