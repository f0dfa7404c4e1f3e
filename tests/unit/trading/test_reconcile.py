from support.trading import ACCOUNT, EURUSD, order, restarted, restored

from atlas.domain import OrderEventKind, OrderKind, OrderStatus
from atlas.trading.broker import BrokerStatus, Known
from atlas.trading.effects import CancelOrder

K, S = OrderEventKind, OrderStatus


def test_an_order_that_was_written_but_never_sent_is_denied_after_a_restart(driver):
    wanted = order()
    driver.submit(wanted)
    again = restarted(driver)
    again.reconcile()
    assert again.status(wanted) is S.DENIED
    assert "never sent" in again.desk.states[wanted.id].reason


def test_an_order_on_its_way_to_be_sent_is_left_alone(driver):
    wanted = order()
    driver.submit(wanted)
    assert driver.reconcile() == []
    assert driver.status(wanted) is S.PENDING


def test_an_order_that_was_sent_in_the_last_moment_is_found_working(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.submit(wanted)
    again = restarted(driver)
    again.reconcile(open_orders=(again.broker_order(wanted, BrokerStatus.WORKING),))
    assert again.status(wanted) is S.WORKING


def test_a_fill_in_the_dark_is_booked_once_however_often_it_is_told(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted)
    dark = {
        "executions": (fill,),
        "commissions": (driver.commission(fill),),
        "positions": {ACCOUNT: {EURUSD.id: 20_000.0}},
    }
    again = restarted(driver)
    assert [event.kind for event in again.reconcile(**dark)] == [K.EXECUTED, K.COMMISSIONED]
    assert again.reconcile(**dark) == []
    third = restarted(again)
    assert third.reconcile(**dark) == []
    assert third.status(wanted) is S.FILLED
    assert third.desk.breaks == {}


def test_an_order_cancelled_in_the_dark_is_cancelled(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    again = restarted(driver)
    again.reconcile(completed_orders=(again.broker_order(wanted, BrokerStatus.CANCELLED),))
    assert again.status(wanted) is S.CANCELLED


def test_a_sent_order_that_the_broker_does_not_list_is_unknown_and_at_the_second_time_rejected(driver):
    wanted = order()
    driver.submit(wanted)
    driver.sent(wanted)
    driver.reconcile()
    assert driver.status(wanted) is S.UNKNOWN
    driver.reconcile()
    assert driver.status(wanted) is S.REJECTED


def test_an_unknown_order_that_turns_up_is_taken_back(driver):
    wanted = order()
    driver.submit(wanted)
    driver.sent(wanted)
    driver.reconcile()
    driver.report(driver.execution(wanted))
    assert driver.status(wanted) is S.FILLED


def test_what_happened_after_the_question_is_not_judged_by_the_answer(driver):
    wanted = order()
    asked_ns = driver.clock.now_ns()
    driver.submit(wanted)
    driver.sent(wanted)
    assert driver.desk.reconcile(Known(driver.snapshot()), asked_ns).events == ()
    assert driver.status(wanted) is S.SENT


def test_a_cancel_that_may_never_have_left_is_to_be_sent_again(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.cancel(wanted)
    again = restarted(driver)
    again.reconcile(open_orders=(again.broker_order(wanted, BrokerStatus.WORKING),))
    assert again.desk.to_resend().effects == (CancelOrder(wanted.id, 1),)


def test_a_position_that_differs_is_named(driver):
    driver.reconcile(positions={ACCOUNT: {EURUSD.id: 5_000.0}, "DU2": {EURUSD.id: 1.0}})
    assert driver.desk.breaks == {EURUSD.id: f"{EURUSD.id}: our books have 0, the broker has 5000"}
    driver.reconcile(positions={})
    assert driver.desk.breaks == {}


def test_orders_restored_from_the_database_are_not_folded_twice(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted)
    driver.report(fill)
    desk = restored(driver)
    for event in driver.events:
        desk.replay(event)
    assert desk.states == driver.desk.states
    assert desk.books.positions() == driver.desk.books.positions()
    assert not desk.anomalies


def test_the_rest_of_a_partly_filled_order_that_vanished_is_cancelled_and_what_was_filled_stays(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    fill = driver.execution(wanted, 5_000)
    driver.report(fill)
    driver.reconcile()
    assert driver.status(wanted) is S.UNKNOWN
    driver.reconcile()
    assert driver.status(wanted) is S.CANCELLED
    assert driver.desk.books.position(ACCOUNT, EURUSD.id).quantity == 5_000
