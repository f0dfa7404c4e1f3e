"""Fills that the broker does not tell any more: executions are told for its day only. Pure.

An order that vanished, or that the broker calls filled, and whose executions nobody tells is neither filled nor cancelled while
the broker holds more than our books on its side. It stays unknown, with an alarm, and nothing is opened there. If it
is the only order that can explain the difference, and the difference is told twice alike, its fill is inferred: booked at the
broker's average price or the order's own, under an id made of the broker's facts, and marked as inferred. The real executions
take its place if they turn up (`atlas.trading.reports`). Else a person decides: `atlas trade adopt-positions`.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal

from atlas.domain import Execution, OrderEventKind, OrderState, OrderStatus, exact
from atlas.trading.blotter import Blotter
from atlas.trading.effects import NOTHING, Decision, joined
from atlas.trading.troubles import Troubles

_KEY, _UNHEARD = "lost-fill:", "unheard:"
GIVEN_UP = "given up"
"""How the reason of an order begins that ended because nobody ever heard of it."""
LATE = "late-fill:"
INFERRED = "inferred-"
"""How the id of an execution begins that nobody told."""


class LostFills:
    """Which orders were filled, as it seems, by executions that nobody tells. Looked at anew with each answer."""

    def __init__(self, blotter: Blotter, troubles: Troubles) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._theirs: Mapping[str, float] = {}
        self._costs: Mapping[str, float] = {}
        self._traded: AbstractSet[str] = frozenset()
        self._seen: dict[str, Decimal] = {}  # by order: how much more the broker has
        self._unheard: set[str] = set()
        self._seen_before: dict[str, Decimal] = {}

    def begin(self, theirs: Mapping[str, float], costs: Mapping[str, float], traded_since: AbstractSet[str]) -> None:
        """An answer is looked at. `theirs` are the broker's positions, which say nothing of what was traded since."""
        self._theirs, self._costs, self._traded = theirs, costs, traded_since
        self._seen_before, self._seen = self._seen, {}
        self._unheard.clear()

    def is_open(self, instrument: str) -> bool:
        """Whether the positions cannot be compared this time."""
        return instrument in self._traded

    def explains(self, state: OrderState) -> bool:
        """Whether the broker has more than our books on the side of the order: some of it can have come of it."""
        return self._more(state) > 0

    def note(self, state: OrderState, what: str) -> Decision:
        """Name an order whose executions are lost; infer its fill if nothing else can be."""
        order_id, name = state.order.id, state.order.instrument
        more = self._seen[order_id] = self._more(state)
        text = (
            f"{what} order {order_id} ({state.order.side.value} {state.remaining:g} {name}) and tells no executions of it: our "
            f"books have {self._blotter.position(name):g}, the broker has {self._theirs.get(name, 0.0):g}; look for the trade "
            "in the terminal or the statement"
        )
        decision = self._troubles.begin(_KEY + order_id, text, blocks=name, critical=True)
        if self._seen_before.get(order_id) == more and 0 < more <= exact(state.exposed) and not self.is_open(name):
            decision += self._infer(state, more)
        return decision

    def name_unheard(self, state: OrderState) -> Decision:
        """Name an order that was sent and of which the broker says nothing: it may still turn up, and be filled."""
        order, key = state.order, _UNHEARD + state.order.id
        self._unheard.add(key)
        text = (
            f"order {order.id} ({order.side.value} {order.quantity:g} {order.instrument}) was sent, and the broker neither "
            "confirms nor lists it: it may still be filled; look for it in the terminal, and do not send it again"
        )
        return self._troubles.begin(key, text)

    def settle(self) -> Decision:
        """End what is not so any more."""
        gone = (key for key in self._troubles.keys(_KEY) if key.removeprefix(_KEY) not in self._seen)
        heard = (key for key in self._troubles.keys(_UNHEARD) if key not in self._unheard)
        return joined(self._troubles.end(key) for key in [*gone, *heard, *self._troubles.keys(LATE)])

    # How it is done

    def _more(self, state: OrderState) -> Decimal:
        name = state.order.instrument
        return (exact(self._theirs.get(name, 0.0)) - exact(self._blotter.position(name))) * state.order.side.sign

    def _infer(self, state: OrderState, more: Decimal) -> Decision:
        order, price = state.order, self._price(state)
        if price is None or not self._is_alone(state):
            return NOTHING
        filled = float(exact(state.filled) + more)
        execution = Execution(
            f"{INFERRED}{state.perm_id or order.id}-{filled:.10g}.01",
            order.id,
            order.account,
            order.instrument,
            order.side,
            float(more),
            price,
            state.at_ns,
            state.perm_id,
        )
        reason = (
            f"inferred, nobody told it: the broker holds {float(more):.10g} more than our books, and no other order explains it"
        )
        return Decision(self._blotter.record(OrderEventKind.EXECUTED, order.id, execution=execution, reason=reason))

    def _is_alone(self, state: OrderState) -> bool:
        """Whether no other order can have brought what the broker has."""
        alike = (state.order.instrument, state.order.side)
        others = (one for one in self._blotter.working() if one.order.id != state.order.id)
        return not any(
            (one.order.instrument, one.order.side) == alike and one.status is not OrderStatus.PENDING for one in others
        )

    def _price(self, state: OrderState) -> float | None:
        name = state.order.instrument
        cost, limit = self._costs.get(name), state.order.limit_price
        if cost is not None and (limit is None or not self._blotter.position(name)):
            return cost
        return limit
