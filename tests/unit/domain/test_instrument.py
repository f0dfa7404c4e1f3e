"""Instrument ids and the price grid."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import BadInput, Instrument, InstrumentKind, Side, parse_instrument_id


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
    ],
)
def test_what_is_not_an_instrument_id_is_refused_by_name(text):
    with pytest.raises(BadInput) as refused:
        parse_instrument_id(text)
    assert repr(text) in str(refused.value)
    assert "\n" not in str(refused.value)


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
    assert 0 <= better_by < Fraction(repr(tick))
