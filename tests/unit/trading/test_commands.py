"""Commands on orders, and what became of them on their way out."""

import pytest
from support.trading import ACCOUNT, ES, EURUSD, DeskDriver, new_desk, order, restarted, restored

from atlas.domain import Cancel, Denial, ManualClock, Modify, OrderEventKind, OrderKind, OrderStatus
from atlas.domain.order_state import MOST_ACTIONS
from atlas.trading.broker import BrokerStatus
from atlas.trading.effects import NOTHING, AskBroker, CancelOrder, ChangeOrder, PlaceOrder

K, S = OrderEventKind, OrderStatus
LIMIT = {"kind": OrderKind.LIMIT, "limit_price": 1.1}


def placed(driver: DeskDriver, wanted) -> PlaceOrder:
    (effect,) = driver.decide(wanted).effects
    return effect


def test_a_new_order_is_booked_to_the_account_and_placed_under_its_number(driver):
    driver.next_id = 12
    decision = driver.decide(order(cause_ns=5))
    (event,), (effect,) = decision.events, decision.effects
    assert (event.kind, event.robot, event.broker_order_id, event.order.account) == (K.PENDING, "robot", 12, ACCOUNT)
    assert driver.desk.account == ACCOUNT
    assert effect == PlaceOrder(event.order, 12)
    assert driver.desk.known(order(cause_ns=99)).status is S.PENDING
    assert driver.desk.known(order(account=ACCOUNT)) is not None
    assert driver.desk.known(order(quantity=1.0)) is None
    assert driver.desk.known(order(2)) is None


def test_a_denial_by_a_rule_is_an_event_with_its_numbers_and_sends_nothing(driver):
    decision = driver.decide(order(quantity=3e6))
    (event,) = decision.events
    assert (event.kind, event.denial.rule, event.denial.found, event.denial.limit) == (K.DENIED, "max_order_quantity", 3e6, 1e6)
    assert event.reason == event.denial.text
    assert (decision.effects, decision.denial) == ((), None)
    assert driver.state(order(quantity=3e6)).denial == event.denial


def test_nothing_is_opened_before_the_first_reconciliation():
    clock = ManualClock(1_000)
    driver = DeskDriver(clock, new_desk(clock))
    assert driver.desk.gate.blocked == {"": "orders are not reconciled with the broker yet"}
    assert driver.submit(order()).denial.rule == "blocked"
    driver.reconcile()
    assert driver.submit(order(2)).kind is K.PENDING


def test_the_gate_counts_the_orders_that_are_let_through(driver):
    driver.desk.gate.set_limit("", "max_orders_per_second", 1)
    assert driver.submit(order()).kind is K.PENDING
    assert driver.submit(order(2)).denial.rule == "max_orders_per_second"


def test_what_has_left_is_sent_and_an_answer_that_was_quicker_stays(driver):
    effect = placed(driver, order())
    assert [event.kind for event in driver.take(driver.desk.sent(effect))] == [K.SENT]
    assert driver.take(driver.desk.sent(effect)) == []
    quick = placed(driver, order(2))
    driver.report(driver.broker_order(order(2)))
    assert driver.take(driver.desk.sent(quick)) == []
    assert driver.status(order(2)) is S.WORKING


def test_of_a_change_or_a_cancellation_that_has_left_nothing_is_noted(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    (change,), (cancel,) = driver.modify(wanted, limit_price=1.05).effects, driver.cancel(wanted).effects
    assert driver.desk.sent(change).events == driver.desk.sent(cancel).events == ()


def test_an_order_that_has_not_left_is_denied_and_one_that_is_over_stays(driver):
    effect = placed(driver, order())
    (event,) = driver.take(driver.desk.not_sent(effect, "no link", code=504))
    assert (event.kind, event.reason, event.code) == (K.DENIED, "not sent: no link", 504)
    assert driver.desk.not_sent(effect, "no link").events == ()


def test_a_change_or_a_cancellation_that_has_not_left_is_refused(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    for effect in (*driver.modify(wanted, limit_price=1.05).effects, *driver.cancel(wanted).effects):
        (event,) = driver.take(driver.desk.not_sent(effect, "no link", code=7))
        assert (event.kind, event.reason, event.code) == (K.REFUSED, "not sent: no link", 7)
    assert (driver.status(wanted), driver.state(wanted).cancel_requested) == (S.WORKING, False)


@pytest.mark.parametrize("was_sent", [False, True])
def test_an_order_of_which_nobody_can_say_whether_it_left_is_unknown_and_asked_about(driver, was_sent):
    effect = placed(driver, order())
    if was_sent:
        driver.sent(order())
    decision = driver.desk.unresolved(effect, "cut off")
    assert [(event.kind, event.reason) for event in decision.events] == [(K.UNKNOWN, "cut off")]
    assert decision.effects == (AskBroker("order robot-1-0: cut off"),)
    assert driver.desk.in_doubt
    assert driver.desk.unresolved(effect, "cut off").events == ()


def test_a_change_of_which_nobody_can_say_whether_it_left_is_asked_about(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    (change,) = driver.modify(wanted, limit_price=1.05).effects
    decision = driver.desk.unresolved(change, "cut off")
    assert (decision.events, decision.effects) == ((), (AskBroker("order robot-1-0: cut off"),))
    assert driver.status(wanted) is S.WORKING


def test_an_order_that_works_is_not_made_unknown_by_a_doubt_about_its_sending(driver):
    effect = placed(driver, order(**LIMIT))
    driver.report(driver.broker_order(order(**LIMIT)))
    assert driver.desk.unresolved(effect, "cut off").events == ()


def test_a_change_is_sent_with_its_parent_under_the_number_of_the_order(driver):
    entry = order(**LIMIT)
    exit_ = order(2, side=entry.side.opposite, kind=OrderKind.STOP, stop_price=1.0, parent_id=entry.id)
    driver.working(entry, exit_)
    decision = driver.modify(exit_, stop_price=1.05, quantity=10_000.0)
    (change,) = decision.effects
    assert isinstance(change, ChangeOrder)
    assert (change.order_id, change.broker_order_id, change.parent_id) == (exit_.id, 2, 1)
    assert (change.order.stop_price, change.order.quantity) == (1.05, 10_000.0)
    assert decision.events[0].order == change.order


def test_a_change_is_held_against_the_rules_as_the_order_that_it_makes(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    decision = driver.modify(wanted, quantity=2e6)
    assert (decision.events, decision.effects, decision.denial.rule) == ((), (), "max_order_quantity")
    assert driver.modify(wanted, quantity=1e6).denial is None


@pytest.mark.parametrize(("quantity", "passes"), [(4_999.0, False), (5_000.0, False), (5_001.0, True)])
def test_a_change_leaves_more_than_what_is_filled(driver, quantity, passes):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.report(driver.execution(wanted, 5_000))
    denial = driver.modify(wanted, quantity=quantity).denial
    if passes:
        assert denial is None
    else:
        assert (denial.rule, denial.found, denial.limit) == ("filled", quantity, 5_000)
        assert denial.text == f"the quantity {quantity:g} is not above what is filled, 5000"


def test_what_is_not_proven_to_be_at_the_broker_is_not_changed(driver):
    wanted = order(**LIMIT)
    effect = placed(driver, wanted)
    pending = driver.modify(wanted, limit_price=1.05).denial
    assert (pending.rule, pending.temporary, pending.text) == ("order_status", True, "order robot-1-0 is not sent yet")
    driver.take(driver.desk.unresolved(effect, "cut off"))
    unknown = driver.modify(wanted, limit_price=1.05).denial
    assert (unknown.temporary, unknown.text) == (True, "order robot-1-0 is unknown until the broker has been asked")
    driver.report(driver.broker_order(wanted))
    assert driver.modify(wanted, limit_price=1.05).denial is None
    driver.cancel(wanted)
    leaving = driver.modify(wanted, limit_price=1.06).denial
    assert (leaving.rule, leaving.temporary) == ("order_status", False)
    assert leaving.text == "the cancellation of order robot-1-0 is on its way"


def test_an_order_that_has_not_left_can_be_cancelled_and_then_does_not_leave(driver):
    effect = placed(driver, order())
    assert driver.desk.may_send(effect) == ""
    (cancel,) = driver.cancel(order()).effects
    assert cancel == CancelOrder(order().id, 1)
    assert driver.desk.may_send(effect) == "order robot-1-0 was cancelled before it left"
    assert driver.desk.may_send(cancel) == ""
    (denied,) = driver.take(driver.desk.not_sent(effect, driver.desk.may_send(effect)))
    assert denied.code == 0
    assert driver.desk.may_send(cancel) == "order robot-1-0 is denied"


def test_a_cancellation_is_final_only_when_the_broker_says_so(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    assert [event.kind for event in driver.cancel(wanted).events] == [K.CANCEL_REQUESTED]
    assert driver.status(wanted) is S.WORKING
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLING))
    assert driver.status(wanted) is S.WORKING
    driver.report(driver.execution(wanted))
    assert driver.status(wanted) is S.FILLED


def test_a_cancellation_can_be_asked_for_again(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.cancel(wanted)
    assert driver.cancel(wanted).effects == (CancelOrder(wanted.id, 1),)
    assert driver.desk.to_resend().effects == (CancelOrder(wanted.id, 1),)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    assert driver.desk.to_resend().effects == ()


def test_only_asked_for_cancellations_are_sent_again(driver):
    driver.working(order(**LIMIT))
    assert driver.desk.to_resend().effects == ()


def test_all_orders_can_be_cancelled_or_those_of_a_robot_or_an_instrument(driver):
    euro, future = order(**LIMIT), order(2, instrument=ES.id, quantity=1, kind=OrderKind.LIMIT, limit_price=4500.0)
    driver.working(euro)
    driver.working(future)
    done = order(3, **LIMIT)
    driver.working(done)
    driver.report(driver.broker_order(done, BrokerStatus.CANCELLED))

    def cancelled(**which: str) -> list[str]:
        return [effect.order_id for effect in driver.desk.cancel_all(**which).effects]

    assert cancelled() == [euro.id, future.id]
    assert cancelled(robot="robot") == [euro.id, future.id]
    assert cancelled(robot="other") == []
    assert cancelled(instrument=EURUSD.id) == [euro.id]
    assert cancelled(instrument=ES.id) == [future.id]
    assert cancelled(robot="other", instrument=EURUSD.id) == []
    assert all(driver.state(one).cancel_requested for one in (euro, future))
    assert all(driver.state(one).actions == () for one in (euro, future))


def test_an_order_that_nobody_answered_in_time_is_unknown_once(driver):
    wanted = order()
    driver.submit(wanted)
    driver.sent(wanted)
    sent_ns = driver.state(wanted).at_ns
    assert driver.desk.overdue(sent_ns).events == ()
    decision = driver.desk.overdue(sent_ns + 1)
    assert [(event.kind, event.reason) for event in decision.events] == [
        (K.UNKNOWN, "sent, and the broker has not answered in time")
    ]
    assert decision.effects == (AskBroker("order robot-1-0: sent, and the broker has not answered in time"),)
    assert driver.desk.overdue(sent_ns + 10**9).events == ()


def test_an_order_that_works_is_never_overdue(driver):
    driver.working(order(**LIMIT))
    assert driver.desk.overdue(10**12).events == ()


def test_a_denied_order_of_a_used_id_leaves_the_first_one_as_it_is(driver):
    wanted = order()
    driver.submit(wanted)
    denial = Denial("link", "no link")
    (event,) = driver.take(driver.desk.deny((order(quantity=1.0),), denial))
    assert (event.kind, event.order.quantity, event.denial, event.robot) == (K.DENIED, 1.0, denial, "robot")
    assert driver.state(wanted).order.quantity == 20_000


def test_decisions_add_up_in_their_order(driver):
    one, two = driver.decide(order()), driver.desk.cancel(Cancel("", "nobody"))
    assert (one + two).events == one.events
    assert (one + two).denial == (two + one).denial == two.denial


# Again


@pytest.mark.parametrize("ask", ["modify", "cancel"])
def test_a_change_or_cancellation_that_comes_again_is_known_by_its_id_also_after_a_restart(driver, ask):
    wanted = order(**LIMIT)
    driver.working(wanted)
    action = Modify("robot-9-0", wanted.id, limit_price=1.05) if ask == "modify" else Cancel("robot-9-0", wanted.id)
    decision = getattr(driver.desk, ask)(action)
    driver.take(decision)
    assert [event.action_id for event in decision.events] == ["robot-9-0"]
    assert len(decision.effects) == 1
    assert driver.state(wanted).actions == ("robot-9-0",)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    for desk in (driver.desk, restarted(driver).desk, restored(driver)):
        assert getattr(desk, ask)(action) == NOTHING


def test_the_newest_changes_are_remembered(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    for number in range(MOST_ACTIONS + 1):
        driver.take(driver.desk.modify(Modify(f"m-{number}", wanted.id, limit_price=1.0 + number / 1000)))
    assert driver.state(wanted).actions == tuple(f"m-{number}" for number in range(1, MOST_ACTIONS + 1))
