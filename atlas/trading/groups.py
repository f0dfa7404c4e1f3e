"""Orders that stand or fall together: a parent with its children, and what was submitted in one group. Pure.

When one of them is turned down or does not leave, the others go, too. Only when something of the group is filled already, they
stay: they protect what is held, and a person is told that they are fewer than they should be.
"""

from collections.abc import Iterable

from atlas.domain import OrderEventKind, OrderState
from atlas.trading.blotter import Blotter
from atlas.trading.effects import NOTHING, CancelOrder, Decision
from atlas.trading.troubles import Troubles


class Groups:
    """Which orders belong together, and what the failure of one does to the others."""

    def __init__(self, blotter: Blotter, troubles: Troubles) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._together: dict[str, tuple[str, ...]] = {}

    def join(self, order_ids: Iterable[str]) -> None:
        """These orders were submitted as one group."""
        members = tuple(order_ids)
        self._together.update(dict.fromkeys(members, members))

    def of(self, order_id: str) -> list[OrderState]:
        """The orders with which `order_id` stands or falls, itself among them, in the order of their ids.

        What was submitted in one group is known while the desk runs; parents and children also after a restart.
        """
        states = self._blotter.states
        state = states.get(order_id)
        if state is None:
            return []
        head = state.order.parent_id or order_id
        members = {order_id, *self._together.get(order_id, ())}
        members |= {one.order.id for one in states.values() if head in (one.order.id, one.order.parent_id)}
        return [states[member] for member in sorted(members) if member in states]

    def on_failed(self, order_id: str, why: str) -> Decision:
        """`order_id` was turned down or did not leave: take the others back, or say that they protect alone."""
        group = self.of(order_id)
        others = [one for one in group if one.order.id != order_id and not one.status.is_final]
        if not others:
            return NOTHING
        if any(one.filled for one in group):
            names = ", ".join(one.order.id for one in others)
            return self._troubles.begin(
                f"group:{order_id}",
                f"order {order_id} of a group failed ({why}) after another of the group was filled; {names} stay: "
                f"look whether the position in {group[0].order.instrument} is protected",
                critical=True,
            )
        decision = NOTHING
        for one in others:
            decision += self._take_back(one, f"order {order_id} of the same group failed: {why}")
        return decision

    def settle(self) -> Decision:
        """End the alarms of groups of which nothing works any more."""
        decision = NOTHING
        for key in self._troubles.keys("group:"):
            if all(one.status.is_final for one in self.of(key.removeprefix("group:"))):
                decision += self._troubles.end(key)
        return decision

    def _take_back(self, state: OrderState, reason: str) -> Decision:
        if state.cancel_requested or not state.broker_order_id:
            return NOTHING
        events = self._blotter.record(OrderEventKind.CANCEL_REQUESTED, state.order.id, reason=reason)
        return Decision(events, (CancelOrder(state.order.id, state.broker_order_id),))
