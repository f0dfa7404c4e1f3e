"""When listings trade: phases for the exchange, holidays and half days, and the broker's strings for them."""

import json
from datetime import UTC, date, datetime

import pytest

from atlas.domain import BadInput, UnknownInstrument, from_datetime, iso
from atlas.exchange.calendar import NEVER_NS, Phase
from ib_gateway.simulator.instruments import Hours, ListedHours, holidays, load
from ib_gateway.simulator.instruments.holidays import Holidays


@pytest.fixture(scope="module")
def catalogue():
    return load()


@pytest.fixture(scope="module")
def calendar(catalogue):
    return ListedHours(catalogue)


def ns(text):
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def phases(calendar, instrument, start, count):
    """The phase at a moment and those that follow, each with its beginning."""
    found, at = [], ns(start)
    for _ in range(count):
        found.append((iso(at)[:16], calendar.phase(instrument, at).name))
        at = calendar.next_change(instrument, at)
    return found


def test_a_stock_has_a_regular_session_between_two_extended_ones(calendar):
    assert phases(calendar, "AAPL@SMART", "2026-06-05T07:00", 5) == [
        ("2026-06-05T07:00", "CLOSED"),
        ("2026-06-05T08:00", "EXTENDED"),
        ("2026-06-05T13:30", "REGULAR"),
        ("2026-06-05T20:00", "EXTENDED"),
        ("2026-06-06T00:00", "CLOSED"),
    ]


def test_a_stock_rests_on_a_holiday_and_trades_three_hours_less_on_the_day_after_thanksgiving(calendar):
    assert phases(calendar, "AAPL@SMART", "2026-11-26T01:00", 6) == [
        ("2026-11-26T01:00", "CLOSED"),
        ("2026-11-27T09:00", "EXTENDED"),
        ("2026-11-27T14:30", "REGULAR"),
        ("2026-11-27T18:00", "EXTENDED"),
        ("2026-11-27T22:00", "CLOSED"),
        ("2026-11-30T09:00", "EXTENDED"),
    ]


def test_a_future_of_chicago_stops_at_noon_of_a_holiday_and_is_back_in_the_evening(calendar):
    assert phases(calendar, "ES-202612@CME", "2026-11-25T22:30", 4) == [
        ("2026-11-25T22:30", "CLOSED"),
        ("2026-11-25T23:00", "EXTENDED"),
        ("2026-11-26T14:30", "REGULAR"),
        ("2026-11-26T18:00", "CLOSED"),
    ]


def test_currencies_pause_for_a_quarter_of_an_hour_a_day_and_on_christmas(calendar):
    assert phases(calendar, "EUR.USD@IDEALPRO", "2026-12-23T20:00", 5) == [
        ("2026-12-23T20:00", "REGULAR"),
        ("2026-12-23T22:00", "CLOSED"),
        ("2026-12-23T22:15", "REGULAR"),
        ("2026-12-24T22:00", "CLOSED"),
        ("2026-12-27T22:15", "REGULAR"),
    ]


def test_a_phase_holds_from_its_first_nanosecond_to_the_last_before_the_next(calendar):
    opens = ns("2026-06-05T13:30")
    assert calendar.phase("AAPL@SMART", opens - 1) is Phase.EXTENDED
    assert calendar.phase("AAPL@SMART", opens) is Phase.REGULAR
    assert calendar.next_change("AAPL@SMART", opens - 1) == opens
    assert calendar.next_change("AAPL@SMART", opens) == ns("2026-06-05T20:00")


def test_an_expired_future_is_closed_for_good_from_the_time_of_its_last_trade(calendar):
    last = ns("2026-12-18T14:30")
    assert calendar.phase("ES-202612@CME", last - 1) is Phase.EXTENDED
    assert calendar.next_change("ES-202612@CME", last - 1) == last
    assert calendar.phase("ES-202612@CME", last) is Phase.CLOSED
    assert calendar.next_change("ES-202612@CME", last) == NEVER_NS


def test_phases_do_not_depend_on_what_was_asked_before(catalogue):
    moments = [
        ns(f"2026-{month:02}-{day:02}T{hour:02}:00") for month in (3, 11) for day in (6, 7, 8, 9) for hour in (0, 9, 15, 22)
    ]
    asked_in_turn, asked_backwards = ListedHours(catalogue), ListedHours(catalogue)

    def answers(calendar, at):
        return calendar.phase("AAPL@SMART", at), calendar.next_change("AAPL@SMART", at)

    expected = [answers(asked_in_turn, at) for at in moments]
    assert [answers(asked_backwards, at) for at in reversed(moments)] == expected[::-1]
    assert [answers(ListedHours(catalogue), at) for at in moments] == expected


def test_summer_time_moves_the_session_on_the_clock_of_the_world(calendar):
    assert calendar.next_change("AAPL@SMART", ns("2026-03-06T12:00")) == ns("2026-03-06T14:30")
    assert calendar.next_change("AAPL@SMART", ns("2026-03-09T12:00")) == ns("2026-03-09T13:30")


def test_what_is_not_listed_has_no_phase(calendar):
    with pytest.raises(UnknownInstrument, match="NOSUCH@SMART is not in the instruments file"):
        calendar.phase("NOSUCH@SMART", 0)


def test_every_listing_opens_within_a_week(catalogue):
    for listing in catalogue:
        assert listing.trading.session_at(ns("2026-12-24T23:59")).open_ns < ns("2027-01-01T00:00")


def test_every_calendar_of_the_shipped_file_exists(catalogue):
    found = {id(listing.trading.holidays): listing.trading.holidays for listing in catalogue}
    assert {one.calendar for one in found.values()} >= {"XNYS", "CMES"}
    for one in found.values():
        one.check()


@pytest.mark.parametrize("first", [2010, 2020, 2030])
def test_the_holidays_that_are_shipped_are_those_that_the_library_knows(catalogue, first):
    """They are not any more? Run scripts/holidays.py."""
    calendars = {listing.trading.holidays.calendar for listing in catalogue} - {""}
    assert calendars == set(holidays.shipped())
    for name in calendars:
        years = holidays.shipped()[name]
        assert {year: years[year] for year in range(first, first + 10)} == holidays.years_of(name, first, first + 9)


def test_years_that_are_not_shipped_are_those_of_the_library():
    assert 2041 not in holidays.shipped()["XNYS"]
    assert Holidays("XNYS").closed(date(2041, 12, 25))


def test_years_that_no_calendar_knows_have_no_holidays():
    assert not Holidays("XNYS").closed(date(2190, 12, 25))


@pytest.mark.parametrize("text", ["25-12", "xmas", "02-30"])
def test_a_day_of_the_year_that_does_not_exist_is_refused(text):
    with pytest.raises(BadInput, match=text):
        Holidays("", [text])


def test_recorded_trading_hours_of_the_broker_are_written_alike(catalogue, market_data):
    recorded = json.loads((market_data / "a_permissive/ib/contract_details.json").read_text())
    compared = 0
    for details in recorded:
        names = {"TSLA": "TSLA@SMART", "ES": "ES-202506@CME", "AAPL": "AAPL@SMART"}
        listing = catalogue.get(names.get(details["symbol"], ""))
        days = details["tradingHours"].split(";")
        if listing is None or details["exchange"] not in ("SMART", "CME") or len(days) != 6:
            continue
        first = details["tradingHours"][:8]
        day = date.fromisoformat(f"{first[:4]}-{first[4:6]}-{first[6:]}")
        noon = listing.trading.instant(datetime.combine(day, datetime.min.time()).replace(hour=12))
        if details["symbol"] == "ES":  # its first session began the evening before
            noon += 24 * 3600 * 10**9
        assert listing.trading.text(noon) == details["tradingHours"]
        compared += 1
    assert compared >= 2


def test_hours_that_are_the_same_every_week_need_no_calendar():
    week = Hours("UTC", ["MON 09:00-MON 17:00"])
    assert week.text(ns("2026-12-21T12:00"), 2) == "20261221:0900-20261221:1700;20261222:CLOSED"
