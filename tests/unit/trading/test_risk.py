import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.trading import EURUSD, LIMITS, order

from atlas.domain import OrderKind, Side
from atlas.trading.risk import Exposure, deny

FLAT = Exposure(position=0.0, working_buys=0.0, working_sells=0.0, working_orders_of_robot=0)


def exposure(**values):
    return Exposure(**{**{name: getattr(FLAT, name) for name in FLAT.__slots__}, **values})


def test_an_ordinary_order_passes():
    assert deny(order(), EURUSD, FLAT, LIMITS) == ""


@pytest.mark.parametrize(
    ("wanted", "state", "words"),
    [
        (order(quantity=1_000_001), FLAT, "above max_order_quantity 1e+06"),
        (order(quantity=600_000), exposure(position=500_000.0), "could become 1.1e+06"),
        (order(quantity=600_000), exposure(working_buys=500_000.0), "could become 1.1e+06"),
        (order(), exposure(working_orders_of_robot=5), "has 5 orders working"),
        (order(quantity=0), FLAT, "not a positive number"),
        (order(quantity=float("nan")), FLAT, "not a positive number"),
        (order(quantity=0.5), FLAT, "not a multiple of 1"),
        (order(kind=OrderKind.LIMIT), FLAT, "needs a limit price"),
        (order(kind=OrderKind.LIMIT, limit_price=-1.0), FLAT, "not a positive number"),
        (order(kind=OrderKind.LIMIT, limit_price=1.10001), FLAT, "not a multiple of the tick 5e-05"),
    ],
)
def test_a_rule_says_no_with_its_numbers(wanted, state, words):
    assert words in deny(wanted, EURUSD, state, LIMITS)


def test_an_unknown_instrument_is_denied():
    assert "is not an instrument of this desk" in deny(order(), None, FLAT, LIMITS)


@given(
    position=st.integers(1, 5_000_000),
    share=st.floats(0, 1),
    working=st.integers(0, 50),
    side=st.sampled_from(Side),
)
def test_an_exit_is_never_refused_by_a_limit(position, share, working, side):
    quantity = max(1, int(position * share))
    held = -position * side.sign
    state = exposure(position=float(held), working_orders_of_robot=working)
    assert deny(order(side=side, quantity=quantity), EURUSD, state, LIMITS) == ""


def test_an_order_that_turns_the_position_round_is_no_exit():
    state = exposure(position=10_000.0, working_orders_of_robot=5)
    assert deny(order(side=Side.SELL, quantity=10_001), EURUSD, state, LIMITS) != ""


def test_a_second_exit_behind_a_working_one_is_no_exit():
    state = exposure(position=10_000.0, working_sells=10_000.0, working_orders_of_robot=5)
    assert deny(order(side=Side.SELL, quantity=10_000), EURUSD, state, LIMITS) != ""
