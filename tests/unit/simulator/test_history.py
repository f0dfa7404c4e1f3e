"""The history desk without any wire: what requests mean, which are refused, pacing, the farm, bars that go on."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, ManualClock, Quote, Trade, from_datetime
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker, HistoryTerms
from ib_gateway.simulator.broker.history import desk as desk_module
from ib_gateway.simulator.broker.history.pacing import Pacing
from ib_gateway.simulator.broker.history.query import BAR_SECONDS, KINDS, Duration, Refusal, read_duration, read_query
from ib_gateway.simulator.broker.history.windows import windows
from ib_gateway.simulator.broker.times import client_moment, client_time
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.instruments.days import TradingDays
from ib_gateway.simulator.market import SeededPast
from ib_gateway.simulator.messages import Contract, replies
from ib_gateway.simulator.messages import requests as r
from ib_gateway.simulator.rules import Rules

EURUSD = Contract(con_id=12087792, exchange="IDEALPRO")
AAPL = Contract(con_id=265598, exchange="SMART")
CATALOGUE = load()
LISTINGS = {listing.instrument.id: listing for listing in CATALOGUE}
NOON = from_datetime(datetime(2026, 6, 5, 16, tzinfo=UTC))  # a Friday, noon in New York
DAYS = TradingDays()
VIOLATION = "Historical Market Data Service error message:Historical data request pacing violation"


class Desk:
    """A broker with a past, a clock that stands, and everything that was said."""

    def __init__(self, rules=Rules.none(), past=True, always=False):  # noqa: B008 - frozen
        self.clock = ManualClock(NOON)
        self.said = []
        days = TradingDays(always=True) if always else DAYS
        terms = HistoryTerms(SeededPast(LISTINGS, days, 1) if past else None, days, rules)
        self.broker = Broker(
            CATALOGUE, Exchange(CATALOGUE.instruments(), {"DU1": {"USD": 1e6}}), self.clock, self,
            lambda client, reply: self.said.append((client, reply)), lambda *_: None, history_terms=terms,
        )  # fmt: skip
        self.broker.begin()
        self.broker.connect(1)
        self.said.clear()

    def append(self, record):
        """Nothing is kept."""

    def ask(self, request, client_id=1):
        self.said.clear()
        self.broker.handle(client_id, request)
        return [reply for _, reply in self.said]

    def bars(self, req_id=1, contract=AAPL, end="", size="5 secs", duration="60 S", what="BID", client_id=1, **more):
        values = {"use_rth": False, "format_date": 2, "keep_up_to_date": False} | more
        request = r.HistoricalData(
            req_id, contract, include_expired=False, end=end, bar_size=size, duration=duration, what_to_show=what, **values
        )
        return self.ask(request, client_id)

    def play(self, *prices, instrument="AAPL@SMART", trades=False):
        """Quotes around prices, a second apart, and time."""
        for price in prices:
            self.clock.advance(NS_PER_SECOND)
            now = self.clock.now_ns()
            events = [Quote(instrument, price - 0.01, price + 0.01, 100, 100, now, now)]
            self.broker.on_market(events + ([Trade(instrument, price, 50, now, now)] if trades else []))
            self.broker.on_time()

    def heard(self, kind):
        return [reply for _, reply in self.said if isinstance(reply, kind)]


_PLAYED = {past: Desk(past=past) for past in (True, False)}
for _desk in _PLAYED.values():
    _desk.play(300, 301, 302, trades=True)
    _desk.play(1.16, 1.17, instrument="EUR.USD@IDEALPRO")


def codes(said):
    return [reply.code for reply in said if isinstance(reply, replies.Error)]


# What a request means


@pytest.mark.parametrize(
    ("text", "duration"),
    [("30 S", (30, "S")), ("45", (45, "S")), ("1 d", (1, "D")), ("52 w", (52, "W")), ("12 M", (12, "M")), ("20 Y", (20, "Y"))],
)
def test_durations_are_a_number_and_a_unit(text, duration):
    assert read_duration(text) == Duration(*duration)


@pytest.mark.parametrize(
    "text", ["", "0 D", "29 S", "1", "D", "1D", "-1 D", "1.5 D", "1 H", "53 W", "13 M", "366 D", "69 Y", "9" * 12]
)
def test_other_durations_are_refused(text):
    with pytest.raises(Refusal) as refusal:
        read_duration(text)
    assert refusal.value.code == 321


@pytest.mark.parametrize(
    ("duration", "day", "earlier"),
    [
        (Duration(1, "M"), date(2024, 3, 31), date(2024, 2, 29)), (Duration(1, "Y"), date(2024, 2, 29), date(2023, 2, 28)),
        (Duration(12, "M"), date(2024, 12, 15), date(2023, 12, 15)), (Duration(2, "W"), date(2024, 3, 10), date(2024, 2, 25)),
        (Duration(1, "M"), date(2024, 1, 31), date(2023, 12, 31)), (Duration(60, "S"), date(2024, 1, 31), date(2024, 1, 31)),
    ],
)  # fmt: skip
def test_months_and_years_go_back_by_the_calendar(duration, day, earlier):
    assert duration.back_from(day) == earlier


@pytest.mark.parametrize(
    ("text", "day", "zoned"),
    [
        ("20260603-16:00:00", 3, True), ("20260603 12:00:00 US/Eastern", 3, True), ("20260603 12:00:00 EST", 3, True),
        ("20260603  12:00:00  America/New_York", 3, True), ("20260603 16:00:00", 3, False), ("16:00:00", 5, False),
        ("12:00:00 US/Eastern", 5, True), ("20260603 16:00:00 UTC", 3, True),
    ],
)  # fmt: skip
def test_times_are_read_in_every_shape(text, day, zoned):
    assert client_moment(text, "UTC", NOON) == (from_datetime(datetime(2026, 6, day, 16, tzinfo=UTC)), zoned)


@pytest.mark.parametrize(
    "text", ["yesterday", "20260603", "20261303-10:00:00", "20260603 25:00:00", "20260603 10:00:00 ../etc", "x y z"]
)
def test_other_times_are_none(text):
    with pytest.raises(ValueError, match=r"."):
        client_moment(text, "UTC", NOON)
    with pytest.raises(ValueError, match="Invalid time"):
        client_time(text, "UTC")


def test_what_is_wrong_first_is_said_first():
    request = r.HistoricalData(
        1, EURUSD, include_expired=False, end="never", bar_size="1 fortnight", duration="x", use_rth=False, what_to_show="?",
        format_date=9, keep_up_to_date=True,
    )  # fmt: skip
    told = []
    for fixed in ({"end": "20260603-10:00:00"}, {"duration": "1 D"}, {"bar_size": "1 day"}, {"what_to_show": "BID"},
                  {"format_date": 1}, {"end": ""}):  # fmt: skip
        with pytest.raises(Refusal) as refusal:
            read_query(request, "UTC", NOON)
        told.append((refusal.value.code, refusal.value.text.split(" : cause - ")[-1].split(".")[0][:40]))
        request = r.HistoricalData(**{name: getattr(request, name) for name in request.__struct_fields__} | fixed)
    assert [code for code, _ in told] == [10314, 321, 321, 321, 321, 321]
    assert [text for _, text in told[2:]] == [
        "Historical data bar size setting is inva", "What to show value of ? rejected",
        "Date formatting selection of 9 rejected", "End date not supported with live updates",
    ]  # fmt: skip
    assert read_query(request, "UTC", NOON).daily


@pytest.mark.parametrize("size", ["1 week", "1W", "1 W", "1w"])
def test_weeks_may_be_written_in_several_ways(size):
    said = Desk().bars(size=size, duration="1 M")
    assert len(said[0].bars) == 5


def test_seconds_of_a_duration_are_trading_time():
    monday = from_datetime(datetime(2026, 6, 1, 8, 0, 30, tzinfo=UTC))  # half a minute after the open at 04:00 in New York
    spans = windows(DAYS, LISTINGS["AAPL@SMART"], Duration(90, "S"), monday, regular=False, whole_days=False)
    assert (spans[0].date, spans[0].end_ns - spans[0].start_ns) == (date(2026, 5, 29), 60 * NS_PER_SECOND)
    assert spans[-1].date == date(2026, 6, 1)
    regular = windows(DAYS, LISTINGS["AAPL@SMART"], Duration(60, "S"), monday, regular=True, whole_days=False)
    assert [(w.date, w.end_ns - w.start_ns) for w in regular] == [(date(2026, 5, 29), 60 * NS_PER_SECOND)]


_SOME = st.sampled_from


@pytest.mark.parametrize("past", [True, False])
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_request_is_answered_once_with_data_or_one_of_ibs_errors(past, data):
    desk = _PLAYED[past]
    contract = data.draw(_SOME([EURUSD, AAPL, Contract(symbol="ES", sec_type="FUT", expiry="202609"), Contract(con_id=1)]))
    what = data.draw(_SOME([*sorted(KINDS), "NONSENSE"]))
    end = data.draw(
        _SOME(["", "20260605-16:00:02", "20260603 12:00:00 US/Eastern", "20200101-00:00:00", "20300101-00:00:00", "x"])
    )
    regular, form = data.draw(st.booleans()), data.draw(_SOME([0, 1, 2, 3]))
    size, duration = (
        data.draw(_SOME(list(BAR_SECONDS))),
        data.draw(_SOME(["60 S", "3600 S", "1 D", "3 D", "1 W", "2 M", "1 Y"])),
    )
    said = [
        *desk.bars(
            1, contract, end, size, duration, what, use_rth=regular, format_date=form, keep_up_to_date=data.draw(st.booleans())
        ),
        *desk.ask(r.HistoricalTicks(2, contract, False, "", end, data.draw(st.integers(0, 200)), what, regular, form == 1)),
        *desk.ask(r.HeadTimestamp(3, contract, False, regular, what, form)),
        *desk.ask(r.Histogram(4, contract, False, regular, data.draw(_SOME(["3 days", "1 week", "20 mins", "", "3 D"])))),
    ]
    desk.ask(r.CancelHistoricalData(1))
    said = [reply for reply in said if not (isinstance(reply, replies.Error) and reply.code == 2174)]
    assert [reply.req_id for reply in said] == [1, 2, 3, 4]
    assert {reply.code for reply in said if isinstance(reply, replies.Error)} <= {162, 200, 320, 321, 10314}


# Pacing


def test_the_same_request_may_be_made_again_after_fifteen_seconds():
    desk = Desk(Rules())
    assert not codes(desk.bars())
    desk.clock.advance(14 * NS_PER_SECOND)
    assert desk.bars() == [replies.Error(1, 162, VIOLATION)]
    assert not codes(desk.bars(what="ASK"))
    desk.clock.advance(NS_PER_SECOND)
    assert not codes(desk.bars())


def test_six_requests_for_one_series_within_two_seconds_are_too_many_and_bid_ask_counts_twice():
    desk = Desk(Rules())
    assert [codes(desk.bars(duration=f"{60 + n} S")) for n in range(6)] == [[]] * 5 + [[162]]
    assert not codes(desk.bars(contract=EURUSD))
    assert [codes(desk.bars(what="BID_ASK", duration=f"{60 + n} S")) for n in range(3)] == [[], [], [162]]
    desk.clock.advance(2 * NS_PER_SECOND)
    assert not codes(desk.bars(duration="99 S"))


def test_sixty_requests_in_ten_minutes_are_all_there_are_for_all_clients_together():
    desk = Desk(Rules())
    desk.broker.connect(2)
    for n in range(60):
        assert not codes(desk.bars(duration=f"{60 + n} S", client_id=1 + n % 2))
        desk.clock.advance(NS_PER_SECOND)
    assert codes(desk.bars(duration="200 S")) == [162]
    desk.clock.advance(539 * NS_PER_SECOND)
    assert codes(desk.bars(duration="200 S")) == [162]
    desk.clock.advance(NS_PER_SECOND)
    assert desk.bars(duration="200 S") != [replies.Error(1, 162, VIOLATION)]


def test_bars_of_a_minute_and_more_are_not_paced():
    desk = Desk(Rules())
    assert all(not codes(desk.bars(size="1 min", duration="3600 S")) for _ in range(100))


def test_what_was_refused_is_not_counted():
    pacing = Pacing()
    assert pacing.allows("a", "s", 1, 0)
    assert not any(pacing.allows("a", "s", 1, n) for n in range(1, 100))
    assert pacing.allows("b", "s", 1, 100)


def test_fifty_requests_may_be_open():
    desk = Desk(Rules(pace_history=False))
    for n in range(49):
        assert not codes(desk.bars(req_id=n, keep_up_to_date=True))
    assert not codes(
        desk.ask(r.HeadTimestamp(100, AAPL, include_expired=False, use_rth=True, what_to_show="BID", format_date=2))
    )
    assert desk.bars(req_id=101) == [replies.Error(101, 162, VIOLATION)]
    desk.ask(r.CancelHeadTimestamp(100))
    assert not codes(desk.bars(req_id=101))
    assert codes(desk.ask(r.CancelHistoricalData(0))) == [162]
    assert not codes(desk.bars(req_id=102, keep_up_to_date=True))


def test_real_time_bars_are_paced():
    desk = Desk(Rules())
    asked = [codes(desk.ask(r.RealTimeBars(n, EURUSD, 5, "BID", use_rth=False))) for n in range(61)]
    assert asked == [[]] * 60 + [[420]]


# The farm


def test_without_its_farm_there_is_no_history_and_what_goes_on_ends():
    desk = Desk()
    desk.bars(req_id=7, keep_up_to_date=True)
    desk.said.clear()
    desk.broker.farm("ushmds", False)
    assert replies.Error(7, 10182, "Failed to request live updates (disconnected).") in [reply for _, reply in desk.said]
    assert codes(desk.bars(req_id=8)) == [165, 162]
    assert codes(desk.ask(r.CancelHistoricalData(7))) == [366]
    desk.broker.farm("ushmds", True)
    assert not codes(desk.bars(req_id=8))


# Bars that go on


def test_an_update_says_how_the_newest_bar_stands_and_a_new_one_follows_the_last_word_on_the_old():
    desk = Desk()
    (first,) = desk.bars(size="10 secs", what="TRADES", duration="60 S", keep_up_to_date=True)
    desk.said.clear()
    desk.play(*range(300, 312), trades=True)
    updates = [update.bar for update in desk.heard(replies.HistoricalDataUpdate)]
    assert first.bars[-1].date < NOON // NS_PER_SECOND
    assert [(bar.date - NOON // NS_PER_SECOND, bar.open, bar.close, bar.volume, bar.count) for bar in updates] == [
        (0, 300, 304, 250, 5), (0, 300, 308, 450, 9), (10, 309, 309, 50, 1),
    ]  # fmt: skip
    desk.said.clear()
    desk.ask(r.CancelHistoricalData(1))
    desk.play(*range(300, 312))
    assert not desk.heard(replies.HistoricalDataUpdate)


def test_a_number_that_is_in_use_is_not_taken_twice():
    desk = Desk()
    desk.bars(keep_up_to_date=True)
    assert codes(desk.bars()) == [386]


def test_real_time_bars_go_on_flat_where_nothing_happens_and_end_with_the_session():
    desk = Desk()
    desk.ask(r.RealTimeBars(5, AAPL, 5, "TRADES", use_rth=True))
    desk.play(300, 301, 302, 303, trades=True)
    desk.clock.advance(12 * NS_PER_SECOND)
    desk.broker.on_time()
    bars = desk.heard(replies.RealTimeBar)
    assert [(bar.open, bar.high, bar.low, bar.close, bar.volume, bar.count) for bar in bars] == [
        (300, 303, 300, 303, 200, 4), (303, 303, 303, 303, 0, 0), (303, 303, 303, 303, 0, 0),
    ]  # fmt: skip
    desk.said.clear()
    desk.clock.advance(5 * 3600 * NS_PER_SECOND)  # after the close
    desk.broker.on_time()
    assert len(desk.heard(replies.RealTimeBar)) == (4 * 3600 - 15) // 5


def test_the_past_of_a_recording_is_what_was_played():
    desk = Desk(past=False)
    assert codes(desk.bars(size="1 min")) == [162]
    desk.play(300, 301, 302)
    (said,) = desk.bars(size="1 min")
    assert [(bar.open, bar.close) for bar in said.bars] == [(299.99, 301.99)]
    (head,) = desk.ask(r.HeadTimestamp(1, AAPL, include_expired=False, use_rth=True, what_to_show="BID", format_date=2))
    assert head.time == NOON // NS_PER_SECOND + 1


def test_a_schedule_may_reach_as_far_as_its_end():
    end = NOON + 4 * 86_400 * NS_PER_SECOND
    text = datetime.fromtimestamp(end // NS_PER_SECOND, UTC).strftime("%Y%m%d-%H:%M:%S")
    (said,) = Desk().bars(end=text, size="1 day", duration="3 D", what="SCHEDULE", use_rth=True)
    assert [session.date for session in said.sessions] == ["20260605", "20260608", "20260609"]
    (whole,) = Desk().bars(contract=EURUSD, size="1 day", duration="1 W", what="SCHEDULE")
    assert len(whole.sessions) == 5
    assert whole.start == "20260531-17:15:00"


def test_dates_of_the_reply_say_where_the_request_begins_and_ends():
    (said,) = Desk().bars(end="20260604 12:00:00 US/Eastern", size="1 hour", duration="2 D")
    zone = "US/Eastern"
    assert said.end == replies.Moment(NOON - 86_400 * NS_PER_SECOND, zone)
    assert said.start == replies.Moment(NOON - int(timedelta(days=3).total_seconds()) * NS_PER_SECOND, zone)


# Long answers


def in_slices(desk, request):
    """In how many slices an answer was worked out, nothing being said before the last, and what was said at the end."""
    desk.said.clear()
    rest, slices = desk.broker.answer(1, request), 1
    while rest is not None:
        assert desk.said == []
        slices += 1
        try:
            next(rest)
        except StopIteration:
            rest = None
    return slices, [reply for _, reply in desk.said]


LONG = {"include_expired": False, "end": "", "use_rth": False, "format_date": 1, "keep_up_to_date": False}


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize(
    ("size", "duration", "what"),
    [
        ("1 day", "20 Y", "TRADES"), ("1 month", "20 Y", "MIDPOINT"), ("1 hour", "1 Y", "TRADES"), ("1 min", "1 M", "BID_ASK"),
        ("5 secs", "1 D", "TRADES"), ("1 day", "5 Y", "HISTORICAL_VOLATILITY"), ("1 day", "20 Y", "SCHEDULE"),
    ],
)  # fmt: skip
def test_a_long_answer_is_worked_out_in_many_slices(size, duration, what, always):
    desk = Desk(always=always)
    request = r.HistoricalData(1, AAPL, bar_size=size, duration=duration, what_to_show=what, **LONG)
    slices, (reply,) = in_slices(desk, request)
    assert isinstance(reply, replies.HistoricalData | replies.HistoricalSchedule)
    assert slices >= 5


@pytest.mark.parametrize(
    ("size", "duration", "what"),
    [
        ("1 day", "1 Y", "TRADES"), ("1 week", "2 Y", "MIDPOINT"), ("1 month", "3 Y", "BID_ASK"), ("8 hours", "1 M", "TRADES"),
        ("30 secs", "1 D", "TRADES"), ("2 mins", "1 M", "ASK"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("contract", [AAPL, Contract(con_id=750202609, exchange="CME")])
def test_an_answer_in_slices_is_the_one_in_a_piece(monkeypatch, size, duration, what, contract):
    request = r.HistoricalData(1, contract, bar_size=size, duration=duration, what_to_show=what, **LONG)
    sliced = Desk().ask(request)
    monkeypatch.setattr(desk_module, "pieces", lambda spans, *_, **__: [spans])
    assert Desk().ask(request) == sliced


def test_the_first_day_of_data_and_ticks_of_long_ago_are_looked_for_in_slices():
    head = r.HeadTimestamp(1, AAPL, include_expired=False, use_rth=False, what_to_show="TRADES", format_date=2)
    slices, (reply,) = in_slices(Desk(), head)
    assert isinstance(reply, replies.HeadTimestamp)
    assert slices >= 5
    ticks = r.HistoricalTicks(
        2, AAPL, include_expired=False, start="20180303 00:00:00 UTC", end="", count=1000, what_to_show="TRADES", use_rth=True,
        ignore_size=False, options="",
    )  # fmt: skip
    slices, (reply,) = in_slices(Desk(), ticks)
    assert len(reply.ticks) >= 1000
    assert slices >= 5
