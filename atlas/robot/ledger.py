"""What a robot knows of its orders and positions: the fold of what it asked for and of what it was told.

Nothing here is ever set from outside. An order counts from the moment it is asked for; an execution counts once.
"""

from decimal import Decimal

from atlas.domain import (
    Action,
    Books,
    Cancel,
    Instrument,
    Modify,
    OrderEvent,
    OrderEventKind,
    Position,
    Submit,
    UnknownInstrument,
    action_id,
    exact,
)
from atlas.robot.orders import OrderState, after, with_cancel

_ANSWERS = {
    Modify: frozenset({OrderEventKind.MODIFIED, OrderEventKind.REFUSED}),
    Cancel: frozenset({OrderEventKind.CANCEL_REQUESTED, OrderEventKind.REFUSED}),
}


class Ledger:
    """Orders by id, positions by account and instrument, and the requests that nobody has answered yet."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.books = Books()
        self.orders: dict[str, OrderState] = {}
        self.working: dict[str, OrderState] = {}
        self.unanswered: dict[str, Action] = {}
        self.last_trader_sequence = 0
        self._accounts: dict[str, None] = {}  # in the order of their first execution

    # What the robot asks for

    def ask(self, action: Action) -> None:
        """Count an action that the robot has decided on; once, even if it is told of it again."""
        if isinstance(action, Submit) and action.order.id in self.orders:
            return
        self.unanswered[action_id(action)] = action
        if isinstance(action, Submit):
            self._keep(OrderState(action.order))
        elif isinstance(action, Cancel) and action.order_id in self.working:
            self._keep(with_cancel(self.working[action.order_id]))

    def retract(self, action: Action, before: OrderState | None) -> None:
        """Forget an action that never left; `before` is how its order stood then."""
        self.unanswered.pop(action_id(action), None)
        if before is not None:
            self._keep(before)
        elif isinstance(action, Submit):
            self.orders.pop(action.order.id, None)
            self.working.pop(action.order.id, None)

    # What the robot is told

    def is_news(self, event: OrderEvent) -> bool:
        """Whether `event` was not counted yet. Sequence 0 marks an event that the robot's own side made up."""
        return event.sequence == 0 or event.sequence > self.last_trader_sequence

    def fold(self, event: OrderEvent) -> None:
        """Count an event that is news.

        Raises:
            UnknownInstrument: an execution in an instrument of which the robot has no definition.
        """
        self.last_trader_sequence = max(self.last_trader_sequence, event.sequence)
        fresh = self._book(event)
        state = self.orders.get(event.order_id)
        if state is None and event.order is not None:
            state = OrderState(event.order)
        if state is not None and (fresh or event.kind is not OrderEventKind.EXECUTED):
            self._keep(after(state, event))
        self._strike_answered(event)

    def _book(self, event: OrderEvent) -> bool:
        """Whether the books have changed."""
        if event.execution is not None:
            instrument = self.instruments.get(event.execution.instrument)
            if instrument is None:
                raise UnknownInstrument(
                    f"execution {event.execution.id} is in {event.execution.instrument}, which the robot was not given"
                )
            self._accounts[event.execution.account] = None
            return self.books.execute(event.execution, instrument)
        return event.commission is not None and self.books.charge(event.commission)

    def _keep(self, state: OrderState) -> None:
        order_id = state.order.id
        self.orders[order_id] = state
        if state.status.is_final:
            self.working.pop(order_id, None)
        else:
            self.working[order_id] = state

    def _strike_answered(self, event: OrderEvent) -> None:
        if not self.unanswered:
            return
        state = self.orders.get(event.order_id)
        over = state is None or state.status.is_final
        for key, action in list(self.unanswered.items()):
            if isinstance(action, Submit):
                if action.order.id == event.order_id:
                    del self.unanswered[key]
            elif action.order_id == event.order_id and (over or event.kind in _ANSWERS[type(action)]):
                del self.unanswered[key]

    # What the robot may look at

    def position(self, instrument: str) -> Position:
        """What the robot holds of `instrument`, over all accounts."""
        held = [self.books.position(account, instrument) for account in self._accounts]
        held = [position for position in held if position.quantity]
        if len(held) == 1:
            return held[0]
        quantity = sum((exact(position.quantity) for position in held), Decimal(0))
        cost = sum((exact(position.quantity) * exact(position.average_price) for position in held), Decimal(0))
        return Position(float(quantity), float(cost / quantity) if quantity else 0.0)

    def expected_position(self, instrument: str) -> float:
        """The signed quantity once every working order has executed in full."""
        total = exact(self.position(instrument).quantity)
        for state in self.working.values():
            if state.order.instrument == instrument:
                total += state.signed_remaining
        return float(total)
