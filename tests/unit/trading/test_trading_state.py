import msgspec
import pytest

from atlas.domain import Denial
from atlas.trading.trading_state import ACTIVE_FROM_START, TradingState, TradingStateChange, refused

ACTIVE, REDUCING, HALTED = TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED


def change(state, until_ns=0, who="ann", reason="news"):
    return TradingStateChange(state, who, reason, 5, until_ns)


@pytest.mark.parametrize(
    ("state", "is_exit", "passes"),
    [
        (ACTIVE, False, True),
        (ACTIVE, True, True),
        (REDUCING, False, False),
        (REDUCING, True, True),
        (HALTED, False, False),
        (HALTED, True, False),
    ],
)
def test_each_state_lets_through_what_it_says(state, is_exit, passes):
    assert (refused(change(state), 10, is_exit=is_exit) is None) is passes


def test_at_first_everything_is_let_through():
    assert ACTIVE_FROM_START.at(0) is ACTIVE


@pytest.mark.parametrize("state", [REDUCING, HALTED])
def test_a_state_until_a_time_ends_at_that_time(state):
    assert change(state, 100).at(99) is state
    assert change(state, 100).at(100) is ACTIVE
    assert refused(change(state, 100), 99, is_exit=False) is not None
    assert refused(change(state, 100), 100, is_exit=False) is None


@pytest.mark.parametrize("state", [REDUCING, HALTED])
def test_a_state_without_a_time_holds_for_good(state):
    assert change(state).at(2**62) is state


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (change(REDUCING), "only orders that reduce a position are taken, trading_state reducing by ann (news): "),
        (change(HALTED), "trading is halted, trading_state halted by ann (news): "),
        (change(HALTED, who=""), "trading is halted, trading_state halted (news): "),
        (change(HALTED, reason=""), "trading is halted, trading_state halted by ann: "),
        (change(HALTED, reason="two\nlines"), "trading is halted, trading_state halted by ann (two lines): "),
        (
            change(HALTED, 1_000_000_000),
            "trading is halted, trading_state halted by ann (news): until 1970-01-01T00:00:01.000000Z; ",
        ),
    ],
)
def test_a_denial_says_what_holds_who_set_it_why_until_when_and_what_ends_it(of, words):
    denial = refused(of, 0, is_exit=False)
    assert denial == Denial("trading_state", words + "`atlas trade resume` ends that", temporary=True)


def test_a_change_reads_the_same_after_it_was_written():
    written = msgspec.msgpack.encode(change(HALTED, 100))
    assert msgspec.msgpack.decode(written) == ["trading_state", "halted", "ann", "news", 5, 100, False]
    assert msgspec.msgpack.decode(written, type=TradingStateChange) == change(HALTED, 100)


def test_states_are_stored_by_these_names():
    assert [state.value for state in TradingState] == ["active", "reducing", "halted"]
