"""Bars from ticks: aligned, closed by market time, never empty, never changed once they are out."""

import math
import zipfile
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, BadInput, Bar, Quote, Trade
from atlas.market import BarBuilder

NAME = "EUR.USD@IDEALPRO"
DELAY = 1_000


def quote(seconds: float, bid: float, ask: float | None = None) -> Quote:
    at = round(seconds * NS_PER_SECOND)
    return Quote(NAME, bid, bid if ask is None else ask, 0.0, 0.0, at, at + DELAY)


def trade(seconds: float, price: float, size: float) -> Trade:
    at = round(seconds * NS_PER_SECOND)
    return Trade(NAME, price, size, at, at + DELAY)


def test_a_tick_of_the_next_bar_closes_this_one():
    builder = BarBuilder(NAME, [60])
    assert builder.on_quote(quote(61, 1.0, 3.0)) == []
    assert builder.on_quote(quote(80, 5.0)) == []
    assert builder.on_quote(quote(90, 1.0)) == []
    assert builder.on_quote(quote(119.999, 4.0)) == []
    (bar,) = builder.on_quote(quote(120, 9.0))
    minute = 60 * NS_PER_SECOND
    assert bar == Bar(NAME, minute, 2 * minute, 2.0, 5.0, 1.0, 4.0, 0.0, 4, 2 * minute + DELAY)


def test_bars_lie_on_the_utc_clock_whenever_the_first_tick_comes():
    builder = BarBuilder(NAME, [3600])
    day = 1_399_248_000  # 2014-05-05 00:00 UTC
    builder.on_quote(quote(day + 3 * 3600 + 1234.5, 1.0))
    (bar,) = builder.advance((day + 86_400) * NS_PER_SECOND, 1)
    assert (bar.start_ns, bar.end_ns) == ((day + 3 * 3600) * NS_PER_SECOND, (day + 4 * 3600) * NS_PER_SECOND)


def test_trades_bring_volume_and_quotes_do_not():
    builder = BarBuilder(NAME, [1])
    builder.on_trade(trade(0.1, 10.0, 3.0))
    builder.on_trade(trade(0.2, 11.0, 4.0))
    (bar,) = builder.on_trade(trade(1.0, 12.0, 5.0))
    assert (bar.volume, bar.count) == (7.0, 2)


def test_a_quiet_time_leaves_no_bars():
    builder = BarBuilder(NAME, [1])
    builder.on_quote(quote(0, 1.0))
    (bar,) = builder.on_quote(quote(1000, 2.0))
    assert bar.end_ns == NS_PER_SECOND
    assert [bar.start_ns for bar in builder.advance(2000 * NS_PER_SECOND, 1)] == [1000 * NS_PER_SECOND]


def test_market_time_closes_a_bar_when_no_tick_does():
    builder = BarBuilder(NAME, [60])
    builder.on_quote(quote(30, 1.0))
    assert builder.advance(59 * NS_PER_SECOND, 7) == []
    (bar,) = builder.advance(60 * NS_PER_SECOND, 7)
    assert (bar.close, bar.receive_ns) == (1.0, 7)
    assert builder.advance(10_000 * NS_PER_SECOND, 8) == []


def test_a_late_tick_is_counted_and_not_applied():
    builder = BarBuilder(NAME, [60])
    builder.on_quote(quote(61, 1.0))
    assert builder.on_quote(quote(59, 100.0)) == []
    (bar,) = builder.on_quote(quote(121, 1.0))
    assert (bar.high, bar.count, builder.late) == (1.0, 1, 1)


def test_a_tick_for_a_bar_that_market_time_has_closed_is_late():
    builder = BarBuilder(NAME, [60])
    builder.on_quote(quote(10, 1.0))
    builder.advance(60 * NS_PER_SECOND, 1)
    assert builder.on_quote(quote(59.9, 2.0)) == []
    assert builder.late == 1
    assert builder.advance(120 * NS_PER_SECOND, 1) == []


def test_ticks_out_of_order_within_a_bar_count_as_they_come():
    builder = BarBuilder(NAME, [60])
    for seconds, price in ((30, 2.0), (10, 3.0), (20, 1.0)):
        builder.on_quote(quote(seconds, price))
    (bar,) = builder.advance(60 * NS_PER_SECOND, 1)
    assert (bar.open, bar.high, bar.low, bar.close, bar.count, builder.late) == (2.0, 3.0, 1.0, 1.0, 3, 0)


@pytest.mark.parametrize("price", [math.nan, math.inf, -math.inf])
def test_a_price_that_is_no_number_is_counted_and_not_applied(price):
    builder = BarBuilder(NAME, [1])
    assert builder.on_quote(quote(0, price)) == []
    assert builder.unusable == 1
    assert builder.advance(10 * NS_PER_SECOND, 1) == []


def test_prices_below_zero_are_prices():
    builder = BarBuilder(NAME, [1])
    builder.on_trade(trade(0, -37.63, 1.0))
    (bar,) = builder.advance(NS_PER_SECOND, 1)
    assert bar.low == -37.63


def test_several_lengths_close_together_shorter_ones_first():
    builder = BarBuilder(NAME, [60, 1, 5])
    builder.on_quote(quote(59, 1.0))
    closed = builder.on_quote(quote(60, 2.0))
    assert [(bar.end_ns - bar.start_ns) // NS_PER_SECOND for bar in closed] == [1, 5, 60]


@pytest.mark.parametrize("periods", [[], [0], [-60], [60, 0]])
def test_a_length_that_makes_no_sense_is_refused_by_name(periods):
    with pytest.raises(BadInput, match=NAME):
        BarBuilder(NAME, periods)


TICKS = st.lists(st.tuples(st.integers(0, 300), st.integers(1, 50).map(float), st.integers(1, 9).map(float)), max_size=200)


@given(TICKS, st.sampled_from([1, 7, 60]))
def test_bars_of_ordered_trades_are_the_trades_grouped_by_the_clock(ticks, seconds):
    ticks = sorted(ticks, key=lambda tick: tick[0])
    builder = BarBuilder(NAME, [seconds])
    bars = [bar for at, price, size in ticks for bar in builder.on_trade(trade(at, price, size))]
    bars += builder.advance(1000 * NS_PER_SECOND, 0)
    expected = []
    for number, group in groupby(ticks, key=lambda tick: tick[0] // seconds):
        _, prices, sizes = zip(*group, strict=True)
        expected.append((number * seconds, prices[0], max(prices), min(prices), prices[-1], sum(sizes), len(prices)))
    assert [
        (bar.start_ns // NS_PER_SECOND, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count) for bar in bars
    ] == expected
    assert builder.late == 0


@given(TICKS, st.lists(st.integers(0, 400), max_size=200))
def test_whatever_the_order_bars_come_out_once_in_order_and_every_tick_is_in_a_bar_or_late(ticks, times):
    builder = BarBuilder(NAME, [5])
    bars: list[Bar] = []
    for number, (at, price, size) in enumerate(ticks):
        bars += builder.on_trade(trade(at, price, size))
        if number < len(times):
            bars += builder.advance(times[number] * NS_PER_SECOND, 0)
    bars += builder.advance(1000 * NS_PER_SECOND, 0)
    assert all(earlier.end_ns <= later.start_ns for earlier, later in pairwise(bars))
    assert all(bar.low <= min(bar.open, bar.close) and max(bar.open, bar.close) <= bar.high for bar in bars)
    assert sum(bar.count for bar in bars) + builder.late == len(ticks)


@given(TICKS)
def test_several_lengths_in_one_pass_are_each_as_if_alone(ticks):
    together = BarBuilder(NAME, [1, 5, 60])
    alone = [BarBuilder(NAME, [seconds]) for seconds in (1, 5, 60)]
    for at, price, size in ticks:
        tick = trade(at, price, size)
        assert together.on_trade(tick) == [bar for builder in alone for bar in builder.on_trade(tick)]
    assert together.late == sum(builder.late for builder in alone)


@pytest.mark.parametrize("pair", ["eurusd", "nzdusd"])
@pytest.mark.parametrize("day", ["20140505", "20140506"])
@pytest.mark.parametrize("side", ["bid", "ask"])
def test_bars_of_real_ticks_equal_the_published_minute_bars_in_every_digit(market_data, pair, day, side):
    folder = market_data / "a_permissive" / "lean" / "forex" / "oanda"
    column = 1 if side == "bid" else 2
    builder = BarBuilder(NAME, [60])
    bars = []
    for row in rows(folder / "tick" / pair / f"{day}_quote.zip"):
        bars += builder.on_quote(quote(int(row[0]) / 1000, float(row[column])))
    bars += builder.advance(86_400 * NS_PER_SECOND, 0)
    first = 1 if side == "bid" else 6
    published = [
        (int(row[0]) // 1000, *(float(price) for price in row[first : first + 4]))
        for row in rows(folder / "minute" / pair / f"{day}_quote.zip")
    ]
    assert [(bar.start_ns // NS_PER_SECOND, bar.open, bar.high, bar.low, bar.close) for bar in bars] == published
    assert len(bars) > 1000


def rows(path):
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        return [line.split(",") for line in archive.read(name).decode().splitlines()]
