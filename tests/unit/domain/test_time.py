"""UTC nanoseconds, and nothing that has no time zone."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, NS_PER_US, ManualClock, from_datetime, iso, to_datetime


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        from_datetime(datetime(2026, 3, 29, 2, 30))  # noqa: DTZ001 - that is the point


def test_the_hour_that_happens_twice_is_two_instants():
    new_york = ZoneInfo("America/New_York")
    first = from_datetime(datetime(2026, 11, 1, 1, 30, tzinfo=new_york))
    second = from_datetime(datetime(2026, 11, 1, 1, 30, tzinfo=new_york, fold=1))
    assert second - first == 3600 * NS_PER_SECOND


def test_a_zone_is_only_another_way_to_write_the_same_instant():
    tokyo = datetime(2026, 1, 1, 9, tzinfo=timezone(timedelta(hours=9)))
    assert from_datetime(tokyo) == from_datetime(datetime(2026, 1, 1, tzinfo=UTC))


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_datetime_survives_the_way_there_and_back_to_the_microsecond(moment):
    ns = from_datetime(moment)
    assert ns % NS_PER_US == 0
    assert to_datetime(ns) == moment
    assert datetime.fromisoformat(iso(ns)) == moment


def test_nanoseconds_below_a_microsecond_are_cut_and_not_rounded():
    assert iso(999_999_999) == "1970-01-01T00:00:00.999999Z"


def test_a_manual_clock_stands_until_it_is_moved():
    clock = ManualClock(5)
    assert clock.now_ns() == clock.now_ns() == 5
    clock.advance(2)
    assert clock.now_ns() == 7
    clock.set(1)
    assert clock.now_ns() == 1
