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
    OrderState,
    OrderStatus,
    Position,
    UnknownInstrument,
    action_id,
    exact,
    fold,
    orders_of,
)

_FIRST = frozenset({OrderEventKind.PENDING, OrderEventKind.DENIED, OrderEventKind.ADOPTED})
_ANSWERS = {
    Modify: frozenset({OrderEventKind.MODIFY_REQUESTED, OrderEventKind.MODIFIED, OrderEventKind.REFUSED}),
    Cancel: frozenset({OrderEventKind.CANCEL_REQUESTED, OrderEventKind.REFUSED}),
}


class Ledger:
    """Orders by id, positions by account and instrument, and the requests that nobody has answered yet."""

    def __init__(self) -> None:
        self.instruments: dict[str, Instrument] = {}
        self.books = Books()
        self.orders: dict[str, OrderState] = {}
        self.working: dict[str, OrderState] = {}
        self.cancelling: set[str] = set()
        self.unanswered: dict[str, Action] = {}
        self.last_trader_sequence = 0
        self._unheard: set[str] = set()  # orders of which the trader has said nothing yet
        self._accounts: dict[str, None] = {}  # in the order of their first execution

    # What the robot asks for

    def ask(self, action: Action) -> None:
        """Count an action that the robot has decided on; once, even if it is told of it again."""
        if action_id(action) in self.orders:
            return
        for order in orders_of(action):
            self._unheard.add(order.id)
            self._keep(OrderState(order, OrderStatus.PENDING, order.cause_ns))
        if isinstance(action, Cancel):
            self.cancelling.add(action.order_id)
        self.unanswered[action_id(action)] = action

    def retract(self, action: Action) -> None:
        """Undo `ask` for an action that never left, as long as nothing else has happened."""
        self.unanswered.pop(action_id(action), None)
        for order in orders_of(action):
            self._unheard.discard(order.id)
            self.orders.pop(order.id, None)
            self.working.pop(order.id, None)
        if isinstance(action, Cancel):
            self.cancelling.discard(action.order_id)

    # What the robot is told

    def is_news(self, event: OrderEvent) -> bool:
        """Whether `event` was not counted yet. Sequence 0 marks an event that the robot's own side made up."""
        return event.sequence == 0 or event.sequence > self.last_trader_sequence

    def fold(self, event: OrderEvent) -> None:
        """Count an event that is news.

        Raises:
            UnknownInstrument: an execution in an instrument of which the robot has no definition; nothing else is wrong.
            IllegalTransition: the event cannot happen to the order as it stands; positions count it nevertheless.
        """
        self.last_trader_sequence = max(self.last_trader_sequence, event.sequence)
        try:
            self._book(event)
            self._advance(event)
        finally:
            self._strike_answered(event)

    def _advance(self, event: OrderEvent) -> None:
        state = self.orders.get(event.order_id)
        if event.order_id in self._unheard and (event.sequence or event.kind in _FIRST):  # not by what our own side made up
            self._unheard.discard(event.order_id)
            state = None if event.kind in _FIRST else state
        self._keep(fold(state, event))
        if event.kind is OrderEventKind.REFUSED or event.order_id not in self.working:
            self.cancelling.discard(event.order_id)

    def _book(self, event: OrderEvent) -> None:
        if event.execution is not None:
            instrument = self.instruments.get(event.execution.instrument)
            if instrument is None:
                raise UnknownInstrument(
                    f"execution {event.execution.id} is in {event.execution.instrument}, which the robot was not given"
                )
            self._accounts[event.execution.account] = None
            self.books.execute(event.execution, instrument)
        elif event.commission is not None:
            self.books.charge(event.commission)

    def _keep(self, state: OrderState) -> None:
        order_id = state.order.id
        self.orders[order_id] = state
        if state.status.is_final:
            self.working.pop(order_id, None)
        else:
            self.working[order_id] = state

    def _strike_answered(self, event: OrderEvent) -> None:
        over = event.order_id not in self.working
        for key, action in list(self.unanswered.items()):
            if not isinstance(action, Modify | Cancel):
                answered = any(order.id == event.order_id for order in orders_of(action))
            else:
                answered = action.order_id == event.order_id and (over or event.kind in _ANSWERS[type(action)])
            if answered:
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

    def on_the_way(self, state: OrderState) -> Decimal:
        """The signed quantity that an order may still execute."""
        return exact(state.remaining) * state.order.side.sign

    def expected_position(self, instrument: str) -> float:
        """The signed quantity once every working order has executed in full."""
        total = exact(self.position(instrument).quantity)
        for state in self.working.values():
            if state.order.instrument == instrument:
                total += self.on_the_way(state)
        return float(total)
