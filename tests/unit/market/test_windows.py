"""Known interruptions: when they are, in every zone and in both nights of daylight saving."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, BadInput, from_datetime
from atlas.market.windows import RESETS, Schedule, Window, clock_time, interruption, schedule_of, windows

MINUTE = 60 * NS_PER_SECOND
HOUR = 60 * MINUTE
NEW_YORK, ZURICH, HONG_KONG = "America/New_York", "Europe/Zurich", "Asia/Hong_Kong"


def utc(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=UTC))


def spans(schedule: Schedule, start: str, end: str) -> list[tuple[str, str]]:
    found = windows(schedule, utc(start), utc(end))
    return [tuple(f"{datetime.fromtimestamp(ns / 1e9, UTC):%m-%d %H:%M}" for ns in (w.start_ns, w.end_ns)) for w in found]  # type: ignore[misc]


def test_the_nightly_restart_keeps_its_local_time_when_daylight_saving_begins():
    schedule = schedule_of(zone=NEW_YORK, restart="23:45", restart_minutes=10)
    assert spans(schedule, "2026-03-07T12:00", "2026-03-09T12:00") == [
        ("03-08 04:45", "03-08 04:55"),
        ("03-09 03:45", "03-09 03:55"),
    ]


def test_the_nightly_restart_keeps_its_local_time_when_daylight_saving_ends():
    schedule = schedule_of(zone=ZURICH, restart="23:45", restart_minutes=30)
    assert spans(schedule, "2026-10-24T12:00", "2026-10-26T12:00") == [
        ("10-24 21:45", "10-24 22:15"),
        ("10-25 22:45", "10-25 23:15"),
    ]


def test_a_window_in_the_hour_that_comes_twice_is_open_in_both():
    schedule = Schedule((interruption("01:15-01:45", NEW_YORK),))
    assert spans(schedule, "2026-11-01T00:00", "2026-11-01T12:00") == [("11-01 05:15", "11-01 06:45")]


def test_a_window_in_the_hour_that_does_not_come_is_open_for_as_long_as_ever():
    schedule = Schedule((interruption("02:15-02:45", NEW_YORK),))
    (window,) = windows(schedule, utc("2026-03-08T00:00"), utc("2026-03-08T12:00"))
    assert window.end_ns - window.start_ns == 30 * MINUTE


def test_the_resets_of_america_are_each_night_but_fridays_which_has_the_longer_one_of_the_weekend():
    schedule = schedule_of(zone=ZURICH, region="america")
    friday, saturday = "2026-06-05", "2026-06-06"
    assert spans(schedule, f"{friday}T03:00", f"{saturday}T12:00") == [
        ("06-05 03:45", "06-05 04:45"),
        ("06-06 03:00", "06-06 07:00"),
    ]
    assert spans(schedule, "2026-06-06T12:00", "2026-06-07T12:00") == [("06-07 03:45", "06-07 04:45")]


@pytest.mark.parametrize("region", [region for region in RESETS if region != "none"])
def test_every_region_has_the_weekend_reset_and_one_a_day(region):
    found = schedule_of(zone=ZURICH, region=region).windows(utc("2026-06-01T00:00"), utc("2026-06-08T00:00"))
    assert {window.name for window in found} == {"the broker's daily reset", "the broker's weekend reset"}
    assert len(found) >= 7


def test_the_weekly_login_is_on_sundays_and_waits_for_a_person():
    schedule = schedule_of(zone=ZURICH, cold_restart="13:00", login_minutes=90)
    (window,) = schedule.windows(utc("2026-06-01T00:00"), utc("2026-06-08T00:00"))
    assert (window.start_ns, window.end_ns) == (utc("2026-06-07T11:00"), utc("2026-06-07T12:30"))
    assert window.needs_login


@pytest.mark.parametrize(("zone", "at"), [(NEW_YORK, "00:30"), (NEW_YORK, "01:00"), (ZURICH, "06:30"), (HONG_KONG, "12:30")])
def test_a_cold_restart_before_the_token_ends_would_need_a_second_one_and_is_refused(zone, at):
    with pytest.raises(BadInput, match="token"):
        schedule_of(zone=zone, cold_restart=at)


def test_a_window_holds_from_its_start_and_not_at_its_end():
    window = Window("x", 10, 20)
    assert [window.holds(ns) for ns in (9, 10, 19, 20)] == [False, True, True, False]
    schedule = schedule_of(zone=NEW_YORK, restart="23:45", restart_minutes=5)
    start = utc("2026-06-06T03:45")
    assert schedule.at(start - 1) is None
    assert schedule.at(start) == schedule.at(start + 5 * MINUTE - 1) == schedule.next(start - HOUR)
    assert schedule.at(start + 5 * MINUTE) is None


def test_time_runs_down_to_the_next_window_and_is_zero_in_it():
    schedule = schedule_of(zone=NEW_YORK, restart="23:45")
    start = utc("2026-06-06T03:45")
    assert schedule.closes_in(start - 90 * NS_PER_SECOND) == 90 * NS_PER_SECOND
    assert schedule.closes_in(start) == schedule.closes_in(start + MINUTE) == 0
    assert schedule.closes_in(start + 5 * MINUTE) == 24 * HOUR - 5 * MINUTE
    assert Schedule().closes_in(start) is None


def test_the_gate_closes_so_long_before_a_window_and_says_which_and_when():
    schedule = schedule_of(zone=NEW_YORK, restart="23:45")
    start = utc("2026-06-06T03:45")
    assert schedule.gate(start - 31 * NS_PER_SECOND, 30) == ""
    assert schedule.gate(start - 30 * NS_PER_SECOND, 30) == (
        "the gateway's nightly restart begins in 30 s, at 2026-06-06 03:45 UTC, and ends at 2026-06-06 03:50 UTC"
    )
    assert schedule.gate(start, 30) == "the gateway's nightly restart is on until 2026-06-06 03:50 UTC"
    assert schedule.gate(start + 5 * MINUTE, 30) == ""
    assert Schedule().gate(start, 30) == ""


def test_of_windows_at_the_same_time_the_one_that_needs_a_person_is_named():
    schedule = schedule_of(zone=NEW_YORK, restart="13:00", restart_minutes=300, cold_restart="13:00", login_minutes=60)
    window = schedule.at(utc("2026-06-07T17:10"))
    assert window is not None
    assert window.name == "the weekly login"


@pytest.mark.parametrize(
    "values",
    [
        {"zone": "Mars/Olympus"},
        {"zone": NEW_YORK, "restart": "24:00"},
        {"zone": NEW_YORK, "restart": "9:00"},
        {"zone": NEW_YORK, "region": "moon"},
        {"zone": NEW_YORK, "interruptions": ("0:15",)},
        {"zone": NEW_YORK, "interruptions": ("someday 00:15-00:30",)},
    ],
)
def test_what_is_no_time_is_refused(values):
    with pytest.raises(BadInput):
        schedule_of(**values)


EVERYTHING = schedule_of(
    zone=NEW_YORK, restart="23:45", cold_restart="13:00", region="america", interruptions=["fri,sat 23:00-03:00", "01:30-02:30"]
)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(lambda moment: from_datetime(moment.replace(tzinfo=UTC)))  # noqa: DTZ001


@given(MOMENTS)
def test_at_any_moment_what_is_open_what_comes_next_and_the_time_until_then_agree(now):
    window, left = EVERYTHING.next(now), EVERYTHING.closes_in(now)
    assert window is not None
    assert left is not None
    assert (left == 0) == window.holds(now) == (EVERYTHING.at(now) is not None)
    assert bool(EVERYTHING.gate(now, 60)) == (left <= 60 * NS_PER_SECOND)
    assert EVERYTHING.at(now + left) is not None
    assert left == 0 or EVERYTHING.at(now + left - 1) is None


@given(MOMENTS, st.integers(0, 14 * 24), st.integers(0, 14 * 24))
def test_windows_of_a_stretch_are_those_of_its_parts(start, first, second):
    middle, end = start + first * HOUR, start + (first + second) * HOUR
    whole = EVERYTHING.windows(start, end)
    assert sorted({*EVERYTHING.windows(start, middle), *EVERYTHING.windows(middle, end)}, key=lambda w: w.start_ns) == sorted(
        set(whole), key=lambda w: w.start_ns
    )
    assert all(w.start_ns < end and w.end_ns > start for w in whole)
    assert all(w.start_ns < w.end_ns for w in whole)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [("23:59", 23, 59), ("00:00", 0, 0), ("11:59 PM", 23, 59), ("12:05 AM", 0, 5), ("12:05 PM", 12, 5), ("1:30AM", 1, 30)],
)
def test_a_time_of_day_is_written_as_we_do_or_as_the_gateway_is_told_it(text, hour, minute):
    assert clock_time(text) == time(hour, minute)


@pytest.mark.parametrize("text", ["", "24:00", "13:00 PM", "0:30 AM", "11:60 PM", "9:30", "11:59 pm"])
def test_what_is_no_time_of_day_is_refused(text):
    with pytest.raises(BadInput, match="is no time of day"):
        clock_time(text)
