"""What becomes of an order, given the book."""

import pytest
from msgspec.structs import replace

from atlas.domain import Side, TimeInForce
from atlas.exchange import Accepted, Cancelled, Executed, Modified, Reason, Refused, Rejected
from tests.unit.exchange.flows import new_exchange
from tests.unit.exchange.listings import AAPL, ACCOUNT, ES, EURUSD, USDJPY, order, quote


def fills(events):
    return [(e.execution.quantity, e.execution.price) for e in events if isinstance(e, Executed)]


def changed(exchange, name, at, **terms):
    return exchange.modify(replace(exchange.standing(name).order, **terms), at)


def kinds(events):
    return [type(event) for event in events]


@pytest.mark.parametrize(
    ("side", "limit", "bid", "ask", "filled_at"),
    [
        (Side.BUY, None, 99.0, 100.0, 100.0),
        (Side.SELL, None, 99.0, 100.0, 99.0),
        (Side.BUY, 100.0, 99.0, 100.0, 100.0),
        (Side.BUY, 101.0, 99.0, 100.0, 100.0),
        (Side.BUY, 99.5, 99.0, 100.0, None),
        (Side.SELL, 99.0, 99.0, 100.0, 99.0),
        (Side.SELL, 98.0, 99.0, 100.0, 99.0),
        (Side.SELL, 99.5, 99.0, 100.0, None),
        (Side.BUY, None, 99.0, 0.0, None),
        (Side.SELL, None, -1.0, 100.0, None),
    ],
)
def test_an_order_fills_at_the_touch_and_never_beyond_its_limit(exchange, side, limit, bid, ask, filled_at):
    exchange.on_quote(quote(AAPL, bid, ask))
    events = exchange.submit(order(AAPL, side, 10, limit), 5)
    assert fills(events) == ([] if filled_at is None else [(10, filled_at)])


def test_a_resting_limit_fills_when_the_touch_comes_to_it_at_the_better_price(exchange):
    exchange.on_quote(quote(AAPL, 99.0, 100.0))
    exchange.submit(order(AAPL, Side.BUY, 10, 98.0), 5)
    assert exchange.on_quote(quote(AAPL, 98.0, 98.01)) == ()
    assert fills(exchange.on_quote(quote(AAPL, 97.0, 97.5, at=77))) == [(10, 97.5)]


def test_displayed_sizes_bound_each_fill_and_a_new_quote_shows_new_size(exchange):
    exchange.on_quote(quote(AAPL, 99.0, 100.0, 50, 60))
    assert fills(exchange.submit(order(AAPL, Side.BUY, 100), 5)) == [(60, 100.0)]
    assert fills(exchange.submit(order(AAPL, Side.BUY, 5), 6)) == []
    assert fills(exchange.on_quote(quote(AAPL, 99.0, 100.5, 50, 60))) == [(40, 100.5), (5, 100.5)]


def test_without_sizes_an_order_fills_whole_at_the_first_level(exchange):
    exchange.on_quote(quote(EURUSD, 1.38710, 1.38726))
    assert fills(exchange.submit(order(EURUSD, Side.SELL, 20_000_000 / 10), 5)) == [(2_000_000, 1.38710)]


def test_better_prices_are_served_before_earlier_orders(exchange):
    exchange.submit(order(AAPL, Side.BUY, 10, 100.0, id="early"), 1)
    exchange.submit(order(AAPL, Side.BUY, 10, 101.0, id="better"), 2)
    exchange.submit(order(AAPL, Side.BUY, 10, id="market"), 3)
    events = exchange.on_quote(quote(AAPL, 99.0, 100.0, 0, 25))
    assert [(e.execution.order_id, e.execution.quantity) for e in events] == [("market", 10), ("better", 10), ("early", 5)]


def test_immediate_or_cancel_takes_what_is_there_and_leaves(exchange):
    exchange.on_quote(quote(AAPL, 99.0, 100.0, 50, 60))
    events = exchange.submit(order(AAPL, Side.BUY, 100, 100.0, time_in_force=TimeInForce.IOC), 5)
    assert kinds(events) == [Accepted, Executed, Cancelled]
    assert kinds(exchange.submit(order(ES, Side.BUY, 1, time_in_force=TimeInForce.IOC), 5)) == [Accepted, Cancelled]


def test_a_modified_limit_is_matched_at_once(exchange):
    exchange.on_quote(quote(AAPL, 99.0, 100.0))
    exchange.submit(order(AAPL, Side.BUY, 10, 98.0, id="x"), 5)
    events = changed(exchange, "x", 6, limit_price=100.0)
    assert kinds(events) == [Modified, Executed]
    assert exchange.standing("x") is None


def test_less_quantity_keeps_the_place_in_the_queue_and_more_loses_it(exchange):
    for name in ("a", "b", "c"):
        exchange.submit(order(AAPL, Side.BUY, 10, 100.0, id=name), 1)
    changed(exchange, "a", 2, quantity=9)
    changed(exchange, "b", 2, quantity=11)
    events = exchange.on_quote(quote(AAPL, 99.0, 100.0))
    assert [e.execution.order_id for e in events] == ["a", "c", "b"]


def test_other_terms_at_the_same_quantity_and_price_keep_the_place_in_the_queue(exchange):
    for name in ("a", "b"):
        exchange.submit(order(AAPL, Side.BUY, 10, 100.0, id=name), 1)
    changed(exchange, "a", 2, quantity=10, time_in_force=TimeInForce.GTC)
    events = exchange.on_quote(quote(AAPL, 99.0, 100.0))
    assert [e.execution.order_id for e in events] == ["a", "b"]


def test_sizes_that_were_taken_are_forgotten_with_their_quote():
    exchange = new_exchange()
    exchange.on_quote(quote(AAPL, 99.0, 100.0, 50, 60, at=300))
    exchange.submit(order(AAPL, Side.BUY, 100, 100.0), 300)
    (market,) = exchange.state().book.markets
    assert (market.bought, market.sold) == (60, 0)
    exchange.on_time(700)
    (market,) = exchange.state().book.markets
    assert (market.quote, market.bought, market.sold) == (None, 0, 0)


def test_quantity_cannot_be_modified_to_what_is_filled_already(exchange):
    exchange.on_quote(quote(AAPL, 99.0, 100.0, 0, 60))
    exchange.submit(order(AAPL, Side.BUY, 100, id="x"), 1)
    (refused,) = changed(exchange, "x", 2, quantity=60)
    assert (type(refused), refused.reason) == (Refused, Reason.BAD_QUANTITY)


def test_a_cancelled_order_never_fills(exchange):
    exchange.submit(order(AAPL, Side.BUY, 10, id="x"), 1)
    assert kinds(exchange.cancel("x", 2)) == [Cancelled]
    assert exchange.on_quote(quote(AAPL, 99.0, 100.0)) == ()
    assert [(type(e), e.reason) for e in exchange.cancel("x", 3)] == [(Refused, Reason.NOT_STANDING)]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"instrument": "NO.NO@X"}, Reason.UNKNOWN_INSTRUMENT),
        ({"account": "DU9"}, Reason.UNKNOWN_ACCOUNT),
        ({"quantity": 0.0}, Reason.BAD_QUANTITY),
        ({"quantity": -1.0}, Reason.BAD_QUANTITY),
        ({"quantity": 1.5}, Reason.BAD_QUANTITY),
        ({"limit_price": None}, Reason.NO_LIMIT_PRICE),
        ({"limit_price": 100.001}, Reason.OFF_TICK),
        ({"quantity": 1_000_000.0}, Reason.MARGIN),
    ],
)
def test_a_wrong_order_is_rejected_with_its_reason_and_changes_nothing(exchange, wrong, reason):
    exchange.on_quote(quote(AAPL, 99.0, 100.0))
    before = exchange.state()
    (rejected,) = exchange.submit(order(AAPL, Side.BUY, 10, 100.0, **wrong), 1)
    assert (type(rejected), rejected.reason) == (Rejected, reason)
    assert exchange.state() == before


def test_standing_orders_use_up_margin_and_closing_never_needs_any(make_exchange):
    exchange = make_exchange(cash=10_000.0)
    exchange.on_quote(quote(AAPL, 100.0, 100.0))
    assert kinds(exchange.submit(order(AAPL, Side.BUY, 150), 1)) == [Accepted, Executed]
    assert kinds(exchange.submit(order(AAPL, Side.BUY, 40, 90.0), 1)) == [Accepted]
    assert exchange.submit(order(AAPL, Side.BUY, 40, 90.0), 1)[0].reason is Reason.MARGIN
    exchange.on_quote(quote(AAPL, 20.0, 20.0))
    assert exchange.margin(ACCOUNT).equity < 0
    assert kinds(exchange.submit(order(AAPL, Side.SELL, 150), 1)) == [Accepted, Executed]


@pytest.mark.parametrize(
    ("instrument", "price", "quantity", "commission"),
    [
        (AAPL, 100.0, 10, 1.0),
        (AAPL, 100.0, 1000, 5.0),
        (AAPL, 0.5, 10, 0.05),
        (EURUSD, 1.25, 20_000, 2.0),
        (EURUSD, 1.25, 200_000, 5.0),
        (USDJPY, 100.0, 200_000, 4.0),
        (ES, 6000.0, 2, 4.5),
    ],
)
def test_commissions_follow_the_price_list(exchange, instrument, price, quantity, commission):
    exchange.on_quote(quote(instrument, price, price))
    (_, executed) = exchange.submit(order(instrument, Side.BUY, quantity), 1)
    assert (executed.commission.amount, executed.commission.currency) == (commission, "USD")


def test_the_minimum_commission_counts_once_per_order_not_per_fill(exchange):
    exchange.on_quote(quote(AAPL, 99.0, 100.0, 0, 60))
    first = exchange.submit(order(AAPL, Side.BUY, 300), 5)[-1]
    second = exchange.on_quote(quote(AAPL, 99.0, 100.0, 0, 240))[-1]
    assert [first.commission.amount, second.commission.amount] == [1.0, 0.5]


def test_average_cost_carries_opening_commissions_and_closing_profit_is_net_of_both(exchange):
    exchange.on_quote(quote(ES, 6000.0, 6000.0))
    exchange.submit(order(ES, Side.BUY, 2), 1)
    assert exchange.ledger.average_cost(ACCOUNT, ES.id) == 300_002.25
    exchange.on_quote(quote(ES, 6010.0, 6010.0))
    (_, closed) = exchange.submit(order(ES, Side.SELL, 1), 2)
    assert closed.commission.realized_pnl == 500.0 - 2.25 - 2.25
    assert exchange.ledger.average_cost(ACCOUNT, ES.id) == 300_002.25


def test_a_pair_moves_cash_in_both_currencies(exchange):
    exchange.on_quote(quote(USDJPY, 150.0, 150.0))
    exchange.submit(order(USDJPY, Side.BUY, 10_000), 1)
    assert exchange.ledger.cash(ACCOUNT) == {"USD": 1_010_000 - 2, "JPY": -1_500_000}


def test_what_if_says_what_would_be_and_changes_nothing(exchange):
    exchange.on_quote(quote(AAPL, 100.0, 100.0))
    before = exchange.state()
    answer = exchange.what_if(order(AAPL, Side.BUY, 100))
    assert (answer.before.initial, answer.after.initial, answer.commission) == (0.0, 5000.0, 1.0)
    assert exchange.state() == before
