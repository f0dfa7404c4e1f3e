"""The broker without any wire: what it says to whom, and in which order."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import Quote, UnknownInstrument, from_datetime
from ib_gateway.simulator.broker import Record
from ib_gateway.simulator.messages import Contract, Ticket, replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.desk import AAPL, EURUSD, NOON, Desk, kinds


@pytest.fixture
def desk():
    desk = Desk()
    desk.connect()
    desk.quote()
    return desk


def test_a_client_is_greeted_with_its_accounts_and_next_id_before_anything_else():
    desk = Desk(accounts=("DU1", "DU2"))
    desk.broker.connect(4)
    assert kinds(reply for _, reply in desk.said) == ["ManagedAccounts", "NextValidId", "Error", "Error", "Error"]
    assert desk.said[0][1].accounts == "DU1,DU2"
    assert not desk.broker.connect(4)


def test_a_market_order_is_told_accepted_then_filled_then_charged(desk):
    said = desk.place()
    assert kinds(said) == [
        "OpenOrder", "OrderStatus", "Execution", "OpenOrder", "OrderStatus", "CommissionReport",
    ]  # fmt: skip
    assert [said[0].state.status, said[1].status, said[3].state.status, said[4].status] == [
        "PreSubmitted", "PreSubmitted", "Filled", "Filled",
    ]  # fmt: skip
    assert (said[2].req_id, said[2].side, said[2].price, said[2].order_ref) == (-1, "BOT", 1.1601, "ref-1")
    assert said[2].execution_id == said[5].execution_id
    assert said[5].realized is None


def test_a_partial_fill_leaves_the_order_submitted(desk):
    desk.quote(ask_size=5_000.0)
    said = desk.place()
    assert (said[4].status, said[4].filled, said[4].remaining) == ("Submitted", 5_000.0, 15_000.0)
    desk.said.clear()
    desk.quote(ask_size=50_000.0)
    (execution,) = [reply for _, reply in desk.heard() if isinstance(reply, replies.Execution)]
    assert (execution.shares, execution.cumulative) == (15_000.0, 20_000.0)


def test_a_tick_goes_out_before_the_fill_that_it_causes(desk):
    desk.ask(r.TickByTick(9, EURUSD, "BidAsk"))
    desk.place(order_type="LMT", limit_price=1.1)
    desk.said.clear()
    now = NOON + 1
    desk.broker.on_market([
        Quote("EUR.USD@IDEALPRO", bid, ask, 0, 0, now, now) for bid, ask in ((1.2, 1.3), (1.0, 1.05), (1.2, 1.3))
    ])  # fmt: skip
    said = [reply for _, reply in desk.heard()]
    assert kinds(said) == ["TickByTick", "Execution", "OpenOrder", "OrderStatus", "CommissionReport", "TickByTick"]
    assert [len(said[0].events), len(said[-1].events)] == [2, 1]


def test_fills_are_told_to_the_owner_only_and_kept_for_him_when_he_is_away(desk):
    desk.connect(2)
    desk.place(order_type="LMT", limit_price=1.1)
    desk.broker.disconnect(1)
    desk.said.clear()
    desk.quote(bid=1.0, ask=1.05)
    assert desk.heard() == []
    desk.connect(1)
    listed = desk.ask(r.Executions(8))
    assert kinds(listed) == ["Execution", "CommissionReport", "ExecutionsEnd"]
    assert (listed[0].req_id, listed[0].client_id, listed[0].price) == (8, 1, 1.05)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({}, 1),
        ({"client_id": 1}, 1),
        ({"client_id": 2}, 0),
        ({"account": "DU1"}, 1),
        ({"account": "DU9"}, 0),
        ({"symbol": "EUR", "sec_type": "CASH", "exchange": "IDEALPRO", "side": "BUY"}, 1),
        ({"side": "SELL"}, 0),
        ({"time": "20260605-15:59:59"}, 1),
        ({"time": "20260605-16:00:01"}, 0),
        ({"time": "20260605 15:59:59"}, 1),
        ({"time": "20260605 12:00:01 US/Eastern"}, 0),
    ],
)
def test_executions_are_filtered(desk, wanted, count):
    desk.place()
    assert kinds(desk.ask(r.Executions(8, **wanted))).count("Execution") == count


def test_a_filter_time_that_is_none_is_an_error(desk):
    (error,) = desk.ask(r.Executions(8, time="yesterday"))
    assert (error.req_id, error.code) == (8, 321)


def test_day_orders_end_with_their_session_and_others_stay(desk):
    desk.place(1, order_type="LMT", limit_price=1.1)
    desk.place(2, order_type="LMT", limit_price=1.1, time_in_force="GTC")
    desk.said.clear()
    desk.clock.set(from_datetime(datetime(2026, 6, 5, 20, 59, 59, tzinfo=UTC)))
    desk.broker.on_time()
    assert desk.heard() == []
    desk.clock.set(from_datetime(datetime(2026, 6, 5, 21, 0, 1, tzinfo=UTC)))
    desk.broker.on_time()
    said = [reply for _, reply in desk.heard()]
    assert [(type(reply).__name__, reply.order_id if hasattr(reply, "order_id") else reply.req_id) for reply in said] == [
        ("OrderStatus", 1), ("Error", 1), ("OpenOrder", 2), ("OrderStatus", 2),
    ]  # fmt: skip
    assert said[-1].status == "PreSubmitted"
    assert [o.order_id for o in desk.ask(r.OpenOrders()) if isinstance(o, replies.OpenOrder)] == [2]


def test_a_new_day_forgets_yesterdays_executions_and_completed_orders_but_not_their_numbers(desk):
    desk.place(5)
    desk.clock.set(from_datetime(datetime(2026, 6, 5, 23, 59, 59, tzinfo=UTC)))
    desk.broker.on_time()
    assert len(desk.ask(r.CompletedOrders(False))) == 2
    desk.clock.set(from_datetime(datetime(2026, 6, 6, 0, 0, 1, tzinfo=UTC)))
    desk.broker.on_time()
    assert kinds(desk.ask(r.CompletedOrders(False))) == ["CompletedOrdersEnd"]
    assert kinds(desk.ask(r.Executions(8))) == ["ExecutionsEnd"]
    assert desk.place(5)[0].code == 103
    (number,) = desk.ask(r.Ids())
    assert number.order_id == 6


def test_everything_is_rebuilt_from_the_records(desk):
    desk.place(1)
    desk.place(2, order_type="LMT", limit_price=1.1, time_in_force="GTC")
    desk.place(3, order_type="LMT", limit_price=1.1)
    desk.ask(r.CancelOrder(3))
    desk.place(4, contract=AAPL, quantity=1e6)  # rejected: margin
    desk.place(2, order_type="LMT", limit_price=1.05, quantity=30_000.0, time_in_force="GTC")
    questions = (r.CompletedOrders(False), r.AllOpenOrders(), r.Executions(8), r.Positions(), r.Ids())
    before = [desk.ask(question) for question in questions]
    again = Desk(records=desk.records)
    again.connect()
    again.quote()
    assert [again.ask(question) for question in questions] == before
    from_snapshot = Desk(records=[desk.broker.snapshot()])
    from_snapshot.connect()
    from_snapshot.quote()
    assert [from_snapshot.ask(question) for question in questions] == before
    assert from_snapshot.place(5)[2].execution_id == desk.place(5)[2].execution_id


def test_killed_after_any_record_it_is_rebuilt_with_orders_that_can_be_cancelled(desk):
    desk.place(1)
    desk.place(2, order_type="LMT", limit_price=1.1, time_in_force="GTC")
    desk.place(2, order_type="LMT", limit_price=1.05, time_in_force="GTC")
    desk.place(3, order_type="LMT", limit_price=1.1, time_in_force="IOC")
    desk.place(4, contract=AAPL, quantity=1e6)
    for count in range(len(desk.records) + 1):
        again = Desk(records=desk.records[:count])
        again.connect()
        standing = [order.order_id for order in again.ask(r.OpenOrders()) if isinstance(order, replies.OpenOrder)]
        again.ask(r.GlobalCancel())
        assert kinds(again.ask(r.OpenOrders())) == ["OpenOrderEnd"]
        completed = [order for order in again.ask(r.CompletedOrders(False)) if isinstance(order, replies.CompletedOrder)]
        assert len(completed) >= len(standing)


def test_the_cash_an_account_began_with_is_kept_whatever_the_next_start_says(desk):
    desk.place(1)
    again = Desk(records=[desk.broker.snapshot()], cash=5.0, accounts=("DU1", "DU2"))
    assert again.exchange.ledger.cash("DU1") == desk.exchange.ledger.cash("DU1")
    assert again.exchange.ledger.cash("DU2") == {"USD": 5}


def test_what_is_held_has_its_market_after_a_restart_and_after_a_trade(desk):
    desk.quote()
    desk.place()
    desk.wanted.clear()
    desk.broker.settle()
    assert desk.wanted == [("EUR.USD@IDEALPRO", False)]
    again = Desk(records=desk.records)
    assert again.wanted == [("EUR.USD@IDEALPRO", False)]
    assert Desk().wanted == []


def test_books_that_hold_what_is_not_listed_any_more_are_refused(desk):
    desk.place(1)
    records = msgspec.json.decode(
        msgspec.json.encode(desk.records).replace(b"EUR.USD@IDEALPRO", b"EUR.XXX@IDEALPRO"), type=list[Record]
    )
    with pytest.raises(UnknownInstrument, match=r"EUR\.XXX@IDEALPRO is in the books"):
        Desk(records=records)


def test_accounts_are_told_after_the_trade_and_only_what_changed(desk):
    everything = desk.ask(r.AccountUpdates(True, "DU1"))
    assert kinds(everything)[-2:] == ["AccountTime", "AccountDownloadEnd"]
    desk.ask(r.Positions())
    desk.place()
    desk.said.clear()
    desk.broker.settle()
    said = [reply for _, reply in desk.heard()]
    assert kinds(said)[:2] == ["Position", "PortfolioValue"]
    values = {(v.key, v.currency): v.value for v in said if isinstance(v, replies.AccountValue)}
    assert values["CashBalance", "EUR"] == "20000.00"
    assert values["CashBalance", "USD"] == "976796.00"
    assert ("AccountCode", "") not in values
    desk.broker.settle()
    assert desk.heard() == []


def test_cash_that_came_back_to_zero_is_told(desk):
    desk.ask(r.AccountUpdates(True, "DU1"))
    desk.place(1)
    desk.broker.settle()
    desk.place(2, action="SELL")
    desk.said.clear()
    desk.broker.settle()
    cash = {v.currency: v.value for _, v in desk.heard() if isinstance(v, replies.AccountValue) and v.key == "CashBalance"}
    assert cash["EUR"] == "0.00"


def test_no_more_than_two_summaries(desk):
    for req_id in (1, 2):
        assert kinds(desk.ask(r.AccountSummary(req_id, "All", "NetLiquidation"))) == ["AccountSummary", "AccountSummaryEnd"]
    (error,) = desk.ask(r.AccountSummary(3, "All", "NetLiquidation"))
    assert error.code == 322
    desk.ask(r.CancelAccountSummary(1))
    assert kinds(desk.ask(r.AccountSummary(3, "All", "$LEDGER:USD")))[-1] == "AccountSummaryEnd"


def test_streams_begin_with_what_is_known_and_then_say_only_what_is_new(desk):
    said = desk.ask(r.MarketData(7, EURUSD))
    assert kinds(said)[:2] == ["TickReqParams", "MarketDataType"]
    assert [(t.kind, t.price) for t in said if isinstance(t, replies.TickPrice)] == [
        (1, 1.16), (2, 1.1601), (6, 1.16), (7, 1.16), (14, 1.16),
    ]  # fmt: skip
    desk.said.clear()
    desk.quote(bid=1.16, ask=1.1602)
    assert [(type(t).__name__, t.kind) for _, t in desk.heard()] == [("TickPrice", 2), ("TickSize", 3)]
    desk.quote(bid=1.16, ask=1.1602)
    assert desk.heard() == []
    assert desk.ask(r.MarketData(7, EURUSD))[0].code == 102
    assert desk.ask(r.CancelMarketData(8))[0].code == 300


def test_a_snapshot_of_a_silent_instrument_ends_with_its_first_quote(desk):
    assert "SnapshotEnd" not in kinds(desk.ask(r.MarketData(7, AAPL, snapshot=True)))
    desk.said.clear()
    desk.quote("AAPL@SMART", 270.0, 270.02, 100, 200)
    assert kinds(reply for _, reply in desk.heard())[-1] == "SnapshotEnd"
    desk.quote("AAPL@SMART", 270.1, 270.12, 100, 200)
    assert desk.heard() == []


def test_only_client_zero_binds_orders_entered_by_hand(desk):
    (error,) = desk.ask(r.AutoOpenOrders(True))
    assert error.code == 327
    desk.connect(0)
    assert desk.ask(r.AutoOpenOrders(True), client_id=0) == []


def test_a_change_may_not_turn_an_order_into_another(desk):
    desk.place(1, order_type="LMT", limit_price=1.1)
    said = desk.place(1, order_type="LMT", limit_price=1.1, action="SELL")
    assert (said[0].code, kinds(said[1:])) == (105, ["OpenOrder", "OrderStatus"])
    assert said[1].ticket.action == "BUY"


# Whatever is asked

_TEXTS = st.sampled_from([
    "", "DU1", "BUY", "EUR", "CASH", "IDEALPRO", "USD", "AAPL", "STK", "SMART", "1 D", "30 S", "5 secs", "1 day", "TRADES",
    "MIDPOINT", "BidAsk", "AllLast", "All", "$LEDGER:ALL", "20260605-16:00:00", "20260605 16:00:00 US/Eastern",
    "20260605 16:00:00 Mars/Phobos", "20260605 16:00:00", "yesterday", "-",
])  # fmt: skip
_NUMBERS = {
    int: st.sampled_from([-1, 0, 1, 2, 3, 5, 239, 2**31 - 1]),
    float: st.sampled_from([-1.0, 0.0, 0.5, 1.0, 1.1, 1.16, 20_000.0, 1e300]),
    bool: st.booleans(),
    str: _TEXTS,
}
_REQUESTS = [
    kind
    for kind in vars(r).values()
    if isinstance(kind, type) and issubclass(kind, r.Request) and kind not in (r.Request, r.Numbered, r.StartApi)
]
_CONTRACTS = st.one_of(
    st.sampled_from([EURUSD, EURUSD, EURUSD, AAPL, Contract(), Contract(con_id=5)]),
    st.builds(Contract, symbol=_TEXTS, sec_type=_TEXTS, currency=_TEXTS, exchange=_TEXTS),
)
_TICKETS = st.builds(
    Ticket,
    action=st.sampled_from(["BUY", "SELL", "BUY", "SELL", "", "x"]),
    quantity=st.sampled_from([1.0, 5_000.0, 20_000.0, 30_000.0, 0.0, -5.0, 1.5, 1e300]),
    order_type=st.sampled_from(["MKT", "LMT", "LMT", "STP", ""]),
    limit_price=st.sampled_from([None, 1.0, 1.1, 1.15, 1.3, 1.100001, 0.0, -1.0, 1e300]),
    time_in_force=st.sampled_from(["", "DAY", "GTC", "IOC", "FOK"]),
    account=st.sampled_from(["", "DU1", "DU9"]),
    what_if=st.sampled_from([False, False, False, True]),
)


@st.composite
def anything(draw, kind):
    """A request with sensible and senseless values in it."""
    special = {Contract: _CONTRACTS, Ticket: _TICKETS, **_NUMBERS}
    fields = msgspec.structs.fields(kind)

    def strategy(wanted):
        return special[wanted] if wanted in special else st.from_type(wanted)

    return kind(**{field.name: draw(strategy(field.type)) for field in fields})


_GOOD_TICKETS = st.builds(
    Ticket,
    action=st.sampled_from(["BUY", "SELL"]),
    quantity=st.sampled_from([1.0, 5_000.0, 20_000.0, 30_000.0]),
    order_type=st.sampled_from(["MKT", "LMT"]),
    limit_price=st.sampled_from([1.0, 1.1, 1.15, 1.3]),
    time_in_force=st.sampled_from(["DAY", "GTC", "IOC"]),
)
_GOOD_ORDERS = st.builds(r.PlaceOrder, order_id=st.integers(1, 12), contract=st.just(EURUSD), ticket=_GOOD_TICKETS)
_CANCELS = st.builds(r.CancelOrder, order_id=st.integers(1, 12))
_ANYTHING = st.one_of([anything(kind) for kind in _REQUESTS])
_STEPS = st.integers(0, 9).flatmap(lambda n: _GOOD_ORDERS if n < 5 else _CANCELS if n == 5 else _ANYTHING)


@given(st.lists(st.tuples(_STEPS, st.sampled_from([1.1, 1.16, 1.2]), st.sampled_from([0.0, 5_000.0])), min_size=5, max_size=30))
@settings(max_examples=200, deadline=None)
def test_no_sequence_of_requests_breaks_the_broker_and_its_records_rebuild_it(steps):
    desk = Desk()
    desk.connect()
    for request, ask, size in steps:
        desk.broker.handle(1, request)
        desk.clock.advance(700_000_000)
        desk.quote(bid=round(ask - 0.0001, 5), ask=ask, bid_size=size, ask_size=size)
        desk.broker.on_time()
        desk.broker.settle()
    again = Desk(records=desk.records)
    assert again.exchange.state().ledger == desk.exchange.state().ledger
    assert again.exchange.state().book.standing == desk.exchange.state().book.standing
    assert again.broker.snapshot().orders == desk.broker.snapshot().orders
