"""What the exchange says happened. Enough to rebuild it: its state is the fold of these events.

Accepted      an order stands in the book          Rejected   an order was turned down; nothing changed
Modified      a standing order was changed         Refused    a modify or cancel was turned down; the order stands
Executed      an order, or a part of it, was filled
Cancelled     an order left the book unfilled      Expired    its time was over
"""

import enum

from atlas.domain import Commission, Execution, Order
from atlas.domain._struct import Value


class Reason(enum.Enum):
    """Why the exchange turned something down."""

    UNKNOWN_INSTRUMENT = "unknown_instrument"
    UNKNOWN_ACCOUNT = "unknown_account"
    DUPLICATE_ID = "duplicate_id"
    BAD_QUANTITY = "bad_quantity"
    NO_LIMIT_PRICE = "no_limit_price"
    OFF_TICK = "off_tick"
    MARGIN = "margin"
    NOT_STANDING = "not_standing"


class Accepted(Value, frozen=True, tag="accepted"):
    """`order` stands. `perm_id` is its number for good, `priority` its place in the queue: lower is earlier."""

    order: Order
    perm_id: int
    priority: int
    at_ns: int


class Rejected(Value, frozen=True, tag="rejected"):
    """`order` was turned down."""

    order: Order
    reason: Reason
    text: str
    at_ns: int


class Executed(Value, frozen=True, tag="executed"):
    """An order met the market: one execution and what it cost."""

    execution: Execution
    commission: Commission


class Modified(Value, frozen=True, tag="modified"):
    """A standing order is now `order`; a new price or a larger quantity goes to the end of the queue."""

    order: Order
    priority: int
    at_ns: int


class Refused(Value, frozen=True, tag="refused"):
    """A modify or cancel of `order_id` was turned down."""

    order_id: str
    reason: Reason
    text: str
    at_ns: int


class Cancelled(Value, frozen=True, tag="cancelled"):
    """The rest of an order is off the book, by request or because it could not fill at once."""

    order_id: str
    text: str
    at_ns: int


class Expired(Value, frozen=True, tag="expired"):
    """The session of a day order is over; its rest is off the book."""

    order_id: str
    at_ns: int


ExchangeEvent = Accepted | Rejected | Executed | Modified | Refused | Cancelled | Expired
"""Anything the exchange says."""
