"""Orders: what a robot wants, and what became of it."""

import enum

from atlas.domain._struct import Value


class Side(enum.Enum):
    """Buy or sell."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(enum.Enum):
    """How the price of an order is set."""

    MARKET = "market"
    LIMIT = "limit"


class TimeInForce(enum.Enum):
    """How long an order stands."""

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"


class OrderStatus(enum.Enum):
    """Where an order is. The state is the fold of its events; nobody sets it."""

    DENIED = "denied"
    PENDING = "pending"
    SENT = "sent"
    WORKING = "working"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected to happen to the order (an execution may still arrive late)."""
        return self in _FINAL


_FINAL = frozenset({OrderStatus.DENIED, OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED})


class Order(Value, frozen=True, tag="order"):
    """An order as its robot gave it. Immutable: what happens to it are `OrderEvent`s.

    `id` is unique for good: robot, number of the event that caused it, index among that event's orders. It travels to the
    broker as the order reference. `account` is empty until the trader fills in its own. `cause_ns` is when the event that
    caused the order was received, so that the way from tick to order can be measured.
    """

    id: str
    robot: str
    instrument: str
    side: Side
    quantity: float
    kind: OrderKind = OrderKind.MARKET
    limit_price: float | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    account: str = ""
    cause_ns: int = 0


class Submit(Value, frozen=True, tag="submit"):
    """A robot's wish to place `order`."""

    order: Order


class Modify(Value, frozen=True, tag="modify"):
    """A robot's wish to change a working order. None leaves a value as it is."""

    id: str
    order_id: str
    quantity: float | None = None
    limit_price: float | None = None


class Cancel(Value, frozen=True, tag="cancel"):
    """A robot's wish to cancel a working order."""

    id: str
    order_id: str


Action = Submit | Modify | Cancel
"""What a robot may ask for. `id` (of the order, for a submit) is unique, so that a repeated request is recognised."""


def action_id(action: Action) -> str:
    """The id by which a repeated request is recognised."""
    return action.order.id if isinstance(action, Submit) else action.id
