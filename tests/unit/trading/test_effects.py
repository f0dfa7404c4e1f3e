"""Decisions that are put together."""

from atlas.domain import Denial, OrderEvent, OrderEventKind
from atlas.trading.effects import NOTHING, AskBroker, Decision, joined

ONE, TWO = (OrderEvent(number, "o-1", "robot", OrderEventKind.SENT, number) for number in (1, 2))
DENIED = Denial("order_status", "too late")


def test_what_is_joined_keeps_all_events_and_effects_in_their_order_and_the_first_denial():
    first = Decision((ONE,), (AskBroker("one"),))
    second = Decision((TWO,), (AskBroker("two"),), DENIED)
    third = Decision(denial=Denial("link", "no link"))
    whole = joined([NOTHING, first, NOTHING, second, third])
    assert whole == Decision((ONE, TWO), (AskBroker("one"), AskBroker("two")), DENIED)
    assert first + second + third == whole


def test_nothing_joined_is_nothing_and_one_decision_is_itself():
    alone = Decision((ONE,))
    assert joined([]) == joined([NOTHING, NOTHING]) == NOTHING
    assert joined([NOTHING, alone]) is alone
    assert (NOTHING + alone, alone + NOTHING) == (alone, alone)
