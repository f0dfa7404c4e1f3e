"""Orders that stand, queued per instrument: market orders first, then the best price, then who came first."""

import math
from decimal import Decimal

from atlas.domain import Commission, Execution, Order, OrderKind, Side, exact
from atlas.domain._struct import Value
from atlas.exchange.events import Stage

_NONE = Decimal(0)


class StandingState(Value, frozen=True):
    """A standing order at rest."""

    order: Order
    perm_id: int
    priority: int
    filled: Decimal
    paid: Decimal
    charged: Decimal


class Standing:
    """An order in the book and what has been filled of it. `paid` is the sum of quantity times price."""

    __slots__ = ("charged", "filled", "order", "paid", "perm_id", "priority", "remaining", "stage")

    def __init__(self, order: Order, perm_id: int, priority: int) -> None:
        self.order = order
        self.perm_id = perm_id
        self.priority = priority
        self.filled = self.paid = self.charged = _NONE
        self.remaining = exact(order.quantity)
        self.stage = Stage.WORKING

    @property
    def stop_price(self) -> float | None:
        """The stop price as it is now."""
        return self.order.stop_price

    @property
    def limit_price(self) -> float | None:
        """The limit price as it is now."""
        return self.order.limit_price

    def change(self, order: Order, priority: int) -> None:
        """It has new terms."""
        self.order, self.priority = order, priority
        self.remaining = exact(order.quantity) - self.filled

    @property
    def average_price(self) -> float:
        """The average fill price, 0.0 before the first fill."""
        return float(self.paid / self.filled) if self.filled else 0.0

    def fill(self, execution: Execution, commission: Commission) -> None:
        """Count a fill."""
        quantity = exact(execution.quantity)
        self.filled += quantity
        self.remaining -= quantity
        self.paid += quantity * exact(execution.price)
        self.charged += exact(commission.amount)

    def rank(self) -> tuple[float, int]:
        """Its place in the queue: lower is served first."""
        limit = self.order.limit_price
        if self.order.kind is OrderKind.MARKET or limit is None:
            return -math.inf, self.priority
        return -limit * self.order.side.sign, self.priority

    def state(self) -> StandingState:
        """The order at rest."""
        return StandingState(self.order, self.perm_id, self.priority, self.filled, self.paid, self.charged)

    @classmethod
    def from_state(cls, state: StandingState) -> "Standing":
        """The order as it was."""
        standing = cls(state.order, state.perm_id, state.priority)
        standing.filled, standing.paid, standing.charged = state.filled, state.paid, state.charged
        standing.remaining -= state.filled
        return standing


class Market:
    """The standing orders of one instrument, and how much of the displayed sizes they have taken.

    `highest_buy` and `lowest_sell` say without a look at the orders whether a quote can concern any of them.
    """

    __slots__ = ("_queues", "_taken", "highest_buy", "lowest_sell")

    def __init__(self) -> None:
        self._queues: dict[Side, list[Standing]] = {Side.BUY: [], Side.SELL: []}
        self._taken = {Side.BUY: _NONE, Side.SELL: _NONE}
        self.highest_buy, self.lowest_sell = -math.inf, math.inf

    def queue(self, side: Side) -> list[Standing]:
        """All standing orders of one side, in the order in which they are served."""
        return list(self._queues[side])

    def add(self, standing: Standing) -> None:
        """A new order."""
        queue = self._queues[standing.order.side]
        queue.append(standing)
        if len(queue) > 1:
            queue.sort(key=Standing.rank)
        self._look()

    def remove(self, standing: Standing) -> None:
        """An order that is done."""
        self._queues[standing.order.side].remove(standing)
        self._look()

    def sort(self) -> None:
        """Put the orders in their places again after a change."""
        for queue in self._queues.values():
            queue.sort(key=Standing.rank)
        self._look()

    def _look(self) -> None:
        buys, sells = self._queues[Side.BUY], self._queues[Side.SELL]
        self.highest_buy = -buys[0].rank()[0] if buys else -math.inf
        self.lowest_sell = sells[0].rank()[0] if sells else math.inf

    def renew(self) -> None:
        """A new quote: its displayed sizes are untouched."""
        self._taken[Side.BUY] = self._taken[Side.SELL] = _NONE

    def taken(self, side: Side) -> Decimal:
        """How much of the displayed size our orders of `side` have taken."""
        return self._taken[side]

    def take(self, side: Side, quantity: Decimal) -> None:
        """Count what an order of `side` takes."""
        self._taken[side] += quantity
