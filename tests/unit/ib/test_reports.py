"""The gateway's objects in our words, with all its ways to say nothing."""

import datetime as dt

import pytest
from msgspec.structs import replace

from atlas.domain import Commission, Instrument, InstrumentKind, ManualClock, Order, OrderKind, Side, TimeInForce
from atlas.ib.library import UNSET_DOUBLE, Contract, library
from atlas.ib.orders import Place, to_ib
from atlas.ib.reports import Reports
from atlas.trading.broker import BrokerStatus

AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 265598, 0.01)
STOCK = Contract(conId=265598, symbol="AAPL", secType="STK")
NOON = dt.datetime(2026, 6, 5, 12, tzinfo=dt.UTC)
NOON_NS = 1_780_660_800_000_000_000


@pytest.fixture
def clock():
    return ManualClock(NOON_NS)


@pytest.fixture
def reports(clock):
    return Reports(1, {AAPL.id: AAPL}, clock)


def order(**values):
    return Order("robot-1-0", "robot", AAPL.id, Side.BUY, 10.0, OrderKind.LIMIT, 5.0, **values)


def shown(number=7, client_id=1, perm_id=99, **values):
    theirs = to_ib(order(**values), Place(number), {AAPL.id: AAPL}.__getitem__)
    theirs.clientId, theirs.permId = client_id, perm_id
    return theirs


def state(status="Submitted", **values):
    return library.OrderState(status=status, **values)


def execution(**values):
    facts = {
        "execId": "e.01.01", "orderId": 7, "clientId": 1, "permId": 99, "acctNumber": "DU1", "side": "BOT", "shares": 4.0,
        "price": 5.0, "time": NOON, "orderRef": "robot-1-0",
    }  # fmt: skip
    return library.Execution(**{**facts, **values})


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("ApiPending", BrokerStatus.RECEIVED),
        ("PendingSubmit", BrokerStatus.RECEIVED),
        ("PreSubmitted", BrokerStatus.WORKING),
        ("Submitted", BrokerStatus.WORKING),
        ("PendingCancel", BrokerStatus.CANCELLING),
        ("Cancelled", BrokerStatus.CANCELLED),
        ("ApiCancelled", BrokerStatus.CANCELLED),
        ("Filled", BrokerStatus.FILLED),
        ("Inactive", BrokerStatus.INACTIVE),
        ("SomethingNew", BrokerStatus.RECEIVED),
    ],
)
def test_each_status_has_a_word_and_a_new_one_ends_no_order(reports, text, status):
    assert reports.open_order(STOCK, shown(), state(text)).status is status
    assert reports.order_status(7, text, perm_id=99, client_id=1).status is status


def test_an_order_is_told_whole_with_whose_it_is(reports):
    told = reports.open_order(STOCK, shown(), state())
    assert (told.order_id, told.broker_order_id, told.perm_id, told.client_id, told.ours) == ("robot-1-0", 7, 99, 1, True)
    assert told.terms == replace(order(), robot="")
    assert reports.open_order(STOCK, shown(client_id=2), state()).ours is False


def test_an_order_that_we_have_no_words_for_is_told_without_terms(reports):
    theirs = shown()
    theirs.orderType = "VOL"
    told = reports.open_order(STOCK, theirs, state())
    assert (told.terms, told.quantity, told.limit_price) == (None, 10.0, 5.0)


def test_a_status_finds_its_order_by_number_and_by_permanent_id(reports):
    reports.note(shown(number=7, perm_id=99))
    assert reports.order_status(7, "Submitted", perm_id=99, client_id=1).order_id == "robot-1-0"
    assert reports.order_status(0, "Submitted", perm_id=99, client_id=0).order_id == "robot-1-0"
    assert reports.order_status(7, "Submitted", perm_id=5, client_id=2).order_id == ""


def test_an_order_that_was_to_end_by_now_and_was_cancelled_by_nobody_has_expired(reports, clock):
    reports.placed(order(time_in_force=TimeInForce.GTD, good_till_ns=NOON_NS + 10), 7)
    assert reports.order_status(7, "Cancelled", perm_id=99, client_id=1).status is BrokerStatus.CANCELLED
    clock.advance(10)
    assert reports.order_status(7, "Cancelled", perm_id=99, client_id=1).status is BrokerStatus.EXPIRED
    reports.cancelled(7)
    assert reports.order_status(7, "Cancelled", perm_id=99, client_id=1).status is BrokerStatus.CANCELLED


@pytest.mark.parametrize(
    ("text", "status"),
    [("Cancelled by Trader", BrokerStatus.CANCELLED), ("Expired", BrokerStatus.EXPIRED), ("", BrokerStatus.CANCELLED)],
)
def test_a_completed_order_says_why_it_ended(reports, text, status):
    told = reports.completed(STOCK, shown(number=0), state("Cancelled", completedStatus=text))
    assert (told.status, told.reason) == (status, text)


def test_an_execution_names_account_order_and_instrument(reports):
    told = reports.execution(STOCK, execution())
    assert (told.id, told.order_id, told.account, told.instrument) == ("e.01.01", "robot-1-0", "DU1", AAPL.id)
    assert (told.side, told.quantity, told.price, told.at_ns, told.perm_id) == (Side.BUY, 4.0, 5.0, NOON_NS, 99)


@pytest.mark.parametrize(("side", "expected"), [("BOT", Side.BUY), ("SLD", Side.SELL), ("BUY", Side.BUY), ("SELL", Side.SELL)])
def test_sides_of_executions(reports, side, expected):
    assert reports.execution(STOCK, execution(side=side)).side is expected


def test_an_execution_without_a_reference_is_found_by_its_number_and_that_of_another_client_is_not(reports):
    reports.placed(order(), 7)
    assert reports.execution(STOCK, execution(orderRef="")).order_id == "robot-1-0"
    assert reports.execution(STOCK, execution(orderRef="", clientId=2, permId=5)).order_id == ""


def test_an_execution_of_an_order_by_hand_has_no_number(reports):
    reports.note(shown(number=0, perm_id=5))
    assert reports.execution(STOCK, execution(orderRef="", orderId=2**31 - 1, clientId=0, permId=5)).order_id == "robot-1-0"


def test_parts_of_an_order_that_an_advisor_divides_go_to_their_accounts(reports):
    parts = [reports.execution(STOCK, execution(execId=f"e.0{n}.01", acctNumber=f"DU{n}", shares=float(n))) for n in (1, 2)]
    assert [(part.account, part.quantity, part.order_id) for part in parts] == [
        ("DU1", 1.0, "robot-1-0"),
        ("DU2", 2.0, "robot-1-0"),
    ]


def test_a_contract_that_we_do_not_know_has_the_brokers_name(reports):
    assert reports.name_of(Contract(conId=1, localSymbol="ESU6", symbol="ES")) == "ESU6#1"
    assert reports.name_of(Contract(conId=2, symbol="ES")) == "ES#2"
    reports.learn({"ES-202609@CME": Instrument("ES-202609@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, 0.25)})
    assert reports.name_of(Contract(conId=1, localSymbol="ESU6", symbol="ES")) == "ES-202609@CME"


def commission(amount, currency="USD", realized=UNSET_DOUBLE):
    return library.CommissionReport(execId="e.01.01", commission=amount, currency=currency, realizedPNL=realized)


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (commission(1.25), Commission("e.01.01", 1.25, "USD", None)),
        (commission(-0.35), Commission("e.01.01", -0.35, "USD", None)),
        (commission(-1.0), Commission("e.01.01", -1.0, "USD", None)),
        (commission(0.0, realized=12.5), Commission("e.01.01", 0.0, "USD", 12.5)),
        (commission(1.0, realized=0.0), Commission("e.01.01", 1.0, "USD", 0.0)),
        (commission(1.0, realized=float("nan")), Commission("e.01.01", 1.0, "USD", None)),
        (commission(UNSET_DOUBLE), None),
        (commission(float("nan")), None),
        (commission(float("inf")), None),
        (commission(-1.0, currency=""), None),
    ],
    ids=str,
)
def test_a_commission_is_an_amount_or_not_known_yet_and_never_a_placeholder(reports, report, told):
    assert reports.commission(report) == told
