import math

import pytest
from support.risk import Gatekeeper, buy, holding, sell

from atlas.domain import Denial, OrderKind

K = OrderKind
PRICES = {"limit_price": 100.0, "stop_price": 99.0}
NEEDED = {
    K.MARKET: (),
    K.LIMIT: ("limit_price",),
    K.STOP: ("stop_price",),
    K.STOP_LIMIT: ("stop_price", "limit_price"),
    K.MARKET_IF_TOUCHED: ("stop_price",),
    K.LIMIT_IF_TOUCHED: ("stop_price", "limit_price"),
    K.MARKET_ON_CLOSE: (),
    K.LIMIT_ON_CLOSE: ("limit_price",),
    K.MIDPRICE: (),
    K.PEGGED_TO_MIDPOINT: (),
    K.RELATIVE: (),
}


@pytest.mark.parametrize("kind", list(NEEDED))
def test_each_kind_of_order_passes_with_the_prices_that_it_needs_and_fails_without_one(kind):
    prices = {name: PRICES[name] for name in NEEDED[kind]}
    assert Gatekeeper().passes(buy(kind=kind, **prices))
    for name in prices:
        denial = Gatekeeper().check(buy(kind=kind, **{**prices, name: None}))
        words = f"a {kind.value.replace('_', ' ')} order needs a {name.replace('_', ' ')}"
        assert denial == Denial("price", words)


@pytest.mark.parametrize("name", list(PRICES))
@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_a_price_is_a_positive_number(name, price):
    denial = Gatekeeper().denial(buy(kind=K.STOP_LIMIT, **{**PRICES, name: price}))
    assert denial.text == f"the {name.replace('_', ' ')} {price:g} is not a positive number"


@pytest.mark.parametrize("name", list(PRICES))
def test_a_price_lies_on_the_grid(name):
    denial = Gatekeeper().check(buy(kind=K.STOP_LIMIT, **{**PRICES, name: 99.005}))
    words = f"the {name.replace('_', ' ')} 99.005 is not a multiple of the tick 0.01"
    assert denial == Denial("price", words, 99.005, 0.01)


def test_a_price_that_its_kind_does_not_need_must_be_right_too():
    assert not Gatekeeper().passes(buy(limit_price=-1.0))


def test_an_exit_needs_its_prices_like_any_order():
    assert not Gatekeeper().passes(sell(kind=K.LIMIT), holding(100))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"trail_amount": 1.0}, ""),
        ({"trail_percent": 1.5}, ""),
        ({"trail_percent": 99.9}, ""),
        ({"trail_amount": 1.0, "stop_price": 99.0}, ""),
        ({}, "a trailing order needs either a trail amount or a trail percent"),
        ({"trail_amount": 1.0, "trail_percent": 1.0}, "a trailing order needs either a trail amount or a trail percent"),
        ({"trail_amount": 0.0}, "the trail amount 0 is not a positive number"),
        ({"trail_amount": math.inf}, "the trail amount inf is not a positive number"),
        ({"trail_percent": 0.0}, "the trail percent 0 is not between 0 and 100"),
        ({"trail_percent": 100.0}, "the trail percent 100 is not between 0 and 100"),
    ],
)
def test_a_trailing_stop_says_how_it_trails(values, words):
    denial = Gatekeeper().check(sell(kind=K.TRAILING_STOP, **values))
    assert (denial.text if denial else "") == words
    assert denial is None or denial.rule == "price"


@pytest.mark.parametrize(
    ("values", "passes"),
    [
        ({"limit_offset": 0.1}, True),
        ({"limit_offset": 0.0}, True),
        ({"limit_offset": -0.1}, True),
        ({"limit_offset": 0.005}, False),
        ({"limit_offset": math.nan}, False),
        ({"limit_offset": math.inf}, False),
        ({"stop_price": 99.0, "limit_price": 98.0}, True),
        ({"stop_price": 99.0}, False),
        ({"limit_price": 98.0}, False),
        ({}, False),
    ],
)
def test_a_trailing_stop_limit_says_where_its_limit_lies(values, passes):
    denial = Gatekeeper().check(sell(kind=K.TRAILING_STOP_LIMIT, trail_amount=1.0, **values))
    assert (denial is None) is passes
    assert denial is None or denial.rule == "price"


def test_what_is_wrong_with_a_trail_is_told_with_its_numbers():
    denial = Gatekeeper().denial(sell(kind=K.TRAILING_STOP, trail_percent=100.0))
    assert (denial.found, denial.limit) == (100.0, 100.0)
    assert Gatekeeper().denial(sell(kind=K.TRAILING_STOP, trail_amount=-2.0)).found == -2.0
    missing = "a trailing stop limit order needs a limit offset, or a stop price and a limit price"
    assert Gatekeeper().denial(sell(kind=K.TRAILING_STOP_LIMIT, trail_amount=1.0)).text == missing
