"""Whether the states of orders that a database holds can be so: they are what the orders' events make. Pure.

A state may be behind its events, or a little ahead, for a trader that is killed may have written the ones and not yet the
others: taking over settles that. It may not be another one, nor far ahead: others can write into a database, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from atlas.domain import IllegalTransition, OrderEvent, OrderState, fold
from atlas.store.orders import HIGHEST_BROKER_ORDER_ID


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of states. `good` holds all that can be, `rebuilt` those of them that were written otherwise.

    `unproven` are, by order id, the reasons why nothing can be said of an order: no event tells of it.
    """

    good: list[OrderState] = field(default_factory=list)
    rebuilt: list[OrderState] = field(default_factory=list)
    unproven: dict[str, str] = field(default_factory=dict)


def prove(states: Iterable[OrderState], events: Mapping[str, Sequence[OrderEvent]], last: int, most: int) -> Proof:
    """Hold states against the events of their orders, by order id. What does not fit is made anew from them.

    Args:
        states: as they were read.
        events: all of each order, in order.
        last: the number of the newest event of all.
        most: the highest number that the event of a state can have had.
    """
    proof = Proof()
    for state in states:
        if last < state.sequence <= most and state.broker_order_id <= HIGHEST_BROKER_ORDER_ID:
            proof.good.append(state)
            continue
        made, at_its_event = None, None
        for event in events.get(state.order.id, ()):
            try:
                made = fold(made, event)
            except IllegalTransition as error:
                proof.unproven[state.order.id] = f"its event {event.sequence} cannot be: {error}"
                made = None
                break
            if event.sequence <= state.sequence:
                at_its_event = made
        if state == at_its_event:
            proof.good.append(state)
        elif made is not None:
            proof.good.append(made)
            proof.rebuilt.append(made)
        else:
            proof.unproven.setdefault(state.order.id, "no event tells of it")
    return proof
