from dataclasses import replace as replaced

import pytest
from msgspec.structs import replace
from support.trading import ACCOUNT, EURUSD, order, restarted, restored

from atlas.domain import OrderEventKind, OrderKind, OrderStatus, Side
from atlas.trading.broker import BrokerStatus, Known
from atlas.trading.effects import CancelOrder, CancelSurplus, ClearAlarm, RaiseAlarm
from atlas.trading.reconcile import HORIZON_NS

K, S = OrderEventKind, OrderStatus


def test_an_order_that_was_written_but_never_sent_is_denied_after_a_restart(driver):
    wanted = order()
    driver.submit(wanted)
    again = restarted(driver)
    again.reconcile()
    assert again.status(wanted) is S.DENIED
    assert again.state(wanted).reason == "written but never sent: the trader stopped in between"


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


def unheard(driver):
    """An order that was sent, and that the broker neither confirms nor lists, twice."""
    wanted = order()
    driver.submit(wanted)
    driver.sent(wanted)
    for _ in range(2):
        driver.reconcile()
    return wanted


def test_a_sent_order_that_the_broker_does_not_list_is_unknown_and_named_and_not_rejected(driver):
    wanted = unheard(driver)
    driver.clock.advance(HORIZON_NS - 10)
    driver.reconcile()
    assert driver.status(wanted) is S.UNKNOWN
    (alarm,) = (effect for effect in driver.effects if isinstance(effect, RaiseAlarm))
    assert alarm.key == f"unheard:{wanted.id}"
    assert f"order {wanted.id} (buy 20000 {EURUSD.id}) was sent" in alarm.text
    assert driver.desk.gate.blocked == {}


def test_it_is_given_up_when_a_fresh_session_does_not_list_it_after_the_horizon(driver):
    wanted = unheard(driver)
    driver.take(driver.desk.doubt("a new session"))
    driver.reconcile()
    assert driver.status(wanted) is S.UNKNOWN
    driver.clock.advance(HORIZON_NS)
    (over,) = driver.reconcile()
    assert (over.kind, over.code) == (K.CANCELLED, 0)
    assert over.reason == "given up: sent, and the broker never confirmed nor listed it; the broker did not reject it"
    assert ClearAlarm(f"unheard:{wanted.id}") in driver.effects


def test_the_same_session_has_three_times_as_long(driver):
    wanted = unheard(driver)
    driver.clock.advance(3 * HORIZON_NS - 10)
    driver.reconcile()
    assert driver.status(wanted) is S.UNKNOWN
    driver.clock.advance(10)
    driver.reconcile()
    assert driver.status(wanted) is S.CANCELLED


def test_a_late_execution_of_what_was_given_up_counts(driver):
    wanted = unheard(driver)
    driver.clock.advance(3 * HORIZON_NS)
    driver.reconcile()
    driver.report(driver.execution(wanted))
    assert driver.status(wanted) is S.FILLED
    assert driver.desk.position(EURUSD.id) == 20_000
    late = driver.effects[-1]
    assert isinstance(late, RaiseAlarm)
    assert (late.key, late.critical) == (f"late-fill:{wanted.id}", True)


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
    assert driver.state(wanted).reason == "partly filled, and the broker knows nothing of the rest"
    assert driver.desk.books.position(ACCOUNT, EURUSD.id).quantity == 5_000


def test_a_broker_that_does_not_answer_changes_no_state_and_blocks_opening_only(driver):
    held, wanted = order(1), order(2, kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(held)
    driver.report(driver.execution(held))
    driver.working(wanted)
    before = dict(driver.desk.states)
    driver.effects.clear()
    for _ in range(2):
        assert driver.no_answer() == []
    assert driver.desk.states == before
    assert [type(effect) for effect in driver.effects] == [RaiseAlarm]
    assert "no answer in time" in driver.desk.gate.blocked[""]
    assert driver.submit(order(3)).denial.rule == "blocked"
    assert driver.submit(order(4, Side.SELL)).kind is K.PENDING
    assert driver.desk.in_doubt
    driver.effects.clear()
    driver.reconcile(open_orders=(driver.broker_order(wanted),))
    assert driver.effects == [ClearAlarm("reconciliation")]
    assert driver.submit(order(5)).kind is K.PENDING


def test_a_doubt_blocks_opening_without_an_alarm_until_the_next_answer(driver):
    assert driver.desk.doubt("the link was lost").effects == ()
    assert driver.desk.gate.blocked == {"": "the link was lost"}
    driver.reconcile()
    assert driver.desk.gate.blocked == {}
    assert driver.effects == []


@pytest.mark.parametrize("ending", [BrokerStatus.CANCELLED, BrokerStatus.INACTIVE, BrokerStatus.EXPIRED])
def test_what_is_over_here_and_works_there_is_recorded_alarmed_and_cancelled(driver, ending):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.reconcile(completed_orders=(driver.broker_order(wanted, ending),))
    status = driver.status(wanted)
    assert status.is_final
    driver.effects.clear()
    alive = {"open_orders": (driver.broker_order(wanted),)}
    (odd,) = driver.reconcile(**alive)
    assert (odd.kind, odd.order_id) == (K.ANOMALY, wanted.id)
    assert odd.reason == f"order {wanted.id} is {status.value} in our books and works at the broker"
    alarm, cancel = driver.effects
    assert (alarm.key, alarm.critical) == (f"zombie:{wanted.id}", True)
    assert cancel == CancelSurplus(wanted.id, 1, 77)
    assert list(driver.desk.gate.blocked) == [EURUSD.id]
    assert driver.reconcile(**alive) == []
    again = restarted(driver)
    assert again.reconcile(**alive) == []
    assert again.status(wanted) is status
    driver.effects.clear()
    driver.reconcile(open_orders=(driver.broker_order(wanted, BrokerStatus.CANCELLING),))
    assert driver.effects == []
    driver.reconcile()
    assert driver.effects == [ClearAlarm(f"zombie:{wanted.id}")]
    assert driver.desk.gate.blocked == {}


@pytest.mark.parametrize("whose", [{"ours": False}, {"broker_order_id": 0}])
def test_what_is_over_here_and_works_there_under_no_number_of_ours_is_only_alarmed(driver, whose):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    driver.effects.clear()
    driver.reconcile(open_orders=(replaced(driver.broker_order(wanted), **whose),))
    assert [type(effect) for effect in driver.effects] == [RaiseAlarm]


def test_what_ended_after_the_question_is_no_contradiction(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    listed, asked_ns = driver.broker_order(wanted), driver.clock.now_ns()
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    assert driver.desk.reconcile(Known(driver.snapshot(open_orders=(listed,))), asked_ns).events == ()


def test_a_filled_order_that_is_still_listed_is_no_contradiction(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    driver.clock.advance(1)
    assert driver.reconcile(open_orders=(driver.broker_order(wanted),)) == []


def test_an_order_that_is_filled_without_executions_told_stays_unknown_and_is_named_until_they_come(driver):
    wanted = order()
    driver.working(wanted)
    filled = {
        "completed_orders": (driver.broker_order(wanted, BrokerStatus.FILLED),),
        "positions": {ACCOUNT: {EURUSD.id: 20_000.0}},
    }
    (unknown,) = driver.reconcile(**filled)
    assert (unknown.kind, unknown.reason) == (K.UNKNOWN, "the broker has it as filled, and did not tell all of its executions")
    assert driver.desk.in_doubt
    driver.effects.clear()
    for _ in range(3):
        assert driver.reconcile(**filled) == []
    lost = next(effect for effect in driver.effects if effect.key == f"lost-fill:{wanted.id}")
    assert lost.critical
    assert lost.text == (
        f"the broker has filled order {wanted.id} (buy 20000 {EURUSD.id}) and tells no executions of it: our books have 0, the "
        "broker has 20000; look for the trade in the terminal or the statement"
    )
    assert EURUSD.id in driver.desk.gate.blocked
    driver.reconcile(positions=filled["positions"])  # the next day, the broker does not list it either
    assert (driver.status(wanted), EURUSD.id in driver.desk.gate.blocked) == (S.UNKNOWN, True)
    driver.report(driver.execution(wanted))
    driver.reconcile(**filled)
    assert (driver.status(wanted), driver.desk.gate.blocked) == (S.FILLED, {})
    assert ClearAlarm(f"lost-fill:{wanted.id}") in driver.effects


@pytest.mark.parametrize(
    ("held", "ends"), [(0.0, True), (15_000.0, False), (20_000.0, False), (25_000.0, False), (-15_000.0, True)]
)
def test_an_order_that_vanished_is_over_unless_the_broker_holds_what_it_can_have_brought(driver, held, ends):
    wanted = order(kind=OrderKind.STOP, stop_price=1.1)  # for which no price can be inferred
    driver.working(wanted)
    for _ in range(4):
        driver.reconcile(positions={ACCOUNT: {EURUSD.id: held}})
    assert driver.status(wanted) is (S.CANCELLED if ends else S.UNKNOWN)
    assert (f"lost-fill:{wanted.id}" in driver.desk.troubles) is not ends
    driver.reconcile()
    assert driver.status(wanted) is S.CANCELLED
    assert f"lost-fill:{wanted.id}" not in driver.desk.troubles


def test_an_order_whose_fill_was_corrected_after_it_was_filled_is_over(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted)
    driver.report(fill)
    driver.report(replace(fill, id="e.01.02", quantity=15_000.0))
    assert driver.status(wanted) is S.PARTIALLY_FILLED
    driver.clock.advance(1)
    (over,) = driver.reconcile(completed_orders=(driver.broker_order(wanted, BrokerStatus.FILLED),))
    assert (over.kind, driver.state(wanted).filled) == (K.CANCELLED, 15_000)
    assert over.reason == "filled, and corrected since: nothing is left of it at the broker"


def test_an_order_of_which_a_part_is_told_as_it_was_is_not_over_at_once(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted, 5_000))
    driver.clock.advance(1)
    (unknown,) = driver.reconcile(completed_orders=(driver.broker_order(wanted, BrokerStatus.FILLED),))
    assert unknown.kind is K.UNKNOWN


def test_what_the_database_gives_back_is_of_an_earlier_run_with_all_that_it_cost(driver):
    filled, unsent = order(1), order(2)
    driver.working(filled)
    fill = driver.execution(filled)
    driver.report(fill)
    driver.report(driver.commission(fill))
    driver.submit(unsent)
    desk = restored(driver)
    assert desk.books.commissions(ACCOUNT) == {"USD": 2.0}
    assert desk.books.cash_changes() == driver.desk.books.cash_changes()
    (denied,) = desk.reconcile(Known(driver.snapshot()), driver.clock.now_ns() + 1).events
    assert (denied.order_id, denied.kind) == (unsent.id, K.DENIED)
    assert denied.sequence == driver.desk.last_sequence + 1


def test_a_filled_order_with_all_its_executions_is_filled(driver):
    wanted = order()
    driver.working(wanted)
    filled = driver.broker_order(wanted, BrokerStatus.FILLED)
    fill = driver.execution(wanted)
    events = driver.reconcile(completed_orders=(filled,), executions=(fill,), positions={ACCOUNT: {EURUSD.id: 20_000.0}})
    assert [event.kind for event in events] == [K.EXECUTED]


def test_a_change_that_the_broker_does_not_show_twice_is_refused(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.modify(wanted, limit_price=1.05)
    old = {"open_orders": (driver.broker_order(wanted, quantity=20_000.0, limit_price=1.1),)}
    driver.clock.advance(1)
    assert driver.reconcile(**old) == []
    assert driver.desk.in_doubt
    (refused,) = driver.reconcile(**old)
    assert (refused.kind, refused.reason) == (K.REFUSED, "the broker shows nothing of the change")
    assert driver.state(wanted).requested_quantity == 0
    assert not driver.desk.in_doubt
    assert driver.reconcile(**old) == []


def test_a_change_that_the_broker_shows_is_made(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.modify(wanted, limit_price=1.05)
    driver.clock.advance(1)
    driver.reconcile(open_orders=(driver.broker_order(wanted),))
    (modified,) = driver.reconcile(open_orders=(driver.broker_order(wanted, limit_price=1.05),))
    assert modified.kind is K.MODIFIED
    assert not driver.desk.in_doubt


def test_a_second_change_has_two_answers_of_its_own(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    old = {"open_orders": (driver.broker_order(wanted),)}
    for price in (1.05, 1.0):
        driver.modify(wanted, limit_price=price)
        driver.clock.advance(1)
        assert driver.reconcile(**old) == []
    assert [event.kind for event in driver.reconcile(**old)] == [K.REFUSED]


def test_a_change_of_an_earlier_run_that_the_broker_does_not_show_is_refused_at_once(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.modify(wanted, limit_price=1.05)
    again = restarted(driver)
    assert [event.kind for event in again.reconcile(open_orders=(again.broker_order(wanted),))] == [K.REFUSED]


def test_a_change_before_a_cancellation_is_left_to_the_cancellation(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.modify(wanted, limit_price=1.05)
    driver.cancel(wanted)
    driver.clock.advance(1)
    for _ in range(3):
        assert driver.reconcile(open_orders=(driver.broker_order(wanted),)) == []
    assert driver.state(wanted).cancel_requested


def test_an_order_that_the_broker_had_and_forgot_has_ended_unseen(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    (unknown,) = driver.reconcile()
    (over,) = driver.reconcile()
    assert (unknown.kind, unknown.reason) == (K.UNKNOWN, "sent, but the broker does not list it")
    assert (over.kind, over.reason) == (K.CANCELLED, "the broker had it and does not know it any more: it ended unseen")


def test_an_order_that_was_unknown_before_has_two_answers_to_turn_up_in(driver):
    wanted = order()
    driver.submit(wanted)
    driver.sent(wanted)
    driver.take(driver.desk.overdue(10**9))
    assert driver.reconcile() == []
    assert driver.status(wanted) is S.UNKNOWN
    driver.clock.advance(3 * HORIZON_NS)
    (over,) = driver.reconcile()
    assert over.kind is K.CANCELLED


def test_an_order_that_is_listed_in_between_begins_to_be_missing_anew(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    listed = {"open_orders": (driver.broker_order(wanted),)}
    for answer in ({}, listed, {}, listed):
        driver.reconcile(**answer)
    assert driver.status(wanted) is S.WORKING


def test_an_order_that_ended_by_its_executions_is_not_missing(driver):
    wanted = order()
    driver.working(wanted)
    events = driver.reconcile(executions=(driver.execution(wanted),), positions={ACCOUNT: {EURUSD.id: 20_000.0}})
    assert [event.kind for event in events] == [K.EXECUTED]
    assert driver.reconcile() == []


def test_commissions_of_the_snapshot_are_counted(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted)
    driver.report(fill)
    (event,) = driver.reconcile(commissions=(driver.commission(fill),))
    assert event.kind is K.COMMISSIONED


def test_nothing_is_in_doubt_when_all_agrees(driver):
    driver.working(order(kind=OrderKind.LIMIT, limit_price=1.1))
    assert not driver.desk.in_doubt
    assert driver.desk.troubles == {}


def test_what_is_wrong_can_be_looked_at(driver):
    driver.no_answer("silence")
    assert list(driver.desk.troubles) == ["reconciliation"]
    assert "silence" in driver.desk.troubles["reconciliation"].text
