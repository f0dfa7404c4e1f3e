"""Past the last trading moment: no order stands any more, and every position ends in cash.

A day is regular from 200 to 700; what expires has its last session on the first day.
"""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from atlas.domain import Commission, Execution, Instrument, InstrumentKind, OptionRight, OrderKind, Side, TimeInForce
from atlas.exchange import (
    NEVER_NS,
    Accepted,
    Exchange,
    ExchangeState,
    Executed,
    Expired,
    MarginState,
    Phase,
    Reason,
    Rejected,
    Settled,
)
from atlas.exchange.expiry import settlement_price
from tests.unit.exchange.flows import OTHER, flows, play
from tests.unit.exchange.listings import AAPL, ACCOUNT, ES, Days, order
from tests.unit.exchange.stories import q, stories, t

CALL = Instrument(
    "AAPL-20261120-100C@SMART", InstrumentKind.OPTION, "AAPL", "SMART", "USD", 9, 0.01, 100,
    expiry="20261120", strike=100.0, right=OptionRight.CALL, underlying=AAPL.id,
)  # fmt: skip
PUT = replace(CALL, id="AAPL-20261120-100P@SMART", con_id=10, right=OptionRight.PUT)
FUTURE = replace(ES, id="ES-202611@CME", con_id=11, expiry="20261120")
ON_FUTURE = replace(CALL, id="ES-20261120-100C@CME", con_id=12, underlying=FUTURE.id)
LISTED = (AAPL, CALL, PUT, FUTURE, ON_FUTURE)
BUY, SELL, GTC = Side.BUY, Side.SELL, TimeInForce.GTC


class LastDay(Days):
    """The days of the other tests; what expires is closed for good after the first one's regular session."""

    def phase(self, instrument, at_ns):
        return Phase.CLOSED if instrument != AAPL.id and at_ns >= 700 else super().phase(instrument, at_ns)

    def next_change(self, instrument, at_ns):
        return NEVER_NS if instrument != AAPL.id and at_ns >= 700 else super().next_change(instrument, at_ns)


def new_exchange():
    return Exchange(LISTED, {ACCOUNT: {"USD": 1e6}, OTHER: {"USD": 1e6}}, calendar=LastDay())


EXPIRING = replace(AAPL, expiry="20261120")


class SecondDay(LastDay):
    """The same, but what expires does so after the second day's regular session."""

    def phase(self, instrument, at_ns):
        return Phase.CLOSED if at_ns >= 1700 else Days.phase(self, instrument, at_ns)

    def next_change(self, instrument, at_ns):
        return NEVER_NS if at_ns >= 1700 else Days.next_change(self, instrument, at_ns)


def ending_exchange():
    """An exchange like that of random flows, of which the share that they trade expires."""
    return Exchange((EXPIRING, ES), {ACCOUNT: {"USD": 1e6}, OTHER: {"USD": 1e6}}, calendar=SecondDay())


def held(instrument, side=BUY, price=5.0, quantity=2.0):
    """An exchange with a position."""
    exchange = new_exchange()
    stories(exchange, q(price, price, of=instrument, at=300), order(instrument, side, quantity), at=300)
    return exchange


# (what is held, what the underlying or the future does until the end, at what price it ends, what it realises)
ENDS = [
    (CALL, BUY, [t(107.0, at=400)], 7.0, 398.7),
    (CALL, BUY, [t(93.0, at=400)], 0.0, -1001.3),
    (CALL, SELL, [t(107.0, at=400)], 7.0, -401.3),
    (PUT, BUY, [t(93.0, at=400)], 7.0, 398.7),
    (PUT, BUY, [q(92.0, 94.0, at=400)], 7.0, 398.7),
    (PUT, SELL, [t(107.0, at=400)], 0.0, 998.7),
    (CALL, BUY, [], 5.0, -1.3),
    (FUTURE, BUY, [t(6.0, of=FUTURE, at=400)], 6.0, 95.5),
    (FUTURE, SELL, [t(6.0, of=FUTURE, at=400)], 6.0, -104.5),
    (FUTURE, BUY, [q(6.0, 8.0, of=FUTURE, at=400)], 7.0, 195.5),
]


@pytest.mark.parametrize(("instrument", "side", "market", "price", "profit"), ENDS)
def test_a_position_ends_in_cash_with_its_instrument(instrument, side, market, price, profit):
    exchange = held(instrument, side)
    before = exchange.ledger.cash(ACCOUNT)["USD"]
    assert stories(exchange, *market) == []
    (settled,) = exchange.on_time(5000)
    execution = settled.execution
    assert isinstance(settled, Settled)
    assert (execution.at_ns, execution.order_id, execution.side, execution.quantity) == (700, "", side.opposite, 2.0)
    assert execution.price == price
    assert (settled.commission.amount, settled.commission.realized_pnl) == (0.0, pytest.approx(profit))
    assert exchange.position(ACCOUNT, instrument.id).quantity == 0
    paid = Decimal(str(price)) * 200 if instrument.kind is InstrumentKind.OPTION else (Decimal(str(price)) - 5) * 100
    assert exchange.ledger.cash(ACCOUNT)["USD"] == before + paid * side.sign


def test_an_option_on_a_future_ends_at_what_the_future_last_was():
    exchange = held(ON_FUTURE)
    stories(exchange, t(104.5, of=FUTURE, at=400))
    assert stories(exchange, 700) == [("", "settled -2@4.5")]


def test_a_position_of_which_no_price_is_known_ends_at_what_it_was_bought_for():
    assert settlement_price(CALL, None, None) is None
    exchange = new_exchange()
    execution = Execution("delivered", "", ACCOUNT, FUTURE.id, BUY, 2.0, 100.0, 300, 7)
    exchange.book(Executed(execution, Commission("delivered", 0.0, "USD")))
    (settled,) = exchange.on_time(700)
    assert (settled.execution.price, settled.commission.realized_pnl) == (100.0, 0.0)


def test_every_account_that_holds_it_is_settled():
    exchange = held(FUTURE)
    stories(exchange, order(FUTURE, SELL, 1, account=OTHER), at=300)
    assert [event.execution.account for event in exchange.on_time(700)] == [ACCOUNT, OTHER]


@pytest.mark.parametrize("terms", [{"time_in_force": GTC}, {"time_in_force": TimeInForce.GTD, "good_till_ns": 5000}])
def test_no_order_outlives_its_instrument(terms):
    exchange = new_exchange()
    stories(exchange, order(FUTURE, BUY, 1, 4.0, id="order", **terms), at=300)
    assert stories(exchange, order(FUTURE, SELL, 1, 9.0, id="child", parent_id="order", **terms), at=300) == [("child", "held")]
    assert stories(exchange, 699) == []
    assert stories(exchange, 700) == [("order", "expired"), ("child", "cancelled")]


def test_an_instrument_that_goes_on_keeps_its_orders_and_positions():
    exchange = held(AAPL)
    stories(exchange, order(AAPL, BUY, 1, 4.0, id="gtc", time_in_force=GTC), at=300)
    assert stories(exchange, 700) == [("gtc", "held")]
    assert exchange.position(ACCOUNT, AAPL.id).quantity == 2


def test_nobody_can_order_what_has_expired():
    (rejected,) = new_exchange().submit(order(FUTURE, BUY, 1, 4.0), 750)
    assert (type(rejected), rejected.reason, rejected.text) == (
        Rejected,
        Reason.CONTRACT_EXPIRED,
        "This contract has expired.",
    )
    assert isinstance(new_exchange().submit(order(AAPL, BUY, 1, 4.0), 750)[0], Accepted)


def test_the_closing_auction_of_the_last_day_is_settled_too():
    exchange = new_exchange()
    stories(exchange, t(6.0, of=FUTURE, at=300), order(FUTURE, BUY, 1, kind=OrderKind.MARKET_ON_CLOSE, id="close"), at=300)
    assert stories(exchange, 700) == [("close", "working"), ("close", "1@6"), ("", "settled -1@6")]


def test_settlements_are_the_same_after_a_rest_and_from_events():
    whole, rested, rebuilt = held(CALL), new_exchange(), new_exchange()
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(whole.state()), type=ExchangeState)
    rested.restore(state)
    rebuilt.restore(state)
    steps = [order(CALL, BUY, 1, 1.0, id="gtc", time_in_force=GTC), t(107.0, at=400)]
    events = []
    for exchange in (whole, rested):
        told = exchange.submit(steps[0], 300), exchange.on_events(steps[1:]), exchange.on_time(700)
        events.append([event for part in told for event in part])
    assert events[0] == events[1]
    assert [type(event) for event in events[0]] == [Accepted, Expired, Settled]
    for event in events[0]:
        rebuilt.apply(event)
    assert whole.state() == rested.state()
    assert rebuilt.on_time(700) == []  # what was said before is not said again
    assert (rebuilt.state().ledger, rebuilt.state().book.standing) == (whole.state().ledger, whole.state().book.standing)
    names = ("next_perm_id", "next_execution", "next_priority")
    assert [getattr(rebuilt.state().book, name) for name in names] == [getattr(whole.state().book, name) for name in names]


@given(flows(60), st.lists(st.integers(0, 60), max_size=6))
@settings(max_examples=150, deadline=None)
def test_whatever_stood_and_was_held_before_nothing_is_left_and_books_are_the_sum_of_all_events(found, cuts):
    whole, rested, rebuilt = ending_exchange(), ending_exchange(), ending_exchange()
    steps = [*found, ("time", 100_000)]
    events = [event for step in steps for event in play(whole, step)]
    again = []
    for number, step in enumerate(steps):
        again += play(rested, step)
        if number in cuts:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(rested.state()), type=ExchangeState)
            rested = ending_exchange()
            rested.restore(state)
    assert again == events
    assert rested.state() == whole.state()
    for event in events:
        rebuilt.apply(event)
    assert (rebuilt.state().ledger, rebuilt.state().book.standing) == (whole.state().ledger, whole.state().book.standing)
    assert whole.state().book.standing == []
    for account in (ACCOUNT, OTHER):
        assert whole.ledger.positions(account) == {}
        cash = float(whole.ledger.cash(account)["USD"])
        assert whole.margin(account) == MarginState(pytest.approx(cash), 0.0, 0.0)


def test_a_new_order_never_has_the_number_of_a_settlement():
    exchange = held(FUTURE)
    (settled,) = exchange.on_time(700)
    (accepted,) = exchange.submit(order(AAPL, BUY, 1, 4.0), 750)
    assert accepted.perm_id == settled.execution.perm_id + 1
