"""What options are worth, against published figures and by what no arbitrage allows."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import OptionRight
from ib_gateway.simulator.instruments.option_model import (
    RATE,
    Option,
    Valuation,
    implied_volatility,
    intrinsic,
    seeded_smile,
    value,
    years_left,
)

YEAR_NS = 365 * 24 * 3600 * 10**9
CALL, PUT = OptionRight.CALL, OptionRight.PUT

prices = st.floats(10.0, 1000.0)
volatilities = st.floats(0.05, 1.5)
years = st.floats(0.02, 2.0)
moneyness = st.floats(0.7, 1.4)


def option(strike, right, in_years, *, on_future=False):
    return Option(strike, right, int(in_years * YEAR_NS), on_future)


def test_a_call_at_the_money_costs_what_the_formula_says_by_hand():
    # d1 = (0.04 + 0.2**2 / 2) / 0.2 = 0.3, d2 = 0.1; N(0.3) = 0.6179114, N(0.1) = 0.5398278 (tables of the normal distribution)
    found = value(option(100.0, CALL, 1), 100.0, 0.2, 0)
    assert found.price == pytest.approx(100 * 0.6179114 - 100 * math.exp(-0.04) * 0.5398278, abs=1e-4)
    assert found.delta == pytest.approx(0.6179114, abs=1e-6)
    assert found.gamma == pytest.approx(math.exp(-0.045) / math.sqrt(2 * math.pi) / 20, abs=1e-9)
    assert found.vega == pytest.approx(100 * math.exp(-0.045) / math.sqrt(2 * math.pi) / 100, abs=1e-9)
    assert found.theta < 0


def test_theta_is_the_loss_of_a_day_and_vega_the_gain_of_a_hundredth():
    call, day = option(100.0, CALL, 1), YEAR_NS // 365
    now = value(call, 105.0, 0.3, 0)
    assert value(call, 105.0, 0.3, day).price - now.price == pytest.approx(now.theta, rel=0.01)
    assert value(call, 105.0, 0.31, 0).price - now.price == pytest.approx(now.vega, rel=0.01)


@given(price=prices, ratio=moneyness, volatility=volatilities, in_years=years)
def test_a_call_less_a_put_is_worth_the_stock_less_the_strike_to_come(price, ratio, volatility, in_years):
    strike = price * ratio
    call, put = (value(option(strike, right, in_years), price, volatility, 0) for right in (CALL, PUT))
    left = years_left(option(strike, CALL, in_years), 0)
    assert call.price - put.price == pytest.approx(price - strike * math.exp(-RATE * left), abs=1e-6 * price)
    assert call.delta - put.delta == pytest.approx(1.0)


@given(price=prices, ratio=moneyness, volatility=volatilities, in_years=years)
def test_on_a_future_a_call_less_a_put_is_worth_the_discounted_difference(price, ratio, volatility, in_years):
    strike = price * ratio
    call, put = (value(option(strike, right, in_years, on_future=True), price, volatility, 0) for right in (CALL, PUT))
    left = years_left(option(strike, CALL, in_years), 0)
    assert call.price - put.price == pytest.approx((price - strike) * math.exp(-RATE * left), abs=1e-6 * price)


@given(
    price=prices, ratio=moneyness, volatility=volatilities, in_years=years, right=st.sampled_from(OptionRight),
    on_future=st.booleans(),
)  # fmt: skip
def test_the_implied_volatility_gives_the_price_back(price, ratio, volatility, in_years, right, on_future):
    terms = option(price * ratio, right, in_years, on_future=on_future)
    worth = value(terms, price, volatility, 0)
    found = implied_volatility(terms, worth.price, price, 0)
    if found is None:
        assert worth.vega < 1e-6 * price  # so far from the money that every volatility gives that price
    else:
        assert value(terms, price, found, 0).price == pytest.approx(worth.price, abs=1e-6 * price)


@pytest.mark.parametrize("price", [0.0, -1.0, 9.0, 110.0, 111.0])
def test_a_price_that_no_volatility_explains_has_none(price):
    assert implied_volatility(option(100.0, CALL, 0.1), price, 110.0, 0) is None


def test_at_its_end_an_option_is_worth_what_exercise_brings():
    for right, under, worth, delta in ((CALL, 103.0, 3.0, 1.0), (CALL, 97.0, 0.0, 0.0), (PUT, 97.0, 3.0, -1.0)):
        terms = option(100.0, right, 1)
        assert value(terms, under, 0.2, YEAR_NS) == Valuation(worth, 0.2, under, delta, 0.0, 0.0, 0.0)
        assert value(terms, under, 0.2, YEAR_NS + 1).price == intrinsic(terms, under)
        assert implied_volatility(terms, worth or 0.5, under, YEAR_NS) is None


@pytest.mark.parametrize(("under", "volatility"), [(0.0, 0.2), (-37.0, 0.2), (100.0, 0.0)])
def test_what_has_no_logarithm_is_refused(under, volatility):
    with pytest.raises(ValueError, match="must be positive"):
        value(option(100.0, CALL, 1), under, volatility, 0)


def test_a_smile_is_the_same_for_a_seed_and_dear_below_the_money():
    smile = seeded_smile("AAPL@SMART", 0.27, 1)
    assert smile == seeded_smile("AAPL@SMART", 0.27, 1) != seeded_smile("AAPL@SMART", 0.27, 2)
    low, at, high = (smile.volatility(option(strike, PUT, 0.25), 250.0, 0) for strike in (210.0, 250.0, 265.0))
    assert at == 0.27
    assert low > at > high


@given(ratio=st.floats(0.01, 100.0), in_years=st.floats(0.0, 3.0), seed=st.integers(0, 50))
def test_the_wings_of_a_smile_stay_bounded(ratio, in_years, seed):
    smile = seeded_smile("AAPL@SMART", 0.27, seed)
    assert 0.02 <= smile.volatility(option(100.0 * ratio, CALL, in_years), 100.0, 0) <= 1.0
