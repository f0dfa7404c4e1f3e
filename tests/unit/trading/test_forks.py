"""Two live perm ids under one reference of ours."""

import dataclasses

import pytest
from msgspec.structs import replace
from support.trading import ACCOUNT, EURUSD, DeskDriver, order, restarted

from atlas.domain import OrderEventKind, OrderKind, OrderStatus, Side
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus, Known
from atlas.trading.effects import AskBroker, CancelOrder, CancelSurplus, ClearAlarm, RaiseAlarm
from atlas.trading.forks import PATIENCE_NS

K, S = OrderEventKind, OrderStatus
LIMIT = {"kind": OrderKind.LIMIT, "limit_price": 1.1}


def forked(driver: DeskDriver, **values: object):
    """An order that works as 77, and of which the broker shows another half as 99."""
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.effects.clear()
    surplus = driver.broker_order(wanted, **{"perm_id": 99, "quantity": 10_000.0, **values})
    assert driver.report(surplus) == []
    return wanted, surplus


def replace_number(report: BrokerOrder, number: int) -> BrokerOrder:
    return dataclasses.replace(report, broker_order_id=number)


def test_a_fork_is_named_its_surplus_cancelled_and_the_instrument_halted(driver):
    wanted, _ = forked(driver)
    alarm, question = driver.effects
    assert isinstance(alarm, RaiseAlarm)
    assert (alarm.key, alarm.critical) == (f"fork:{wanted.id}", True)
    assert alarm.text == (
        f"order {wanted.id} works twice at the broker, as 77 and as 99: the second one is to be cancelled, and nothing is "
        f"opened in {EURUSD.id} until one is left; if both stay, cancel one in the terminal"
    )
    assert question == AskBroker(f"order {wanted.id} works twice at the broker")
    assert list(driver.desk.gate.blocked) == [EURUSD.id]
    assert driver.desk.in_doubt
    denied = driver.submit(order(2))
    assert (denied.kind, denied.denial.rule) == (K.DENIED, "blocked")
    assert driver.state(wanted).perm_id == 77
    assert driver.state(wanted).order.quantity == 20_000


def test_a_fork_does_not_keep_an_exit_from_leaving(driver):
    held = order(5)
    driver.working(held)
    driver.report(driver.execution(held))
    forked(driver)
    assert driver.submit(order(6, Side.SELL)).kind is K.PENDING


def test_under_one_number_only_an_answer_that_lists_both_asks_for_a_cancellation_and_again_only_when_that_had_its_time(driver):
    wanted, surplus = forked(driver)
    both = (driver.broker_order(wanted), surplus)
    wish = CancelSurplus(wanted.id, 1, 99)
    driver.effects.clear()
    driver.reconcile(open_orders=both)
    assert driver.effects == [wish]
    for report in (surplus, *both):  # late ones, from before it was cancelled
        driver.report(report)
    driver.reconcile(open_orders=both)
    assert driver.effects.count(wish) == 1
    driver.clock.advance(PATIENCE_NS)
    driver.reconcile(open_orders=(surplus, driver.broker_order(wanted, BrokerStatus.CANCELLING)))
    driver.reconcile(open_orders=(surplus,))
    assert driver.effects.count(wish) == 1
    driver.reconcile(open_orders=both)
    assert driver.effects.count(wish) == 2


def test_under_another_number_a_surplus_is_asked_to_go_until_it_goes(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.effects.clear()
    surplus = replace_number(driver.broker_order(wanted, perm_id=99), 8)
    for _ in range(2):
        assert driver.report(surplus) == []
    assert driver.effects[1:] == [CancelSurplus(wanted.id, 8, 99)] * 2


def test_what_works_twice_is_not_changed_for_nobody_knows_which_would_be(driver):
    wanted, _ = forked(driver)
    denied = driver.modify(wanted, limit_price=1.05).denial
    assert (denied.rule, denied.temporary) == ("fork", True)
    assert denied.text == f"order {wanted.id} works twice at the broker, under one number: a change could be of either"
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED, perm_id=99))
    assert driver.modify(wanted, limit_price=1.05).denial is None


def test_when_the_surplus_is_gone_the_instrument_is_free_and_the_order_what_it_was(driver):
    wanted, _ = forked(driver)
    before = driver.state(wanted)
    driver.effects.clear()
    assert driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED, perm_id=99)) == []
    assert driver.effects == [ClearAlarm(f"fork:{wanted.id}")]
    assert driver.desk.gate.blocked == {}
    assert driver.state(wanted) == before


def test_when_the_order_is_done_first_the_surplus_takes_its_place(driver):
    wanted, _ = forked(driver)
    driver.effects.clear()
    events = driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    assert [event.kind for event in events] == [K.WORKING, K.MODIFIED]
    assert (events[0].perm_id, events[0].reason) == (99, "done as 77; it lives on as 99")
    state = driver.state(wanted)
    assert (state.status, state.perm_id, state.order.quantity) == (S.WORKING, 99, 10_000)
    assert driver.effects == [ClearAlarm(f"fork:{wanted.id}")]
    assert driver.desk.gate.blocked == {}
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED, perm_id=99))
    assert driver.status(wanted) is S.CANCELLED


def test_what_was_filled_under_the_first_number_counts_in_the_quantity_of_the_order_that_goes_on(driver):
    wanted, _ = forked(driver)
    driver.report(driver.execution(wanted, 4_000))
    driver.report(driver.execution(wanted, 1_000, perm_id=99))
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    state = driver.state(wanted)
    assert (state.order.quantity, state.filled, state.remaining) == (14_000, 5_000, 9_000)


@pytest.mark.parametrize("quantity", [20_000.0, None])
def test_a_successor_of_the_same_or_no_size_changes_no_value(driver, quantity):
    wanted, _ = forked(driver, quantity=quantity)
    assert [event.kind for event in driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))] == [K.WORKING]
    assert driver.state(wanted).order.quantity == 20_000


def test_a_cancellation_that_was_asked_for_goes_on_to_the_successor(driver):
    wanted, _ = forked(driver)
    driver.cancel(wanted)
    driver.effects.clear()
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    assert driver.effects == [ClearAlarm(f"fork:{wanted.id}"), CancelOrder(wanted.id, 1)]


def test_fills_of_both_count_and_the_second_beyond_the_order_too(driver):
    wanted, _ = forked(driver)
    driver.report(driver.execution(wanted, 20_000))
    assert driver.status(wanted) is S.FILLED
    driver.report(driver.execution(wanted, 10_000, perm_id=99))
    assert driver.state(wanted).filled == 30_000
    assert driver.desk.books.position(ACCOUNT, EURUSD.id).quantity == 30_000
    assert driver.state(wanted).perm_id == 77


def test_a_second_number_of_an_order_that_is_over_is_surplus_too(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    driver.effects.clear()
    driver.report(driver.broker_order(wanted, perm_id=99))
    assert [type(effect) for effect in driver.effects] == [RaiseAlarm, AskBroker]
    driver.reconcile(open_orders=(driver.broker_order(wanted, perm_id=99),))
    assert driver.effects[-1] == CancelSurplus(wanted.id, 1, 99)
    assert driver.status(wanted) is S.CANCELLED


def test_of_an_order_that_is_unknown_the_number_that_shows_up_is_the_order(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.reconcile()
    assert driver.status(wanted) is S.UNKNOWN
    driver.effects.clear()
    driver.report(driver.broker_order(wanted, perm_id=99))
    assert (driver.status(wanted), driver.state(wanted).perm_id, driver.effects) == (S.WORKING, 99, [])


def test_the_surplus_of_another_client_is_left_to_a_person(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.effects.clear()
    driver.report(driver.broker_order(wanted, perm_id=99, ours=False))
    (alarm,) = driver.effects
    assert alarm.text.endswith("until one is left; it was placed by another client: cancel it there")


def test_a_fork_in_a_snapshot_is_the_order_with_the_lower_number_and_its_surplus(driver):
    wanted = order(**LIMIT)
    driver.submit(wanted)
    driver.sent(wanted)
    both = tuple(driver.broker_order(wanted, perm_id=perm_id, quantity=10_000.0) for perm_id in (99, 78))
    driver.reconcile(open_orders=both)
    assert driver.state(wanted).perm_id == 78
    assert CancelSurplus(wanted.id, 1, 99) in driver.effects
    driver.effects.clear()
    driver.reconcile(open_orders=both[1:])
    assert driver.effects == [ClearAlarm(f"fork:{wanted.id}")]
    assert driver.status(wanted) is S.WORKING


def test_a_snapshot_that_lists_only_the_second_number_says_that_the_first_is_done(driver):
    wanted, surplus = forked(driver)
    driver.reconcile(open_orders=(surplus,), completed_orders=(driver.broker_order(wanted, BrokerStatus.CANCELLED),))
    assert (driver.status(wanted), driver.state(wanted).perm_id) == (S.WORKING, 99)
    assert driver.desk.gate.blocked == {}


def test_an_error_that_names_only_the_number_of_a_forked_order_decides_nothing(driver):
    wanted, _ = forked(driver)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    driver.effects.clear()
    assert driver.report(BrokerError(1, 202, "Order Canceled - reason:")) == []
    assert driver.effects == [AskBroker(f"order {wanted.id}, which was forked: 202: Order Canceled - reason:")]
    assert driver.status(wanted) is S.WORKING


def test_a_fork_lives_through_a_restart(driver):
    wanted, surplus = forked(driver)
    again = restarted(driver)
    again.reconcile(open_orders=(again.broker_order(wanted), surplus))
    assert CancelSurplus(wanted.id, 1, 99) in again.effects
    assert EURUSD.id in again.desk.gate.blocked
    assert again.events == driver.events


def test_a_fill_that_names_only_the_number_of_the_surplus_is_of_the_order(driver):
    wanted, _ = forked(driver)
    driver.report(replace(driver.execution(wanted, 1_000), order_id="", perm_id=99))
    assert driver.state(wanted).filled == 1_000


def test_an_end_of_a_surplus_that_was_never_heard_of_is_nothing(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.effects.clear()
    assert driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED, perm_id=99)) == []
    assert (driver.effects, driver.status(wanted)) == ([], S.WORKING)


def test_of_two_surpluses_each_has_to_go(driver):
    wanted, _ = forked(driver)
    driver.report(driver.broker_order(wanted, perm_id=100))
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED, perm_id=99))
    assert list(driver.desk.gate.blocked) == [EURUSD.id]
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED, perm_id=100))
    assert driver.desk.gate.blocked == {}


def test_a_report_without_a_number_for_good_is_about_the_order(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.report(BrokerOrder(wanted.id, 1, 0, BrokerStatus.CANCELLED))
    assert driver.status(wanted) is S.CANCELLED


def test_two_forks_in_one_instrument_are_both_named_and_both_over_when_both_surpluses_are_gone(driver):
    one, two = order(1, **LIMIT), order(2, **LIMIT)
    driver.working(one, two)
    for wanted, perm_id in ((one, 98), (two, 99)):
        driver.report(driver.broker_order(wanted, perm_id=perm_id))
    texts = [effect.text for effect in driver.effects if isinstance(effect, RaiseAlarm)]
    assert driver.desk.gate.blocked == {EURUSD.id: "; ".join(texts)}
    driver.effects.clear()
    driver.reconcile(open_orders=(driver.broker_order(one), driver.broker_order(two)))
    assert driver.effects == [ClearAlarm(f"fork:{one.id}"), ClearAlarm(f"fork:{two.id}")]


def test_what_another_client_placed_under_our_reference_is_not_cancelled_under_our_number(driver):
    wanted, surplus = forked(driver, ours=False)
    driver.effects.clear()
    driver.reconcile(open_orders=(driver.broker_order(wanted), surplus))
    assert driver.effects == []


def test_of_two_forks_both_surpluses_are_cancelled_by_one_answer_and_again_only_after_their_time(driver):
    one, two = order(1, **LIMIT), order(2, **LIMIT)
    driver.working(one, two)
    surpluses = (driver.broker_order(one, perm_id=98), driver.broker_order(two, perm_id=99))
    for surplus in surpluses:
        driver.report(surplus)
    answer = Known(driver.snapshot(open_orders=(driver.broker_order(one), driver.broker_order(two), *surpluses)))
    wishes = (CancelSurplus(one.id, 1, 98), CancelSurplus(two.id, 2, 99))
    driver.clock.advance(1)
    asked_ns = driver.clock.now_ns()
    assert driver.desk.reconcile(answer, asked_ns).effects == wishes
    assert driver.desk.reconcile(answer, asked_ns + PATIENCE_NS).effects == ()
    assert driver.desk.reconcile(answer, asked_ns + PATIENCE_NS + 1).effects == wishes
