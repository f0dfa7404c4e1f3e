"""Answers of the broker that name many orders, or come at the very time at which something happened."""

from dataclasses import replace as replaced

import pytest
from support.trading import ACCOUNT, ES, EURUSD, DeskDriver, order, reconciled_desk, restarted

from atlas.domain import Execution, ManualClock, Order, OrderEventKind, OrderKind, OrderStatus, Side
from atlas.trading.adoption import ForeignOrders, Policy
from atlas.trading.broker import BrokerOrder, BrokerStatus, Known
from atlas.trading.effects import CancelSurplus
from atlas.trading.reconcile import HORIZON_NS

K, S = OrderEventKind, OrderStatus
LIMIT = {"kind": OrderKind.LIMIT, "limit_price": 1.1}
HAND = Order("", "", ES.id, Side.BUY, 2.0, account=ACCOUNT)


def by_hand(perm_id: int, status: BrokerStatus = BrokerStatus.WORKING) -> BrokerOrder:
    return BrokerOrder("", 0, perm_id, status, terms=HAND, quantity=2.0, ours=False)


def fill_by_hand(perm_id: int) -> Execution:
    return Execution(f"h{perm_id}.01", "", ACCOUNT, ES.id, Side.BUY, 2.0, 4500.0, perm_id=perm_id, at_ns=perm_id)


def test_orders_are_adopted_in_the_order_of_their_numbers_for_good_however_they_are_told(driver):
    done = (by_hand(503, BrokerStatus.CANCELLED), by_hand(502, BrokerStatus.CANCELLED))
    events = driver.reconcile(
        completed_orders=done,
        open_orders=(by_hand(501), by_hand(500)),
        executions=(fill_by_hand(503), fill_by_hand(502)),
        positions={ACCOUNT: {ES.id: 4.0}},
    )
    adopted = [event.perm_id for event in events if event.kind is K.ADOPTED]
    assert adopted == [502, 503, 500, 501]
    assert all(driver.desk.states[f"ext-{perm_id}"].status.is_final for perm_id in (502, 503))


def test_endings_are_told_in_the_order_of_the_numbers_for_good(driver):
    one, two = order(1, **LIMIT), order(2, **LIMIT)
    driver.working(one, two)
    over = tuple(driver.broker_order(each, BrokerStatus.EXPIRED) for each in (two, one))
    assert [event.order_id for event in driver.reconcile(completed_orders=over)] == [one.id, two.id]


def test_a_filled_order_of_nobody_here_of_which_no_execution_is_told_is_nothing(driver):
    assert driver.reconcile(completed_orders=(by_hand(500, BrokerStatus.FILLED),)) == []
    assert driver.desk.states == {}


def test_what_was_forgotten_is_said_once_and_raises_no_question():
    clock = ManualClock(1_000)
    driver = DeskDriver(clock, reconciled_desk(clock, used_ids=["ext-500"]))
    told = {"executions": (fill_by_hand(500),), "positions": {}}
    (odd,) = driver.reconcile(**told)
    assert odd.kind is K.ANOMALY
    assert driver.reconcile(**told) == []
    assert (driver.effects, driver.desk.in_doubt) == ([], False)


def test_what_a_person_has_released_is_not_taken_into_quarantine_by_the_next_answer():
    clock, policy = ManualClock(1_000), Policy(ForeignOrders.QUARANTINE)
    desk = DeskDriver(clock, reconciled_desk(clock, policy=policy))
    desk.reconcile(open_orders=(by_hand(500),))
    assert list(desk.desk.gate.blocked) == [ES.id]
    desk.take(desk.desk.release("ext-500"))
    desk.reconcile(open_orders=(by_hand(500),))
    assert desk.desk.gate.blocked == {}


def test_an_order_that_works_after_all_does_not_hide_the_news_of_the_next_one(driver):
    over, wanted = order(1, **LIMIT), order(2, **LIMIT)
    driver.working(over)
    driver.report(driver.broker_order(over, BrokerStatus.CANCELLED))
    driver.submit(wanted)
    driver.sent(wanted)
    events = driver.reconcile(open_orders=(driver.broker_order(over), driver.broker_order(wanted)))
    assert [(event.order_id, event.kind) for event in events] == [(over.id, K.ANOMALY), (wanted.id, K.WORKING)]


@pytest.mark.parametrize("told_as", [0, 77])
def test_what_never_had_a_number_for_good_and_works_at_the_broker_is_cancelled_there(driver, told_as):
    wanted = order(**LIMIT)
    (effect,) = driver.decide(wanted).effects
    driver.take(driver.desk.not_sent(effect, "no link"))
    driver.effects.clear()
    driver.reconcile(open_orders=(driver.broker_order(wanted, perm_id=told_as),))
    assert driver.effects[-1] == CancelSurplus(wanted.id, 1, told_as)


def test_what_is_over_and_is_told_without_its_number_for_good_is_a_contradiction_too(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    (odd,) = driver.reconcile(open_orders=(replaced(driver.broker_order(wanted), perm_id=0),))
    assert odd.kind is K.ANOMALY


def test_what_ended_at_the_time_of_the_question_is_no_contradiction(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    listed = driver.broker_order(wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    ended_ns = driver.state(wanted).at_ns
    assert driver.desk.reconcile(Known(driver.snapshot(open_orders=(listed,))), ended_ns).events == ()


def test_what_was_sent_at_the_time_of_the_question_need_not_be_in_the_answer(driver):
    wanted = order()
    driver.submit(wanted)
    driver.sent(wanted)
    assert driver.desk.reconcile(Known(driver.snapshot()), driver.state(wanted).at_ns).events == ()


def test_an_order_on_its_way_or_in_its_first_doubt_does_not_hide_that_another_is_missing(driver):
    waiting, doubtful, missing = order(1), order(2), order(3)
    driver.submit(waiting)
    (effect,) = driver.decide(doubtful).effects
    driver.take(driver.desk.unresolved(effect, "cut off"))
    driver.submit(missing)
    driver.sent(missing)
    assert [(event.order_id, event.kind) for event in driver.reconcile()] == [(missing.id, K.UNKNOWN)]


def test_an_order_that_was_unknown_at_the_end_of_a_run_has_two_answers_of_the_next_one(driver):
    wanted = order()
    (effect,) = driver.decide(wanted).effects
    driver.take(driver.desk.unresolved(effect, "cut off"))
    again = restarted(driver)
    assert again.reconcile() == []
    again.clock.advance(HORIZON_NS)
    assert [event.kind for event in again.reconcile()] == [K.CANCELLED]


def test_the_rest_of_a_group_is_told_why_the_broker_s_lists_take_it_back(driver):
    entry = order(1, **LIMIT)
    stop = order(2, entry.side.opposite, kind=OrderKind.STOP, stop_price=1.0, parent_id=entry.id)
    driver.decide(entry, stop)
    driver.sent(entry, stop)
    driver.report(driver.broker_order(stop))
    listed = {"open_orders": (driver.broker_order(stop),)}
    driver.reconcile(**listed)
    driver.clock.advance(3 * HORIZON_NS)
    events = driver.reconcile(**listed)
    assert [(event.order_id, event.kind) for event in events] == [(entry.id, K.CANCELLED), (stop.id, K.CANCEL_REQUESTED)]
    assert events[1].reason.startswith(f"order {entry.id} of the same group failed: given up: ")


def test_an_order_that_was_turned_down_does_not_hide_that_another_is_missing(driver):
    refused, missing = order(1), order(2)
    driver.submit(refused)
    driver.submit(missing)
    driver.sent(refused, missing)
    driver.report(driver.broker_order(refused, BrokerStatus.INACTIVE))
    events = driver.reconcile()
    assert [(event.order_id, event.kind) for event in events] == [(refused.id, K.REJECTED), (missing.id, K.UNKNOWN)]


def test_a_smaller_quantity_that_nobody_told_is_taken_over_from_the_filled_order(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.modify(wanted, quantity=6_000.0)
    driver.report(driver.execution(wanted, 6_000))
    assert driver.status(wanted) is S.PARTIALLY_FILLED
    driver.clock.advance(1)
    (changed,) = driver.reconcile(completed_orders=(driver.broker_order(wanted, BrokerStatus.FILLED, quantity=6_000.0),))
    assert (changed.kind, changed.order.quantity) == (K.MODIFIED, 6_000)
    assert driver.status(wanted) is S.FILLED


def test_an_order_that_a_position_may_explain_does_not_end_and_does_not_hide_the_end_of_one_in_another_instrument(driver):
    first, second, other = order(1), order(2), order(3, instrument=ES.id, quantity=1.0)
    for wanted in (first, second, other):
        driver.submit(wanted)
        driver.sent(wanted)
    apart = {"positions": {ACCOUNT: {EURUSD.id: 20_000.0}}}
    for _ in range(4):
        driver.reconcile(**apart)
        driver.clock.advance(HORIZON_NS)
    assert [driver.status(wanted) for wanted in (first, second, other)] == [S.UNKNOWN, S.UNKNOWN, S.CANCELLED]
