"""What happened to orders: the one stream from which states, positions and cash are folded."""

import enum

from atlas.domain._struct import Value
from atlas.domain.order import Denial, Order
from atlas.domain.side import Side


class Execution(Value, frozen=True, tag="execution"):
    """Our order, or a part of it, met the market. `id` is the broker's and unique; `quantity` is positive.

    A correction by the broker carries the same id but for a higher last part (".01" -> ".02") and replaces the earlier one; a
    bust is a correction to a quantity of zero.
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


def execution_base(execution_id: str) -> str:
    """What an execution and all its corrections share: the id without its last part.

    >>> execution_base("00025b46.63f8f39c.01.02")
    '00025b46.63f8f39c.01'
    """
    return execution_id.rpartition(".")[0] or execution_id


def execution_revision(execution_id: str) -> int:
    """How often an execution was told: the last part of its id, which a correction raises. Ids without one are never corrected.

    >>> execution_revision("00025b46.63f8f39c.01.02")
    2
    """
    last = execution_id.rpartition(".")[2]
    return int(last) if last.isdecimal() else 0


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
    ADOPTED = "adopted"
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
    ANOMALY = "anomaly"


class OrderEvent(Value, frozen=True, tag="order_event"):
    """One thing that happened to one order, numbered by the trader from 1 without gaps.

    `order` comes with the order's first event (`denied`, `pending` or `adopted`) and, changed, with `modify_requested` and
    `modified`; `execution` comes with `executed`, a correction of it too, `commission` with `commissioned`. `adopted` begins an
    order that did not come to the broker through us; again, it says that a person has looked at it, and whose it is. `refused`
    says that a modify or cancel was turned down and the order stands as it was. `anomaly` records something that cannot have
    happened to the order; it changes nothing.

    Attributes:
        reason: For people; carries the broker's words where there are any.
        code: The broker's code, 0 where there is none.
        denial: Which of our rules denied the order, and its numbers.
        action_id: The change or cancellation that was asked for, by its id; with `modify_requested` and `cancel_requested`.
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
    code: int = 0
    denial: Denial | None = None
    action_id: str = ""
