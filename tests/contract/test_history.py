"""An unmodified ib_insync client asks the simulated gateway for the past, over a real socket."""

import zipfile
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import ib_insync
import numpy as np
import pandas as pd
import pytest

from ib_gateway.simulator.rules import Rules
from tests.contract.conftest import START_NS, until, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
ES = ib_insync.Future("ES", "202609", "CME", conId=750202609)
NEW_YORK = ZoneInfo("US/Eastern")
START = datetime.fromtimestamp(START_NS // 10**9, UTC)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
async def ib(make_gateway, connect):
    """A client of a gateway that does not pace."""
    return await connect(await make_gateway(rules=Rules.none()))


@pytest.fixture
def eurusd_recording(market_data):
    return market_data / "a_permissive/lean/forex/oanda/tick/eurusd/20140505_quote.zip"


def ask(ib, contract, duration, size, what, *, end="", rth=False, fmt=1, **more):
    return ib.reqHistoricalDataAsync(contract, end, duration, size, what, useRTH=rth, formatDate=fmt, **{"timeout": 10, **more})


def prices(bar):
    return bar.open, bar.high, bar.low, bar.close


# Bars


async def test_the_probe_of_a_watchdog_is_answered_right_after_the_start(make_gateway, connect):
    ib = await connect(await make_gateway())
    probe = ib_insync.Forex("EURUSD")
    async with within(4):
        bars = await ib.reqHistoricalDataAsync(probe, "", "30 S", "5 secs", "MIDPOINT", useRTH=False)
    assert 6 <= len(bars) <= 7
    assert not ib.errors


@pytest.mark.parametrize(
    ("size", "duration", "count"),
    [
        ("1 secs", "60 S", 61), ("5 secs", "300 S", 61), ("10 secs", "300 S", 31), ("15 secs", "300 S", 21),
        ("30 secs", "300 S", 11), ("1 min", "3600 S", 61), ("2 mins", "3600 S", 31), ("3 mins", "3600 S", 21),
        ("5 mins", "3600 S", 13), ("10 mins", "3600 S", 7), ("15 mins", "3600 S", 5), ("20 mins", "3600 S", 4),
        ("30 mins", "3600 S", 3), ("1 hour", "1 D", 19), ("2 hours", "1 D", 10), ("3 hours", "1 D", 7), ("4 hours", "1 D", 6),
        ("8 hours", "1 D", 3), ("1 day", "1 W", 5), ("1 week", "1 M", 5), ("1 month", "1 Y", 13),
    ],
)  # fmt: skip
async def test_there_are_bars_of_every_size(ib, size, duration, count):
    bars = await ask(ib, EURUSD, duration, size, "MIDPOINT")
    assert count - 1 <= len(bars) <= count + 1
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)
    assert [bar.date for bar in bars] == sorted({bar.date for bar in bars})
    assert {(bar.volume, bar.average, bar.barCount) for bar in bars} == {(-1, -1, -1)}


async def test_years_of_days_come_at_once_and_the_same_gateway_anew_says_the_same(make_gateway, connect):
    told = []
    for client_id in (1, 2):
        ib = await connect(await make_gateway(speed=1.0), client_id=client_id)
        async with within(5):
            bars = await ask(ib, AAPL, "5 Y", "1 day", "TRADES", rth=True)
        told.append([(bar.date, *prices(bar), bar.volume) for bar in bars[:-1]])
    assert told[0] == told[1]
    assert 1240 < len(told[0]) < 1270
    assert not {bar[0].weekday() for bar in told[0]} & {5, 6}
    assert date(2025, 12, 25) not in {bar[0] for bar in told[0]}


async def test_resolutions_are_of_one_path(ib):
    end = "20260603 16:00:00 US/Eastern"
    day, hours, minutes = [
        await ask(ib, AAPL, "1 D", size, "TRADES", end=end, rth=True) for size in ("1 day", "1 hour", "1 min")
    ]
    seconds = await ask(ib, AAPL, "1800 S", "1 secs", "TRADES", end="20260603 10:30:00 US/Eastern", rth=True)
    frame = ib_insync.util.df(minutes).set_index("date")
    assert len(minutes) == 390
    rules = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}
    by_hour = frame.resample("1h").agg(rules)
    assert [(*prices(bar), bar.volume) for bar in hours] == [tuple(row) for row in by_hour.itertuples(index=False)]
    assert prices(day[0]) == (frame.open.iloc[0], frame.high.max(), frame.low.min(), frame.close.iloc[-1])
    assert day[0].volume == frame.volume.sum()
    early = frame.between_time("10:00", "10:29")
    ticks = ib_insync.util.df(seconds)
    assert (ticks.open.iloc[0], ticks.high.max(), ticks.low.min(), ticks.close.iloc[-1], ticks.volume.sum()) == (
        early.open.iloc[0], early.high.max(), early.low.min(), early.close.iloc[-1], early.volume.sum(),
    )  # fmt: skip


async def test_the_past_goes_on_in_what_is_played_without_a_seam(make_gateway, connect):
    ib = await connect(await make_gateway(rules=Rules.none(), speed=60.0))
    ticker = ib.reqMktData(EURUSD)
    await until(ib, lambda: ticker.bid > 0)
    live = ib.reqRealTimeBars(EURUSD, 5, "BID", False)
    await until(ib, lambda: len(live) >= 12)
    bars = await ask(ib, EURUSD, "600 S", "5 secs", "BID", fmt=2)
    at_start = next(n for n, bar in enumerate(bars) if bar.date >= START)
    assert 0 < at_start < len(bars) - 1
    assert {later.date - earlier.date for earlier, later in pairwise(bars)} == {timedelta(seconds=5)}
    moves = [abs(later.open - earlier.close) for earlier, later in pairwise(bars)]
    assert moves[at_start - 1] <= max(moves[: at_start - 1] + moves[at_start:]) + 0.0001
    told = {bar.time: (bar.open_, bar.high, bar.low, bar.close) for bar in live}
    seen = {bar.date: prices(bar) for bar in bars}
    assert {at: told[at] for at in told if at in seen} == {at: seen[at] for at in told if at in seen}
    assert len(set(told) & set(seen)) >= 10


async def test_bars_of_the_past_lie_in_sessions_and_begin_with_them(ib):
    regular = await ask(ib, AAPL, "2 W", "30 mins", "TRADES", rth=True)
    assert {f"{bar.date:%H:%M}" for bar in regular} == {f"{n // 2:02}:{n % 2 * 3}0" for n in range(19, 32)}
    whole = await ask(ib, AAPL, "2 D", "1 hour", "MIDPOINT")
    assert {bar.date.hour for bar in whole} == set(range(4, 20))
    hours = await ask(ib, AAPL, "1 D", "1 hour", "TRADES", rth=True)
    assert [f"{bar.date:%H:%M}" for bar in hours] == ["09:30", "10:00", "11:00"]
    forex = await ask(ib, EURUSD, "1 D", "1 hour", "MIDPOINT")
    assert f"{forex[0].date:%a %H:%M}" == "Thu 17:15"
    futures = await ask(ib, ES, "1 D", "4 hours", "TRADES", end="20260601 12:00:00 US/Central")
    assert f"{futures[0].date:%a %H:%M}" == "Sun 17:00"


async def test_bids_asks_and_middles_belong_together(ib):
    bid, ask_, middle, both = [
        await ask(ib, EURUSD, "3600 S", "5 mins", what) for what in ("BID", "ASK", "MIDPOINT", "BID_ASK")
    ]
    for low, high, mid, joined in list(zip(bid, ask_, middle, both, strict=True))[:-1]:
        assert low.close < mid.close < high.close
        assert (joined.low, joined.high) == (low.low, high.high)
        assert low.low <= joined.open <= low.high
        assert high.low <= joined.close <= high.high


async def test_bars_carry_dates_as_asked(ib):
    local = (await ask(ib, EURUSD, "1800 S", "30 mins", "MIDPOINT"))[-1]
    utc = (await ask(ib, EURUSD, "1800 S", "30 mins", "MIDPOINT", fmt=2))[-1]
    day = (await ask(ib, EURUSD, "1 D", "1 day", "MIDPOINT"))[-1]
    assert local.date == utc.date == datetime(2026, 6, 5, 15, tzinfo=UTC)
    assert str(local.date.tzinfo) == "US/Eastern"
    assert day.date == date(2026, 6, 5)
    weeks = await ask(ib, AAPL, "1 M", "1 week", "TRADES", rth=True)
    assert [bar.date for bar in weeks][-2:] == [date(2026, 5, 29), date(2026, 6, 5)]
    months = await ask(ib, AAPL, "1 Y", "1 month", "TRADES", rth=True)
    assert [bar.date for bar in months][-3:] == [date(2026, 4, 30), date(2026, 5, 29), date(2026, 6, 5)]


@pytest.mark.parametrize(
    "end", ["20260603 12:00:00 US/Eastern", "20260603-16:00:00", "20260603 16:00:00 UTC", "20260603 11:00:00 CST"]
)
async def test_an_end_may_be_written_in_every_way(ib, end):
    bars = await ask(ib, AAPL, "3600 S", "10 mins", "TRADES", end=end)
    assert [f"{bar.date:%d %H:%M}" for bar in bars] == [f"03 11:{n}0" for n in range(6)]
    assert not ib.errors


async def test_a_time_without_a_zone_is_the_logins_and_warned_of(ib):
    warnings = []
    ib.errorEvent += lambda *error: warnings.append(error[1])
    bars = await ask(ib, AAPL, "3600 S", "10 mins", "TRADES", end="20260603 16:00:00")
    assert f"{bars[0].date:%H:%M}" == "11:00"
    assert warnings == [2174]


async def test_days_of_a_duration_are_trading_days(ib):
    days = await ask(ib, AAPL, "3 D", "1 day", "TRADES", end="20260601 23:00:00 US/Eastern", rth=True)
    assert [bar.date for bar in days] == [date(2026, 5, 28), date(2026, 5, 29), date(2026, 6, 1)]
    at_night = await ask(ib, AAPL, "60 S", "30 secs", "TRADES", end="20260530 12:00:00 US/Eastern")
    assert [f"{bar.date:%a %H:%M:%S}" for bar in at_night] == ["Fri 19:59:00", "Fri 19:59:30"]


async def test_volatilities_are_of_the_closes_of_thirty_days(ib):
    closes = ib_insync.util.df(
        await ask(ib, AAPL, "3 M", "1 day", "MIDPOINT", end="20260604 22:00:00 US/Eastern", rth=True)
    ).close
    (bar,) = await ask(ib, AAPL, "1 D", "1 day", "HISTORICAL_VOLATILITY", end="20260604 22:00:00 US/Eastern", rth=True)
    returns = np.log(closes).diff()
    assert bar.close == pytest.approx(returns.tail(30).std() * 252**0.5, rel=1e-6)
    (implied,) = await ask(ib, AAPL, "1 D", "1 day", "OPTION_IMPLIED_VOLATILITY", end="20260604 22:00:00 US/Eastern", rth=True)
    assert implied.close == pytest.approx((bar.close + 0.27) / 2, rel=1e-6)


async def test_bars_of_a_recording_are_those_of_its_ticks_and_before_it_there_is_nothing(
    make_gateway, connect, eurusd_recording
):
    gateway = await make_gateway(recording=eurusd_recording, speed=0.0, rules=Rules.none())
    ib = await connect(gateway)
    ib.reqTickByTickData(EURUSD, "BidAsk")
    await until(ib, lambda: gateway.feed.finished)
    with zipfile.ZipFile(eurusd_recording) as archive, archive.open(archive.namelist()[0]) as stream:
        ticks = pd.read_csv(stream, names=["ms", "bid", "ask"])
    ticks.index = pd.Timestamp("2014-05-05", tz="UTC") + pd.to_timedelta(ticks.ms, unit="ms")
    for size, rule in (("5 mins", "5min"), ("1 hour", "1h"), ("30 secs", "30s")):
        bars = await ask(ib, EURUSD, "1 D", size, "BID", end="20140505-20:00:00", fmt=2)
        expected = ticks.bid["2014-05-05":"2014-05-05 19:59:59.999"].resample(rule).ohlc().dropna()
        assert [(bar.date, *prices(bar)) for bar in bars] == [(row[0], *row[1:]) for row in expected.itertuples()]
    assert not await ask(ib, EURUSD, "1 D", "1 hour", "BID", end="20140501-00:00:00")
    assert ib.errors[-1][1:] == (
        162, "Historical Market Data Service error message:HMDS query returned no data: EUR.USD@IDEALPRO Bid",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "what", "duration", "end", "code", "words"),
    [
        ("5 secs", "TRADES", "30 S", "", 162, "HMDS query returned no data: EUR.USD@IDEALPRO Trades"),
        ("5 secs", "FEE_RATE", "30 S", "", 162, "HMDS query returned no data: EUR.USD@IDEALPRO Fee_rate"),
        ("1 sec", "MIDPOINT", "30 S", "", 321, "Legal ones are: 1 secs, 5 secs, 10 secs,"),
        ("5 secs", "NONSENSE", "30 S", "", 321, "What to show value of NONSENSE rejected."),
        ("5 secs", "MIDPOINT", "20 S", "", 321, "Historical data requested duration is invalid."),
        ("5 secs", "MIDPOINT", "3 H", "", 321, "duration format is integer{SPACE}unit (S|D|W|M|Y)."),
        ("1 day", "MIDPOINT", "366 D", "", 321, "durations longer than 365 days must be made in years."),
        ("1 day", "MIDPOINT", "13 M", "", 321, "durations longer than 12 months must be made in years."),
        ("1 min", "MIDPOINT", "86401 S", "", 321, "greater than 86400 seconds rejected."),
        ("1 secs", "MIDPOINT", "1 D", "", 162, "invalid step: 1"),
        ("1 day", "MIDPOINT", "60 S", "", 162, "invalid step: 86400"),
        ("5 secs", "MIDPOINT", "1 M", "", 162, "Time length exceed max."),
        ("1 min", "MIDPOINT", "1 D", "yesterday", 10314, "The date, time, or time-zone entered is invalid."),
        ("1 min", "MIDPOINT", "1 D", "20260605 12:00:00 Mars/Base", 10314, "The date, time, or time-zone entered is invalid."),
        ("1 day", "ADJUSTED_LAST", "1 M", "20260605-12:00:00", 321, "End date not supported with adjusted last"),
        ("1 week", "ADJUSTED_LAST", "1 M", "", 321, "Multi day bar size not supported with adjusted last"),
        ("1 hour", "SCHEDULE", "5 D", "", 321, "Only daily resolution supported for Schedule requests"),
    ],
)
async def test_a_request_that_cannot_be_served_is_an_error_in_ibs_words(ib, size, what, duration, end, code, words):
    assert not await ask(ib, EURUSD, duration, size, what, end=end)
    assert ib.errors[-1][1] == code
    assert words in ib.errors[-1][2]


async def test_a_contract_that_does_not_exist_has_no_past(ib):
    assert not await ask(ib, ib_insync.Stock("NOSUCH", "SMART", "USD"), "1 D", "1 hour", "TRADES")
    assert ib.errors[-1][1:] == (200, "No security definition has been found for the request")


# Bars that go on


async def test_bars_kept_up_to_date_go_on_and_are_appended(make_gateway, connect):
    ib = await connect(await make_gateway(speed=60.0, rules=Rules.none()))
    bars = await ask(ib, EURUSD, "300 S", "5 secs", "MIDPOINT", keepUpToDate=True)
    count, seen = len(bars), []
    bars.updateEvent += lambda _, new: seen.append(new)
    await until(ib, lambda: len(bars) > count + 3)
    dates = [bar.date for bar in bars]
    assert dates == sorted(set(dates))
    assert set(seen) == {True, False}
    assert isinstance(dates[-1], type(dates[0]))
    ib.cancelHistoricalData(bars)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 162
    assert ib.errors[-1][2].startswith("Historical Market Data Service error message:API historical data query cancelled")
    again = await ask(ib, EURUSD, "300 S", "5 secs", "MIDPOINT")
    kept = {bar.date: prices(bar) for bar in bars[count : count + 3]}
    assert {bar.date: prices(bar) for bar in again if bar.date in kept} == kept


async def test_a_day_kept_up_to_date_is_dated_as_a_day(make_gateway, connect):
    ib = await connect(await make_gateway(speed=60.0, rules=Rules.none()))
    bars = await ask(ib, AAPL, "3 D", "1 day", "TRADES", rth=True, keepUpToDate=True)
    volume = bars[-1].volume
    await until(ib, lambda: bars[-1].volume > volume)
    assert [bar.date for bar in bars] == [date(2026, 6, 3), date(2026, 6, 4), date(2026, 6, 5)]


@pytest.mark.parametrize(
    ("what", "end", "words"),
    [
        ("MIDPOINT", "20260605-12:00:00", "End date not supported with live updates"),
        ("BID_ASK", "", "Source price not supported with live updates"),
        ("SCHEDULE", "", "Source price not supported with live updates"),
    ],
)
async def test_not_everything_can_be_kept_up_to_date(ib, what, end, words):
    assert not await ask(ib, EURUSD, "1 D", "1 day", what, end=end, keepUpToDate=True)
    assert ib.errors[-1][1] == 321
    assert ib.errors[-1][2].endswith(words)


async def test_what_is_not_open_cannot_be_cancelled(ib):
    ib.client.cancelHistoricalData(4711)
    await until(ib, lambda: ib.errors)
    assert ib.errors == [(4711, 366, "No historical data query found for ticker id:4711")]


async def test_real_time_bars_come_every_five_seconds_of_market_time(make_gateway, connect):
    gateway = await make_gateway(speed=40.0)
    ib = await connect(gateway)
    bars = ib.reqRealTimeBars(EURUSD, 5, "MIDPOINT", False)
    trades = ib.reqRealTimeBars(AAPL, 5, "TRADES", True)
    await until(ib, lambda: len(bars) >= 4 and len(trades) >= 4)
    times = [bar.time.timestamp() for bar in bars]
    assert {later - earlier for earlier, later in pairwise(times)} == {5.0}
    assert all(bar.low <= bar.open_ <= bar.high and bar.low <= bar.close <= bar.high for bar in [*bars, *trades])
    assert {(bar.volume, bar.wap, bar.count) for bar in bars} == {(-1, -1, -1)}
    assert all(bar.volume >= bar.count >= 0 for bar in trades)
    ib.cancelRealTimeBars(bars)
    count = len(bars)
    await until(ib, lambda: len(trades) >= 6)
    assert len(bars) == count
    assert not ib.errors


async def test_trades_of_currencies_are_no_real_time_bars(ib):
    ib.reqRealTimeBars(EURUSD, 5, "TRADES", False)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 420


# Ticks and what is made of them


@pytest.mark.parametrize("what", ["TRADES", "MIDPOINT", "BID_ASK"])
async def test_ticks_of_the_past_come_from_a_time_on_or_up_to_one(ib, what):
    noon = datetime(2026, 6, 3, 12, tzinfo=NEW_YORK)
    after = await ib.reqHistoricalTicksAsync(AAPL, noon, "", 200, what, useRth=True)
    before = await ib.reqHistoricalTicksAsync(AAPL, "", noon, 200, what, useRth=True)
    assert before[-1].time < noon <= after[0].time
    for ticks in (before, after):
        assert 200 <= len(ticks) < 220
        assert [tick.time for tick in ticks] == sorted(tick.time for tick in ticks)
    more = await ib.reqHistoricalTicksAsync(AAPL, after[-1].time + timedelta(seconds=1), "", 200, what, useRth=True)
    assert more[0].time > after[-1].time


async def test_ticks_are_those_that_bars_are_made_of(ib):
    start, end = "20260603 10:00:00 US/Eastern", "20260603 10:01:00 US/Eastern"
    (bar,) = await ask(ib, AAPL, "60 S", "1 min", "TRADES", end=end)
    ticks = [t for t in await ib.reqHistoricalTicksAsync(AAPL, start, "", 1000, "TRADES", useRth=True) if t.time.minute == 0]
    paid = [tick.price for tick in ticks]
    assert prices(bar) == (paid[0], max(paid), min(paid), paid[-1])
    assert (bar.volume, bar.barCount) == (sum(tick.size for tick in ticks), len(ticks))


async def test_ticks_of_now_are_those_that_were_played(make_gateway, connect):
    ib = await connect(await make_gateway(rules=Rules.none()))
    seen = []
    ticker = ib.reqTickByTickData(EURUSD, "BidAsk")
    ticker.updateEvent += lambda t: seen.extend(t.tickByTicks)
    await until(ib, lambda: len(seen) > 40)
    ticks = await ib.reqHistoricalTicksAsync(EURUSD, START, "", 1000, "BID_ASK", useRth=False)
    told = [(tick.priceBid, tick.priceAsk, tick.sizeBid, tick.sizeAsk) for tick in ticks]
    played = [(tick.bidPrice, tick.askPrice, tick.bidSize, tick.askSize) for tick in seen]
    at = told.index(played[1])
    assert told[at : at + 30] == [later for earlier, later in pairwise(played) if later != earlier][:30]


@pytest.mark.parametrize(
    ("start", "end", "count", "what", "words"),
    [
        ("", "", 10, "TRADES", "Either start or end date/time must be specified"),
        ("20260603-10:00:00", "20260603-11:00:00", 10, "TRADES", "cannot both be specified"),
        ("20260603-10:00:00", "", 0, "TRADES", "Number of ticks must be > 0"),
        ("20260603-10:00:00", "", 1001, "TRADES", "Number of ticks must be <= 1000"),
        ("20260603-10:00:00", "", 10, "BID", "Invalid source price"),
    ],
)
async def test_a_wrong_request_for_ticks_is_an_error(ib, start, end, count, what, words):
    assert not await ib.reqHistoricalTicksAsync(AAPL, start, end, count, what, useRth=True)
    assert ib.errors[-1][1] == 321
    assert words in ib.errors[-1][2]


async def test_a_head_time_stamp_is_where_data_begins(ib):
    head = await ib.reqHeadTimeStampAsync(AAPL, "TRADES", useRTH=True, formatDate=2)
    text = await ib.reqHeadTimeStampAsync(AAPL, "TRADES", useRTH=True, formatDate=1)
    assert head == text.replace(tzinfo=UTC)
    first = await ask(ib, AAPL, "20 Y", "1 day", "TRADES", timeout=60)
    assert first[0].date == head.astimezone(NEW_YORK).date()
    assert not await ib.reqHeadTimeStampAsync(EURUSD, "TRADES", useRTH=True, formatDate=2)
    assert ib.errors[-1][1] == 162


async def test_a_histogram_has_what_was_traded(ib):
    points = await ib.reqHistogramDataAsync(AAPL, useRTH=True, period="2 days")
    days = await ask(ib, AAPL, "2 D", "1 day", "TRADES", rth=True)
    volume = sum(point.count for point in points)
    assert days[0].volume < volume <= sum(bar.volume for bar in days)
    assert min(bar.low for bar in days) <= points[0].price < points[-1].price <= max(bar.high for bar in days)


async def test_a_schedule_has_the_sessions_of_trading_days(ib):
    schedule = await ib.reqHistoricalScheduleAsync(AAPL, 5, "20260527 18:00:00 US/Eastern", useRTH=True)
    assert [session.refDate for session in schedule.sessions] == ["20260520", "20260521", "20260522", "20260526", "20260527"]
    assert (schedule.sessions[0].startDateTime, schedule.sessions[0].endDateTime) == ("20260520-09:30:00", "20260520-16:00:00")
    assert (schedule.timeZone, schedule.startDateTime) == ("US/Eastern", "20260520-09:30:00")


@pytest.mark.parametrize("version", [163, 173, 176])
async def test_dates_are_written_as_the_version_wants_them(make_gateway, connect, version, monkeypatch):
    monkeypatch.setattr(ib_insync.Client, "MaxClientVersion", version)
    ib = await connect(await make_gateway(rules=Rules.none(), speed=30.0))
    assert ib.client.serverVersion() == version
    bars = await ask(ib, AAPL, "3600 S", "30 mins", "TRADES", end="20260603-16:00:00")
    expected = [datetime(2026, 6, 3, 11, minute, tzinfo=NEW_YORK) for minute in (0, 30)]
    if version < 174:  # in the time zone of the login, and without its name
        assert [bar.date.replace(tzinfo=UTC) for bar in bars] == expected
    else:
        assert [bar.date for bar in bars] == expected
    kept = await ask(ib, EURUSD, "60 S", "5 secs", "MIDPOINT", keepUpToDate=True)
    count = len(kept)
    await until(ib, lambda: len(kept) > count)
    assert {type(bar.date) for bar in kept} == {datetime}


# Pacing


async def test_small_bars_are_paced_and_long_ones_are_not(make_gateway, connect):
    ib = await connect(await make_gateway(rules=Rules(messages_per_second=0)))
    assert await ask(ib, EURUSD, "60 S", "5 secs", "BID")
    assert not await ask(ib, EURUSD, "60 S", "5 secs", "BID")
    violation = (162, "Historical Market Data Service error message:Historical data request pacing violation")
    assert ib.errors[-1][1:] == violation
    for seconds in range(61, 65):
        assert await ask(ib, EURUSD, f"{seconds} S", "5 secs", "BID")
    ib.errors.clear()
    assert not await ask(ib, EURUSD, "99 S", "5 secs", "BID")
    assert ib.errors[-1][1:] == violation
    ib.errors.clear()
    for _ in range(70):
        assert await ask(ib, EURUSD, "3600 S", "1 min", "BID")
    assert not ib.errors
