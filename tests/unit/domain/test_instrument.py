"""Instrument ids and the price grid."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import BadInput, Instrument, InstrumentKind, OptionRight, Side, option_id, parse_instrument_id


def instrument(tick_size: float) -> Instrument:
    return Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, tick_size, multiplier=50.0)


@pytest.mark.parametrize(
    ("text", "kind", "symbol", "exchange", "currency", "expiry"),
    [
        ("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", ""),
        ("USD.JPY@IDEALPRO", InstrumentKind.CASH, "USD", "IDEALPRO", "JPY", ""),
        ("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", ""),
        ("BRK B@NYSE", InstrumentKind.STOCK, "BRK B", "NYSE", "USD", ""),
        ("BMW@IBIS:EUR", InstrumentKind.STOCK, "BMW", "IBIS", "EUR", ""),
        ("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", "202612"),
        ("GC-20261228@COMEX", InstrumentKind.FUTURE, "GC", "COMEX", "USD", "20261228"),
        ("FDAX-202612@EUREX:EUR", InstrumentKind.FUTURE, "FDAX", "EUREX", "EUR", "202612"),
        ("AAPL-20261218-250C@SMART", InstrumentKind.OPTION, "AAPL", "SMART", "USD", "20261218"),
        ("ODAX-20261218-24000P@EUREX:EUR", InstrumentKind.OPTION, "ODAX", "EUREX", "EUR", "20261218"),
        ("^SPX@CBOE", InstrumentKind.INDEX, "SPX", "CBOE", "USD", ""),
    ],
)
def test_an_instrument_id_says_what_it_means(text, kind, symbol, exchange, currency, expiry):
    spec = parse_instrument_id(text)
    assert (spec.kind, spec.symbol, spec.exchange, spec.currency, spec.expiry) == (kind, symbol, exchange, currency, expiry)
    assert spec.id == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "EUR.USD",  # no exchange
        "EURUSD@",
        "@IDEALPRO",
        "eur.usd@IDEALPRO",  # small letters
        "EUR.US@IDEALPRO",  # a currency has three letters
        "EUR.USD@IDEALPRO:EUR",  # a pair says its currency already
        "ES-2026@CME",  # a month or a day
        "ES-2026121@CME",
        "ES-202612@CME:EU",
        "AAPL@SMART\n",
        "AAPL@SMART ",
        "AAPL|quote@SMART",
        "AAPL-202612-250C@SMART",  # an option has a day
        "AAPL-20261218-250@SMART",
        "AAPL-20261218-250X@SMART",
        "AAPL-20261218-250.0C@SMART",  # a strike is written in one way
        "AAPL-20261218-0250C@SMART",
        "AAPL-20261218-0C@SMART",
        "^ES-202612@CME",  # an index does not expire
        "^EUR.USD@IDEALPRO",
    ],
)
def test_what_is_not_an_instrument_id_is_refused_by_name(text):
    with pytest.raises(BadInput) as refused:
        parse_instrument_id(text)
    assert repr(text) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_id_of_an_option_says_strike_and_right():
    spec = parse_instrument_id("AAPL-20261218-252.5P@SMART")
    assert (spec.strike, spec.right) == (252.5, OptionRight.PUT)
    assert parse_instrument_id("AAPL@SMART").right is None


@given(
    strike=st.decimals(min_value="0.0001", max_value=1_000_000, places=4).map(float),
    right=st.sampled_from(OptionRight),
    currency=st.sampled_from(["USD", "EUR"]),
)
def test_an_option_has_one_id_which_says_all_that_it_is_made_of(strike, right, currency):
    spec = parse_instrument_id(option_id("SPY", "20261218", strike, right, "SMART", currency))
    assert spec.kind is InstrumentKind.OPTION
    assert (spec.symbol, spec.expiry, spec.strike, spec.right) == ("SPY", "20261218", strike, right)
    assert (spec.exchange, spec.currency) == ("SMART", currency)


@pytest.mark.parametrize(
    ("tick", "price", "on"),
    [(0.25, 4500.25, True), (0.25, 4500.3, False), (0.00005, 1.08505, True), (0.00005, 1.08507, False), (0.01, 0.07, True)],
)
def test_the_price_grid_is_decimal_and_not_binary(tick, price, on):
    assert instrument(tick).on_tick(price) is on


def test_a_price_between_two_ticks_moves_to_the_better_one_for_its_side():
    es = instrument(0.25)
    assert es.passive_price(4500.3, Side.BUY) == 4500.25
    assert es.passive_price(4500.3, Side.SELL) == 4500.5
    assert es.passive_price(-37.63, Side.BUY) == -37.75
    assert es.passive_price(-37.63, Side.SELL) == -37.5


@given(
    price=st.floats(min_value=-1e6, max_value=1e6, allow_nan=False),
    tick=st.sampled_from([0.25, 0.1, 0.01, 0.005, 0.00005, 0.0001, 1.0, 12.5]),
    side=st.sampled_from(Side),
)
def test_a_passive_price_is_on_the_grid_within_a_tick_and_never_worse(price, tick, side):
    moved = instrument(tick).passive_price(price, side)
    assert instrument(tick).on_tick(moved)
    better_by = (Fraction(repr(price)) - Fraction(repr(moved))) * side.sign
    assert -Fraction(repr(tick)) / 10**6 <= better_by < Fraction(repr(tick)), "noise of a millionth of a tick is no price"
