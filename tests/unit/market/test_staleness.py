"""Silence, per instrument."""

import pytest

from atlas.domain import NS_PER_SECOND, BadInput
from atlas.market import Stale, StalenessClock

SECOND = NS_PER_SECOND


def test_an_instrument_is_stale_once_it_is_silent_for_longer_than_its_limit():
    clock = StalenessClock(10)
    clock.watch("A", 0)
    clock.on_tick("A", 5 * SECOND)
    assert clock.stale(15 * SECOND) == []
    assert clock.stale(16 * SECOND) == [Stale("A", 11 * SECOND, has_ticked=True)]
    clock.on_tick("A", 16 * SECOND)
    assert clock.stale(20 * SECOND) == []


def test_one_that_never_said_anything_is_stale_as_well_and_told_apart():
    clock = StalenessClock(10)
    clock.watch("A", 0)
    assert clock.stale(11 * SECOND) == [Stale("A", 11 * SECOND, has_ticked=False)]


def test_limits_are_per_instrument_and_the_list_is_by_name():
    clock = StalenessClock(10)
    for name, limit in (("C", None), ("A", 1.5), ("B", 100)):
        clock.watch(name, 0, limit)
    assert [stale.instrument for stale in clock.stale(50 * SECOND)] == ["A", "C"]


def test_what_is_not_watched_is_never_stale():
    clock = StalenessClock(10)
    clock.on_tick("A", 1)
    clock.watch("B", 0)
    clock.unwatch("B")
    clock.unwatch("B")
    assert clock.stale(10**6 * SECOND) == []


def test_watching_anew_gives_it_time_anew():
    clock = StalenessClock(10)
    clock.watch("A", 0)
    clock.on_tick("A", SECOND)
    clock.watch("A", 50 * SECOND)
    assert clock.stale(55 * SECOND) == []
    assert clock.stale(61 * SECOND) == [Stale("A", 11 * SECOND, has_ticked=False)]


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_limit_must_be_a_time(limit):
    with pytest.raises(BadInput, match="positive"):
        StalenessClock(limit)
