"""What protects a position is taken back when an exit is filled beside it."""

import pytest
from support.trading import EURUSD, order, restarted

from atlas.domain import OcaType, OrderEventKind, OrderKind, Side
from atlas.trading.effects import CancelOrder, ChangeOrder

K = OrderEventKind
STOP = order(2, side=Side.SELL, kind=OrderKind.STOP, stop_price=1.0)
TARGET = order(3, side=Side.SELL, kind=OrderKind.LIMIT, limit_price=1.2)
LEAVING = order(9, side=Side.SELL)


def holding(driver):
    """20,000 held."""
    bought = order(1)
    driver.working(bought)
    driver.report(driver.execution(bought))
    driver.clock.advance(1)
    return bought


def cancelled(driver):
    return [effect.order_id for effect in driver.effects if isinstance(effect, CancelOrder)]


@pytest.mark.parametrize("resting", [STOP, TARGET])
def test_what_protected_a_position_is_cancelled_when_it_was_left(driver, resting):
    holding(driver)
    driver.working(resting, LEAVING)
    assert cancelled(driver) == []
    driver.report(driver.execution(LEAVING))
    assert cancelled(driver) == [resting.id]
    assert driver.state(resting).cancel_requested


def test_it_is_made_smaller_when_a_part_was_left(driver):
    holding(driver)
    driver.working(STOP, LEAVING)
    driver.report(driver.execution(LEAVING, 5_000))
    (change,) = (effect for effect in driver.effects if isinstance(effect, ChangeOrder))
    assert (change.order_id, change.order.quantity) == (STOP.id, 15_000)
    assert cancelled(driver) == []


def test_it_is_taken_back_after_a_restart_too(driver):
    bought = holding(driver)
    driver.working(STOP, LEAVING)
    again = restarted(driver)
    again.reconcile(open_orders=(again.broker_order(STOP), again.broker_order(LEAVING)))
    again.effects.clear()
    again.report(again.execution(LEAVING, bought.quantity))
    assert cancelled(again) == [STOP.id]


def test_a_fill_that_is_heard_of_from_the_broker_s_lists_counts_as_well(driver):
    holding(driver)
    driver.working(STOP, LEAVING)
    fill = driver.execution(LEAVING)
    driver.reconcile(open_orders=(driver.broker_order(STOP),), executions=(fill,), positions={})
    assert cancelled(driver) == [STOP.id]


def test_what_the_broker_sees_to_itself_is_left_to_it(driver):
    holding(driver)
    group = {"oca_group": "exit", "oca_type": OcaType.CANCEL_WITH_BLOCK}
    stop = order(2, side=Side.SELL, kind=OrderKind.STOP, stop_price=1.0, **group)
    target = order(3, side=Side.SELL, kind=OrderKind.LIMIT, limit_price=1.2, **group)
    driver.working(stop, target)
    driver.report(driver.execution(target))
    assert cancelled(driver) == []


def test_what_opens_is_not_taken_back_by_a_fill(driver):
    holding(driver)
    short_entry = order(2, side=Side.SELL, quantity=40_000, kind=OrderKind.STOP, stop_price=1.0)
    driver.working(short_entry, LEAVING)
    driver.report(driver.execution(LEAVING))
    assert cancelled(driver) == []


def test_adding_to_the_position_takes_nothing_back(driver):
    holding(driver)
    more = order(4)
    driver.working(STOP, more)
    driver.report(driver.execution(more))
    assert cancelled(driver) == []
    assert driver.desk.position(EURUSD.id) == 40_000
