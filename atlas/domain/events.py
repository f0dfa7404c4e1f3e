"""What happened to orders: the one stream from which states, positions and cash are folded."""

import enum

from atlas.domain._struct import Value
from atlas.domain.order import Order
from atlas.domain.side import Side


class Execution(Value, frozen=True, tag="execution"):
    """Our order, or a part of it, met the market. `id` is the broker's and unique; `quantity` is positive.

    A correction by the broker carries the same id but for a higher last part (".01" -> ".02") and replaces the earlier one.
    """

    id: str
    order_id: str
    account: str
    instrument: str
    side: Side
    quantity: float
    price: float
    at_ns: int
    perm_id: int = 0


class Commission(Value, frozen=True, tag="commission"):
    """What an execution cost. `realized_pnl` is None unless the execution closed something."""

    execution_id: str
    amount: float
    currency: str
    realized_pnl: float | None = None


class OrderEventKind(enum.Enum):
    """What can happen to an order. Events are in the past tense."""

    DENIED = "denied"
    PENDING = "pending"
    SENT = "sent"
    WORKING = "working"
    MODIFY_REQUESTED = "modify_requested"
    MODIFIED = "modified"
    EXECUTED = "executed"
    COMMISSIONED = "commissioned"
    CANCEL_REQUESTED = "cancel_requested"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class OrderEvent(Value, frozen=True, tag="order_event"):
    """One thing that happened to one order, numbered by the trader from 1 without gaps.

    `order` comes with the order's first event (`denied` or `pending`) and, changed, with `modify_requested` and `modified`;
    `execution` comes with `executed`, `commission` with `commissioned`. `refused` says that a modify or cancel was turned
    down and the order stands as it was. `reason` is for people and carries the broker's code and words where there are any.
    """

    sequence: int
    order_id: str
    robot: str
    kind: OrderEventKind
    at_ns: int
    reason: str = ""
    order: Order | None = None
    execution: Execution | None = None
    commission: Commission | None = None
    broker_order_id: int = 0
    perm_id: int = 0
