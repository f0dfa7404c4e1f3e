"""What is held back because nobody here placed it, until it is gone or a person has released it."""

from support.trading import ACCOUNT, ES, EURUSD, DeskDriver, reconciled_desk, restarted

from atlas.domain import Execution, ManualClock, Order, OrderEventKind, OrderKind, Side
from atlas.trading.adoption import ForeignOrders, Policy
from atlas.trading.broker import BrokerOrder, BrokerStatus
from atlas.trading.effects import ClearAlarm, RaiseAlarm

QUARANTINE = Policy(ForeignOrders.QUARANTINE)


def quarantining() -> DeskDriver:
    clock = ManualClock(1_000)
    return DeskDriver(clock, reconciled_desk(clock, policy=QUARANTINE))


def by_hand(perm_id: int, status: BrokerStatus = BrokerStatus.WORKING, instrument: str = ES.id) -> BrokerOrder:
    terms = Order("", "", instrument, Side.BUY, 2.0, OrderKind.LIMIT, limit_price=1.0, account=ACCOUNT)
    return BrokerOrder("", 0, perm_id, status, terms=terms, quantity=2.0, limit_price=1.0, ours=False)


TWO = (by_hand(500), by_hand(501, instrument=EURUSD.id))


def test_of_two_orders_in_quarantine_each_is_alarmed_again_after_a_restart_and_each_is_gone_when_it_is_over():
    driver = quarantining()
    driver.reconcile(open_orders=TWO)
    again = restarted(driver, policy=QUARANTINE)
    again.reconcile(open_orders=TWO)
    keys = ["quarantine:ext-500", "quarantine:ext-501"]
    assert [(type(effect), effect.key) for effect in again.effects] == [(RaiseAlarm, key) for key in keys]
    assert set(again.desk.gate.blocked) == {ES.id, EURUSD.id}
    again.effects.clear()
    for each in TWO:
        again.report(by_hand(each.perm_id, BrokerStatus.CANCELLED))
    again.reconcile()
    assert again.effects == [ClearAlarm(key) for key in keys]


def test_of_two_orders_without_words_of_ours_each_alarm_ends_when_they_are_gone(driver):
    driver.reconcile(open_orders=tuple(BrokerOrder("", 0, perm_id, BrokerStatus.WORKING) for perm_id in (500, 501)))
    driver.effects.clear()
    driver.reconcile()
    assert driver.effects == [ClearAlarm("foreign:500"), ClearAlarm("foreign:501")]


def test_what_is_over_and_was_never_filled_is_not_taken_into_quarantine_by_a_restart():
    driver = quarantining()
    driver.reconcile(open_orders=TWO[:1])
    driver.report(by_hand(500, BrokerStatus.CANCELLED))
    again = restarted(driver, policy=QUARANTINE)
    again.reconcile()
    assert again.effects == []


def test_a_release_says_who_gave_the_order_to_whom(driver):
    driver.reconcile(open_orders=TWO[:1])
    (event,) = driver.take(driver.desk.release("ext-500", "swing", who="anna"))
    assert (event.kind, event.reason) == (OrderEventKind.ADOPTED, "released by anna, for swing")
    driver.reconcile(open_orders=TWO)
    (nobody_s,) = driver.take(driver.desk.release("ext-501"))
    assert (nobody_s.order.robot, nobody_s.reason) == ("", "released by an operator")


def test_what_is_filled_or_over_is_given_to_no_robot(driver):
    driver.reconcile(open_orders=TWO)
    fill = Execution("f.01", "", ACCOUNT, ES.id, Side.BUY, 1.5, 1.0, perm_id=500, at_ns=5)
    driver.report(fill)
    driver.report(by_hand(501, BrokerStatus.CANCELLED))
    filled, over = (driver.desk.release(order_id, "swing").denial for order_id in ("ext-500", "ext-501"))
    assert (filled.rule, filled.found, filled.limit) == ("filled", 1.5, 0.0)
    assert filled.text == (
        "order ext-500 cannot be given to another: 1.5 of it are filled, of which the robot's books would know nothing"
    )
    assert over.text == (
        "order ext-501 cannot be given to another: it is cancelled, of which the robot's books would know nothing"
    )


def test_what_is_not_known_cannot_be_released(driver):
    assert driver.desk.release("nothing").denial.text == "order nothing is not known: there is nothing to release"
