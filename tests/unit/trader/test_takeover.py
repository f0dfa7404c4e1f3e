"""What a killed trader left in the store with one thing written and not the other is made to agree, from the events."""

from atlas.domain import Execution, Order, OrderEvent, OrderEventKind, OrderState, OrderStatus, Side, fold
from services.trader.ports import Restored
from services.trader.takeover import agreed, highest_number

K = OrderEventKind
ORDER = Order("robot-1-0", "robot", "EUR.USD@IDEALPRO", Side.BUY, 20_000.0)
FILL = Execution("e.01", ORDER.id, "DU1", ORDER.instrument, Side.BUY, 20_000.0, 1.1, 3)
EVENTS = [
    OrderEvent(1, ORDER.id, "robot", K.PENDING, 1, order=ORDER, broker_order_id=7),
    OrderEvent(2, ORDER.id, "robot", K.WORKING, 2),
    OrderEvent(3, ORDER.id, "robot", K.EXECUTED, 3, execution=FILL),
]


class Store:
    def __init__(self, events):
        self.events = events

    async def events_of(self, order_id):
        return [event for event in self.events if event.order_id == order_id]


def state_after(events):
    state = None
    for event in events:
        state = fold(state, event)
    return state


def restored(events, state, trades=()):
    last = events[-1].sequence if events else 0
    return Restored(states=[state], last_sequence=last, recent=events, used_ids=[ORDER.id], trades=trades)


async def test_an_execution_that_only_its_event_tells_is_a_trade_and_is_written_once_more():
    found, unwritten = await agreed(Store(EVENTS), restored(EVENTS, state_after(EVENTS)), ())
    assert [execution for execution, _ in found.trades] == [FILL]
    assert found.robots == {FILL.id: "robot"}
    assert unwritten == [EVENTS[2]]


async def test_what_is_whole_stays_as_it_is():
    whole = restored(EVENTS, state_after(EVENTS), [(FILL, None)])
    found, unwritten = await agreed(Store(EVENTS), whole, ())
    assert (list(found.states), list(found.trades), unwritten) == ([state_after(EVENTS)], [(FILL, None)], [])


async def test_a_state_ahead_of_all_events_goes_back_to_them_and_its_number_is_used_up():
    ahead = restored(EVENTS[:2], state_after(EVENTS))
    found, _ = await agreed(Store(EVENTS[:2]), ahead, ())
    assert [(state.status, state.sequence) for state in found.states] == [(OrderStatus.WORKING, 2)]
    assert highest_number(ahead) == 3


async def test_a_state_ahead_of_the_store_but_not_of_the_journal_stays():
    found, _ = await agreed(Store(EVENTS[:2]), restored(EVENTS[:2], state_after(EVENTS)), EVENTS[2:])
    assert [state.sequence for state in found.states] == [3]


async def test_an_order_of_which_no_event_was_written_begins_with_the_event_that_was_lost():
    alone = restored([], OrderState(ORDER, OrderStatus.PENDING, 1, broker_order_id=7, sequence=1))
    found, _ = await agreed(Store([]), alone, ())
    assert (list(found.states), list(found.recent), set(found.used_ids)) == ([], EVENTS[:1], set())
