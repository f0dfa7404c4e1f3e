"""The robots' way to the trader and back, as the one loop sees it; and the direct way, over the bus."""

from typing import Protocol

from atlas.bus import BlockingRequester, orders
from atlas.bus.envelope import Message
from atlas.bus.orders import Command, Events, EventsSince, OrderAnswer, OrderQuery, Receipt
from atlas.domain import Action, AtlasError, Cancel, Modify, OrderEvent, Unavailable, action_id

REQUEST_SECONDS = 2.0
GIVE_UP_SECONDS = 10.0
"""What the trader has not got after this is too old to be meant."""


class OrderEvents(Message, frozen=True, tag="order_events"):
    """Order events for the mailbox: nothing that concerns these robots is missing from number `first` to the last one."""

    first: int
    events: list[OrderEvent]


class TraderLink(Protocol):
    """A way to the trader. `events_since` and `settle` wait for an answer, the others do not."""

    @property
    def connected(self) -> bool:
        """Whether the trader can be reached, as far as is known."""

    def post(self, robot: str, action: Action) -> None:
        """Send a robot's action. Sent again, it is recognised by its id.

        Raises:
            Unavailable: it cannot be sent now; nothing was.
            BadInput: it never can be.
        """

    def receive(self) -> list[tuple[str, Receipt | AtlasError]]:
        """What came of which action, by its id. Unavailable: nobody knows yet; send it again. BadInput: nothing was done."""

    def events_since(self, sequence: int) -> Events:
        """The order events after number `sequence`, those of other robots perhaps left out.

        Raises:
            AtlasError: they cannot be had now.
        """

    def settle(self, robot: str, action: Action) -> bool:
        """Whether the trader has the action, or will get it; if False, it never will: what was on its way is withdrawn.

        Raises:
            AtlasError: that cannot be told now.
        """

    def close(self) -> None:
        """Let go of what the calling thread uses."""


class DirectLink:
    """Over the trader's order socket."""

    def __init__(self, trader: BlockingRequester[orders.Reply]) -> None:
        self._trader = trader
        self._posted: dict[int, str] = {}

    @property
    def connected(self) -> bool:
        """Whether the trader is there."""
        return self._trader.connected

    def post(self, _robot: str, action: Action) -> None:
        """Send an action; Unavailable if the trader is not there."""
        self._posted[self._trader.post(Command(action), action_id(action))] = action_id(action)

    def receive(self) -> list[tuple[str, Receipt | AtlasError]]:
        """Receipts, and what went wrong instead."""
        found: list[tuple[str, Receipt | AtlasError]] = []
        for number, answer in self._trader.receive():
            asked = self._posted.pop(number, None)
            if asked is not None and isinstance(answer, Receipt | AtlasError):
                found.append((asked, answer))
        return found

    def events_since(self, sequence: int) -> Events:
        """The events of all robots; Unavailable if the trader does not answer."""
        answer = self._trader.ask(EventsSince(sequence), REQUEST_SECONDS)
        if not isinstance(answer, Events):
            raise Unavailable(f"the trader answered with {type(answer).__name__} instead of its events")
        return answer

    def settle(self, _robot: str, action: Action) -> bool:
        """Ask the trader what became of the order. What it has not got has expired on the way."""
        order_id = action.order_id if isinstance(action, Modify | Cancel) else action_id(action)
        answer = self._trader.ask(OrderQuery(order_id), REQUEST_SECONDS)
        return isinstance(answer, OrderAnswer) and answer.known and _is_in(answer.events, action)

    def close(self) -> None:
        """Close the socket."""
        self._trader.close()


def _is_in(events: list[OrderEvent], action: Action) -> bool:
    """Whether a known order's events hold the action: the order itself, or a change or cancellation of that id."""
    return not isinstance(action, Modify | Cancel) or any(event.action_id == action.id for event in events)
