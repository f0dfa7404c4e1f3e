"""Time goes on when the clock is set back."""

from atlas.domain import NS_PER_SECOND, ManualClock
from services.trader.steady import SteadyClock

HOUR = 3600 * NS_PER_SECOND


class Both:
    """A wall clock that can be set, and one that cannot."""

    def __init__(self) -> None:
        self.wall, self.loop = ManualClock(10 * HOUR), ManualClock(0)
        self.steady = SteadyClock(self.wall, self.loop.now_ns)

    def pass_time(self, ns):
        self.loop.advance(ns)
        self.wall = self.set(self.wall.now_ns() + ns)

    def set(self, at_ns):
        self.wall = ManualClock(at_ns)
        self.steady._wall = self.wall
        return self.wall


def test_it_is_the_wall_clock_s_time():
    both = Both()
    for _ in range(3):
        both.pass_time(NS_PER_SECOND)
        assert both.steady.now_ns() == both.wall.now_ns()
    assert both.steady.behind_ns == 0


def test_when_the_clock_is_set_back_time_goes_on_until_it_has_caught_up():
    both = Both()
    before = both.steady.now_ns()
    both.set(before - HOUR)
    both.pass_time(300 * NS_PER_SECOND)
    assert both.steady.now_ns() == before + 300 * NS_PER_SECOND
    assert both.steady.behind_ns == HOUR
    both.set(before + 301 * NS_PER_SECOND)
    assert both.steady.now_ns() == before + 301 * NS_PER_SECOND
    assert both.steady.behind_ns == 0


def test_a_step_back_too_small_for_a_jump_is_waited_out():
    both = Both()
    before = both.steady.now_ns()
    both.set(before - NS_PER_SECOND)
    assert both.steady.now_ns() == before
    both.pass_time(2 * NS_PER_SECOND)
    assert both.steady.now_ns() == both.wall.now_ns()


def test_a_clock_that_is_set_forward_is_followed():
    both = Both()
    both.steady.now_ns()
    both.set(20 * HOUR)
    assert both.steady.now_ns() == 20 * HOUR


def test_it_is_never_before_what_an_earlier_run_wrote_down():
    both = Both()
    both.steady.at_least(11 * HOUR)
    assert both.steady.now_ns() == 11 * HOUR
    both.pass_time(NS_PER_SECOND)
    assert both.steady.now_ns() == 11 * HOUR + NS_PER_SECOND
    assert both.steady.behind_ns == HOUR
