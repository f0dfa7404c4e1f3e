"""Orders: what a robot wants, and what became of it."""

import enum

import msgspec

from atlas.domain._struct import Value
from atlas.domain.condition import Condition, TriggerMethod
from atlas.domain.side import Side


class OrderKind(enum.Enum):
    """How the price of an order is set, and what must happen before it is released.

    MARKET, LIMIT                                  at the market; not worse than `limit_price`
    STOP, STOP_LIMIT                               once the market is at `stop_price` or beyond: a market, a limit order
    MARKET_IF_TOUCHED, LIMIT_IF_TOUCHED            once the market is as good as `stop_price`: a market, a limit order
    TRAILING_STOP, TRAILING_STOP_LIMIT             a stop that follows the market at `trail_amount` or `trail_percent`; the
                                                   limit lies `limit_offset` beyond the stop
    MARKET_ON_CLOSE, LIMIT_ON_CLOSE                in the closing auction (on open: MARKET and LIMIT with time in force OPG)
    MIDPRICE                                       between the best bid and ask, not worse than `limit_price` if there is one
    PEGGED_TO_MIDPOINT                             at the middle of bid and ask, worse for itself by `limit_offset`, not worse
                                                   than `limit_price` if there is one
    RELATIVE                                       at the best price of its own side, better for the other side by
                                                   `limit_offset`, not worse than `limit_price` if there is one
    """

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    MARKET_IF_TOUCHED = "market_if_touched"
    LIMIT_IF_TOUCHED = "limit_if_touched"
    TRAILING_STOP = "trailing_stop"
    TRAILING_STOP_LIMIT = "trailing_stop_limit"
    MARKET_ON_CLOSE = "market_on_close"
    LIMIT_ON_CLOSE = "limit_on_close"
    MIDPRICE = "midprice"
    PEGGED_TO_MIDPOINT = "pegged_to_midpoint"
    RELATIVE = "relative"


class TimeInForce(enum.Enum):
    """How long an order stands.

    DAY this session, GTC until cancelled, GTD until `good_till_ns`, IOC at once and the rest is cancelled, FOK at once and
    whole or not at all, OPG in the opening auction.
    """

    DAY = "day"
    GTC = "gtc"
    IOC = "ioc"
    GTD = "gtd"
    FOK = "fok"
    OPG = "opg"


class OcaType(enum.Enum):
    """What a fill of one order does to the others of its group (one cancels all).

    Blocking means that only one order of the group is at the market at a time, so that together they cannot be filled beyond
    one of them.
    """

    CANCEL_WITH_BLOCK = "cancel_with_block"
    REDUCE_WITH_BLOCK = "reduce_with_block"
    REDUCE = "reduce"


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


class Denial(Value, frozen=True):
    """Why one of our rules denied an order: the rule's name, a sentence for people, what was found, and the limit it broke.

    `found` and `limit` are None where the rule has no numbers. `temporary` says that the same order may pass later.
    """

    rule: str
    text: str
    found: float | None = None
    limit: float | None = None
    temporary: bool = False


class Share(Value, frozen=True):
    """One account's part of an order for several: `quantity` units of the whole."""

    account: str
    quantity: float


class Order(Value, frozen=True, tag="order"):
    """An order as its robot gave it. Immutable: what happens to it are `OrderEvent`s.

    `id` is unique for good: robot, number of the event that caused it, index among that event's orders. It travels to the
    broker as the order reference. `account` is empty until the trader fills in its own. `cause_ns` is when the event that
    caused the order was received, so that the way from tick to order can be measured. What the prices mean says `OrderKind`.

    Attributes:
        trail_percent: In percent of the price that is followed: 1.5 is one and a half percent.
        good_till_ns: When it ends, for time in force GTD; UTC nanoseconds.
        good_after_ns: When it begins; 0 is at once.
        outside_rth: It may be filled outside regular trading hours.
        parent_id: The order whose fill releases this one; when that one is cancelled, so is this.
        oca_group: Orders of one account with the same group cancel or reduce each other; "" is none.
        conditions: What must be so before it is released, or cancelled if `conditions_cancel`.
        conditions_outside_rth: Conditions are looked at outside regular trading hours too.
        shares: How a fill is divided among accounts; empty when there is but `account`. They add up to `quantity`.
        algo: The broker's execution algorithm ("Adaptive", "Twap", ...), "" for none.
        algo_parameters: Its parameters as (name, value) in the broker's own words.
        advisor_group: The group of an advisor's accounts among which the broker divides the fills; instead of `account`.
        advisor_method: How it divides them, in the broker's own words ("NetLiq", "Equal", ...); "" is the group's way.
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
    stop_price: float | None = None
    trail_amount: float | None = None
    trail_percent: float | None = None
    limit_offset: float | None = None
    trigger_method: TriggerMethod = TriggerMethod.DEFAULT
    good_till_ns: int = 0
    good_after_ns: int = 0
    outside_rth: bool = False
    all_or_none: bool = False
    min_quantity: float = 0.0
    parent_id: str = ""
    oca_group: str = ""
    oca_type: OcaType = OcaType.CANCEL_WITH_BLOCK
    conditions: tuple[Condition, ...] = ()
    conditions_cancel: bool = False
    conditions_outside_rth: bool = False
    shares: tuple[Share, ...] = ()
    algo: str = ""
    algo_parameters: tuple[tuple[str, str], ...] = ()
    advisor_group: str = ""
    advisor_method: str = ""


class Submit(Value, frozen=True, tag="submit"):
    """A robot's wish to place `order`."""

    order: Order


class SubmitGroup(Value, frozen=True, tag="submit_group"):
    """A robot's wish to place orders that stand or fall together: a bracket. A parent comes before its children.

    Either all of them come to work or none does: if one is turned down, the others are cancelled.
    """

    orders: tuple[Order, ...]


class Modify(Value, frozen=True, tag="modify"):
    """A robot's wish to change a working order. None leaves a value as it is."""

    id: str
    order_id: str
    quantity: float | None = None
    limit_price: float | None = None
    stop_price: float | None = None
    trail_amount: float | None = None
    trail_percent: float | None = None
    limit_offset: float | None = None

    def changed(self, order: Order) -> Order:
        """`order` with the wished values."""
        wished = {name: getattr(self, name) for name in MODIFIABLE if getattr(self, name) is not None}
        return msgspec.structs.replace(order, **wished)


MODIFIABLE = ("quantity", "limit_price", "stop_price", "trail_amount", "trail_percent", "limit_offset")
"""The values of an order that can be changed while it works."""


class Cancel(Value, frozen=True, tag="cancel"):
    """A robot's wish to cancel a working order."""

    id: str
    order_id: str


Action = Submit | SubmitGroup | Modify | Cancel
"""What a robot may ask for. `id` (of the first order, for a submit) is unique, so that a repeated request is recognised."""


def action_id(action: Action) -> str:
    """The id by which a repeated request is recognised."""
    orders = orders_of(action)
    return orders[0].id if orders else action.id  # type: ignore[union-attr] # without orders it is a modify or a cancel


def orders_of(action: Action) -> tuple[Order, ...]:
    """The new orders that `action` asks for."""
    if isinstance(action, Submit):
        return (action.order,)
    return action.orders if isinstance(action, SubmitGroup) else ()
