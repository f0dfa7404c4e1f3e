"""The past of the seeded market: one path at every resolution, the same however it is asked for, only while it trades."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, from_datetime
from ib_gateway.simulator.broker.history.bars import bar_starts, bid_ask_bars, merged, price_bars
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.instruments.days import TradingDays
from ib_gateway.simulator.market import SeededPast
from ib_gateway.simulator.market.columns import Columns

END = from_datetime(datetime(2026, 6, 5, 15, 0, 7, 300_000, tzinfo=UTC))  # a Friday, 11:00:07.3 in New York
MINUTE, HOUR, DAY = 60 * NS_PER_SECOND, 3600 * NS_PER_SECOND, 86_400 * NS_PER_SECOND
EURUSD, AAPL, ES = "EUR.USD@IDEALPRO", "AAPL@SMART", "ES-202609@CME"
LISTINGS = {listing.instrument.id: listing for listing in load()}
DAYS = TradingDays()
NEW_YORK = ZoneInfo("America/New_York")


def past_of(name, *, seed=1, end_ns=END, bid=None, days=DAYS):
    return SeededPast(LISTINGS, days, seed).join(name, end_ns, bid)


PASTS = {name: past_of(name) for name in (EURUSD, AAPL, ES)}

names = st.sampled_from(sorted(PASTS))
kinds = st.sampled_from(["BID", "ASK", "MIDPOINT", "TRADES"])
minutes_back = st.integers(0, 60 * 24 * 30)


def rows(columns):
    return [tuple(column[n] for column in columns[:6]) for n in range(len(columns.times))]


@given(names, kinds, minutes_back, st.integers(1, 90), st.integers(0, 59))
@settings(max_examples=60, deadline=None)
def test_minutes_are_made_of_their_ticks(name, what, back, length, shift):
    start = (END // MINUTE - back - length) * MINUTE + shift * NS_PER_SECOND
    end = min(start + length * MINUTE, END)
    ticks, minutes = PASTS[name].ticks(what, start, end), PASTS[name].minutes(what, start, end)
    by_minute = [merged(columns, bar_starts(columns.times, MINUTE)) for columns in (ticks, minutes)]
    assert rows(by_minute[0]) == rows(by_minute[1])
    assert by_minute[0].trades.tolist() == by_minute[1].trades.tolist()


@pytest.mark.parametrize("name", sorted(PASTS))
@pytest.mark.parametrize("what", ["BID", "TRADES"])
def test_days_are_made_of_their_minutes(name, what):
    past, start = PASTS[name], END - 40 * DAY
    days = past.days(what, start, END, regular=False)
    minutes = past.minutes(what, int(days.times[0]) if len(days.times) else start, END)
    starts = days.times[np.searchsorted(days.times, minutes.times, "right") - 1] if len(days.times) else minutes.times
    assert rows(merged(minutes, starts)) == rows(days)
    assert len(days.times) == (0 if (name, what) == (EURUSD, "TRADES") else 29 if name == AAPL else 30)


@given(names, st.lists(st.tuples(minutes_back, st.integers(1, 600)), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_it_does_not_matter_what_was_asked_before(name, requests):
    fresh, known = past_of(name), PASTS[name]
    for back, length in requests:
        start = END - back * MINUTE
        assert rows(fresh.minutes("MIDPOINT", start, start + length * MINUTE)) == rows(
            known.minutes("MIDPOINT", start, start + length * MINUTE)
        )


def test_another_seed_is_another_past_and_the_same_one_is_the_same():
    span = (END - 2 * HOUR, END)
    assert rows(past_of(AAPL).ticks("TRADES", *span)) == rows(past_of(AAPL).ticks("TRADES", *span))
    assert rows(past_of(AAPL, seed=2).ticks("TRADES", *span)) != rows(past_of(AAPL).ticks("TRADES", *span))


@given(names, minutes_back)
@settings(max_examples=60, deadline=None)
def test_nothing_happens_outside_sessions(name, back):
    start, listing = END - back * MINUTE, LISTINGS[name]
    days = takewhile(lambda day: day.close_ns > start, DAYS.before(listing, END))
    inside = [session for day in days for session in day.sessions]
    ticks = PASTS[name].ticks("BID", start, start + HOUR).times.tolist()
    assert all(any(session.open_ns <= at < session.close_ns for session in inside) for at in ticks)
    assert all(start <= at < min(start + HOUR, END) for at in ticks)


@pytest.mark.parametrize("seconds", [0, 0.2, 0.3, 0.8, 1.0, 7.3, 30, 59.9, 60])
def test_it_ends_where_the_market_that_is_played_begins(seconds):
    end_ns = from_datetime(datetime(2026, 6, 5, 15, tzinfo=UTC)) + int(seconds * NS_PER_SECOND)
    past = past_of(AAPL, end_ns=end_ns, bid=271.33)
    for columns in (past.minutes("BID", end_ns - HOUR, end_ns + HOUR), past.ticks("BID", end_ns - HOUR, end_ns + HOUR)):
        assert columns.close[-1] == 271.33
        assert end_ns - MINUTE - NS_PER_SECOND < columns.times[-1] < end_ns
    ticks, minutes = past.ticks("BID", end_ns - MINUTE, end_ns), past.minutes("BID", end_ns - MINUTE, end_ns)
    assert ticks.high.max() == minutes.high.max()
    assert ticks.low.min() == minutes.low.min()


def test_a_market_that_was_closed_at_the_start_ended_where_it_will_begin():
    saturday = from_datetime(datetime(2026, 6, 6, 15, tzinfo=UTC))
    past = past_of(AAPL, end_ns=saturday, bid=271.33)
    last = past.minutes("BID", saturday - 2 * DAY, saturday)
    assert last.close[-1] == 271.33
    assert datetime.fromtimestamp(int(last.times[-1]) // NS_PER_SECOND, NEW_YORK).strftime("%a %H:%M") == "Fri 19:59"


@pytest.mark.parametrize("name", [AAPL, EURUSD])
def test_prices_lie_on_the_grid_and_asks_above_bids(name):
    listing, past = LISTINGS[name], PASTS[name]
    bid, ask = (past.minutes(what, END - DAY, END) for what in ("BID", "ASK"))
    assert all(listing.instrument.on_tick(price) for column in bid[1:5] for price in column.tolist())
    assert np.allclose(ask.close - bid.close, listing.model.spread_ticks * listing.instrument.tick_size)
    assert (bid.low <= np.minimum(bid.open, bid.close)).all()
    assert (bid.high >= np.maximum(bid.open, bid.close)).all()
    assert (np.abs(bid.open[1:] - bid.close[:-1]) <= listing.model.price * 0.02).all()


def test_days_move_as_much_as_the_model_says():
    days = PASTS[AAPL].days("MIDPOINT", END - 3650 * DAY, END, regular=False)
    moves = np.diff(np.log(days.close))
    assert float(np.std(moves)) * 252**0.5 == pytest.approx(LISTINGS[AAPL].model.volatility, rel=0.05)


def test_trades_are_most_where_the_day_is_liveliest():
    trades = PASTS[AAPL].minutes("TRADES", END - 20 * DAY, END - DAY)
    hours = (
        pd.Series(trades.volume, pd.to_datetime(trades.times, utc=True).tz_convert(NEW_YORK)).groupby(lambda t: t.hour).sum()
    )
    assert hours[15] > 1.3 * hours[12]
    assert hours[12] > 1.5 * hours[6]
    assert ((trades.money / trades.volume >= trades.low - 0.01) & (trades.money / trades.volume <= trades.high + 0.01)).all()
    assert (trades.trades <= trades.volume).all()


def test_where_a_market_never_closes_the_past_has_no_gaps():
    past = past_of(EURUSD, days=TradingDays(always=True))
    minutes = past.minutes("BID", END // MINUTE * MINUTE - 5 * DAY, END // MINUTE * MINUTE)
    assert set(np.diff(minutes.times).tolist()) == {MINUTE}


def test_futures_begin_a_year_before_they_expire_and_stocks_ten():
    begins = {name: datetime.fromtimestamp(past.begin_ns() // NS_PER_SECOND, UTC).date() for name, past in PASTS.items()}
    assert begins[ES] > date(2025, 6, 1)
    assert date(2016, 6, 1) < begins[AAPL] < date(2016, 6, 15)
    assert PASTS[ES].days("BID", 0, END, regular=False).times[0] == PASTS[ES].begin_ns()


# Trading days


def test_a_session_belongs_to_the_day_on_which_it_ends():
    newest = next(DAYS.before(LISTINGS[ES], END))
    assert newest.date == date(2026, 6, 5)
    assert datetime.fromtimestamp(newest.open_ns // NS_PER_SECOND, UTC).date() == date(2026, 6, 4)
    days = [day.date for _, day in zip(range(8), DAYS.before(LISTINGS[AAPL], END), strict=False)]
    assert days == [date(2026, 6, 5) - timedelta(days=n) for n in (0, 1, 2, 3, 4, 7, 8, 9)]
    assert all(day.regular[0].open_ns >= day.open_ns for day in (newest, next(DAYS.before(LISTINGS[AAPL], END))))


def test_holidays_are_no_trading_days_and_half_days_end_early():
    year_end = from_datetime(datetime(2025, 12, 30, tzinfo=UTC))
    days = [day for _, day in zip(range(4), DAYS.before(LISTINGS[AAPL], year_end), strict=False)]
    assert [day.date.day for day in days] == [29, 26, 24, 23]
    ends = [datetime.fromtimestamp(day.regular[-1].close_ns // NS_PER_SECOND, NEW_YORK).hour for day in days]
    assert ends == [16, 16, 13, 16]


# Bars of real recordings


def test_bars_of_recorded_minutes_are_those_that_pandas_makes(market_data):
    lines = gzip.decompress((market_data / "c_copyleft/nautilus_lgpl3/ib/bars.json.gz").read_bytes()).decode().splitlines()
    frame = pd.DataFrame([json.loads(line) for line in lines])
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame.pop("date")))
    frame["money"] = frame.average * frame.volume
    columns = Columns.of(
        frame.index.as_unit("ns").asi8,
        [frame.open, frame.high, frame.low, frame.close],
        [frame.volume, frame.money, frame.barCount],
    )
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "money": "sum", "barCount": "sum"}
    for minutes in (5, 30, 60, 240):
        bars = price_bars(merged(columns, bar_starts(columns.times, minutes * MINUTE)), trades=True)
        expected = frame.resample(f"{minutes}min").agg(rules).dropna()
        assert [bar.start_ns for bar in bars] == expected.index.as_unit("ns").asi8.tolist()
        assert [bar[1:6] for bar in bars] == [tuple(row[:5]) for row in expected.itertuples(index=False)]
        assert [bar.trades for bar in bars] == expected.barCount.tolist()
        assert [bar.average for bar in bars] == pytest.approx((expected.money / expected.volume).tolist())


def test_a_bar_of_bid_and_ask_has_their_averages_over_time():
    times = np.array([0, 1, 4]) * NS_PER_SECOND
    bids, asks = Columns.of_ticks(times, [1.0, 2.0, 5.0]), Columns.of_ticks(times, [2.0, 3.0, 7.0])
    ends = np.array([1, 4, 5]) * NS_PER_SECOND
    (bar,) = bid_ask_bars(bids, asks, bar_starts(times, 5 * NS_PER_SECOND), ends)
    assert bar[1:] == (pytest.approx((1 + 2 * 3 + 5) / 5), 7.0, 1.0, pytest.approx((2 + 3 * 3 + 7) / 5), -1.0, -1.0, -1)
