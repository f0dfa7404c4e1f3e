"""What the trader answers on its order command socket."""

from atlas.bus.control import Done, Greet
from atlas.bus.envelope import Message
from atlas.domain import Action, OrderEvent, OrderStatus

__all__ = [
    "ORDER_EVENTS",
    "Command",
    "Done",
    "Events",
    "EventsSince",
    "Greet",
    "Held",
    "OrderAnswer",
    "OrderQuery",
    "Positions",
    "PositionsRequest",
    "Receipt",
    "Reply",
    "Request",
]

ORDER_EVENTS = "orders"
"""The topic on which order events are published, numbered without gaps."""


class Command(Message, frozen=True, tag="command"):
    """Submit, modify or cancel an order. The action's id is the idempotency key."""

    action: Action


class Receipt(Message, frozen=True, tag="receipt"):
    """The command has been taken: written down, or denied for `reason`. What becomes of it comes as order events."""

    order_id: str
    status: OrderStatus
    reason: str = ""


class EventsSince(Message, frozen=True, tag="events_since"):
    """The order events after number `sequence`; of one robot if named."""

    sequence: int
    robot: str = ""


class Events(Message, frozen=True, tag="events"):
    """Order events in order, and the number of the last one there is. Ask again until that number is reached."""

    events: list[OrderEvent]
    last_sequence: int


class OrderQuery(Message, frozen=True, tag="order_query"):
    """What has become of this order?"""

    order_id: str


class OrderAnswer(Message, frozen=True, tag="order_answer"):
    """All events of the order. `known=False` means that it was never written down, and so never sent."""

    known: bool
    events: list[OrderEvent]


class PositionsRequest(Message, frozen=True, tag="positions_request"):
    """What does the account hold by our books?"""


class Held(Message, frozen=True, tag="held"):
    """One instrument of the books: signed quantity, average price, profit realised before commissions, commissions."""

    instrument: str
    quantity: float
    average_price: float
    realised: float
    multiplier: float
    currency: str


class Positions(Message, frozen=True, tag="positions"):
    """Everything that the account holds or has traded, and what it paid in commissions by currency."""

    account: str
    held: list[Held]
    commissions: dict[str, float]


Request = PositionsRequest | Command | EventsSince | OrderQuery | Greet
"""What the order command socket takes."""

Reply = Positions | Receipt | Events | OrderAnswer | Done
"""What it replies."""
