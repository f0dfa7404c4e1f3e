from msgspec.structs import replace
from support.trading import ACCOUNT, EURUSD, order, restarted, restored

from atlas.domain import Cancel, Denial, Modify, OrderEventKind, OrderKind, OrderStatus, Side
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus
from atlas.trading.effects import AskBroker

K, S = OrderEventKind, OrderStatus


def test_a_market_order_goes_from_pending_to_filled_and_is_booked_once(driver):
    wanted = order()
    assert driver.submit(wanted).kind is K.PENDING
    driver.sent(wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.WORKING))
    fill = driver.execution(wanted)
    driver.report(fill)
    driver.report(driver.commission(fill))

    assert driver.status(wanted) is S.FILLED
    assert driver.desk.books.positions() == {ACCOUNT: {EURUSD.id: 20_000}}
    assert [event.kind for event in driver.events] == [K.PENDING, K.SENT, K.WORKING, K.EXECUTED, K.COMMISSIONED]
    assert [event.sequence for event in driver.events] == [1, 2, 3, 4, 5]


def test_reports_that_arrive_twice_change_nothing(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted)
    first = [*driver.report(fill), *driver.report(driver.commission(fill))]
    again = [
        *driver.report(fill),
        *driver.report(driver.commission(fill)),
        *driver.report(driver.broker_order(wanted, BrokerStatus.WORKING)),
        *driver.report(driver.broker_order(wanted, BrokerStatus.FILLED)),
    ]
    assert len(first) == 2
    assert again == []
    assert driver.desk.books.position(ACCOUNT, EURUSD.id).quantity == 20_000


def test_a_commission_that_comes_before_its_execution_waits_for_it(driver):
    wanted = order()
    driver.working(wanted)
    fill = driver.execution(wanted)
    assert driver.report(driver.commission(fill)) == []
    assert [event.kind for event in driver.report(fill)] == [K.EXECUTED, K.COMMISSIONED]


def test_a_fill_before_any_status_is_taken(driver):
    wanted = order()
    driver.submit(wanted)
    driver.report(driver.execution(wanted))
    assert driver.status(wanted) is S.FILLED


def test_a_partial_fill_leaves_the_order_working_for_the_rest(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted, 5_000))
    assert driver.status(wanted) is S.PARTIALLY_FILLED
    assert driver.desk.states[wanted.id].remaining == 15_000


def test_a_fill_that_comes_after_the_cancel_still_counts(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    driver.report(driver.execution(wanted, 5_000))
    assert driver.status(wanted) is S.CANCELLED
    assert driver.desk.books.position(ACCOUNT, EURUSD.id).quantity == 5_000


def test_the_end_of_a_filled_order_is_noted_once_for_the_case_that_its_fill_is_corrected(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    ended = [driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED)) for _ in range(2)]
    assert [[event.kind for event in events] for events in ended] == [[K.CANCELLED], []]
    assert driver.status(wanted) is S.FILLED
    driver.report(replace(driver.execution(wanted, 5_000), id="e.01.02"))
    assert (driver.status(wanted), driver.state(wanted).filled) == (S.CANCELLED, 5_000)


def test_the_broker_s_words_are_the_reason_of_a_rejection(driver):
    wanted = order()
    driver.submit(wanted)
    driver.sent(wanted)
    driver.report(BrokerError(driver.desk.states[wanted.id].broker_order_id, 201, "Order rejected - reason: margin"))
    driver.report(driver.broker_order(wanted, BrokerStatus.INACTIVE))
    assert driver.status(wanted) is S.REJECTED
    assert driver.desk.states[wanted.id].reason == "201: Order rejected - reason: margin"


def test_an_error_about_a_working_order_refuses_the_change_and_leaves_the_order(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    events = driver.report(BrokerError(driver.desk.states[wanted.id].broker_order_id, 110, "tick size"))
    assert [event.kind for event in events] == [K.REFUSED]
    assert driver.status(wanted) is S.WORKING


def test_a_warning_changes_nothing(driver):
    wanted = order()
    driver.working(wanted)
    assert driver.report(BrokerError(driver.desk.states[wanted.id].broker_order_id, 399, "outside hours")) == []


def test_a_modification_counts_when_the_broker_confirms_it(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    asked = driver.modify(wanted, limit_price=1.2)
    assert [event.kind for event in asked.events] == [K.MODIFY_REQUESTED]
    assert [effect.order.limit_price for effect in asked.effects] == [1.2]
    assert driver.desk.states[wanted.id].order.limit_price == 1.1
    driver.report(driver.broker_order(wanted, BrokerStatus.WORKING, quantity=20_000.0, limit_price=1.2))
    assert driver.desk.states[wanted.id].order.limit_price == 1.2


def test_an_order_that_was_filled_while_it_grew_works_on_for_the_rest(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.modify(wanted, quantity=30_000.0)
    driver.report(driver.execution(wanted))
    assert driver.status(wanted) is S.FILLED
    assert driver.report(driver.broker_order(wanted, quantity=20_000.0, limit_price=1.1)) == []
    driver.report(driver.broker_order(wanted, quantity=30_000.0, limit_price=1.1))
    assert driver.status(wanted) is S.PARTIALLY_FILLED
    assert driver.state(wanted).remaining == 10_000.0
    driver.report(driver.execution(wanted, 10_000))
    assert driver.status(wanted) is S.FILLED


def test_a_final_order_can_neither_be_modified_nor_cancelled(driver):
    wanted = order()
    driver.working(wanted)
    driver.report(driver.execution(wanted))
    for refused in (driver.cancel(wanted), driver.modify(wanted, quantity=1.0)):
        assert (refused.events, refused.effects) == ((), ())
        assert refused.denial.text == f"order {wanted.id} is filled"
        assert refused.denial.rule == "order_status"
    for unknown in (driver.desk.cancel(Cancel("c2", "nobody")), driver.desk.modify(Modify("m2", "nobody"))):
        assert unknown.denial == Denial("order_id", "there is no order nobody")


def test_the_same_order_again_is_recognised_and_another_under_its_id_is_denied(driver):
    wanted = order()
    driver.submit(wanted)
    assert driver.desk.known(wanted).status is S.PENDING
    impostor = order(side=Side.SELL)
    assert driver.desk.known(impostor) is None
    denied = driver.submit(impostor)
    assert denied.kind is K.DENIED
    assert "used before" in denied.reason
    assert driver.desk.states[wanted.id].order.side is Side.BUY


def test_an_order_for_another_account_is_denied(driver):
    assert driver.submit(order(account="DU2")).reason == "this trader trades DU1, not DU2"


def test_an_order_that_was_changed_is_recognised_when_it_is_submitted_again_also_after_a_restart(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.modify(wanted, limit_price=1.2)
    driver.report(driver.broker_order(wanted, BrokerStatus.WORKING, quantity=20_000.0, limit_price=1.2))
    for desk in (driver.desk, restarted(driver).desk, restored(driver)):
        assert desk.states[wanted.id].order.limit_price == 1.2
        assert desk.known(wanted) == desk.states[wanted.id]
        assert desk.known(order(side=Side.SELL, kind=OrderKind.LIMIT, limit_price=1.1)) is None
    assert driver.desk.known(order(kind=OrderKind.LIMIT, limit_price=1.3)) is None


def test_a_report_about_an_order_that_is_not_known_makes_the_desk_ask_and_invents_nothing(driver):
    assert driver.report(BrokerOrder("somebody-else", 99, 1, BrokerStatus.WORKING)) == []
    assert driver.desk.states == {}
    assert [type(effect) for effect in driver.effects] == [AskBroker]


def test_a_change_on_its_way_counts_in_the_exposure_until_it_is_answered(driver):
    wanted = order(quantity=100_000, kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    assert driver.modify(wanted, quantity=900_000.0).denial is None
    denied = driver.submit(order(2, quantity=200_000))
    assert denied.kind is K.DENIED
    assert "above max_position" in denied.reason
    driver.report(BrokerError(driver.desk.states[wanted.id].broker_order_id, 201, "no"))
    assert driver.submit(order(3, quantity=200_000)).kind is K.PENDING


def test_a_partly_filled_order_that_is_heard_of_again_is_still_partly_filled(driver):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    driver.report(driver.execution(wanted, 5_000))
    driver.reconcile()
    assert driver.status(wanted) is S.UNKNOWN
    driver.report(driver.broker_order(wanted, BrokerStatus.WORKING))
    assert driver.status(wanted) is S.PARTIALLY_FILLED


def test_no_broker_id_is_ever_used_twice(driver):
    driver.next_id = 41
    driver.submit(order())
    assert driver.desk.first_free_broker_id(7) == 42
    assert driver.desk.first_free_broker_id(50) == 50
