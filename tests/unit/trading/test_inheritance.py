"""What the broker holds and our books lack is taken over on a person's word."""

import pytest
from support.trading import ACCOUNT, ES, EURUSD, order, restarted

from atlas.domain import OrderEventKind, OrderStatus, Position, Quote, Side
from atlas.trading.adoption import ForeignOrders, Policy

K = OrderEventKind
HELD = {ACCOUNT: {EURUSD.id: 5_000.0, ES.id: -2.0}}
COSTS = {ACCOUNT: {EURUSD.id: 1.05, ES.id: 6_000.0}}


def known(driver, positions=HELD, costs=COSTS):
    """The broker has told the same twice."""
    for _ in range(2):
        driver.reconcile(positions=positions, costs=costs)


def test_a_first_start_with_a_portfolio_gets_going(driver):
    known(driver)
    driver.take(driver.desk.adopt_positions(who="anna"))
    assert driver.desk.held() == {EURUSD.id: Position(5_000.0, 1.05), ES.id: Position(-2.0, 6_000.0)}
    driver.reconcile(positions=HELD, costs=COSTS)
    assert (driver.desk.breaks, driver.desk.gate.blocked) == ({}, {})
    assert driver.submit(order(1)).kind is K.PENDING


def test_what_was_taken_over_is_nobody_s_and_says_by_whom(driver):
    known(driver)
    events = driver.take(driver.desk.adopt_positions(EURUSD.id, "anna"))
    assert [event.kind for event in events] == [K.ADOPTED, K.ADOPTED, K.EXECUTED, K.COMMISSIONED]
    assert events[0].reason == "the broker has 5000 and our books have 0: taken over by anna"
    state = driver.desk.states[f"position-{EURUSD.id}-1"]
    assert (state.order.robot, state.status, state.order.side) == ("", OrderStatus.FILLED, Side.BUY)
    assert driver.desk.position(ES.id) == 0


def test_it_is_taken_over_once_and_stays_so_after_a_restart(driver):
    known(driver)
    driver.take(driver.desk.adopt_positions())
    assert driver.desk.adopt_positions().events == ()
    again = restarted(driver, policy=Policy(ForeignOrders.QUARANTINE))
    known(again)
    assert again.desk.breaks == {}
    assert again.desk.gate.blocked == {}


def test_what_changed_since_is_taken_over_under_another_id(driver):
    known(driver)
    driver.take(driver.desk.adopt_positions())
    known(driver, {ACCOUNT: {EURUSD.id: 4_000.0, ES.id: -2.0}})
    driver.take(driver.desk.adopt_positions())
    assert driver.desk.position(EURUSD.id) == 4_000
    assert driver.desk.states[f"position-{EURUSD.id}-2"].order.side is Side.SELL


def test_it_is_no_profit_and_no_loss_of_the_day(driver):
    now_ns = driver.clock.now_ns()
    driver.desk.gate.on_quote(Quote(EURUSD.id, 1.2, 1.2, 1.0, 1.0, now_ns, now_ns))
    known(driver)
    driver.take(driver.desk.adopt_positions(EURUSD.id))
    (fill,) = (event.execution for event in driver.events if event.execution is not None)
    assert fill.at_ns < driver.desk.gate.day_began_ns


@pytest.mark.parametrize("twice", [False, True])
def test_a_difference_that_is_not_known_is_not_taken_over(driver, twice):
    driver.reconcile(positions=HELD, costs=COSTS)
    if twice:
        driver.reconcile()
    decision = driver.desk.adopt_positions(EURUSD.id)
    assert decision.events == ()
    assert decision.denial.rule == "position"


def test_without_an_average_price_it_is_booked_at_the_quote_and_without_both_not_at_all(driver):
    known(driver, costs={})
    assert driver.desk.adopt_positions().denial.rule == "price"
    now_ns = driver.clock.now_ns()
    driver.desk.gate.on_quote(Quote(EURUSD.id, 1.2, 1.4, 1.0, 1.0, now_ns, now_ns))
    driver.take(driver.desk.adopt_positions(EURUSD.id))
    assert driver.desk.held()[EURUSD.id].average_price == pytest.approx(1.3)
