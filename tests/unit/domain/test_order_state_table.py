"""Every pair of a status and an event, held against a table of its own: what becomes of the order, or that it is illegal."""

import pytest

from atlas.domain import (
    Commission,
    Denial,
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
from atlas.domain.order_state import MOST_ANOMALIES

KIND, STATUS = OrderEventKind, OrderStatus
ORDER = Order("r-1-0", "r", "AAPL@SMART", Side.BUY, 10.0)

# One row per event, one column per status: the status afterwards by its letter, "." where nothing changes, "-" where illegal.
# An order that is partly filled has 4 of 10 executed, a filled one all of them; `executed` brings 3 more.
TABLE = """
                    D P S W A F C R E U
    denied          - D - - - - - - - D
    pending         - - - - - - - - - -
    adopted         - - . . . . . . . .
    sent            - S - - - - - - - -
    working         - W W W A - - - - W
    modify_requested - - . . . - - - - -
    modified        - - . . . . - - - .
    executed        . A A A A . . . . A
    commissioned    . . . . . . . . . .
    cancel_requested - . . . . - - - - .
    refused         - . . . . . . . . .
    cancelled       - C C C C . - - - C
    rejected        - R R R R - - - - R
    expired         - E E E E . - - - E
    unknown         - U U U U - - - - U
    anomaly         . . . . . . . . . .
"""
LETTER_OF = {
    "D": STATUS.DENIED,
    "P": STATUS.PENDING,
    "S": STATUS.SENT,
    "W": STATUS.WORKING,
    "A": STATUS.PARTIALLY_FILLED,
    "F": STATUS.FILLED,
    "C": STATUS.CANCELLED,
    "R": STATUS.REJECTED,
    "E": STATUS.EXPIRED,
    "U": STATUS.UNKNOWN,
}


def cells():
    head, *rows = TABLE.strip().splitlines()
    columns = [LETTER_OF[letter] for letter in head.split()]
    for row in rows:
        name, *letters = row.split()
        assert len(letters) == len(columns)
        for status, letter in zip(columns, letters, strict=True):
            yield pytest.param(KIND(name), status, letter, id=f"{status.value}-{name}")


def event(sequence: int, kind: OrderEventKind, **fields: object) -> OrderEvent:
    return OrderEvent(sequence, ORDER.id, ORDER.robot, kind, sequence * 10, **fields)


def executed(sequence: int, quantity: float, name: str = "", price: float = 100.0) -> OrderEvent:
    execution = Execution(name or f"x{sequence}.01", ORDER.id, "DU1", ORDER.instrument, Side.BUY, quantity, price, sequence)
    return event(sequence, KIND.EXECUTED, execution=execution)


def folded(*events: OrderEvent) -> OrderState:
    state = None
    for one in events:
        state = fold(state, one)
    assert state is not None
    return state


PENDING = event(1, KIND.PENDING, order=ORDER)
WORKING = (PENDING, event(2, KIND.SENT), event(3, KIND.WORKING))
WAYS = {
    STATUS.DENIED: (event(1, KIND.DENIED, order=ORDER),),
    STATUS.PENDING: (PENDING,),
    STATUS.SENT: WORKING[:2],
    STATUS.WORKING: WORKING,
    STATUS.PARTIALLY_FILLED: (*WORKING, executed(4, 4)),
    STATUS.FILLED: (*WORKING, executed(4, 10)),
    STATUS.CANCELLED: (*WORKING, event(4, KIND.CANCELLED)),
    STATUS.REJECTED: (*WORKING, event(4, KIND.REJECTED)),
    STATUS.EXPIRED: (*WORKING, event(4, KIND.EXPIRED)),
    STATUS.UNKNOWN: (*WORKING, event(4, KIND.UNKNOWN)),
}
FACTS = {
    KIND.PENDING: {"order": ORDER},
    KIND.ADOPTED: {"order": ORDER},
    KIND.MODIFIED: {"order": ORDER},
    KIND.MODIFY_REQUESTED: {"order": ORDER},
    KIND.COMMISSIONED: {"commission": Commission("x4.01", 1.0, "USD")},
}


def happening(kind: OrderEventKind, sequence: int) -> OrderEvent:
    return executed(sequence, 3) if kind is KIND.EXECUTED else event(sequence, kind, **FACTS.get(kind, {}))


def test_the_table_has_every_pair_once():
    pairs = [(case.values[0], case.values[1]) for case in cells()]
    assert len(pairs) == len(set(pairs)) == len(OrderEventKind) * len(OrderStatus)


@pytest.mark.parametrize(("kind", "status", "letter"), list(cells()))
def test_each_event_does_to_each_status_what_the_table_says(kind, status, letter):
    before = folded(*WAYS[status])
    assert before.status is status
    if letter == "-":
        with pytest.raises(IllegalTransition) as raised:
            fold(before, happening(kind, 9))
        assert str(raised.value) == f"order r-1-0 is {status.value}: {kind.value} cannot happen to it"
        return
    after = fold(before, happening(kind, 9))
    assert after.status is (status if letter == "." else LETTER_OF[letter])
    assert after.sequence == 9


@pytest.mark.parametrize("kind", OrderEventKind)
def test_an_order_begins_pending_denied_or_adopted_and_in_no_other_way(kind):
    begins = {KIND.PENDING: STATUS.PENDING, KIND.DENIED: STATUS.DENIED, KIND.ADOPTED: STATUS.WORKING}
    first = event(1, kind, order=ORDER)
    if kind in begins:
        assert fold(None, first).status is begins[kind]
        with pytest.raises(IllegalTransition, match="r-1-0 is not known"):
            fold(None, event(1, kind))
    else:
        with pytest.raises(IllegalTransition, match=f"{kind.value} cannot be the first that is heard of it"):
            fold(None, first)


def test_the_first_event_says_all_that_is_known():
    denial = Denial("max_position", "too much", 3.0, 2.0)
    first = event(4, KIND.DENIED, order=ORDER, reason="too much", broker_order_id=7, perm_id=8, code=9, denial=denial)
    assert fold(None, first) == OrderState(
        ORDER, STATUS.DENIED, 40, reason="too much", broker_order_id=7, perm_id=8, sequence=4, code=9, denial=denial
    )
    adopted = fold(None, event(1, KIND.ADOPTED, order=ORDER))
    assert adopted.adopted
    assert not fold(None, PENDING).adopted


def test_later_events_add_what_they_know_and_keep_the_rest():
    state = folded(PENDING, event(2, KIND.SENT, broker_order_id=5, perm_id=6, reason="sent", code=3))
    state = fold(state, event(3, KIND.WORKING))
    assert (state.broker_order_id, state.perm_id, state.reason, state.code, state.at_ns) == (5, 6, "sent", 3, 30)
    state = fold(state, event(4, KIND.REFUSED, broker_order_id=50, perm_id=60, reason="no", code=30))
    assert (state.broker_order_id, state.perm_id, state.reason, state.code, state.at_ns) == (50, 60, "no", 30, 40)


def test_an_event_without_a_number_leaves_the_last_number():
    state = folded(*WORKING)
    for one in (event(0, KIND.WORKING), executed(0, 2, "x.01"), event(0, KIND.ANOMALY, reason="odd")):
        state = fold(state, one)
        assert state.sequence == 3
    charged = fold(state, event(0, KIND.COMMISSIONED, commission=Commission("x.01", 1.0, "USD")))
    assert (charged.sequence, charged.commission) == (3, 1.0)


def test_executions_bring_broker_ids_too():
    state = fold(folded(*WORKING), executed(4, 2))
    assert (state.broker_order_id, state.perm_id) == (0, 0)
    execution = Execution("y.01", ORDER.id, "DU1", ORDER.instrument, Side.BUY, 1.0, 100.0, 1)
    state = fold(state, event(5, KIND.EXECUTED, execution=execution, broker_order_id=7, perm_id=8))
    assert (state.broker_order_id, state.perm_id, state.at_ns) == (7, 8, 50)
    state = fold(state, executed(6, 1))
    assert (state.broker_order_id, state.perm_id) == (7, 8)


def test_an_execution_and_a_commission_come_with_what_they_tell():
    for kind in (KIND.EXECUTED, KIND.COMMISSIONED):
        with pytest.raises(IllegalTransition, match=f"r-1-0: {kind.value}, but no"):
            fold(folded(*WORKING), event(4, kind))


def test_a_correction_takes_the_place_of_what_it_corrects_and_an_earlier_word_comes_too_late():
    state = fold(folded(*WORKING), executed(4, 4, "x.02", 101.0))
    assert fold(state, executed(5, 9, "x.01")) == state
    corrected = fold(state, executed(5, 6, "x.03", 100.0))
    assert (corrected.filled, corrected.average_price, len(corrected.fills)) == (6.0, 100.0, 1)
    second = fold(corrected, executed(6, 2, "y.01", 104.0))
    assert (second.filled, second.average_price, second.remaining) == (8.0, 101.0, 2.0)


@pytest.mark.parametrize(
    ("way", "back"),
    [
        (WORKING, STATUS.WORKING),
        (WORKING[:1], STATUS.WORKING),
        (WAYS[STATUS.UNKNOWN], STATUS.WORKING),
        (WAYS[STATUS.CANCELLED], STATUS.CANCELLED),
        (WAYS[STATUS.REJECTED], STATUS.REJECTED),
        (WAYS[STATUS.EXPIRED], STATUS.EXPIRED),
        (WAYS[STATUS.DENIED], STATUS.DENIED),
    ],
)
def test_a_bust_puts_an_order_back_to_where_it_stood_without_its_fill(way, back):
    filled = fold(folded(*way), executed(10, 10, "x.01"))
    assert filled.status is STATUS.FILLED
    busted = fold(filled, executed(11, 0, "x.02"))
    assert (busted.status, busted.filled, busted.average_price) == (back, 0.0, 0.0)


@pytest.mark.parametrize("ending", [KIND.CANCELLED, KIND.EXPIRED])
def test_the_end_of_an_order_that_is_filled_shows_when_a_fill_is_corrected(ending):
    filled = fold(folded(*WORKING), executed(4, 10, "x.01"))
    ended = fold(filled, event(5, ending))
    assert ended.status is STATUS.FILLED
    assert fold(ended, executed(6, 9, "x.02")).status is STATUS(ending.value)
    assert fold(filled, executed(6, 9, "x.02")).status is STATUS.PARTIALLY_FILLED


def test_what_a_filled_order_stood_at_is_not_forgotten_by_what_comes_between():
    filled = fold(folded(*WAYS[STATUS.CANCELLED]), executed(10, 10, "x.01"))
    refused = fold(filled, event(11, KIND.REFUSED))
    assert refused.status is STATUS.FILLED
    assert fold(refused, executed(12, 4, "x.02")).status is STATUS.CANCELLED


def test_a_state_without_its_standing_is_read_by_its_status():
    partly = OrderState(ORDER, STATUS.PARTIALLY_FILLED, 1, filled=4.0, fills=folded(*WAYS[STATUS.PARTIALLY_FILLED]).fills)
    assert fold(partly, executed(9, 1)).status is STATUS.PARTIALLY_FILLED
    assert fold(partly, event(9, KIND.CANCEL_REQUESTED)).status is STATUS.PARTIALLY_FILLED
    full = OrderState(ORDER, STATUS.FILLED, 1, filled=10.0, fills=folded(*WAYS[STATUS.FILLED]).fills)
    assert fold(full, executed(9, 0, "x4.02")).status is STATUS.WORKING


def test_fills_and_charges_are_kept_in_the_order_of_their_ids_however_they_came():
    one, two = executed(4, 2, "b.01"), executed(5, 3, "a.01")
    state = folded(*WORKING, one, two)
    assert [fill.id for fill in state.fills] == ["a.01", "b.01"]
    for sequence, name in enumerate(("b.01", "a.01"), 6):
        state = fold(state, event(sequence, KIND.COMMISSIONED, commission=Commission(name, 0.1, "USD")))
    assert [charge.id for charge in state.charges] == ["a.01", "b.01"]
    assert state.commission == 0.2


def test_a_correction_leaves_the_fills_before_and_after_it():
    state = folded(*WORKING, *(executed(4 + n, 2, name) for n, name in enumerate(("a.01", "b.01", "c.01", "d.01"))))
    state = fold(state, executed(9, 1, "b.02"))
    assert [(fill.id, fill.quantity) for fill in state.fills] == [("a.01", 2), ("b.02", 1), ("c.01", 2), ("d.01", 2)]


def test_the_same_execution_with_other_words_changes_nothing():
    state = folded(*WORKING, executed(4, 2, "a.01"))
    assert fold(state, executed(5, 3, "a.01")) == state


def test_the_commission_of_a_correction_takes_the_place_of_the_earlier_one():
    state = folded(*WORKING, executed(4, 10, "x.01"), event(5, KIND.COMMISSIONED, commission=Commission("x.01", 2.0, "USD")))
    state = fold(state, event(6, KIND.COMMISSIONED, commission=Commission("x.02", 1.5, "USD")))
    assert (state.commission, state.at_ns) == (1.5, 60)
    assert fold(state, event(7, KIND.COMMISSIONED, commission=Commission("x.01", 2.0, "USD"))) == state


def test_a_change_counts_as_exposed_until_it_is_answered():
    larger = Order("r-1-0", "r", "AAPL@SMART", Side.BUY, 15.0)
    largest = Order("r-1-0", "r", "AAPL@SMART", Side.BUY, 25.0)
    state = folded(*WORKING, executed(4, 4), event(5, KIND.MODIFY_REQUESTED, order=largest))
    state = fold(state, event(6, KIND.MODIFY_REQUESTED, order=larger))
    assert (state.remaining, state.exposed, state.order.quantity) == (6.0, 21.0, 10.0)
    assert fold(state, event(7, KIND.WORKING)).exposed == 21.0
    assert fold(state, event(7, KIND.REFUSED)).exposed == 6.0
    assert fold(state, event(7, KIND.REFUSED)).requested_quantity == 0.0
    granted = fold(state, event(7, KIND.MODIFIED, order=larger))
    assert (granted.exposed, granted.remaining, granted.order) == (11.0, 11.0, larger)


def test_a_change_to_what_is_filled_fills_the_order():
    state = folded(*WORKING, executed(4, 4))
    smaller = Order("r-1-0", "r", "AAPL@SMART", Side.BUY, 4.0)
    assert fold(state, event(5, KIND.MODIFIED, order=smaller)).status is STATUS.FILLED


def test_a_change_to_more_than_what_is_filled_lets_a_filled_order_work_again():
    state = folded(*WAYS[STATUS.FILLED])
    larger = Order("r-1-0", "r", "AAPL@SMART", Side.BUY, 15.0)
    assert fold(state, event(5, KIND.MODIFIED, order=larger)).status is STATUS.PARTIALLY_FILLED


def test_a_requested_cancellation_is_remembered_until_it_is_refused():
    state = folded(*WORKING, event(4, KIND.CANCEL_REQUESTED))
    assert state.cancel_requested
    assert fold(state, event(5, KIND.WORKING)).cancel_requested
    assert not fold(state, event(5, KIND.REFUSED)).cancel_requested
    assert not folded(*WORKING).cancel_requested


def test_anomalies_are_kept_once_each_and_change_nothing_else():
    state = folded(*WORKING)
    odd = fold(state, event(4, KIND.ANOMALY, reason="odd"))
    assert (odd.anomalies, odd.at_ns, odd.reason, odd.status) == (("odd",), 30, "", STATUS.WORKING)
    assert fold(odd, event(5, KIND.ANOMALY, reason="odd")).anomalies == ("odd",)
    for sequence in range(5, 60):
        odd = fold(odd, event(sequence, KIND.ANOMALY, reason=f"odd {sequence}"))
    assert len(odd.anomalies) == MOST_ANOMALIES == 20


def test_a_partly_filled_order_that_turns_up_again_is_partly_filled():
    lost = folded(*WORKING, executed(4, 4), event(5, KIND.UNKNOWN))
    assert lost.status is STATUS.UNKNOWN
    assert fold(lost, event(6, KIND.WORKING)).status is STATUS.PARTIALLY_FILLED
    assert fold(lost, event(6, KIND.CANCELLED)).status is STATUS.CANCELLED


def test_an_event_that_was_applied_changes_nothing_when_it_comes_again():
    state = folded(*WORKING, executed(4, 4))
    for sequence in (3, 4):
        assert fold(state, event(sequence, KIND.CANCELLED)) is state
    assert fold(state, event(5, KIND.CANCELLED)).status is STATUS.CANCELLED
