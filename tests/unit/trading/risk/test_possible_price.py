import math

import msgspec
import pytest
from support.risk import FLAT, STOCK, Gatekeeper, buy, holding, sell

from atlas.domain import Denial, InstrumentKind, OrderKind
from atlas.domain.order_prices import ORDER_PRICES
from atlas.domain.price_grid import PriceBand
from atlas.trading.risk.rules.possible_price import PossiblePrice

K = OrderKind
PRICES = {"limit_price": 100.0, "stop_price": 99.0}
NEEDED = {kind: prices.needed for kind, prices in ORDER_PRICES.items() if not prices.one_of}


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
    ("values", "passes"),
    [
        ({"trail_amount": 1.0}, True),
        ({"trail_percent": 1.5}, True),
        ({"trail_amount": 1.0, "stop_price": 99.0}, True),
        ({}, False),
        ({"trail_amount": 1.0, "trail_percent": 1.0}, False),
    ],
)
def test_a_trailing_stop_trails_by_an_amount_or_a_percentage(values, passes):
    denial = Gatekeeper().check(sell(kind=K.TRAILING_STOP, **values))
    words = "a trailing stop order needs either a trail amount or a trail percent"
    assert denial == (None if passes else Denial("price", words))


def test_a_trailing_stop_limit_says_where_its_limit_lies():
    assert Gatekeeper().passes(sell(kind=K.TRAILING_STOP_LIMIT, trail_amount=1.0, limit_offset=0.1))
    denial = Gatekeeper().denial(sell(kind=K.TRAILING_STOP_LIMIT, trail_amount=1.0))
    assert denial.text == "a trailing stop limit order needs a limit offset"


def test_the_tick_is_that_of_the_price():
    banded = msgspec.structs.replace(STOCK, price_bands=(PriceBand(0.0, 0.05), PriceBand(3.0, 0.1)))

    def check(price):
        return Gatekeeper().gate.check(buy(kind=K.LIMIT, limit_price=price), banded, FLAT, 0)

    assert check(2.95) is None
    assert check(3.1) is None
    assert check(3.05).limit == 0.1
    assert check(2.96).limit == 0.05


@pytest.mark.parametrize("price", [-37.63, -0.01, 0.0])
def test_a_future_may_be_bought_below_zero_as_energy_was_and_a_stock_may_not(price):
    crude = msgspec.structs.replace(STOCK, id="CL-202605@NYMEX", kind=InstrumentKind.FUTURE)
    wanted = buy(kind=K.STOP_LIMIT, limit_price=price, stop_price=price)
    assert PossiblePrice().check(wanted, crude) is None
    assert PossiblePrice().check(wanted, STOCK) is not None
    assert PossiblePrice().check(msgspec.structs.replace(wanted, limit_price=-0.005), crude).limit == 0.01


@pytest.mark.parametrize("price", [0.0, -1.0, math.inf])
@pytest.mark.parametrize(("kind", "name"), [(OrderKind.LIMIT, "limit_price"), (OrderKind.STOP, "stop_price")])
def test_a_price_that_is_none_is_told_with_its_name(kind, name, price):
    denial = Gatekeeper().check(buy(kind=kind, **{name: price}))
    assert denial == Denial("price", f"the {name.replace('_', ' ')} {price:g} is not a positive number", price)
