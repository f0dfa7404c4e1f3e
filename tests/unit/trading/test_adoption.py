"""Orders and fills that did not come to the broker through us."""

import pytest
from support.trading import ACCOUNT, ES, EURUSD, DeskDriver, order, reconciled_desk, restarted

from atlas.domain import Execution, ManualClock, Order, OrderEventKind, OrderKind, OrderStatus, Side, fold
from atlas.trading.adoption import ForeignOrders, Policy
from atlas.trading.broker import BrokerOrder, BrokerStatus, Known
from atlas.trading.effects import NOTHING, AskBroker, CancelEverything, CancelOrder, ClearAlarm, RaiseAlarm

K, S = OrderEventKind, OrderStatus


def driver_with(**policy: object) -> DeskDriver:
    clock = ManualClock(1_000)
    return DeskDriver(clock, reconciled_desk(clock, policy=Policy(**policy)))


def foreign(perm_id: int = 500, reference: str = "", **values: object) -> BrokerOrder:
    """An order that somebody entered by hand in the terminal: number 0."""
    terms = {"account": ACCOUNT, "instrument": ES.id, "side": Side.BUY, "quantity": 2.0, "kind": OrderKind.LIMIT}
    order_ = Order("", "", **{**terms, "limit_price": 4500.0, **values.pop("terms", {})})
    facts = {"client_id": 0, "ours": False, "status": BrokerStatus.WORKING, "broker_order_id": 0, **values}
    return BrokerOrder(reference, perm_id=perm_id, terms=order_, quantity=order_.quantity, limit_price=4500.0, **facts)


def foreign_fill(name: str = "f.01", perm_id: int = 500, **values: object) -> Execution:
    facts = {"account": ACCOUNT, "instrument": ES.id, "side": Side.BUY, "quantity": 2.0, "price": 4499.0, "at_ns": 5, **values}
    return Execution(name, facts.pop("order_id", ""), perm_id=perm_id, **facts)


def test_an_order_by_hand_is_asked_about_and_adopted_when_the_broker_lists_it(driver):
    assert driver.report(foreign()) == []
    assert [type(effect) for effect in driver.effects] == [AskBroker]
    (adopted,) = driver.reconcile(open_orders=(foreign(reference="by hand"),))
    assert (adopted.kind, adopted.order_id, adopted.robot, adopted.perm_id) == (K.ADOPTED, "ext-500", "", 500)
    assert adopted.reason == "not placed by this desk; its reference is 'by hand'"
    state = driver.desk.states["ext-500"]
    assert (state.status, state.adopted, state.broker_order_id, state.order.account) == (S.WORKING, True, 0, ACCOUNT)
    assert (state.order.id, state.order.kind, state.order.limit_price) == ("ext-500", OrderKind.LIMIT, 4500.0)
    assert driver.desk.gate.blocked == {}


def test_adopting_twice_or_after_a_restart_makes_nothing_new(driver):
    dark = {"open_orders": (foreign(), foreign(501)), "executions": (foreign_fill(quantity=1.0), foreign_fill("g.01", 777))}
    dark["positions"] = {ACCOUNT: {ES.id: 3.0}}
    first = driver.reconcile(**dark)
    assert [event.kind for event in first] == [K.ADOPTED, K.ADOPTED, K.ADOPTED, K.EXECUTED, K.EXECUTED]
    assert driver.reconcile(**dark) == []
    again = restarted(driver)
    assert again.reconcile(**dark) == []
    assert again.desk.states == driver.desk.states
    assert again.desk.breaks == {}


def test_orders_by_hand_have_no_number_of_ours_and_are_never_taken_for_one(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.report(BrokerOrder("", 1, 0, BrokerStatus.CANCELLED, client_id=9, ours=False))
    driver.report(BrokerOrder("", 0, 0, BrokerStatus.CANCELLED))
    driver.report(BrokerOrder("", -1, 0, BrokerStatus.CANCELLED))
    assert driver.status(wanted) is S.WORKING
    driver.report(BrokerOrder("", 1, 0, BrokerStatus.CANCELLED))
    assert driver.status(wanted) is S.CANCELLED


def test_an_adopted_order_is_followed_by_its_number_for_good_and_left_to_whom_it_belongs(driver):
    driver.reconcile(open_orders=(foreign(reference="x"),))
    adopted = driver.desk.states["ext-500"].order
    for refused in (driver.cancel(adopted), driver.modify(adopted, quantity=1.0)):
        assert (refused.events, refused.effects, refused.denial.rule) == ((), (), "foreign")
        assert refused.denial.text == "order ext-500 was not placed by this desk: it is cancelled and changed where it was"
    driver.report(foreign_fill(quantity=1.0))
    assert driver.desk.states["ext-500"].status is S.PARTIALLY_FILLED
    assert driver.desk.books.position(ACCOUNT, ES.id).quantity == 1.0
    driver.report(foreign(reference="x", status=BrokerStatus.CANCELLED))
    assert driver.desk.states["ext-500"].status is S.CANCELLED


def test_an_order_that_this_client_placed_in_a_forgotten_life_can_be_cancelled(driver):
    driver.reconcile(open_orders=(foreign(reference="old-1", ours=True, broker_order_id=40),))
    assert driver.desk.first_free_broker_id(1) == 41
    assert driver.cancel(driver.desk.states["ext-500"].order).effects == (CancelOrder("ext-500", 40),)


@pytest.mark.parametrize(("number", "ours", "kept"), [(1, True, 1), (1, False, 0), (0, True, 0), (-3, True, 0), (-3, False, 0)])
def test_only_a_number_of_this_client_is_kept(driver, number, ours, kept):
    driver.reconcile(open_orders=(foreign(ours=ours, broker_order_id=number),))
    assert driver.desk.states["ext-500"].broker_order_id == kept


def test_an_adopted_order_is_of_this_account_and_hangs_on_no_other(driver):
    driver.reconcile(open_orders=(foreign(terms={"account": "", "parent_id": "7"}),))
    adopted = driver.desk.states["ext-500"].order
    assert (adopted.account, adopted.parent_id) == (ACCOUNT, "")


def test_cancelling_all_takes_the_orders_of_others_only_when_everything_is_meant(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.reconcile(open_orders=(driver.broker_order(wanted), foreign()))
    assert driver.desk.cancel_all(robot="nobody").effects == ()
    assert driver.desk.cancel_all(instrument=ES.id).effects == ()
    assert driver.desk.cancel_all(instrument=EURUSD.id).effects == (CancelOrder(wanted.id, 1),)
    assert driver.desk.cancel_all().effects == (CancelOrder(wanted.id, 1), CancelEverything())


def test_a_fill_of_an_order_that_nobody_knows_waits_for_the_answer_and_is_then_counted(driver):
    assert driver.report(foreign_fill()) == []
    (question,) = driver.effects
    assert isinstance(question, AskBroker)
    assert "f.01" in question.reason
    assert driver.desk.in_doubt
    assert driver.desk.books.position(ACCOUNT, ES.id).quantity == 0
    events = driver.reconcile(completed_orders=(foreign(status=BrokerStatus.FILLED),), positions={ACCOUNT: {ES.id: 2.0}})
    assert [event.kind for event in events] == [K.ADOPTED, K.EXECUTED]
    assert driver.desk.states["ext-500"].status is S.FILLED
    assert not driver.desk.in_doubt


def test_a_fill_that_came_after_the_question_waits_for_the_next_answer(driver):
    asked = driver.snapshot()
    asked_ns = driver.clock.now_ns()
    driver.report(foreign_fill())
    assert driver.take(driver.desk.reconcile(Known(asked), asked_ns)) == []
    assert driver.desk.in_doubt
    assert [event.kind for event in driver.reconcile(positions={ACCOUNT: {ES.id: 2.0}})] == [K.ADOPTED, K.EXECUTED]


def test_a_fill_is_given_to_our_order_when_the_answer_shows_that_it_is_ours(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.submit(wanted)
    driver.sent(wanted)
    fill = driver.execution(wanted, perm_id=900)
    driver.report(Execution(fill.id, "", ACCOUNT, fill.instrument, fill.side, fill.quantity, fill.price, 5, 900))
    assert driver.status(wanted) is S.SENT
    listed = BrokerOrder(wanted.id, 1, 900, BrokerStatus.FILLED)
    events = driver.reconcile(completed_orders=(listed,), positions={ACCOUNT: {EURUSD.id: 20_000.0}})
    assert [(event.order_id, event.kind) for event in events] == [(wanted.id, K.EXECUTED)]
    assert (driver.status(wanted), driver.state(wanted).perm_id) == (S.FILLED, 900)


def test_an_order_is_made_of_fills_of_which_nothing_else_is_told(driver):
    later, first = foreign_fill("b.01", at_ns=9, quantity=1.0), foreign_fill("a.01", at_ns=3, order_id="by hand")
    events = driver.reconcile(executions=(later, first), positions={ACCOUNT: {ES.id: 3.0}})
    assert [event.kind for event in events] == [K.ADOPTED, K.EXECUTED, K.EXECUTED]
    made = events[0].order
    assert (made.id, made.instrument, made.side, made.quantity, made.account) == ("ext-500", ES.id, Side.BUY, 3.0, ACCOUNT)
    assert "by hand" in events[0].reason
    assert (events[0].perm_id, driver.desk.states["ext-500"].broker_order_id) == (500, 0)
    assert [event.execution.id for event in events[1:]] == ["a.01", "b.01"]
    assert {event.execution.order_id for event in events[1:]} == {"ext-500"}


def test_a_fill_without_a_number_for_good_makes_an_order_of_its_own_name(driver):
    events = driver.reconcile(executions=(foreign_fill("q.7.01", 0),), positions={ACCOUNT: {ES.id: 2.0}})
    assert events[0].order_id == "ext-q.7"


def test_of_a_fill_that_waited_the_last_correction_counts(driver):
    driver.report(foreign_fill("f.02", quantity=1.0))
    driver.report(foreign_fill("f.01"))
    events = driver.reconcile(executions=(foreign_fill("f.01"),), positions={ACCOUNT: {ES.id: 1.0}})
    assert [event.execution.id for event in events[1:]] == ["f.02"]
    assert driver.desk.books.position(ACCOUNT, ES.id).quantity == 1.0


def test_what_happens_in_other_accounts_is_not_ours(driver):
    driver.report(foreign(terms={"account": "DU2"}))
    driver.report(foreign_fill(account="DU2"))
    assert driver.effects == []
    assert not driver.desk.in_doubt
    assert driver.reconcile(open_orders=(foreign(terms={"account": "DU2"}),), executions=(foreign_fill(account="DU2"),)) == []
    assert driver.desk.states == {}


def test_what_the_broker_listed_and_is_nobody_s_here_is_not_asked_about_again(driver):
    listed = foreign(terms={"account": "DU2"})
    driver.reconcile(open_orders=(listed, BrokerOrder("", 0, 501, BrokerStatus.WORKING), foreign(0)))
    (alarm,) = driver.effects
    assert (alarm.key, alarm.critical) == ("foreign:501", False)
    assert "order 501" in alarm.text
    driver.effects.clear()
    for perm_id in (500, 501):
        driver.report(BrokerOrder("", 0, perm_id, BrokerStatus.WORKING))
    assert driver.effects == []
    driver.report(BrokerOrder("", 0, 0, BrokerStatus.WORKING))
    assert [type(effect) for effect in driver.effects] == [AskBroker]
    driver.effects.clear()
    driver.reconcile()
    assert driver.effects == [ClearAlarm("foreign:501")]


def test_what_is_done_and_was_never_filled_is_not_adopted(driver):
    driver.report(foreign(status=BrokerStatus.CANCELLED))
    assert driver.effects == []
    assert driver.reconcile(completed_orders=(foreign(status=BrokerStatus.CANCELLED),)) == []


def test_what_was_filled_in_part_and_is_done_is_adopted_and_done(driver):
    events = driver.reconcile(
        completed_orders=(foreign(status=BrokerStatus.CANCELLED),),
        executions=(foreign_fill(quantity=1.0),),
        positions={ACCOUNT: {ES.id: 1.0}},
    )
    assert [event.kind for event in events] == [K.ADOPTED, K.EXECUTED, K.CANCELLED]


@pytest.mark.parametrize("unclear", [foreign(0), BrokerOrder("", 0, 500, BrokerStatus.WORKING)])
def test_an_order_without_a_number_for_good_or_without_words_of_ours_waits(driver, unclear):
    assert driver.reconcile(open_orders=(unclear,)) == []


def test_an_id_that_was_used_and_forgotten_is_not_used_again():
    clock = ManualClock(1_000)
    driver = DeskDriver(clock, reconciled_desk(clock, used_ids=["ext-500"]))
    (odd,) = driver.reconcile(open_orders=(foreign(),))
    assert (odd.kind, odd.order_id) == (K.ANOMALY, "ext-500")
    assert odd.reason == "ext-500 is told again after it was forgotten: its books are not touched; see its events"
    assert driver.reconcile(open_orders=(foreign(),)) == []
    assert driver.desk.states == {}


CLAIMS = {"grid-": "grid", "grid-eu-": "grid-eu", ES.id: "carry"}


@pytest.mark.parametrize(
    ("reference", "instrument", "robot"),
    [("grid-1", EURUSD.id, "grid"), ("grid-eu-1", EURUSD.id, "grid-eu"), ("x", ES.id, "carry"), ("x", EURUSD.id, "")],
)
def test_a_claim_says_whose_an_order_is(reference, instrument, robot):
    driver = driver_with(foreign=ForeignOrders.CLAIM, claims=CLAIMS)
    (adopted,) = driver.reconcile(open_orders=(foreign(reference=reference, terms={"instrument": instrument}),))
    assert (adopted.robot, adopted.order.robot) == (robot, robot)
    assert driver.desk.gate.blocked == {}


def test_a_claim_says_whose_the_fills_are_of_which_nothing_else_is_told():
    driver = driver_with(foreign=ForeignOrders.CLAIM, claims=CLAIMS)
    fills = (foreign_fill(order_id="grid-7"), foreign_fill("g.01", 501), foreign_fill("h.01", 502, instrument=EURUSD.id))
    events = driver.reconcile(executions=fills)
    assert [event.robot for event in events if event.kind is K.ADOPTED] == ["grid", "carry", ""]


def test_claims_count_only_where_they_are_the_policy():
    driver = driver_with(claims=CLAIMS)
    assert driver.reconcile(open_orders=(foreign(reference="grid-1"),))[0].robot == ""


def test_a_quarantined_order_is_recorded_alarmed_and_blocks_its_instrument_until_it_is_gone():
    driver = driver_with(foreign=ForeignOrders.QUARANTINE)
    (adopted,) = driver.reconcile(open_orders=(foreign(),))
    assert (adopted.kind, adopted.robot) == (K.ADOPTED, "")
    (alarm,) = driver.effects
    assert isinstance(alarm, RaiseAlarm)
    assert (alarm.key, alarm.critical) == ("quarantine:ext-500", True)
    assert "order ext-500 (buy 2 ES-202612@CME) was not placed by this desk" in alarm.text
    assert list(driver.desk.gate.blocked) == [ES.id]
    again = restarted(driver, policy=Policy(ForeignOrders.QUARANTINE))
    again.reconcile(open_orders=(foreign(),))
    assert list(again.desk.gate.blocked) == [ES.id]
    again.report(foreign(status=BrokerStatus.CANCELLED))
    again.reconcile()
    assert again.desk.gate.blocked == {}
    assert again.effects[-1] == ClearAlarm("quarantine:ext-500")


def test_what_a_quarantined_order_has_filled_stays_in_quarantine_until_a_person_releases_it():
    driver = driver_with(foreign=ForeignOrders.QUARANTINE)
    driver.reconcile(executions=(foreign_fill(),), positions={ACCOUNT: {ES.id: 2.0}})
    driver.reconcile()
    assert list(driver.desk.gate.blocked) == [ES.id]
    again = restarted(driver, policy=Policy(ForeignOrders.QUARANTINE))
    again.reconcile(positions={ACCOUNT: {ES.id: 2.0}})
    assert "ext-500" in again.desk.gate.blocked[ES.id]
    (event,) = again.take(again.desk.release("ext-500", who="anna"))
    assert (event.kind, event.reason) == (K.ADOPTED, "released by anna")
    assert again.effects[-1] == ClearAlarm("quarantine:ext-500")
    for desk in (again, restarted(again, policy=Policy(ForeignOrders.QUARANTINE))):
        desk.reconcile()
        assert desk.desk.gate.blocked == {}
        assert desk.desk.release("ext-500") == NOTHING


def test_a_released_order_can_be_given_to_a_robot_which_has_all_that_is_filled_of_it_from_then_on():
    driver = driver_with(foreign=ForeignOrders.QUARANTINE)
    driver.reconcile(open_orders=(foreign(),))
    (event,) = driver.take(driver.desk.release("ext-500", "swing"))
    assert (event.kind, event.robot, event.order.robot) == (K.ADOPTED, "swing", "swing")
    assert fold(None, event).order.robot == "swing"
    (filled,) = driver.report(foreign_fill())
    assert (filled.kind, filled.robot) == (K.EXECUTED, "swing")
    denied = driver.desk.release("ext-500", "other")
    assert (denied.events, denied.denial.rule) == ((), "filled")


def test_only_what_is_not_ours_can_be_released(driver):
    driver.working(order())
    assert (
        driver.desk.release(order().id).denial.text
        == f"order {order().id} was placed by this desk: there is nothing to release"
    )
    assert driver.desk.release("nothing").denial.rule == "foreign"
