"""What can be set about fills: whether displayed sizes count, how far they slip; and what is forgotten or listed later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import OrderKind, Side, TimeInForce
from atlas.exchange import Exchange, Executed, Terms
from tests.unit.exchange.listings import AAPL, ACCOUNT, ES, EURUSD, INSTRUMENTS, USDJPY, order, quote

CASH = {ACCOUNT: {"USD": 10_000_000.0}}


def exchange(instruments=INSTRUMENTS, **terms):
    return Exchange(instruments, CASH, Terms(**terms))


def fills(events):
    return [(each.execution.quantity, each.execution.price) for each in events if isinstance(each, Executed)]


@pytest.mark.parametrize("tif", [TimeInForce.DAY, TimeInForce.FOK, TimeInForce.IOC])
def test_where_sizes_do_not_count_an_order_fills_whole_at_the_first_level(tif):
    market = exchange(use_sizes=False)
    market.on_quote(quote(AAPL, 100.0, 100.1, 5, 5))
    assert fills(market.submit(order(AAPL, Side.BUY, 500, time_in_force=tif), 2)) == [(500, 100.1)]
    assert fills(market.submit(order(AAPL, Side.SELL, 300, 99.5, time_in_force=tif), 3)) == [(300, 100.0)]


def test_where_sizes_count_a_quote_gives_what_it_displays():
    market = exchange()
    market.on_quote(quote(AAPL, 100.0, 100.1, 5, 5))
    assert fills(market.submit(order(AAPL, Side.BUY, 500), 2)) == [(5, 100.1)]


@pytest.mark.parametrize(
    ("terms", "side", "price"),
    [
        ({"slippage_ticks": 2}, Side.BUY, 100.12),
        ({"slippage_ticks": 2}, Side.SELL, 99.98),
        ({"slippage_percent": 0.1}, Side.BUY, 100.21),  # 100.2001, and then away from the touch onto the grid
        ({"slippage_percent": 0.1}, Side.SELL, 99.90),
        ({"slippage_ticks": 1, "slippage_percent": 0.1}, Side.BUY, 100.22),
    ],
)
def test_a_market_order_pays_what_it_slips(terms, side, price):
    market = exchange(**terms)
    market.on_quote(quote(AAPL, 100.0, 100.1))
    assert fills(market.submit(order(AAPL, side, 10), 2)) == [(10, price)]


def test_a_triggered_stop_slips_as_a_market_order():
    market = exchange(slippage_ticks=3)
    market.on_quote(quote(AAPL, 100.0, 100.1))
    market.submit(order(AAPL, Side.SELL, 10, kind=OrderKind.STOP, stop_price=99.0), 2)
    assert fills(market.on_quote(quote(AAPL, 98.9, 99.0, at=3))) == [(10, 98.87)]


@given(
    side=st.sampled_from(Side),
    ticks=st.integers(0, 50),
    percent=st.floats(0, 2),
    away=st.integers(0, 40),
)
def test_slippage_never_helps_and_never_breaks_a_limit(side, ticks, percent, away):
    market = exchange(slippage_ticks=ticks, slippage_percent=percent)
    market.on_quote(quote(ES, 5000.0, 5000.25))
    touch = 5000.25 if side is Side.BUY else 5000.0
    limit = touch + side.sign * away * 0.25
    ((_, price),) = fills(market.submit(order(ES, side, 1, limit), 2))
    assert (price - touch) * side.sign >= 0
    assert (limit - price) * side.sign >= 0
    assert ES.on_tick(price)


def test_an_instrument_that_is_listed_later_trades_at_once_at_the_quote_that_was_heard_before():
    market = exchange(())
    market.on_quote(quote(EURUSD, 1.1, 1.1001))
    market.add_instrument(EURUSD)
    assert fills(market.submit(order(EURUSD, Side.BUY, 20_000), 2)) == [(20_000, 1.1001)]


def test_a_pair_that_is_listed_later_gives_the_rate_of_its_currency():
    market = exchange(())
    market.add_instrument(USDJPY)
    market.on_quote(quote(USDJPY, 150.0, 150.0))
    assert market.rates.rate("JPY") == 1 / 150.0


def test_an_instrument_listed_anew_trades_by_its_new_definition_and_keeps_its_orders():
    market = exchange()
    market.submit(order(AAPL, Side.BUY, 1, 99.0, id="old"), 1)
    market.add_instrument(type(AAPL)(AAPL.id, AAPL.kind, "AAPL", "SMART", "USD", 2, 0.05))
    assert "price variation" in market.submit(order(AAPL, Side.BUY, 1, 99.01), 2)[0].text
    assert market.standing("old") is not None


def test_prices_that_are_forgotten_fill_nothing_but_value_positions():
    market = exchange()
    market.on_quote(quote(AAPL, 100.0, 100.2))
    market.submit(order(AAPL, Side.BUY, 10, id="before"), 2)
    market.forget_prices()
    assert fills(market.submit(order(AAPL, Side.SELL, 10), 3)) == []
    assert market.mark(AAPL.id) == 100.1
    assert fills(market.on_quote(quote(AAPL, 90.0, 90.2, at=4))) == [(10, 90.0)]


def test_an_order_that_fills_at_once_waits_for_the_first_quote_after_prices_were_forgotten():
    market = exchange()
    market.on_quote(quote(AAPL, 100.0, 100.2))
    market.forget_prices()
    assert fills(market.submit(order(AAPL, Side.BUY, 10, time_in_force=TimeInForce.IOC), 2)) == []
    assert fills(market.on_quote(quote(AAPL, 101.0, 101.2, at=3))) == [(10, 101.2)]


def test_what_was_quoted_before_it_was_forgotten_is_not_remembered_for_an_instrument_listed_later():
    market = exchange(())
    market.on_quote(quote(EURUSD, 1.1, 1.1001))
    market.forget_prices()
    market.add_instrument(EURUSD)
    assert fills(market.submit(order(EURUSD, Side.BUY, 20_000), 2)) == []


def test_an_objection_is_told_beforehand_in_the_words_of_the_rejection():
    market = exchange()
    market.on_quote(quote(AAPL, 100.0, 100.2))
    wish = order(AAPL, Side.BUY, 1_000_000)
    reason, text = market.objection(wish, 2)
    rejected = market.submit(wish, 2)[0]
    assert (rejected.reason, rejected.text) == (reason, text)
    assert market.objection(order(AAPL, Side.BUY, 1), 3) is None
