"""Fills that the broker does not tell any more: executions are told for its day only. Pure.

An order that was filled and whose executions nobody tells is neither filled, for nobody knows at which price, nor cancelled. It
stays unknown, with an alarm that names it and both positions, and nothing is opened in its instrument, until its executions are
told or the positions agree.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from atlas.domain import OrderState, exact
from atlas.trading.blotter import Blotter
from atlas.trading.effects import Decision, joined
from atlas.trading.troubles import Troubles

_KEY = "lost-fill:"


class LostFills:
    """Which orders were filled, as it seems, by executions that nobody tells. Looked at anew with each answer."""

    def __init__(self, blotter: Blotter, troubles: Troubles) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._theirs: Mapping[str, float] = {}
        self._traded: AbstractSet[str] = frozenset()
        self._seen: set[str] = set()

    def begin(self, theirs: Mapping[str, float], traded_since: AbstractSet[str]) -> None:
        """An answer is looked at. `theirs` are the broker's positions, which say nothing of what was traded since."""
        self._theirs, self._traded, self._seen = theirs, traded_since, set()

    def is_open(self, instrument: str) -> bool:
        """Whether the positions cannot be compared this time."""
        return instrument in self._traded

    def explains(self, state: OrderState) -> bool:
        """Whether the broker has more than our books, as much as the order can have brought."""
        name = state.order.instrument
        more = (exact(self._theirs.get(name, 0.0)) - exact(self._blotter.position(name))) * state.order.side.sign
        return 0 < more <= exact(state.exposed)

    def note(self, state: OrderState, what: str) -> Decision:
        """Name an order whose executions are lost."""
        order_id, name = state.order.id, state.order.instrument
        self._seen.add(_KEY + order_id)
        text = (
            f"{what} order {order_id} ({state.order.side.value} {state.remaining:g} {name}) and tells no executions of it: our "
            f"books have {self._blotter.position(name):g}, the broker has {self._theirs.get(name, 0.0):g}; look for the trade "
            "in the terminal or the statement"
        )
        return self._troubles.begin(_KEY + order_id, text, blocks=name, critical=True)

    def settle(self) -> Decision:
        """End what is not so any more."""
        return joined(self._troubles.end(key) for key in self._troubles.keys(_KEY) if key not in self._seen)
