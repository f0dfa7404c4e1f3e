import math

import pytest
from support.risk import (
    EURUSD,
    FUTURE,
    GERMAN,
    JAPANESE,
    NOW,
    PUT,
    STOCK,
    USDJPY,
    Gatekeeper,
    buy,
    holding,
    quote,
    sell,
    working,
    worth,
)

from atlas.domain import Denial, OrderKind, Quote
from atlas.trading.broker import Unknown
from atlas.trading.risk.prices import Prices


def test_an_order_is_worth_its_quantity_at_the_price_that_it_pays():
    keeper = Gatekeeper(max_order_notional=10_010)
    keeper.quote(100.0, 100.1)
    assert keeper.passes(buy(100))
    text = "the order is worth 10110.1, above max_order_notional 10010 of the desk"
    assert keeper.check(buy(101)) == Denial("max_order_notional", text, pytest.approx(10110.1), 10_010)


@pytest.mark.parametrize(
    ("wanted", "value"),
    [
        (buy(10), 1010),
        (sell(10), 990),
        (buy(10, kind=OrderKind.LIMIT, limit_price=50.0), 500),
        (buy(10, kind=OrderKind.LIMIT, limit_price=110.0), 1100),
        (sell(10, kind=OrderKind.LIMIT, limit_price=50.0), 990),
        (sell(10, kind=OrderKind.LIMIT, limit_price=110.0), 1100),
        (buy(10, kind=OrderKind.STOP, stop_price=120.0), 1200),
        (buy(10, kind=OrderKind.STOP, stop_price=80.0), 1010),
        (sell(10, kind=OrderKind.STOP, stop_price=80.0), 990),
        (buy(10, kind=OrderKind.STOP_LIMIT, stop_price=120.0, limit_price=121.0), 1210),
    ],
)
def test_the_price_is_the_worst_at_which_it_may_be_filled(wanted, value):
    keeper = Gatekeeper(max_order_notional=1)
    keeper.quote(99.0, 101.0)
    assert keeper.denial(wanted).found == value


def test_one_unit_of_a_future_is_worth_its_multiplier():
    keeper = Gatekeeper(max_order_notional=1)
    keeper.quote(6000.0, 6000.25, FUTURE)
    assert keeper.denial(buy(2, FUTURE)).found == 2 * 50 * 6000.25


@pytest.mark.parametrize(
    ("wanted", "price"),
    [
        (buy(1, FUTURE), 20.0),
        (sell(1, FUTURE), 22.0),
        (buy(1, FUTURE, kind=OrderKind.LIMIT, limit_price=-10.0), 20.0),
        (buy(1, FUTURE, kind=OrderKind.LIMIT, limit_price=-30.0), 30.0),
        (buy(1, FUTURE, kind=OrderKind.LIMIT, limit_price=30.0), 30.0),
        (buy(1, FUTURE, kind=OrderKind.LIMIT, limit_price=5.0), 20.0),
        (sell(1, FUTURE, kind=OrderKind.LIMIT, limit_price=-30.0), 30.0),
        (sell(1, FUTURE, kind=OrderKind.STOP, stop_price=-40.0), 40.0),
    ],
)
def test_below_zero_the_furthest_price_from_zero_counts(wanted, price):
    keeper = Gatekeeper(max_order_notional=1)
    keeper.quote(-22.0, -20.0, FUTURE)
    assert keeper.denial(wanted).found == 50 * price


def test_a_limit_of_zero_or_below_bounds_nothing_without_a_quote():
    keeper = Gatekeeper(max_order_notional=1e9)
    for limit in (0.0, -1.0):
        assert keeper.denial(buy(1, FUTURE, kind=OrderKind.LIMIT, limit_price=limit)).text.startswith("there is no quote")
    assert keeper.passes(buy(1, FUTURE, kind=OrderKind.LIMIT, limit_price=0.25))
    assert not keeper.passes(sell(1, FUTURE, kind=OrderKind.LIMIT, limit_price=0.25))


@pytest.mark.parametrize("one", [STOCK, EURUSD, PUT])
@pytest.mark.parametrize(("bid", "ask"), [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, math.inf), (math.nan, 1.0)])
def test_a_quote_without_one_of_its_prices_is_none(one, bid, ask):
    keeper = Gatekeeper(max_quote_age_seconds=1)
    keeper.quote(bid, ask, one)
    assert keeper.denial(buy(1, one)).found is None


@pytest.mark.parametrize(
    ("bid", "ask", "readable"), [(-1.0, 0.0, True), (0.0, 0.0, True), (1.0, math.inf, False), (math.nan, 1.0, False)]
)
def test_a_future_is_quoted_at_zero_and_below(bid, ask, readable):
    keeper = Gatekeeper(max_quote_age_seconds=1)
    keeper.quote(bid, ask, FUTURE)
    assert keeper.passes(buy(1, FUTURE)) is readable


@pytest.mark.parametrize(("bid", "ask", "bid_size", "ask_size"), [(-1.0, 5.0, 0, 1), (5.0, 0.0, 1, 0), (0.0, 5.0, 0, 1)])
def test_a_price_of_zero_or_below_at_which_nothing_is_offered_stands_for_none(bid, ask, bid_size, ask_size):
    keeper = Gatekeeper(max_quote_age_seconds=1)
    keeper.gate.on_quote(Quote(FUTURE.id, bid, ask, bid_size, ask_size, NOW, NOW))
    assert not keeper.passes(buy(1, FUTURE))
    keeper.gate.on_quote(Quote(FUTURE.id, 5.0, 6.0, 0, 0, NOW, NOW))
    assert keeper.passes(buy(1, FUTURE))


def test_what_nobody_defined_is_quoted_above_zero():
    prices = Prices({})
    assert not prices.on_quote(quote(-1.0, 1.0, FUTURE))
    assert prices.on_quote(quote(1.0, 1.0, FUTURE))


@pytest.mark.parametrize(
    ("one", "price", "value"),
    [(GERMAN, 80.0, 80 * 1.10), (JAPANESE, 2000.0, 2000 / 150), (EURUSD, 1.10, 1.10), (PUT, 2.0, 200.0)],
)
def test_values_are_converted_to_the_base_currency_by_the_middle_of_the_pair(one, price, value):
    keeper = Gatekeeper(max_order_notional=0.01)
    keeper.quote(1.09, 1.11, EURUSD)
    keeper.quote(149.0, 151.0, USDJPY)
    keeper.quote(price, price, one)
    found = keeper.denial(buy(1, one, kind=OrderKind.LIMIT, limit_price=price)).found
    assert found == pytest.approx(value)


def test_without_a_rate_nothing_is_opened_and_the_rate_is_named():
    keeper = Gatekeeper(max_order_notional=1e9)
    keeper.quote(80.0, 80.0, GERMAN)
    denial = keeper.denial(buy(1, GERMAN))
    assert denial.temporary
    assert denial.found is None
    assert denial.limit == 1e9
    assert denial.text == (
        "there is no rate of EUR in USD, so max_order_notional 1000000000 of the desk cannot be judged; "
        "only exits pass until it is known"
    )


def test_without_a_quote_a_market_order_cannot_be_judged_and_a_limit_order_can():
    keeper = Gatekeeper(max_order_notional=1000)
    assert "there is no quote of AAPL@SMART" in keeper.denial(buy(1)).text
    assert "there is no quote of AAPL@SMART" in keeper.denial(sell(1, kind=OrderKind.LIMIT, limit_price=10.0)).text
    assert keeper.passes(buy(1, kind=OrderKind.LIMIT, limit_price=10.0))


def test_while_the_account_is_unknown_its_currency_is_and_nothing_is_opened():
    keeper = Gatekeeper(max_order_notional=1e9)
    keeper.quote(100.0, 100.0)
    keeper.gate.on_account(Unknown("no answer in 10 s"))
    assert "the account's values are not known (no answer in 10 s)" in keeper.denial(buy(1)).text
    keeper.gate.on_account(worth())
    assert keeper.passes(buy(1))


def test_of_a_changed_order_only_what_can_still_be_filled_counts():
    keeper = Gatekeeper(max_order_notional=6000)
    keeper.quote(100.0, 100.0)
    standing = working(buy(100, kind=OrderKind.LIMIT, limit_price=99.0), filled=50)
    dearer = buy(100, kind=OrderKind.LIMIT, limit_price=100.0)
    assert keeper.passes(dearer, holding(50, STOCK, standing), replacing=dearer.id)


def test_a_pair_without_a_quote_does_not_hide_another():
    keeper = Gatekeeper(max_order_notional=1)
    keeper.quote(2000.0, 2000.0, JAPANESE)
    keeper.quote(149.0, 151.0, USDJPY)
    assert keeper.denial(buy(1, JAPANESE)).found == pytest.approx(2000 / 150)
