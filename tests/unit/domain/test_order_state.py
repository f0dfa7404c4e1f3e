"""The state of an order is the fold of its events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import (
    Commission,
    Execution,
    IllegalTransition,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    OrderStatus,
    Side,
    fold,
)

KIND = OrderEventKind
ORDER = Order("r-1-0", "r", "AAPL@SMART", Side.BUY, 10.0)


def event(sequence: int, kind: OrderEventKind, **fields: object) -> OrderEvent:
    if kind in (KIND.PENDING, KIND.DENIED):
        fields.setdefault("order", ORDER)
    return OrderEvent(sequence, ORDER.id, ORDER.robot, kind, sequence * 10, **fields)


def executed(sequence: int, quantity: float, price: float = 100.0, execution_id: str = "") -> OrderEvent:
    execution = Execution(
        execution_id or f"e{sequence}", ORDER.id, "DU1", ORDER.instrument, Side.BUY, quantity, price, sequence
    )
    return event(sequence, KIND.EXECUTED, execution=execution)


def state_after(*events: OrderEvent) -> OrderState:
    state = None
    for one in events:
        state = fold(state, one)
    assert state is not None
    return state


WORKING = (event(1, KIND.PENDING), event(2, KIND.SENT), event(3, KIND.WORKING))


def test_an_order_fills_by_parts():
    half = state_after(*WORKING, executed(4, 4, 100.0))
    assert (half.status, half.filled, half.remaining) == (OrderStatus.PARTIALLY_FILLED, 4.0, 6.0)
    full = fold(half, executed(5, 6, 101.0))
    assert (full.status, full.remaining, full.average_price) == (OrderStatus.FILLED, 0.0, 100.6)


def test_a_fill_after_the_cancel_counts():
    state = state_after(*WORKING, event(4, KIND.CANCEL_REQUESTED), event(5, KIND.CANCELLED), executed(6, 4))
    assert (state.status, state.filled, state.cancel_requested) == (OrderStatus.CANCELLED, 4.0, True)
    assert fold(state, executed(7, 6)).status is OrderStatus.FILLED


def test_an_execution_that_comes_twice_counts_once():
    state = state_after(*WORKING, executed(4, 4, execution_id="x"))
    again = fold(state, executed(5, 4, execution_id="x"))
    assert again.filled == 4.0


def test_an_event_that_was_applied_changes_nothing_when_it_comes_again():
    state = state_after(*WORKING, event(4, KIND.UNKNOWN))
    assert fold(state, event(3, KIND.WORKING)) == state


def test_an_unknown_order_becomes_what_the_broker_turns_out_to_know():
    unknown = state_after(*WORKING[:2], event(3, KIND.UNKNOWN))
    assert unknown.status is OrderStatus.UNKNOWN
    assert not unknown.status.is_final
    assert fold(unknown, event(4, KIND.WORKING)).status is OrderStatus.WORKING
    assert fold(unknown, event(4, KIND.REJECTED)).status is OrderStatus.REJECTED
    assert fold(unknown, executed(4, 10)).status is OrderStatus.FILLED


def test_a_commission_is_charged_once():
    charge = Commission("e4", 0.35, "USD")
    state = state_after(*WORKING, executed(4, 10), event(5, KIND.COMMISSIONED, commission=charge))
    assert fold(state, event(6, KIND.COMMISSIONED, commission=charge)).commission == 0.35


@pytest.mark.parametrize("ending", [KIND.CANCELLED, KIND.REJECTED, KIND.EXPIRED])
@pytest.mark.parametrize("late", [KIND.SENT, KIND.WORKING, KIND.UNKNOWN, KIND.CANCELLED, KIND.EXPIRED])
def test_nothing_but_a_fill_comes_after_an_ending(ending, late):
    over = state_after(*WORKING, event(4, ending))
    with pytest.raises(IllegalTransition, match=ORDER.id):
        fold(over, event(5, late))


def test_an_order_begins_pending_or_denied_and_in_no_other_way():
    assert state_after(event(1, KIND.DENIED, reason="too large")).reason == "too large"
    with pytest.raises(IllegalTransition):
        fold(None, event(1, KIND.WORKING))


KINDS = st.sampled_from(OrderEventKind)


@given(st.lists(st.one_of(KINDS, st.integers(1, 4)), max_size=20))
def test_whatever_happens_fills_only_grow_and_filled_is_never_left(happenings):
    state = state_after(event(1, KIND.PENDING))
    for sequence, what in enumerate(happenings, start=2):
        try:
            after = fold(state, executed(sequence, float(what)) if isinstance(what, int) else event(sequence, what))
        except IllegalTransition:
            continue
        assert after.filled >= state.filled
        assert (after.status is OrderStatus.FILLED) == (after.filled >= ORDER.quantity)
        assert after.sequence == sequence
        if state.status.is_final:
            assert after.status in (state.status, OrderStatus.FILLED)
        state = after
