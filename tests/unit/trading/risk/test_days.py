import pytest
from support.risk import new_york

from atlas.domain import BadInput
from atlas.trading.risk import SessionDays

# 2026-11-16 is a Monday.
BEGINS = {
    "2026-11-15 16:59": ("2026-11-12 17:00", "2026-11-15 17:00"),
    "2026-11-15 17:00": ("2026-11-15 17:00", "2026-11-16 17:00"),
    "2026-11-16 10:00": ("2026-11-15 17:00", "2026-11-16 17:00"),
    "2026-11-19 17:00": ("2026-11-19 17:00", "2026-11-22 17:00"),
    "2026-11-20 16:59": ("2026-11-19 17:00", "2026-11-22 17:00"),
    "2026-11-20 17:01": ("2026-11-19 17:00", "2026-11-22 17:00"),
    "2026-11-21 12:00": ("2026-11-19 17:00", "2026-11-22 17:00"),
    "2026-11-20 00:00": ("2026-11-19 17:00", "2026-11-22 17:00"),
}


@pytest.mark.parametrize("now", list(BEGINS))
def test_a_day_that_begins_in_the_evening_is_the_next_ones(now):
    begun, following = BEGINS[now]
    days = SessionDays()
    assert days.begun_by(new_york(now)) == new_york(begun)
    assert days.next_after(new_york(now)) == new_york(following)


def test_the_last_nanosecond_belongs_to_the_day():
    days, border = SessionDays(), new_york("2026-11-17 17:00")
    assert days.begun_by(border - 1) == new_york("2026-11-16 17:00")
    assert days.begun_by(border) == border
    assert days.next_after(border - 1) == border
    assert days.next_after(border) == new_york("2026-11-18 17:00")


def test_a_day_that_begins_in_the_morning_is_its_own():
    days = SessionDays("09:30")
    assert days.begun_by(new_york("2026-11-21 12:00")) == new_york("2026-11-20 09:30")
    assert days.next_after(new_york("2026-11-20 09:30")) == new_york("2026-11-23 09:30")


def test_a_day_follows_the_clock_of_its_zone_through_the_change_of_hours():
    days = SessionDays()
    assert days.begun_by(new_york("2026-11-02 10:00")) == new_york("2026-11-01 17:00")  # hours changed on the 1st
    assert days.next_after(new_york("2026-03-06 10:00")) == new_york("2026-03-08 17:00")  # and on the 8th


def test_days_can_be_counted_elsewhere():
    tokyo = SessionDays("08:00", "Asia/Tokyo")
    assert tokyo.begun_by(new_york("2026-11-18 19:00")) == new_york("2026-11-18 18:00")


@pytest.mark.parametrize("start", ["24:00", "9:30", "09:60", "0930", "", "09:30:00"])
def test_a_time_that_is_none_is_refused(start):
    with pytest.raises(BadInput, match="is not a time of day; write hours and minutes, as 17:00"):
        SessionDays(start)


@pytest.mark.parametrize("zone", ["Mars/Base", "", "../x"])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(BadInput, match="there is no time zone"):
        SessionDays("17:00", zone)
