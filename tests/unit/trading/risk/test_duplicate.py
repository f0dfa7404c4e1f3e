import pytest
from support.risk import NOW, OTHER, SECOND, Gatekeeper, buy, changed, sell

from atlas.domain import Denial, OrderKind

FIRST = buy(id="sma-1-0", kind=OrderKind.STOP_LIMIT, limit_price=100.0, stop_price=99.0)
AGAIN = changed(FIRST, id="sma-2-0")


@pytest.fixture
def keeper():
    keeper = Gatekeeper(duplicate_seconds=5)
    keeper.gate.note_submitted(FIRST, NOW)
    return keeper


def test_the_same_order_again_is_denied_for_a_while(keeper):
    text = "order sma-1-0 was the same 2.5 s ago, within duplicate_seconds 5 of the desk"
    denial = keeper.check(AGAIN, now_ns=NOW + 5 * SECOND // 2)
    assert denial == Denial("duplicate_seconds", text, 2.5, 5.0, temporary=True)
    assert not keeper.passes(AGAIN, now_ns=NOW + 5 * SECOND - 1)
    assert keeper.passes(AGAIN, now_ns=NOW + 5 * SECOND)


@pytest.mark.parametrize(
    "difference",
    [
        {"robot": "other"},
        {"instrument": OTHER.id},
        {"side": sell().side},
        {"quantity": 101},
        {"kind": OrderKind.LIMIT_IF_TOUCHED},
        {"limit_price": 100.01},
        {"stop_price": 99.01},
    ],
)
def test_an_order_that_differs_in_anything_of_weight_passes(keeper, difference):
    assert keeper.passes(changed(AGAIN, **difference))


def test_trailing_orders_are_told_apart_by_how_they_trail(keeper):
    trailing = sell(kind=OrderKind.TRAILING_STOP_LIMIT, trail_amount=1.0, limit_offset=0.1, id="sma-3-0")
    keeper.gate.note_submitted(trailing, NOW)
    assert not keeper.passes(changed(trailing, id="sma-4-0"))
    assert keeper.passes(changed(trailing, id="sma-4-0", trail_amount=2.0))
    assert keeper.passes(changed(trailing, id="sma-4-0", trail_amount=None, trail_percent=1.0))
    assert keeper.passes(changed(trailing, id="sma-4-0", limit_offset=0.2))


def test_an_order_is_no_duplicate_of_itself(keeper):
    assert keeper.passes(FIRST)


def test_the_time_runs_from_the_last_of_them(keeper):
    keeper.gate.note_submitted(AGAIN, NOW + 4 * SECOND)
    third = changed(FIRST, id="sma-3-0")
    assert keeper.denial(third, now_ns=NOW + 6 * SECOND).text.startswith("order sma-2-0 was the same 2 s ago")


def test_orders_are_forgotten_after_an_hour(keeper):
    keeper.gate.note_submitted(buy(7), NOW + 3600 * SECOND - 1)
    assert keeper.gate._flow.same_before(AGAIN) == (NOW, FIRST.id)
    keeper.gate.note_submitted(buy(8), NOW + 3600 * SECOND)
    assert keeper.gate._flow.same_before(AGAIN) is None
    assert keeper.gate._flow.same_before(buy(7)) is not None


def test_without_the_rule_the_same_order_may_come_again():
    keeper = Gatekeeper()
    keeper.gate.note_submitted(FIRST, NOW)
    assert keeper.passes(AGAIN)
