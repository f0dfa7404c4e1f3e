"""What protected a position and is too much once an exit was filled beside it: it is cancelled, or shrunk to what is left.

An exit may leave while a stop or a target rests for the same units (`atlas.trading.risk.exits`). When it is filled, they could
turn the position round: the desk takes them back with the very report of the fill. Until the broker has done so, some
milliseconds, both can be filled if the market is at both prices; a blocking OCA group leaves that to the broker.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from atlas.domain import Cancel, Execution, Modify, Order, OrderEvent, OrderEventKind, OrderState, exact
from atlas.trading.blotter import Blotter
from atlas.trading.commands import Commands
from atlas.trading.effects import NOTHING, Decision, joined
from atlas.trading.risk.exits import WAITS_FOR_ITS_PRICE, closable, rests, same_hand


class Surplus:
    """Keeps what rests to protect a position within it."""

    def __init__(self, blotter: Blotter, commands: Commands) -> None:
        self._blotter = blotter
        self._commands = commands

    def recognise(self) -> None:
        """After a restart: which orders of the earlier run protect something."""
        for state in self._blotter.working():
            order = state.order
            if order.parent_id or exact(state.exposed) <= closable(order, self._blotter):
                self._blotter.protecting.add(order.id)

    def after(self, decision: Decision) -> Decision:
        """`decision`, and what the fills in it make superfluous."""
        fills = {event.order_id: event for event in decision.events if event.kind is OrderEventKind.EXECUTED}
        if not fills or not self._blotter.protecting:
            return decision
        return joined([decision, *(self._after_fill(event) for event in fills.values())])

    def _after_fill(self, event: OrderEvent) -> Decision:
        state, execution = self._blotter.states.get(event.order_id), event.execution
        if state is None or execution is None:
            return NOTHING
        room = closable(state.order, self._blotter)
        before = exact(self._blotter.position(execution.instrument)) * execution.side.sign - exact(execution.quantity)
        if before >= 0 and not room:
            return NOTHING  # it opened something, or added to it
        granted: dict[tuple[bool, str], Decimal] = defaultdict(Decimal)
        decisions = []
        for one in self._beside(state.order):
            waits, group = one.order.kind in WAITS_FOR_ITS_PRICE, one.order.oca_group or one.order.id
            taken = sum((units for key, units in granted.items() if key[0] is waits and key[1] != group), Decimal(0))
            allowed = max(room - taken, Decimal(0))
            granted[waits, group] = max(granted[waits, group], min(allowed, exact(one.exposed)))
            if exact(one.exposed) > allowed:
                decisions.append(self._shrink(one, float(allowed), execution))
        return joined(decisions)

    def _beside(self, order: Order) -> Iterable[OrderState]:
        """What rests on the side of a filled order to protect the same position, and what the broker does not see to itself."""
        states = (self._blotter.states[order_id] for order_id in sorted(self._blotter.protecting))
        return [
            state
            for state in states
            if (state.order.instrument, state.order.side) == (order.instrument, order.side)
            and state.order.id != order.id
            and not state.status.is_final
            and not state.cancel_requested
            and rests(state)
            and same_hand(order, state.order)
            and not (order.oca_group and order.oca_group == state.order.oca_group)
            and not (order.parent_id and order.parent_id == state.order.parent_id)
        ]

    def _shrink(self, state: OrderState, units: float, execution: Execution) -> Decision:
        order_id, why = state.order.id, f"surplus-{execution.id}-{state.order.id}"
        if not units:
            decision = self._commands.cancel(Cancel(why, order_id))
        else:
            decision = self._commands.modify(Modify(why, order_id, float(exact(state.filled) + exact(units))))
        return Decision(decision.events, decision.effects)  # what cannot be changed now is looked at with the next fill
