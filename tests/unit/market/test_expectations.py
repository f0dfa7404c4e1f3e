"""Ticks that have to come."""

import pytest

from atlas.domain import NS_PER_SECOND, BadInput
from atlas.market import Expectations

SECOND = NS_PER_SECOND


def test_what_does_not_tick_in_time_is_overdue_and_what_ticks_is_not():
    expectations = Expectations(10, 60)
    expectations.expect("A", 0)
    expectations.expect("B", 5 * SECOND)
    assert expectations.overdue(10 * SECOND - 1) == []
    assert expectations.overdue(10 * SECOND) == ["A"]
    expectations.met("A")
    assert "A" not in expectations
    assert expectations.overdue(100 * SECOND) == ["B"]


def test_each_attempt_in_vain_waits_twice_as_long_up_to_the_longest():
    expectations, waits, now = Expectations(10, 60), [], 0
    for _ in range(6):
        expectations.expect("A", now)
        waits.append(next(s for s in range(1000) if expectations.overdue(now + s * SECOND)))
        now += waits[-1] * SECOND
    assert waits == [10, 20, 40, 60, 60, 60]
    assert expectations.attempts("A") == 5


def test_a_tick_makes_the_next_expectation_short_again():
    expectations = Expectations(10, 60)
    expectations.expect("A", 0)
    expectations.expect("A", 10 * SECOND)
    expectations.met("A")
    expectations.expect("A", 100 * SECOND)
    assert expectations.attempts("A") == 0
    assert expectations.overdue(110 * SECOND) == ["A"]


def test_nothing_is_expected_of_a_link_that_is_gone():
    expectations = Expectations(10, 60)
    expectations.expect("B", 0)
    expectations.expect("A", 0)
    assert expectations.overdue(10 * SECOND) == ["A", "B"]
    expectations.forget()
    assert len(expectations) == 0
    assert expectations.overdue(10**6 * SECOND) == []
    expectations.met("A")


@pytest.mark.parametrize(("first", "longest"), [(0, 1), (-1, 1), (2, 1), (float("nan"), 1)])
def test_a_wait_must_be_a_time(first, longest):
    with pytest.raises(BadInput):
        Expectations(first, longest)
