"""Executions of orders that nobody knows wait for the broker's answer, and late reports of what is filled change nothing."""

from dataclasses import replace as replaced

import pytest
from support.trading import ACCOUNT, ES, order

from atlas.domain import Execution, Order, OrderEventKind, OrderKind, OrderStatus, Side
from atlas.trading.broker import BrokerOrder, BrokerStatus, Known
from atlas.trading.effects import AskBroker

K, S = OrderEventKind, OrderStatus


def strange(name: str, perm_id: int) -> Execution:
    return Execution(name, "", ACCOUNT, ES.id, Side.BUY, 2.0, 4500.0, perm_id=perm_id, at_ns=5)


def test_every_execution_of_orders_that_are_not_known_waits_for_itself(driver):
    driver.report(strange("a.01", 500))
    driver.report(strange("b.01", 501))
    adopted = [event.order_id for event in driver.reconcile(positions={ACCOUNT: {ES.id: 4.0}}) if event.kind is K.ADOPTED]
    assert adopted == ["ext-500", "ext-501"]


def test_what_came_at_the_time_of_the_question_waits_for_the_next_answer(driver):
    driver.report(strange("a.01", 500))
    asked_ns = driver.clock.now_ns()
    assert driver.desk.reconcile(Known(driver.snapshot()), asked_ns).events == ()
    assert driver.desk.reconcile(Known(driver.snapshot()), asked_ns + 1).events[0].kind is K.ADOPTED


def test_an_execution_that_is_told_again_waits_since_it_was_told_first(driver):
    driver.report(strange("a.01", 500))
    asked_ns = driver.clock.now_ns() + 1
    driver.clock.advance(1)
    driver.report(strange("a.01", 500))
    assert driver.desk.reconcile(Known(driver.snapshot()), asked_ns).events[0].kind is K.ADOPTED


def test_the_question_names_the_order_that_is_not_known(driver):
    terms = Order("", "", ES.id, Side.BUY, 2.0, account=ACCOUNT)
    driver.report(BrokerOrder("", 0, 500, BrokerStatus.WORKING, terms=terms, ours=False))
    assert driver.effects == [AskBroker("the broker reports an order that is not known, perm id 500")]


@pytest.mark.parametrize("quantity", [20_000.0, None])
def test_another_price_of_what_is_filled_comes_too_late(driver, quantity):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    late = replaced(driver.broker_order(wanted), quantity=quantity, limit_price=1.05)
    assert driver.report(late) == []
    assert (driver.status(wanted), driver.state(wanted).order.limit_price) == (S.FILLED, 1.1)
