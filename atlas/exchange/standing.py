"""A standing order: its terms, how near to the market it is, and what has been filled of it."""

import math
from decimal import Decimal

from atlas.domain import (
    Commission,
    Execution,
    ExecutionCondition,
    MarginCondition,
    Order,
    OrderKind,
    TimeCondition,
    TimeInForce,
    exact,
)
from atlas.domain._struct import Value
from atlas.exchange.events import Stage
from atlas.exchange.pegs import PEGGED
from atlas.exchange.sessions import FOR_NEXT_PRICE
from atlas.exchange.trailing import TRAILING, trailed_limit
from atlas.exchange.triggers import TRIGGERED

_NONE = Decimal(0)
_LIMITED = frozenset({OrderKind.LIMIT, OrderKind.STOP_LIMIT, OrderKind.LIMIT_IF_TOUCHED, OrderKind.LIMIT_ON_CLOSE})


class Part(Value, frozen=True):
    """What one account has of an order: filled units, the sum of quantity times price, commissions charged."""

    filled: Decimal = _NONE
    paid: Decimal = _NONE
    charged: Decimal = _NONE


class StandingState(Value, frozen=True):
    """A standing order at rest."""

    order: Order
    perm_id: int
    priority: int
    stage: Stage
    stop_price: float | None
    limit_price: float | None
    parts: dict[str, Part]
    begins_ns: int
    ends_ns: int
    is_free: bool
    is_released: bool
    is_triggered: bool
    seen: list[int]


class Standing:
    """An order in the book.

    `stop_price` and `limit_price` are what holds now; a limit of None is no limit, or for a pegged order no price yet.
    `is_free`: no parent holds it. `is_released`: its conditions were met once. `is_triggered`: so was its trigger.
    `seen` are the numbers of its execution conditions that were fulfilled.
    """

    __slots__ = (
        "begins_ns",
        "ends_ns",
        "filled",
        "is_free",
        "is_released",
        "is_triggered",
        "limit_price",
        "order",
        "parts",
        "perm_id",
        "priority",
        "remaining",
        "seen",
        "stage",
        "stop_price",
    )

    def __init__(self, order: Order, perm_id: int, priority: int, stage: Stage, begins_ns: int, ends_ns: int) -> None:
        self.order = order
        self.perm_id = perm_id
        self.priority = priority
        self.stage = Stage.HELD
        self.stop_price = order.stop_price
        self.limit_price = order.limit_price if order.kind in _LIMITED else trailed_limit(order, order.stop_price)
        self.parts: dict[str, Part] = {}
        self.filled, self.remaining = _NONE, exact(order.quantity)
        self.begins_ns, self.ends_ns = begins_ns, ends_ns
        self.is_free = not order.parent_id
        self.is_released = self.is_triggered = False
        self.seen: set[int] = set()
        self.step_to(stage)

    # What it is.

    @property
    def average_price(self) -> float:
        """The average fill price, 0.0 before the first fill."""
        return float(sum((part.paid for part in self.parts.values()), _NONE) / self.filled) if self.filled else 0.0

    @property
    def has_trigger(self) -> bool:
        """Whether it waits for its trigger."""
        return self.order.kind in TRIGGERED and not self.is_triggered

    @property
    def is_trailing(self) -> bool:
        """Whether its stop follows the market now."""
        return self.order.kind in TRAILING and not self.is_triggered

    @property
    def is_pegged(self) -> bool:
        """Whether its limit follows every quote."""
        return self.order.kind in PEGGED

    @property
    def looks(self) -> bool:
        """Whether its conditions are still looked at."""
        return bool(self.order.conditions) and (self.order.conditions_cancel or not self.is_released)

    @property
    def looks_at_margin(self) -> bool:
        """Whether one of the conditions that it looks at is about margin."""
        return self.looks and any(isinstance(condition, MarginCondition) for condition in self.order.conditions)

    @property
    def is_matchable(self) -> bool:
        """Whether it can meet a quote: it works, and is no auction order and no peg without a price."""
        if self.stage is not Stage.WORKING or self.order.time_in_force is TimeInForce.OPG:
            return False
        return self.limit_price is not None or not self.is_pegged

    @property
    def rests(self) -> bool:
        """Whether nothing but a quote at its price, new terms or another phase of its market concerns it."""
        follows = self.looks or self.is_pegged or self.order.time_in_force in FOR_NEXT_PRICE
        return self.stage is Stage.WORKING and not follows

    @property
    def moments(self) -> tuple[int, ...]:
        """When something is due for it: it begins, it ends, a condition of time changes."""
        conditions = (one.at_ns for one in self.order.conditions if isinstance(one, TimeCondition))
        return self.begins_ns, self.ends_ns, *conditions

    @property
    def least(self) -> Decimal:
        """The smallest fill it takes: whole orders all of it, others with a minimum at least that at first."""
        if self.order.all_or_none or self.order.time_in_force is TimeInForce.FOK:
            return self.remaining
        if self.order.min_quantity and not self.filled:
            return min(exact(self.order.min_quantity), self.remaining)
        return _NONE

    def rank(self) -> tuple[float, int]:
        """Its place in the queue: lower is served first."""
        if self.limit_price is None:
            return -math.inf, self.priority
        return -self.limit_price * self.order.side.sign, self.priority

    # What happens to it.

    def step_to(self, stage: Stage) -> None:
        """It is nearer to the market, or was taken back."""
        self.stage = stage
        if stage is not Stage.HELD:
            self.is_released = True
        if stage is Stage.WORKING:
            self.is_triggered = True

    def reprice(self, stop_price: float | None, limit_price: float | None) -> None:
        """Its prices moved with the market."""
        self.stop_price, self.limit_price = stop_price, limit_price

    def change(self, order: Order, priority: int, begins_ns: int, ends_ns: int) -> None:
        """It has new terms."""
        before, self.order, self.priority = self.order, order, priority
        self.begins_ns, self.ends_ns = begins_ns, ends_ns
        self.remaining = exact(order.quantity) - self.filled
        if order.stop_price != before.stop_price:
            self.stop_price = order.stop_price
        if order.kind in _LIMITED:
            self.limit_price = order.limit_price
        elif self.is_pegged and (order.limit_price, order.limit_offset) != (before.limit_price, before.limit_offset):
            self.limit_price = None  # until it is priced by its new terms
        elif self.is_trailing:
            self.limit_price = trailed_limit(order, self.stop_price)

    def fill(self, execution: Execution, commission: Commission) -> None:
        """Count a fill."""
        quantity, part = exact(execution.quantity), self.parts.get(execution.account, Part())
        self.filled += quantity
        self.remaining -= quantity
        self.parts[execution.account] = Part(
            part.filled + quantity, part.paid + quantity * exact(execution.price), part.charged + exact(commission.amount)
        )

    def see(self, symbol: str, exchange: str, kind: object) -> None:
        """Something was executed while it stands; its execution conditions may have waited for that."""
        for number, condition in enumerate(self.order.conditions):
            if (
                isinstance(condition, ExecutionCondition)
                and (condition.symbol, condition.kind) == (symbol, kind)
                and condition.exchange in {"", "SMART", exchange}
            ):
                self.seen.add(number)

    # How it rests.

    def state(self) -> StandingState:
        """The order at rest."""
        return StandingState(
            self.order,
            self.perm_id,
            self.priority,
            self.stage,
            self.stop_price,
            self.limit_price,
            dict(self.parts),
            self.begins_ns,
            self.ends_ns,
            self.is_free,
            self.is_released,
            self.is_triggered,
            sorted(self.seen),
        )

    @classmethod
    def from_state(cls, state: StandingState) -> "Standing":
        """The order as it was."""
        standing = cls(state.order, state.perm_id, state.priority, state.stage, state.begins_ns, state.ends_ns)
        standing.reprice(state.stop_price, state.limit_price)
        standing.parts = dict(state.parts)
        standing.filled = sum((part.filled for part in state.parts.values()), _NONE)
        standing.remaining -= standing.filled
        standing.is_free, standing.is_released, standing.is_triggered = state.is_free, state.is_released, state.is_triggered
        standing.seen = set(state.seen)
        return standing
