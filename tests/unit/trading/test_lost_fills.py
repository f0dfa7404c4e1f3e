"""A fill that nobody tells any more is inferred where nothing else explains what the broker holds."""

import pytest
from msgspec.structs import replace
from support.trading import ACCOUNT, EURUSD, order, restarted

from atlas.domain import OrderEventKind, OrderKind, OrderStatus, Position, Side

K, S = OrderEventKind, OrderStatus
LIMIT = {"kind": OrderKind.LIMIT, "limit_price": 1.1}


def lost(driver, held, answers=3, **values):
    """The broker does not list the order any more, and holds so much."""
    found = []
    for _ in range(answers):
        found += driver.reconcile(positions={ACCOUNT: {EURUSD.id: held}}, **values)
    return found


@pytest.mark.parametrize(("costs", "price"), [({}, 1.1), ({ACCOUNT: {EURUSD.id: 1.09}}, 1.09)])
def test_the_only_order_that_can_explain_what_the_broker_holds_is_filled(driver, costs, price):
    wanted = order(**LIMIT)
    driver.working(wanted)
    assert [event.kind for event in lost(driver, 20_000.0, 2, costs=costs)] == [K.UNKNOWN]
    assert f"lost-fill:{wanted.id}" in driver.desk.troubles
    (filled,) = lost(driver, 20_000.0, 1, costs=costs)
    assert (filled.kind, filled.execution.id) == (K.EXECUTED, f"inferred-{driver.perm_id(wanted)}-20000.01")
    assert filled.reason.startswith("inferred, nobody told it: the broker holds 20000 more than our books")
    assert driver.status(wanted) is S.FILLED
    assert driver.desk.held() == {EURUSD.id: Position(20_000.0, price)}
    assert lost(driver, 20_000.0) == []
    assert (driver.desk.troubles, driver.desk.gate.blocked) == ({}, {})


def test_after_a_restart_nothing_is_inferred_twice(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    lost(driver, 20_000.0)
    again = restarted(driver)
    assert lost(again, 20_000.0) == []
    assert again.desk.position(EURUSD.id) == 20_000


def test_of_a_part_that_was_filled_the_rest_ends(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    lost(driver, 5_000.0, 6)
    assert (driver.status(wanted), driver.state(wanted).filled) == (S.CANCELLED, 5_000)


def test_two_orders_that_can_explain_it_stay_unknown_and_block(driver):
    first, second = order(1, **LIMIT), order(2, **LIMIT)
    driver.working(first, second)
    lost(driver, 30_000.0, 6)
    assert [driver.status(one) for one in (first, second)] == [S.UNKNOWN, S.UNKNOWN]
    assert EURUSD.id in driver.desk.gate.blocked
    assert driver.submit(order(3, side=Side.SELL, quantity=30_000)).kind is K.PENDING


def test_more_than_the_order_can_have_brought_is_not_inferred_and_does_not_end_it(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    lost(driver, 20_001.0, 6)
    assert (driver.status(wanted), driver.desk.position(EURUSD.id)) == (S.UNKNOWN, 0)


def test_the_real_executions_take_the_place_of_what_was_inferred(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    lost(driver, 20_000.0)
    for part, price in ((15_000, 1.08), (5_000, 1.09)):
        real = driver.execution(wanted, part, price)
        assert [event.kind for event in driver.report(real)] == [K.EXECUTED] * 2
        assert driver.report(real) == []
        assert driver.desk.position(EURUSD.id) == 20_000
    assert driver.status(wanted) is S.FILLED
    assert driver.state(wanted).average_price == pytest.approx(1.0825)
    again = restarted(driver)
    assert again.desk.held() == driver.desk.held()


def test_a_correction_of_a_real_execution_takes_nothing_more_from_what_was_inferred(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    lost(driver, 20_000.0)
    real = driver.execution(wanted, 5_000)
    driver.report(real)
    driver.report(replace(real, id=real.id[:-2] + "02", price=1.05))
    assert driver.desk.position(EURUSD.id) == 20_000
