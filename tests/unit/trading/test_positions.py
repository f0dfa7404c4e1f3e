"""Our positions held against the broker's."""

from support.trading import ACCOUNT, ES, EURUSD, order

from atlas.domain import OrderEventKind, Position, Side
from atlas.trading.broker import Known
from atlas.trading.effects import ClearAlarm

K = OrderEventKind


def test_a_position_that_differs_is_named(driver):
    driver.reconcile(positions={ACCOUNT: {EURUSD.id: 5_000.0}, "DU2": {EURUSD.id: 1.0}})
    assert driver.desk.breaks == {EURUSD.id: f"{EURUSD.id}: our books have 0, the broker has 5000"}
    driver.reconcile(positions={})
    assert driver.desk.breaks == {}


def test_a_break_blocks_its_instrument_at_once_and_is_alarmed_when_it_stays(driver):
    apart = {ACCOUNT: {EURUSD.id: 5_000.0}}
    driver.reconcile(positions=apart)
    assert driver.effects == []
    assert driver.desk.in_doubt
    assert driver.submit(order(1)).denial.rule == "blocked"
    future = order(2, instrument=ES.id, quantity=1)
    assert driver.submit(future).kind is K.PENDING
    driver.effects.clear()
    driver.reconcile(positions=apart)
    driver.reconcile(positions=apart)
    (alarm,) = driver.effects
    assert (alarm.key, alarm.critical) == (f"position-break:{EURUSD.id}", True)
    assert alarm.text == f"{EURUSD.id}: our books have 0, the broker has 5000"
    driver.reconcile(positions={})
    assert driver.effects[1:] == [ClearAlarm(f"position-break:{EURUSD.id}")]
    assert driver.desk.gate.blocked == {}


def test_a_break_that_is_gone_before_it_was_alarmed_is_not_cleared_either(driver):
    driver.reconcile(positions={ACCOUNT: {EURUSD.id: 5_000.0}})
    driver.reconcile(positions={})
    assert driver.effects == []


def test_a_position_that_our_books_have_and_the_broker_has_not_is_a_break(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    driver.clock.advance(1)
    driver.reconcile(positions={})
    assert driver.desk.breaks == {EURUSD.id: f"{EURUSD.id}: our books have 20000, the broker has 0"}


def test_a_single_contract_that_the_broker_does_not_name_is_a_break(driver):
    wanted = order(instrument=ES.id, quantity=1.0)
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    driver.clock.advance(1)
    driver.reconcile(positions={})
    assert driver.desk.breaks == {ES.id: f"{ES.id}: our books have 1, the broker has 0"}


def test_an_instrument_that_was_traded_since_the_question_is_not_compared(driver):
    driver.reconcile(positions={ACCOUNT: {ES.id: 1.0}})
    asked_ns = driver.clock.now_ns()
    euro, future = order(1), order(2, instrument=ES.id, quantity=1)
    driver.working(euro)
    driver.report(driver.execution(euro))
    driver.take(driver.desk.reconcile(Known(driver.snapshot(positions={ACCOUNT: {ES.id: 1.0}})), asked_ns))
    assert list(driver.desk.breaks) == [ES.id]
    asked_ns = driver.clock.now_ns()
    driver.submit(future)  # denied: it stays what it was
    driver.take(driver.desk.reconcile(Known(driver.snapshot()), asked_ns))
    assert driver.desk.breaks == {}


def test_a_break_of_an_instrument_that_was_traded_since_stays_until_it_can_be_compared(driver):
    wanted = order()
    driver.working(wanted)
    driver.reconcile(open_orders=(driver.broker_order(wanted),), positions={ACCOUNT: {EURUSD.id: 20_000.0}})
    asked_ns = driver.clock.now_ns()
    driver.report(driver.execution(wanted))
    driver.take(driver.desk.reconcile(Known(driver.snapshot(positions={})), asked_ns))
    assert list(driver.desk.breaks) == [EURUSD.id]
    assert list(driver.desk.gate.blocked) == [EURUSD.id]
    driver.clock.advance(1)
    driver.reconcile()
    assert driver.desk.breaks == {}
    assert driver.desk.gate.blocked == {}


def test_flat_and_not_named_are_the_same(driver):
    driver.reconcile(positions={ACCOUNT: {EURUSD.id: 0.0}})
    assert driver.desk.breaks == {}
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted, 0))
    driver.clock.advance(1)
    driver.reconcile(open_orders=(driver.broker_order(wanted),), positions={})
    assert driver.desk.breaks == {}


def test_two_breaks_are_alarmed_and_cleared_each(driver):
    apart = {ACCOUNT: {EURUSD.id: 5_000.0, ES.id: 1.0}}
    for positions in (apart, apart, {}):
        driver.reconcile(positions=positions)
    keys = [f"position-break:{name}" for name in (ES.id, EURUSD.id)]
    assert [effect.key for effect in driver.effects] == keys * 2


def test_what_the_broker_holds_beside_our_books_can_be_left_once_it_is_known(driver):
    leaving = order(1, side=Side.SELL, quantity=5_000)
    apart = {ACCOUNT: {EURUSD.id: 5_000.0}}
    driver.reconcile(positions=apart)
    assert driver.submit(leaving).denial.rule == "blocked"  # a fill can be on its way
    driver.reconcile(positions=apart)
    assert driver.desk.told(EURUSD.id) == 5_000.0
    assert driver.desk.at_broker() == {EURUSD.id: Position(5_000.0, 0.0)}
    assert driver.submit(order(2, side=Side.SELL, quantity=5_001)).kind is K.DENIED
    wanted = order(3, side=Side.SELL, quantity=5_000)
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    assert driver.desk.told(EURUSD.id) == 0.0
    assert driver.submit(order(4, side=Side.SELL, quantity=1)).kind is K.DENIED


def test_a_fill_that_comes_after_all_is_not_taken_for_a_second_one(driver):
    wanted = order()
    driver.working(wanted)
    for _ in range(2):
        driver.reconcile(open_orders=(driver.broker_order(wanted),), positions={ACCOUNT: {EURUSD.id: 20_000.0}})
    assert driver.desk.told(EURUSD.id) == 20_000.0
    driver.report(driver.execution(wanted))
    assert driver.desk.told(EURUSD.id) is None
    assert driver.submit(order(2, side=Side.SELL, quantity=20_001)).kind is K.DENIED
    assert driver.submit(order(3, side=Side.SELL, quantity=20_000)).kind is K.PENDING
