"""What a broker tells us, in our words: the port between the trader's pure core and any broker behind it.

A query has one of two results. `Known` is the whole truth, even when it is empty. `Unknown` says that the question was not
answered; it never reads as empty.
"""

import enum
from dataclasses import dataclass
from typing import Generic, TypeVar

from atlas.domain import Commission, Execution

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """The broker's complete answer."""

    value: T


@dataclass(frozen=True, slots=True)
class Unknown:
    """The broker did not answer; nothing may be concluded."""

    reason: str


class BrokerStatus(enum.Enum):
    """Where the broker says an order is. Executions, not this, say what was filled."""

    RECEIVED = "received"
    WORKING = "working"
    FILLED = "filled"
    CANCELLED = "cancelled"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker has it. `order_id` is our order reference, empty when the order is not ours."""

    order_id: str
    broker_order_id: int
    perm_id: int
    status: BrokerStatus
    quantity: float | None = None
    limit_price: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BrokerError:
    """The broker's answer to a request about order `broker_order_id` is an error or a warning."""

    broker_order_id: int
    code: int
    text: str


BrokerReport = BrokerOrder | Execution | Commission | BrokerError
"""Anything that the broker says unasked."""


@dataclass(frozen=True, slots=True)
class BrokerSnapshot:
    """All that the broker knows of our orders, taken in one go. Executions are those of the broker's day."""

    open_orders: tuple[BrokerOrder, ...]
    completed_orders: tuple[BrokerOrder, ...]
    executions: tuple[Execution, ...]
    commissions: tuple[Commission, ...]
    positions: dict[str, dict[str, float]]
    """Signed quantities by account and instrument; instruments that we do not know under the broker's own name."""
