import math

import pytest
from support.risk import FUTURE, Gatekeeper, buy, sell

from atlas.domain import Denial, OrderKind

K = OrderKind
ALLOWED = [
    buy(kind=K.LIMIT, limit_price=111.1),  # ask 101
    buy(kind=K.LIMIT, limit_price=1.0),
    sell(kind=K.LIMIT, limit_price=89.1),  # bid 99
    sell(kind=K.LIMIT, limit_price=1000.0),
    buy(kind=K.STOP, stop_price=90.9),
    buy(kind=K.STOP, stop_price=1000.0),
    sell(kind=K.STOP, stop_price=108.9),
    sell(kind=K.STOP, stop_price=1.0),
    buy(kind=K.MARKET_IF_TOUCHED, stop_price=111.1),
    buy(kind=K.MARKET_IF_TOUCHED, stop_price=1.0),
    sell(kind=K.MARKET_IF_TOUCHED, stop_price=89.1),
    sell(kind=K.LIMIT_IF_TOUCHED, stop_price=1000.0, limit_price=1000.0),
    buy(kind=K.STOP_LIMIT, stop_price=200.0, limit_price=220.0),
    sell(kind=K.STOP_LIMIT, stop_price=50.0, limit_price=45.0),
    buy(kind=K.TRAILING_STOP, trail_amount=1.0, stop_price=90.9),
    buy(kind=K.MARKET),
]
BEYOND = [
    buy(kind=K.LIMIT, limit_price=111.11),
    sell(kind=K.LIMIT, limit_price=89.09),
    buy(kind=K.LIMIT_ON_CLOSE, limit_price=111.11),
    buy(kind=K.MIDPRICE, limit_price=111.11),
    buy(kind=K.STOP, stop_price=90.89),
    sell(kind=K.STOP, stop_price=108.91),
    buy(kind=K.MARKET_IF_TOUCHED, stop_price=111.11),
    sell(kind=K.MARKET_IF_TOUCHED, stop_price=89.09),
    buy(kind=K.LIMIT_IF_TOUCHED, stop_price=100.0, limit_price=111.11),
    buy(kind=K.LIMIT_IF_TOUCHED, stop_price=111.11, limit_price=1.0),
    buy(kind=K.LIMIT_IF_TOUCHED, stop_price=105.0, limit_price=111.11),
    buy(kind=K.STOP_LIMIT, stop_price=200.0, limit_price=220.01),
    sell(kind=K.STOP_LIMIT, stop_price=50.0, limit_price=44.99),
    buy(kind=K.TRAILING_STOP, trail_amount=1.0, stop_price=90.89),
    sell(kind=K.TRAILING_STOP_LIMIT, trail_amount=1.0, stop_price=108.91, limit_offset=0.1),
]


@pytest.fixture
def keeper():
    return Gatekeeper(price_collar_percent=10)


@pytest.mark.parametrize("wanted", ALLOWED)
def test_a_price_on_the_right_side_or_within_the_collar_passes(keeper, wanted):
    keeper.quote(99.0, 101.0)
    assert keeper.passes(wanted)


@pytest.mark.parametrize("wanted", BEYOND)
def test_a_price_beyond_the_collar_is_denied(keeper, wanted):
    keeper.quote(99.0, 101.0)
    assert keeper.denial(wanted).rule == "price_collar_percent"


def test_the_denial_says_price_market_distance_and_limit(keeper):
    keeper.quote(99.0, 100.0)
    denial = keeper.check(buy(kind=K.LIMIT, limit_price=115.0))
    text = "the limit price 115 is beyond the market at 100 by 15, above price_collar_percent 10 of the desk"
    assert denial == Denial("price_collar_percent", text, 15.0, 10.0, temporary=True)


def test_a_stop_is_called_a_stop(keeper):
    keeper.quote(100.0, 101.0)
    assert "the stop price 200 is beyond the market at 100 by 100," in keeper.denial(sell(kind=K.STOP, stop_price=200.0)).text


def test_a_touch_is_called_a_stop_too_and_held_against_the_market(keeper):
    keeper.quote(100.0, 101.0)
    denial = keeper.denial(sell(kind=K.MARKET_IF_TOUCHED, stop_price=50.0))
    assert denial.text.startswith("the stop price 50 is beyond the market at 100 by 50, above price_collar_percent 10 of")


def test_a_collar_in_ticks_counts_ticks_of_the_instrument():
    keeper = Gatekeeper(price_collar_ticks=5)
    keeper.quote(99.0, 100.0)
    assert keeper.passes(buy(kind=K.LIMIT, limit_price=100.05))
    denial = keeper.check(buy(kind=K.LIMIT, limit_price=100.06))
    text = "the limit price 100.06 is beyond the market at 100 by 6, above price_collar_ticks 5 of the desk"
    assert denial == Denial("price_collar_ticks", text, 6.0, 5, temporary=True)


def test_with_both_collars_the_narrower_one_holds():
    keeper = Gatekeeper(price_collar_percent=10, price_collar_ticks=5)
    keeper.quote(99.0, 100.0)
    assert keeper.denial(buy(kind=K.LIMIT, limit_price=100.06)).rule == "price_collar_ticks"
    keeper = Gatekeeper(price_collar_percent=0.01, price_collar_ticks=5000)
    keeper.quote(99.0, 100.0)
    assert keeper.denial(buy(kind=K.LIMIT, limit_price=100.06)).rule == "price_collar_percent"


@pytest.mark.parametrize("limits", [{"price_collar_percent": 10}, {"price_collar_ticks": 10}])
def test_without_a_quote_a_price_cannot_be_judged(limits):
    denial = Gatekeeper(**limits).denial(buy(kind=K.LIMIT, limit_price=100.0))
    assert (denial.rule, denial.limit, denial.temporary) == (*limits, 10, True)
    assert denial.text.startswith(f"there is no quote of AAPL@SMART, so {next(iter(limits))} 10 of the desk")


def test_without_a_quote_an_order_without_prices_passes(keeper):
    assert keeper.passes(buy())


def test_without_a_collar_any_price_passes():
    assert Gatekeeper().passes(buy(kind=K.LIMIT, limit_price=1e6))


def test_a_quote_with_one_side_only_is_none(keeper):
    keeper.quote(0.0, 100.0)
    keeper.quote(99.0, float("nan"))
    keeper.quote(-1.0, 1.0)
    assert "there is no quote" in keeper.denial(buy(kind=K.LIMIT, limit_price=100.0)).text


def test_an_older_quote_does_not_take_the_place_of_a_newer_one(keeper):
    keeper.quote(99.0, 100.0)
    keeper.quote(199.0, 200.0, at_ns=1)
    assert not keeper.passes(buy(kind=K.LIMIT, limit_price=200.0))


@pytest.mark.parametrize("market", [-20.0, 20.0])
def test_below_zero_the_distance_counts_in_percent_of_the_price_s_size(keeper, market):
    keeper.quote(market, market, FUTURE)
    assert keeper.passes(buy(1, FUTURE, kind=K.LIMIT, limit_price=market + 2))
    assert keeper.denial(buy(1, FUTURE, kind=K.LIMIT, limit_price=market + 2.25)).found == 11.25
    assert keeper.passes(sell(1, FUTURE, kind=K.LIMIT, limit_price=market - 2))
    assert keeper.denial(sell(1, FUTURE, kind=K.LIMIT, limit_price=market - 2.25)).found == 11.25
    assert keeper.passes(sell(1, FUTURE, kind=K.LIMIT, limit_price=market + 500))


def test_of_a_market_at_zero_nothing_may_be_beyond_it(keeper):
    keeper.quote(0.0, 0.0, FUTURE)
    assert keeper.passes(buy(1, FUTURE, kind=K.LIMIT, limit_price=0.0))
    assert keeper.passes(buy(1, FUTURE, kind=K.LIMIT, limit_price=-0.25))
    assert keeper.denial(buy(1, FUTURE, kind=K.LIMIT, limit_price=0.25)).found == math.inf


def test_at_zero_a_collar_in_ticks_goes_on():
    keeper = Gatekeeper(price_collar_ticks=2)
    keeper.quote(0.0, 0.0, FUTURE)
    assert keeper.passes(buy(1, FUTURE, kind=K.LIMIT, limit_price=0.5))
    assert keeper.denial(buy(1, FUTURE, kind=K.LIMIT, limit_price=0.75)).found == 3
