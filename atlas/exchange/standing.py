"""Orders that stand, queued per instrument: market orders first, then the best price, then who came first."""

import math
from decimal import Decimal

from atlas.domain import Commission, Execution, Order, OrderKind, Side, exact
from atlas.domain._struct import Value

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

    __slots__ = ("charged", "filled", "order", "paid", "perm_id", "priority")

    def __init__(self, order: Order, perm_id: int, priority: int) -> None:
        self.order = order
        self.perm_id = perm_id
        self.priority = priority
        self.filled = self.paid = self.charged = _NONE

    @property
    def remaining(self) -> Decimal:
        """What is left to fill."""
        return exact(self.order.quantity) - self.filled

    @property
    def average_price(self) -> float:
        """The average fill price, 0.0 before the first fill."""
        return float(self.paid / self.filled) if self.filled else 0.0

    def fill(self, execution: Execution, commission: Commission) -> None:
        """Count a fill."""
        quantity = exact(execution.quantity)
        self.filled += quantity
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
        return standing


class Market:
    """The standing orders of one instrument, and how much of the displayed sizes they have taken.

    `highest_buy` and `lowest_sell` say without a look at the orders whether a quote can concern any of them.
    """

    __slots__ = ("_bought", "_orders", "_sold", "highest_buy", "lowest_sell")

    def __init__(self) -> None:
        self._orders: list[Standing] = []
        self._bought = self._sold = _NONE
        self.highest_buy, self.lowest_sell = -math.inf, math.inf

    def queue(self) -> list[Standing]:
        """All standing orders in the order in which they are served."""
        return list(self._orders)

    def add(self, standing: Standing) -> None:
        """A new order."""
        self._orders.append(standing)
        self.sort()

    def remove(self, standing: Standing) -> None:
        """An order that is done."""
        self._orders.remove(standing)
        self.sort()

    def sort(self) -> None:
        """Put the orders in their places again after a change."""
        self._orders.sort(key=Standing.rank)
        self.highest_buy = max((-s.rank()[0] for s in self._orders if s.order.side is Side.BUY), default=-math.inf)
        self.lowest_sell = min((s.rank()[0] for s in self._orders if s.order.side is Side.SELL), default=math.inf)

    def renew(self) -> None:
        """A new quote: its displayed sizes are untouched."""
        self._bought = self._sold = _NONE

    def taken(self, side: Side) -> Decimal:
        """How much of the displayed size our orders of `side` have taken."""
        return self._bought if side is Side.BUY else self._sold

    def take(self, side: Side, quantity: Decimal) -> None:
        """Count what an order of `side` takes."""
        if side is Side.BUY:
            self._bought += quantity
        else:
            self._sold += quantity
