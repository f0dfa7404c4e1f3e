"""Single reports of the broker."""

import pytest
from msgspec.structs import replace
from support.trading import ACCOUNT, ES, EURUSD, DeskDriver, order

from atlas.domain import Commission, Execution, OrderEventKind, OrderKind, OrderStatus, Side
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus
from atlas.trading.effects import AskBroker
from atlas.trading.outcome import Verdict, outcome_of

K, S = OrderEventKind, OrderStatus
LIMIT = {"kind": OrderKind.LIMIT, "limit_price": 1.1}


def kinds(events) -> list[OrderEventKind]:
    return [event.kind for event in events]


def sent(driver: DeskDriver, wanted) -> None:
    driver.submit(wanted)
    driver.sent(wanted)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (BrokerStatus.RECEIVED, None),
        (BrokerStatus.WORKING, K.WORKING),
        (BrokerStatus.CANCELLING, K.WORKING),
        (BrokerStatus.FILLED, None),
        (BrokerStatus.CANCELLED, None),
        (BrokerStatus.EXPIRED, K.EXPIRED),
        (BrokerStatus.INACTIVE, None),
    ],
)
def test_each_status_of_the_broker_is_one_event_of_an_order_that_was_sent(driver, status, kind):
    wanted = order()
    sent(driver, wanted)
    events = driver.report(driver.broker_order(wanted, status, reason="words"))
    assert kinds(events) == ([kind] if kind is not None else [])
    if events:
        assert (events[0].reason, events[0].perm_id, driver.state(wanted).reason) == ("words", 77, "words")


@pytest.mark.parametrize("status", BrokerStatus)
def test_what_is_over_stays_over_whatever_comes_late(driver, status):
    wanted = order()
    sent(driver, wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.EXPIRED))
    assert driver.report(driver.broker_order(wanted, status)) == []
    assert driver.effects[1:] == []


# What is turned down: status and error come in either order

TURNED_DOWN = (BrokerStatus.INACTIVE, BrokerStatus.CANCELLED)


@pytest.mark.parametrize("status", TURNED_DOWN)
@pytest.mark.parametrize("error_first", [True, False])
def test_what_is_turned_down_ends_once_with_code_and_words_whichever_comes_first(driver, status, error_first):
    wanted = order()
    sent(driver, wanted)
    reports = [driver.broker_order(wanted, status, reason="a warning"), BrokerError(1, 201, "no margin")]
    events = [event for report in (reports[::-1] if error_first else reports) for event in driver.report(report)]
    assert [(event.kind, event.code, event.reason) for event in events] == [(K.REJECTED, 201, "201: no margin")]
    outcome = outcome_of(driver.state(wanted))
    assert (outcome.verdict, outcome.code, outcome.text) == (Verdict.REJECTED, 201, "201: no margin")
    assert driver.report(reports[0]) == []
    assert driver.state(wanted).perm_id == (0 if error_first else 77)


@pytest.mark.parametrize("status", TURNED_DOWN)
def test_when_no_error_follows_the_broker_is_asked_once_and_its_list_ends_the_order(driver, status):
    wanted = order()
    sent(driver, wanted)
    driver.effects.clear()
    for _ in range(2):
        assert driver.report(driver.broker_order(wanted, status)) == []
    assert driver.effects == [AskBroker(f"order {wanted.id} was turned down, and the broker has not said why yet")]
    (event,) = driver.reconcile(completed_orders=(driver.broker_order(wanted, status, reason="no shares to borrow"),))
    assert event.kind is (K.REJECTED if status is BrokerStatus.INACTIVE else K.CANCELLED)
    assert (event.reason, event.perm_id) == ("no shares to borrow", 77)


@pytest.mark.parametrize("status", TURNED_DOWN)
def test_when_the_broker_does_not_list_what_it_turned_down_its_word_holds(driver, status):
    wanted = order()
    sent(driver, wanted)
    driver.report(driver.broker_order(wanted, status, reason="its word"))
    (event,) = driver.reconcile()
    assert event.kind is (K.REJECTED if status is BrokerStatus.INACTIVE else K.CANCELLED)
    assert (event.reason, event.perm_id) == ("its word", 77)


def test_a_working_order_that_is_turned_down_has_its_code_too(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    assert driver.report(driver.broker_order(wanted, BrokerStatus.INACTIVE)) == []
    (event,) = driver.report(BrokerError(1, 201, "no margin any more"))
    assert (event.kind, event.code) == (K.REJECTED, 201)


def test_an_order_that_was_turned_down_and_comes_back_works_and_an_error_is_about_a_change_of_it(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.INACTIVE))
    assert driver.report(driver.broker_order(wanted)) == []
    assert kinds(driver.report(BrokerError(1, 201, "no"))) == [K.REFUSED]
    assert driver.status(wanted) is S.WORKING


def test_a_cancellation_that_was_asked_for_or_is_of_a_working_order_needs_no_error(driver):
    asked, at_broker = order(1), order(2, **LIMIT)
    sent(driver, asked)
    driver.cancel(asked)
    driver.working(at_broker)
    for wanted in (asked, at_broker):
        assert kinds(driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))) == [K.CANCELLED]


def test_what_the_broker_ends_before_it_works_is_cancelled_with_its_code(driver):
    wanted = order()
    sent(driver, wanted)
    assert driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED)) == []
    (event,) = driver.report(BrokerError(1, 202, "Order Canceled - reason:the other one was filled"))
    assert (event.kind, event.code, event.perm_id) == (K.CANCELLED, 202, 77)


def test_a_working_order_is_not_told_to_work_again(driver):
    driver.working(order(**LIMIT))
    assert driver.report(driver.broker_order(order(**LIMIT))) == []


def test_what_was_filled_in_part_before_the_rest_was_turned_down_is_cancelled(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.report(driver.execution(wanted, 5_000))
    assert kinds(driver.report(driver.broker_order(wanted, BrokerStatus.INACTIVE))) == [K.CANCELLED]


def test_an_order_is_found_by_its_reference_then_by_its_number_for_good_then_by_ours(driver):
    one, two = order(1, **LIMIT), order(2, **LIMIT)
    driver.working(one, two)
    driver.report(BrokerOrder(one.id, 2, 77, BrokerStatus.CANCELLED))
    assert (driver.status(one), driver.status(two)) == (S.CANCELLED, S.WORKING)
    driver.report(BrokerOrder("", 1, driver.perm_id(two), BrokerStatus.EXPIRED))
    assert driver.status(two) is S.EXPIRED
    three = order(3, **LIMIT)
    driver.working(three)
    driver.report(BrokerOrder("", 3, 0, BrokerStatus.CANCELLED))
    assert driver.status(three) is S.CANCELLED


def test_a_number_for_good_that_was_told_before_the_order_worked_names_it(driver):
    wanted = order()
    sent(driver, wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.RECEIVED, perm_id=300))
    driver.report(replace(driver.execution(wanted), order_id="", perm_id=300))
    assert driver.status(wanted) is S.FILLED


TERMS = {
    OrderKind.LIMIT: {"limit_price": 1.1},
    OrderKind.STOP: {"stop_price": 1.2},
    OrderKind.STOP_LIMIT: {"limit_price": 1.25, "stop_price": 1.2},
    OrderKind.TRAILING_STOP: {"trail_amount": 0.01},
}


@pytest.mark.parametrize(
    ("kind", "told", "becomes"),
    [
        (OrderKind.LIMIT, {"limit_price": 1.15}, {"limit_price": 1.15}),
        (OrderKind.LIMIT, {"quantity": 10_000.0}, {"quantity": 10_000.0}),
        (OrderKind.LIMIT, {"stop_price": 1.0}, None),
        (OrderKind.LIMIT, {"limit_price": None}, None),
        (OrderKind.STOP, {"stop_price": 1.3}, {"stop_price": 1.3}),
        (OrderKind.STOP, {"limit_price": 1.3}, None),
        (OrderKind.STOP_LIMIT, {"stop_price": 1.3, "limit_price": 1.35}, {"stop_price": 1.3, "limit_price": 1.35}),
        (OrderKind.TRAILING_STOP, {"stop_price": 1.3}, None),
        (OrderKind.TRAILING_STOP, {"trail_amount": 0.02}, {"trail_amount": 0.02}),
        (OrderKind.MARKET, {"limit_price": 1.3}, None),
        (OrderKind.MARKET, {"quantity": 5.0}, {"quantity": 5.0}),
    ],
)
def test_a_change_is_what_the_broker_says_back_of_an_order_of_its_kind(driver, kind, told, becomes):
    wanted = order(kind=kind, **TERMS.get(kind, {}))
    driver.working(wanted)
    terms = replace(driver.state(wanted).order, **told)
    events = driver.report(driver.broker_order(wanted, terms=terms))
    if becomes is None:
        assert events == []
    else:
        assert kinds(events) == [K.MODIFIED]
        assert driver.state(wanted).order == replace(driver.state(wanted).order, **becomes)
        assert {name: getattr(driver.state(wanted).order, name) for name in becomes} == becomes
    assert driver.report(driver.broker_order(wanted, terms=terms)) == []


def test_a_larger_quantity_that_is_granted_after_the_fill_lets_the_order_work_again(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.modify(wanted, quantity=30_000.0)
    driver.report(driver.execution(wanted))
    assert driver.status(wanted) is S.FILLED
    assert driver.report(driver.broker_order(wanted, quantity=20_000.0)) == []
    assert driver.report(driver.broker_order(wanted, BrokerStatus.FILLED, quantity=30_000.0)) == []
    assert driver.report(driver.broker_order(wanted)) == []
    assert kinds(driver.report(driver.broker_order(wanted, quantity=30_000.0))) == [K.MODIFIED]
    assert (driver.status(wanted), driver.state(wanted).remaining) == (S.PARTIALLY_FILLED, 10_000)


def test_a_report_without_terms_tells_quantity_and_limit(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    (event,) = driver.report(driver.broker_order(wanted, quantity=10_000.0, limit_price=1.05))
    assert (event.kind, event.perm_id) == (K.MODIFIED, 77)
    assert (event.order.quantity, event.order.limit_price) == (10_000.0, 1.05)
    assert driver.report(driver.broker_order(wanted)) == []


def test_a_change_is_seen_while_a_cancellation_is_on_its_way(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    events = driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLING, quantity=10_000.0))
    assert kinds(events) == [K.MODIFIED]


def test_values_of_an_order_that_is_only_received_are_not_taken(driver):
    wanted = order(**LIMIT)
    sent(driver, wanted)
    assert driver.report(driver.broker_order(wanted, BrokerStatus.RECEIVED, quantity=10_000.0)) == []


@pytest.mark.parametrize(
    ("code", "of_sent", "of_working", "asks"),
    [
        (201, K.REJECTED, K.REFUSED, False),
        (202, K.CANCELLED, K.CANCELLED, False),
        (161, K.REFUSED, K.REFUSED, False),
        (135, K.REFUSED, K.REFUSED, True),
        (399, None, None, False),
        (4242, None, None, False),
    ],
)
def test_each_error_is_one_event_of_the_order_that_it_names(driver, code, of_sent, of_working, asks):
    one, two = order(1, **LIMIT), order(2, **LIMIT)
    sent(driver, one)
    driver.working(two)
    driver.effects.clear()
    for number, kind in ((1, of_sent), (2, of_working)):
        events = driver.report(BrokerError(number, code, "words"))
        assert kinds(events) == ([kind] if kind is not None else [])
        for event in events:
            assert (event.reason, event.code) == (f"{code}: words", code)
    assert [effect for effect in driver.effects if isinstance(effect, AskBroker)] == (
        [AskBroker(f"order {one_.id}: {code}: words") for one_ in (one, two)] if asks else []
    )


def test_an_error_about_what_is_over_or_unknown_is_nothing(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    for number in (1, 99, 0, -1):
        assert driver.report(BrokerError(number, 202, "words")) == []


def test_an_execution_that_cannot_be_the_order_s_is_an_anomaly_once(driver):
    wanted = order()
    driver.working(wanted)
    for strange in (
        replace(driver.execution(wanted), side=Side.SELL),
        replace(driver.execution(wanted), instrument=ES.id),
    ):
        events = [driver.report(strange), driver.report(strange)]
        assert [kinds(one) for one in events] == [[K.ANOMALY], []]
        assert f"execution {strange.id} is of" in events[0][0].reason
        assert strange.id in driver.state(wanted).anomalies[-1]
    assert driver.desk.books.positions() == {}
    assert driver.desk.anomalies == 2
    assert driver.status(wanted) is S.WORKING


def test_a_correction_that_names_another_order_is_an_anomaly(driver):
    one, two = order(1), order(2)
    driver.working(one, two)
    fill = driver.execution(one, 5_000)
    driver.report(fill)
    events = driver.report(replace(fill, id="e.01.02", order_id=two.id, perm_id=driver.perm_id(two)))
    assert kinds(events) == [K.ANOMALY]
    assert events[0].reason == f"execution e.01.02 corrects one of order {one.id}"
    assert driver.state(two).filled == 0


def test_a_correction_is_found_by_what_it_corrects(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted, 5_000)
    driver.report(fill)
    (event,) = driver.report(replace(fill, id="e.01.02", order_id="", perm_id=0, quantity=4_000.0))
    assert (event.kind, event.execution.order_id, driver.state(wanted).filled) == (K.EXECUTED, wanted.id, 4_000)
    assert driver.desk.books.position(ACCOUNT, EURUSD.id).quantity == 4_000


def test_of_early_commissions_the_last_correction_counts(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted)
    for name, amount in (("e.01.02", 3.0), ("e.01.01", 2.0)):
        assert driver.report(Commission(name, amount, "USD")) == []
    assert kinds(driver.report(fill)) == [K.EXECUTED, K.COMMISSIONED]
    assert driver.state(wanted).commission == 3.0
    assert driver.report(Commission("e.01.01", 2.0, "USD")) == []
    assert kinds(driver.report(Commission("e.01.03", 1.0, "USD"))) == [K.COMMISSIONED]
    assert driver.desk.books.commissions(ACCOUNT) == {"USD": 1.0}


def test_a_fill_keeps_the_number_for_good_that_the_order_has(driver):
    wanted = order()
    sent(driver, wanted)
    driver.report(driver.execution(wanted, 5_000, perm_id=300))
    assert driver.state(wanted).perm_id == 300
    driver.report(driver.execution(wanted, 5_000, perm_id=301))
    assert driver.state(wanted).perm_id == 300


def test_executions_of_an_instrument_that_is_not_known_are_booked_when_it_is(driver):
    wanted = order()
    driver.working(wanted)
    definition = driver.desk.instruments.pop(EURUSD.id)
    driver.report(driver.execution(wanted))
    assert driver.status(wanted) is S.FILLED
    assert driver.desk.position(EURUSD.id) == 0
    driver.desk.instruments[EURUSD.id] = definition
    driver.reconcile(positions={ACCOUNT: {EURUSD.id: 20_000.0}})
    assert driver.desk.position(EURUSD.id) == 20_000
    assert driver.desk.breaks == {}


def test_shares_of_other_accounts_in_an_order_of_ours_are_ours(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(Execution("s.01", wanted.id, "DU2", wanted.instrument, wanted.side, 1_000.0, 1.1, 1, 77))
    assert driver.state(wanted).filled == 1_000
    assert driver.desk.position(EURUSD.id) == 0


def test_a_late_word_of_a_larger_quantity_makes_no_filled_order_work_again_but_the_brokers_list_does(driver):
    wanted = order(**LIMIT)
    driver.working(wanted)
    driver.modify(wanted, quantity=15_000.0)
    driver.report(driver.broker_order(wanted, quantity=15_000.0))
    driver.report(driver.execution(wanted, 15_000))
    driver.effects.clear()
    late = driver.broker_order(wanted, quantity=20_000.0)
    assert driver.report(late) == []
    assert driver.effects == [AskBroker(f"order {wanted.id} is filled, and is reported to work for more")]
    assert driver.status(wanted) is S.FILLED
    driver.reconcile(completed_orders=(driver.broker_order(wanted, BrokerStatus.FILLED, quantity=15_000.0),))
    assert driver.status(wanted) is S.FILLED
    driver.reconcile(open_orders=(late,))
    assert driver.status(wanted) is S.PARTIALLY_FILLED


def test_an_order_of_another_account_with_the_id_of_ours_is_not_ours(driver):
    wanted = order()
    driver.working(wanted)
    terms = replace(wanted, account="DU2")
    theirs = BrokerOrder(wanted.id, 0, 999, BrokerStatus.CANCELLED, terms=terms)
    filled = Execution("s.01", wanted.id, "DU2", wanted.instrument, wanted.side, 1_000.0, 1.1, 1, 999)
    assert driver.report(theirs) == []
    assert driver.report(filled) == []
    assert driver.report(BrokerOrder(wanted.id, 0, 999, BrokerStatus.WORKING)) == []
    ours = driver.broker_order(wanted)
    assert driver.reconcile(open_orders=(ours,), completed_orders=(theirs,), executions=(filled,)) == []
    assert (driver.state(wanted).filled, driver.status(wanted)) == (0.0, S.WORKING)
