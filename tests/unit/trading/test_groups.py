"""All legs of a group or none; but what protects a position stays."""

import pytest
from support.trading import EURUSD, DeskDriver, order, restarted

from atlas.domain import Denial, OcaType, OrderEventKind, OrderKind, OrderStatus, Side
from atlas.trading.broker import BrokerError, BrokerStatus
from atlas.trading.effects import AskBroker, CancelOrder, ClearAlarm, PlaceOrder, RaiseAlarm

K, S = OrderEventKind, OrderStatus
ENTRY = order(1, kind=OrderKind.LIMIT, limit_price=1.1)
CHILD = {"parent_id": ENTRY.id, "oca_group": "exits", "oca_type": OcaType.REDUCE_WITH_BLOCK}
STOP = order(2, Side.SELL, kind=OrderKind.STOP, stop_price=1.0, **CHILD)
TARGET = order(3, Side.SELL, kind=OrderKind.LIMIT, limit_price=1.2, **CHILD)
BRACKET = (ENTRY, STOP, TARGET)


def kinds(events) -> list[tuple[str, OrderEventKind]]:
    return [(event.order_id, event.kind) for event in events]


def rejected(driver: DeskDriver, leg) -> list:
    return driver.report(BrokerError(driver.state(leg).broker_order_id, 201, "no"))


def test_a_bracket_is_written_as_one_batch_and_released_by_its_last_leg(driver):
    decision = driver.decide(*BRACKET)
    assert kinds(decision.events) == [(leg.id, K.PENDING) for leg in BRACKET]
    assert [(e.order.id, e.broker_order_id, e.parent_id, e.transmit) for e in decision.effects] == [
        (ENTRY.id, 1, 0, False),
        (STOP.id, 2, 1, False),
        (TARGET.id, 3, 1, True),
    ]
    assert [effect.order.oca_group for effect in decision.effects] == ["", "exits", "exits"]
    assert [effect.order.account for effect in decision.effects] == ["DU1"] * 3


def test_orders_that_do_not_hang_together_are_each_released(driver):
    one, two = order(1, oca_group="a"), order(2, oca_group="a")
    assert [effect.transmit for effect in driver.decide(one, two).effects] == [True, True]


def test_a_child_of_an_order_that_works_is_released_at_once_and_knows_its_parent(driver):
    driver.working(ENTRY)
    (effect,) = driver.decide(STOP).effects
    assert (effect.parent_id, effect.transmit) == (1, True)


def test_one_leg_that_is_denied_denies_all(driver):
    huge = order(3, Side.SELL, quantity=2e6, **CHILD)
    decision = driver.decide(ENTRY, STOP, huge)
    assert [kind for _, kind in kinds(decision.events)] == [K.DENIED] * 3
    assert {event.denial.rule for event in decision.events} == {"max_order_quantity"}
    assert decision.effects == ()
    assert all(driver.status(leg) is S.DENIED for leg in (ENTRY, STOP, huge))


@pytest.mark.parametrize("legs", [(STOP, ENTRY), (STOP,)])
def test_a_child_without_its_parent_before_it_is_denied(driver, legs):
    decision = driver.decide(*legs)
    assert {event.denial.rule for event in decision.events} == {"parent"}
    assert decision.events[0].denial.text == f"the parent {ENTRY.id} of order {STOP.id} does not work at this desk"


def test_a_child_of_an_order_that_is_over_is_denied(driver):
    driver.working(ENTRY)
    driver.report(driver.broker_order(ENTRY, BrokerStatus.CANCELLED))
    assert driver.submit(STOP).denial.rule == "parent"


def test_the_same_id_twice_in_a_group_is_denied(driver):
    assert {event.denial.rule for event in driver.decide(ENTRY, ENTRY).events} == {"order_id"}


@pytest.mark.parametrize("failing", BRACKET)
def test_when_the_broker_rejects_one_leg_the_others_are_taken_back(driver, failing):
    driver.working(*BRACKET)
    driver.report(driver.broker_order(failing, BrokerStatus.INACTIVE))
    driver.report(BrokerError(driver.state(failing).broker_order_id, 201, "no margin"))
    others = [leg for leg in BRACKET if leg is not failing]
    assert driver.status(failing) is S.REJECTED
    assert all(driver.state(leg).cancel_requested for leg in others)
    assert all("no margin" in driver.state(leg).reason for leg in others)
    wanted = [CancelOrder(leg.id, driver.state(leg).broker_order_id) for leg in others]
    assert [effect for effect in driver.effects if isinstance(effect, CancelOrder)] == wanted


def test_when_an_error_rejects_one_leg_the_others_are_taken_back(driver):
    driver.decide(*BRACKET)
    driver.sent(*BRACKET)
    events = rejected(driver, STOP)
    assert kinds(events) == [(STOP.id, K.REJECTED), (ENTRY.id, K.CANCEL_REQUESTED), (TARGET.id, K.CANCEL_REQUESTED)]
    assert f"order {STOP.id} of the same group failed: 201: no" in driver.state(ENTRY).reason


def test_when_a_leg_does_not_leave_the_sent_ones_are_cancelled_and_the_unsent_ones_never_leave(driver):
    entry, stop, target = driver.decide(*BRACKET).effects
    driver.take(driver.desk.sent(entry))
    driver.take(driver.desk.not_sent(stop, "the link is down", code=504))
    assert (driver.status(STOP), driver.state(STOP).code) == (S.DENIED, 504)
    assert driver.state(ENTRY).reason == f"order {STOP.id} of the same group failed: not sent: the link is down"
    assert driver.desk.may_send(target) == f"order {TARGET.id} was cancelled before it left"
    driver.take(driver.desk.not_sent(target, driver.desk.may_send(target)))
    assert driver.status(TARGET) is S.DENIED
    cancels = [effect for effect in driver.effects if isinstance(effect, CancelOrder)]
    assert [effect.order_id for effect in cancels] == [ENTRY.id, TARGET.id]
    assert driver.desk.may_send(cancels[0]) == ""
    assert driver.desk.may_send(cancels[1]) == f"order {TARGET.id} is denied"


def test_after_a_fill_of_the_parent_its_children_stay_when_one_of_them_fails_and_a_person_is_told(driver):
    driver.working(*BRACKET)
    driver.report(driver.execution(ENTRY, 5_000))
    driver.effects.clear()
    assert kinds(rejected_while_working(driver, TARGET)) == [(TARGET.id, K.REJECTED)]
    (alarm,) = driver.effects
    assert isinstance(alarm, RaiseAlarm)
    assert (alarm.key, alarm.critical) == (f"group:{TARGET.id}", True)
    assert alarm.text == (
        f"order {TARGET.id} of a group failed (201: no) after another of the group was filled; {ENTRY.id}, {STOP.id} stay: "
        f"look whether the position in {EURUSD.id} is protected"
    )
    assert not driver.state(STOP).cancel_requested
    driver.effects.clear()
    driver.report(driver.execution(ENTRY, 15_000))
    assert driver.effects == []
    driver.report(driver.execution(STOP))
    assert driver.effects == [ClearAlarm(f"group:{TARGET.id}")]


def rejected_while_working(driver: DeskDriver, leg) -> list:
    assert driver.report(driver.broker_order(leg, BrokerStatus.INACTIVE)) == []
    assert isinstance(driver.effects.pop(), AskBroker)
    return rejected(driver, leg)


def test_a_part_of_a_fill_is_a_fill(driver):
    driver.working(*BRACKET)
    driver.report(driver.execution(ENTRY, 1))
    rejected_while_working(driver, STOP)
    assert not driver.state(TARGET).cancel_requested
    assert not driver.state(ENTRY).cancel_requested


def test_a_cancelled_leg_is_no_failure(driver):
    driver.working(*BRACKET)
    driver.report(driver.broker_order(TARGET, BrokerStatus.CANCELLED))
    assert not driver.state(STOP).cancel_requested


def test_parents_and_children_find_each_other_after_a_restart(driver):
    driver.working(*BRACKET)
    again = restarted(driver)
    again.reconcile(open_orders=tuple(again.broker_order(leg) for leg in BRACKET))
    rejected_while_working(again, STOP)
    assert again.state(ENTRY).cancel_requested
    assert again.state(TARGET).cancel_requested


def test_a_group_without_a_parent_is_taken_back_too_and_orders_of_others_are_left_alone(driver):
    one, two, other = order(1, oca_group="a"), order(2, oca_group="a"), order(4, oca_group="a")
    driver.working(other)
    driver.working(one, two)
    rejected_while_working(driver, one)
    assert driver.state(two).cancel_requested
    assert not driver.state(other).cancel_requested


def test_an_order_whose_cancellation_is_on_its_way_is_not_asked_again(driver):
    driver.working(*BRACKET)
    driver.cancel(TARGET)
    driver.effects.clear()
    rejected_while_working(driver, STOP)
    assert driver.effects == [CancelOrder(ENTRY.id, 1)]


def test_a_child_that_an_earlier_run_never_sent_takes_its_bracket_back(driver):
    driver.decide(*BRACKET)
    driver.sent(ENTRY)
    again = restarted(driver)
    again.reconcile(open_orders=(again.broker_order(ENTRY),))
    assert (again.status(STOP), again.status(TARGET)) == (S.DENIED, S.DENIED)
    assert again.state(ENTRY).cancel_requested


def test_a_change_of_a_child_that_is_turned_down_after_the_fill_of_its_parent_leaves_the_child(driver):
    driver.working(*BRACKET)
    driver.report(driver.execution(ENTRY))
    driver.modify(STOP, stop_price=1.05)
    events = driver.report(BrokerError(2, 135, "Can't find order with id =1"))
    assert kinds(events) == [(STOP.id, K.REFUSED)]
    assert (driver.status(STOP), driver.state(STOP).order.stop_price) == (S.WORKING, 1.0)


def test_the_shell_can_deny_a_whole_group(driver):
    denial = Denial("link", "the gateway is away", temporary=True)
    decision = driver.desk.deny(BRACKET, denial)
    assert [(event.kind, event.denial, event.reason) for event in decision.events] == [(K.DENIED, denial, denial.text)] * 3
    assert all(not isinstance(effect, PlaceOrder) for effect in decision.effects)


def test_the_alarm_of_each_of_two_groups_ends_when_nothing_of_it_works(driver):
    pairs = [(order(number, oca_group=f"g{number}"), order(number + 1, oca_group=f"g{number}")) for number in (1, 3)]
    for one, two in pairs:
        driver.working(one, two)
        driver.report(driver.execution(two, 5_000))
        rejected_while_working(driver, one)
    driver.effects.clear()
    for _, two in pairs:
        driver.report(driver.broker_order(two, BrokerStatus.CANCELLED))
    assert driver.effects == [ClearAlarm(f"group:{one.id}") for one, _ in pairs]


@pytest.mark.parametrize("left", [1, 2])
@pytest.mark.parametrize("noted", [True, False])
def test_a_bracket_that_a_dying_trader_did_not_send_whole_is_taken_back_and_its_held_legs_are_not_taken_for_rejected(
    driver, left, noted
):
    driver.decide(*BRACKET)
    held, rest = BRACKET[:left], BRACKET[left:]
    if noted:
        driver.sent(*held)
    again = restarted(driver)
    listed = tuple(again.broker_order(leg, BrokerStatus.INACTIVE) for leg in held)
    again.reconcile(open_orders=listed)
    assert [again.status(leg) for leg in held] == [S.SENT] * left
    assert [again.status(leg) for leg in rest] == [S.DENIED] * len(rest)
    wishes = [effect for effect in again.effects if isinstance(effect, CancelOrder)]
    assert {wish.order_id for wish in wishes if not again.desk.may_send(wish)} == {leg.id for leg in held}
    for leg in held:
        again.report(again.broker_order(leg, BrokerStatus.CANCELLED))
        assert again.status(leg) is S.CANCELLED
    again.reconcile()
    assert again.desk.working() == []


def test_an_inactive_order_of_a_group_that_left_whole_is_rejected(driver):
    driver.decide(*BRACKET)
    driver.sent(*BRACKET)
    again = restarted(driver)
    again.reconcile(open_orders=tuple(again.broker_order(leg, BrokerStatus.INACTIVE) for leg in BRACKET))
    assert again.status(ENTRY) is S.REJECTED


def test_the_alarms_of_two_groups_end_by_the_same_answer(driver):
    stops = []
    for number in (1, 11):
        entry = order(number, kind=OrderKind.LIMIT, limit_price=1.1)
        stop = order(number + 1, Side.SELL, kind=OrderKind.STOP, stop_price=1.0, parent_id=entry.id)
        target = order(number + 2, Side.SELL, kind=OrderKind.LIMIT, limit_price=1.2, parent_id=entry.id)
        driver.working(entry, stop, target)
        driver.report(driver.execution(entry))
        driver.report(driver.broker_order(stop, BrokerStatus.INACTIVE))
        driver.report(BrokerError(driver.state(stop).broker_order_id, 201, "no margin"))
        stops.append(stop)
    driver.clock.advance(1)
    driver.effects.clear()
    driver.reconcile()
    assert driver.effects == []
    driver.reconcile()
    assert set(driver.effects) == {ClearAlarm(f"group:{stop.id}") for stop in stops}
