"""Ticks that differ by price, and the direction in which each price of an order moves onto them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import (
    Instrument,
    InstrumentKind,
    Modify,
    Order,
    OrderKind,
    PriceBand,
    Side,
    fitted,
    fitted_change,
    off_grid,
)
from atlas.domain.price_grid import on_tick, rounded, rounded_distance, tick_at

OPTION = (PriceBand(0.0, 0.05), PriceBand(3.0, 0.1))
STOCK = (PriceBand(0.0, 0.0001), PriceBand(1.0, 0.01))
JUMPY = (PriceBand(0.0, 0.01), PriceBand(10.0, 0.25), PriceBand(50.0, 1.0), PriceBand(1000.0, 5.0))
AWKWARD = (PriceBand(0.0, 0.3), PriceBand(1.0, 0.4), PriceBand(1.7, 0.5))
"""Edges that lie on neither band's grid."""

ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, 0.25, multiplier=50.0)
SPY_CALL = Instrument(
    "SPY-20261218-600C@SMART", InstrumentKind.OPTION, "SPY", "SMART", "USD", 2, 0.05, multiplier=100.0, price_bands=OPTION
)


@pytest.mark.parametrize(
    ("price", "tick"), [(0.05, 0.05), (2.95, 0.05), (3.0, 0.1), (45.0, 0.1), (-2.0, 0.05), (-3.0, 0.1), (0.0, 0.05)]
)
def test_the_tick_is_that_of_the_band_in_which_the_magnitude_of_the_price_lies(price, tick):
    assert tick_at(OPTION, price) == tick
    assert SPY_CALL.tick_at(price) == tick


@pytest.mark.parametrize(
    ("price", "on"), [(2.95, True), (3.05, False), (3.1, True), (-2.95, True), (-3.05, False), (0.0, True)]
)
def test_a_price_is_on_the_grid_of_its_own_band(price, on):
    assert SPY_CALL.on_tick(price) is on


@pytest.mark.parametrize(
    ("price", "down", "up"),
    [(2.97, 2.95, 3.0), (3.05, 3.0, 3.1), (-2.97, -3.0, -2.95), (-3.05, -3.1, -3.0), (0.01, 0.0, 0.05), (-0.01, -0.05, 0.0)],
)
def test_rounding_crosses_from_one_band_into_the_next(price, down, up):
    assert (rounded(OPTION, price, up=False), rounded(OPTION, price, up=True)) == (down, up)


def test_a_price_that_only_floats_make_differ_from_a_tick_stays_on_it():
    assert rounded((PriceBand(0.0, 0.01),), 0.1 + 0.2, up=True) == 0.3
    assert rounded((PriceBand(0.0, 0.01),), 0.1 * 3 - 1e-15, up=False) == 0.3


@given(
    price=st.floats(min_value=-2000, max_value=2000, allow_nan=False),
    bands=st.sampled_from([OPTION, STOCK, JUMPY, AWKWARD, (PriceBand(0.0, 0.00005),)]),
    up=st.booleans(),
)
def test_what_is_rounded_is_on_the_grid_on_the_wanted_side_and_nothing_on_the_grid_lies_between(price, bands, up):
    moved = rounded(bands, price, up=up)
    assert on_tick(bands, moved)
    sign = 1 if up else -1
    coarsest = max(Fraction(repr(band.increment)) for band in bands)
    beyond = (Fraction(repr(moved)) - Fraction(repr(price))) * sign
    assert -coarsest / 10**6 <= beyond < 2 * coarsest
    halfway = float((Fraction(repr(moved)) + Fraction(repr(price))) / 2)
    if abs(moved - price) > 1e-6:
        assert rounded(bands, halfway, up=up) == moved


@given(price=st.floats(min_value=-2000, max_value=2000, allow_nan=False), up=st.booleans())
def test_a_price_that_was_rounded_stays_where_it_is(price, up):
    moved = rounded(JUMPY, price, up=up)
    assert rounded(JUMPY, moved, up=True) == rounded(JUMPY, moved, up=False) == moved


def order(kind, side, **prices):
    return Order("r-1-0", "r", ES.id, side, 1.0, kind, **prices)


@pytest.mark.parametrize(
    ("kind", "side", "given_price", "name", "moved"),
    [
        (OrderKind.LIMIT, Side.BUY, 100.3, "limit_price", 100.25),
        (OrderKind.LIMIT, Side.SELL, 100.3, "limit_price", 100.5),
        (OrderKind.STOP, Side.BUY, 100.3, "stop_price", 100.5),
        (OrderKind.STOP, Side.SELL, 100.3, "stop_price", 100.25),
        (OrderKind.MARKET_IF_TOUCHED, Side.BUY, 100.3, "stop_price", 100.25),
        (OrderKind.MARKET_IF_TOUCHED, Side.SELL, 100.3, "stop_price", 100.5),
        (OrderKind.TRAILING_STOP, Side.SELL, 1.1, "trail_amount", 1.25),
        (OrderKind.TRAILING_STOP, Side.SELL, 0.01, "trail_amount", 0.25),
        (OrderKind.RELATIVE, Side.BUY, 0.6, "limit_offset", 0.5),
        (OrderKind.PEGGED_TO_MIDPOINT, Side.BUY, 0.6, "limit_offset", 0.75),
        (OrderKind.STOP, Side.SELL, -37.63, "stop_price", -37.75),
    ],
)
def test_each_kind_of_price_moves_in_the_direction_that_is_safe(kind, side, given_price, name, moved):
    assert getattr(fitted(order(kind, side, **{name: given_price}), ES), name) == moved


def test_a_percentage_has_no_grid():
    trailing = order(OrderKind.TRAILING_STOP, Side.SELL, trail_percent=1.234)
    assert fitted(trailing, ES) is trailing


def test_the_offset_of_a_trailing_limit_may_be_nothing_at_all():
    trailing = order(OrderKind.TRAILING_STOP_LIMIT, Side.SELL, trail_amount=1.0, limit_offset=0.0)
    assert fitted(trailing, ES).limit_offset == 0.0


def test_a_distance_has_the_ticks_of_where_it_is_or_else_the_coarsest():
    assert rounded_distance(OPTION, 0.12, up=True, near=2.0) == 0.15
    assert rounded_distance(OPTION, 0.12, up=True, near=4.0) == 0.2
    assert rounded_distance(OPTION, 0.12, up=True) == 0.2
    assert rounded_distance(OPTION, 0.12, up=False) == 0.1


def test_an_order_off_the_grid_is_told_by_the_name_of_the_price():
    assert off_grid(order(OrderKind.STOP_LIMIT, Side.BUY, limit_price=100.25, stop_price=100.3), ES) == "stop_price"
    assert off_grid(order(OrderKind.STOP_LIMIT, Side.BUY, limit_price=100.3, stop_price=100.25), ES) == "limit_price"
    assert off_grid(order(OrderKind.MARKET, Side.BUY), ES) == ""


def test_an_order_that_fits_already_is_the_same_object():
    fits = order(OrderKind.LIMIT, Side.BUY, limit_price=100.25)
    assert fitted(fits, ES) is fits


def test_a_change_moves_the_prices_that_it_gives_and_no_others():
    standing = order(OrderKind.STOP_LIMIT, Side.SELL, limit_price=99.3, stop_price=100.25)
    change = fitted_change(Modify("m-1", standing.id, quantity=2.0, stop_price=100.3), standing, ES)
    assert change == Modify("m-1", standing.id, quantity=2.0, stop_price=100.25)
