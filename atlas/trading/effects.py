"""What the desk wants done: plain values beside its events. The shell carries them out and decides nothing.

Whatever goes to the broker leaves only when the events beside it stand in the database. Of `PlaceOrder`, `ChangeOrder` and
`CancelOrder` the shell asks `Desk.may_send` right before they leave and tells the desk what became of them: `sent`,
`not_sent` or `unresolved`. Alarms and questions are carried out at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from atlas.domain import Denial, Order, OrderEvent


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """Send a new order. `parent_id` and `transmit` are for `BrokerPort.place`: a group's last leg releases all of them."""

    order: Order
    broker_order_id: int
    parent_id: int = 0
    transmit: bool = True

    @property
    def order_id(self) -> str:
        """Our order's id."""
        return self.order.id


@dataclass(frozen=True, slots=True)
class ChangeOrder:
    """Send the changed order under the number that it has."""

    order: Order
    broker_order_id: int
    parent_id: int = 0

    @property
    def order_id(self) -> str:
        """Our order's id."""
        return self.order.id


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """Ask for the cancellation of an order of ours. Asking again does no harm."""

    order_id: str
    broker_order_id: int


@dataclass(frozen=True, slots=True)
class CancelSurplus:
    """Ask for the cancellation of what an order has too much of: a second one of the same reference, at the broker only."""

    order_id: str
    broker_order_id: int
    perm_id: int


@dataclass(frozen=True, slots=True)
class CancelEverything:
    """Ask for the cancellation of every order of the login: some that are to go were placed by others."""


@dataclass(frozen=True, slots=True)
class AskBroker:
    """Something came that cannot be judged: take a snapshot and reconcile."""

    reason: str


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """A person must know. `key` is the alarm's, `text` says what is wrong and what to do; `critical` is for money at risk."""

    key: str
    text: str
    critical: bool = False


@dataclass(frozen=True, slots=True)
class ClearAlarm:
    """It is well again."""

    key: str


Sending = PlaceOrder | ChangeOrder | CancelOrder
"""What is sent for an order of ours, and what the desk wants to be told about."""

Effect = Sending | CancelSurplus | CancelEverything | AskBroker | RaiseAlarm | ClearAlarm


@dataclass(frozen=True, slots=True)
class Decision:
    """What one command or report leads to: events to write, in this order, and what is to be done.

    `denial` says why a change or a cancellation of an order that stands was denied: nothing happened to the order, so there is
    no event. A denied new order is an event and carries its denial there.
    """

    events: tuple[OrderEvent, ...] = ()
    effects: tuple[Effect, ...] = ()
    denial: Denial | None = None

    def __add__(self, other: "Decision") -> "Decision":
        """Both, one after the other."""
        if other == NOTHING:
            return self
        return Decision(self.events + other.events, self.effects + other.effects, self.denial or other.denial)


NOTHING = Decision()
"""Nothing is written, and nothing is to be done."""


def joined(decisions: Iterable[Decision]) -> Decision:
    """All of them, one after the other; for many, at once."""
    found = [decision for decision in decisions if decision != NOTHING]
    if len(found) < 2:  # nothing to join
        return found[0] if found else NOTHING
    return Decision(
        tuple(event for decision in found for event in decision.events),
        tuple(effect for decision in found for effect in decision.effects),
        next((decision.denial for decision in found if decision.denial is not None), None),
    )
