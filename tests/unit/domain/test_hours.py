"""Trading hours as the broker writes them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, BadInput, Hours, from_datetime, to_datetime

STOCK = "20260605:0930-20260605:1600;20260606:CLOSED;20260607:CLOSED;20260608:0930-20260608:1600;20260609:0930-20260609:1300"
FOREX = "20260604:1715-20260605:1700;20260606:CLOSED;20260607:1715-20260608:1700;20260608:1715-20260609:1700"


def at(text):
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def changes(hours, start, count):
    moments, now = [], at(start)
    for _ in range(count):
        now = hours.next_change(now)
        moments.append(to_datetime(now).strftime("%a %d %H:%M"))
    return moments


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-06-05T13:29:59", False),
        ("2026-06-05T13:30", True),
        ("2026-06-05T19:59:59", True),
        ("2026-06-05T20:00", False),
        ("2026-06-06T15:00", False),
        ("2026-06-09T16:59", True),
        ("2026-06-09T17:00", False),  # a half day
    ],
)
def test_a_session_is_on_from_its_opening_to_its_close_in_the_instruments_zone(moment, is_open):
    assert Hours(STOCK, "US/Eastern").is_open(at(moment)) is is_open


def test_openings_and_closes_follow_each_other():
    found = changes(Hours(STOCK, "US/Eastern"), "2026-06-05T12:00", 6)
    assert found == ["Fri 05 13:30", "Fri 05 20:00", "Mon 08 13:30", "Mon 08 20:00", "Tue 09 13:30", "Tue 09 17:00"]


def test_days_beyond_those_that_are_named_are_as_their_weekdays():
    hours = Hours(STOCK, "US/Eastern")
    assert changes(hours, "2026-06-11T00:00", 4) == ["Thu 11 13:30", "Thu 11 20:00", "Fri 12 13:30", "Fri 12 20:00"]
    assert not hours.is_open(at("2026-06-13T15:00"))


def test_sessions_over_night_belong_to_the_day_on_which_they_open_and_go_on_for_weeks():
    hours = Hours(FOREX, "US/Eastern")
    assert hours.is_open(at("2026-06-05T03:00"))
    assert changes(hours, "2026-06-05T03:00", 2) == ["Fri 05 21:00", "Sun 07 21:15"]
    assert changes(hours, "2026-06-12T03:00", 2) == ["Fri 12 21:00", "Sun 14 21:15"]


def test_a_string_that_names_no_sunday_still_opens_on_sunday_evening():
    hours = Hours("20260608:1715-20260609:1700;20260609:1715-20260610:1700", "US/Eastern")
    assert changes(hours, "2026-06-12T20:00", 2) == ["Fri 12 21:00", "Sun 14 21:15"]


def test_a_holiday_that_is_named_makes_no_rule():
    hours = Hours("20260605:CLOSED;20260606:CLOSED;20260607:CLOSED;20260608:0930-20260608:1600", "US/Eastern")
    assert not hours.is_open(at("2026-06-05T15:00"))
    assert hours.is_open(at("2026-06-10T15:00"))


def test_the_clock_of_the_zone_counts_when_summer_ends():
    hours = Hours(STOCK, "US/Eastern")
    assert hours.is_open(at("2026-10-30T13:30"))  # Friday, summer time
    assert not hours.is_open(at("2026-11-02T13:30"))  # Monday after it
    assert hours.is_open(at("2026-11-02T14:30"))


def test_the_older_way_of_writing_is_read_alike():
    assert Hours("20260605:0930-1200,1300-1600;20260606:CLOSED", "UTC").is_open(at("2026-06-05T13:00"))
    assert not Hours("20260605:0930-1200,1300-1600", "UTC").is_open(at("2026-06-05T12:30"))
    assert Hours("20260604:1700-1600", "UTC").is_open(at("2026-06-05T15:00"))


def test_sessions_that_follow_each_other_without_a_break_are_one():
    hours = Hours("20260605:0000-20260606:0000;20260606:0000-20260607:0000", "UTC")
    assert hours.next_change(at("2026-06-05T12:00")) == at("2026-06-07")


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "20260605",
        "0930-1600",
        "20261399:0930-20261399:1600",
        "20260605:closed",
        "20260605:0960-1600",
        "20260605:0930-2401",
        "20260605:0930-1600;broken",
    ],
)
def test_what_cannot_be_read_is_refused(text):
    with pytest.raises(BadInput):
        Hours(text, "UTC")


@pytest.mark.parametrize(
    ("text", "moment", "said"),
    [
        ("20261119:1715-20261120:1700", "2026-11-20T03:00", True),
        ("20261119:1715-20261120:1700", "2026-11-20T17:00", False),
        ("20261119:1715-20261120:1700", "2026-11-19T17:14", False),
        ("20261119:1715-20261120:1700", "2026-11-21T03:00", None),
        ("20261119:1715-20261120:1700", "2026-11-26T18:00", None),
        ("20261119:0000-20261120:0000", "2026-11-20T00:00", None),
        ("20261119:0000-2400", "2026-11-19T23:59", True),
        ("20261119:0930-20261119:1600;20261121:CLOSED", "2026-11-20T12:00", None),
        ("20261120:0900-1130,20261120:1230-1500", "2026-11-20T12:00", False),
        ("20261120:0900-1130,20261120:1230-1500", "2026-11-20T13:00", True),
        ("20261120:0900-1130;20261120:1230-1500;", "2026-11-20T11:29", True),
        ("20261120:CLOSED", "2026-11-20T11:29", False),
        ("", "2026-11-20T11:29", None),
    ],
)
def test_what_the_broker_said_is_told_from_what_is_only_likely(text, moment, said):
    assert Hours(text, "UTC").says_open(at(moment)) is said


def test_a_guess_opens_no_session_on_a_day_that_was_named_as_the_end_of_another():
    hours = Hours("20261116:1715-20261117:1700", "UTC")
    assert hours.is_open(at("2026-11-17T18:00"))
    assert hours.says_open(at("2026-11-17T18:00")) is False


@pytest.mark.parametrize(
    ("zone", "is_open"),
    [
        ("US/Eastern", True),
        ("America/New_York", True),
        ("EST", True),
        ("EST (Eastern Standard Time)", True),
        ("EST5EDT", True),
        ("US/Central", False),
        ("CST (Central Standard Time)", False),
        ("JST", False),
    ],
)
def test_hours_are_local_to_the_zone_as_the_broker_calls_it(zone, is_open):
    assert Hours("20260720:0930-1600;20260721:0930-1000", zone).is_open(at("2026-07-20T13:45")) is is_open


@pytest.mark.parametrize("zone", ["Nowhere/Atall", "", "../etc"])
def test_hours_in_no_zone_are_refused(zone):
    with pytest.raises(BadInput, match="no time zone"):
        Hours("20260720:0930-1600", zone)


def test_hours_without_any_session_never_change():
    assert Hours("20260605:CLOSED", "UTC").next_change(at("2026-06-05T12:00")) is None


@given(st.sampled_from([STOCK, FOREX]), st.integers(0, 90 * 24 * 60))
def test_what_the_broker_said_holds_where_hours_are_guessed_too(text, minutes):
    hours = Hours(text, "US/Eastern")
    now = at("2026-05-20") + minutes * 60 * NS_PER_SECOND
    if hours.says_open(now):
        assert hours.is_open(now)


@given(st.sampled_from([STOCK, FOREX]), st.integers(0, 90 * 24 * 60))
def test_the_state_holds_until_the_next_change_and_is_another_one_then(text, minutes):
    hours = Hours(text, "US/Eastern")
    now = at("2026-05-20") + minutes * 60 * NS_PER_SECOND
    change = hours.next_change(now)
    assert change > now
    assert hours.is_open(change - 1) is hours.is_open(now)
    assert hours.is_open(change) is not hours.is_open(now)


def test_recorded_hours_of_real_contracts_are_read(market_data):
    recorded = json.loads((market_data / "a_permissive/ib/contract_details.json").read_text())
    texts = [
        (hours, one.get("timeZoneId") or one.get("time_zone_id") or "UTC")
        for one in _dicts(recorded)
        for name, hours in one.items()
        if name.lower().replace("_", "") in ("tradinghours", "liquidhours") and isinstance(hours, str) and hours
    ]
    assert texts
    for text, zone in texts:
        Hours(text, zone)


def _dicts(value):
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _dicts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _dicts(item)
