"""What the exchange says happened. Enough to rebuild it: its orders and books are the fold of these events.

Accepted      an order stands in the book          Rejected   an order was turned down; nothing changed
Staged        a standing order waits, is watched,  Refused    a modify or cancel was turned down; the order stands
              or works in the market
Trailed       its stop or limit price moved with the market
Modified      a standing order was changed, by request or because an order of its OCA group was filled in part
Executed      an order, or a part of it, was filled
Cancelled     an order left the book unfilled      Expired    its time was over
Settled       a position ended with its instrument, without any order
"""

import enum

from atlas.domain import Commission, Execution, Order
from atlas.domain._struct import Value


class Stage(enum.Enum):
    """How near to the market a standing order is.

    HELD waits for its parent, its conditions, its time, an auction, or the market to open. ARMED: its trigger is watched.
    WORKING: it can be filled. At IB the first two are status PreSubmitted, the last is Submitted.
    """

    HELD = "held"
    ARMED = "armed"
    WORKING = "working"


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
    NO_STOP_PRICE = "no_stop_price"
    NO_TRAIL = "no_trail"
    BAD_TIME = "bad_time"
    BAD_TIME_IN_FORCE = "bad_time_in_force"
    BAD_SHARES = "bad_shares"
    BAD_CONDITION = "bad_condition"
    BAD_CHANGE = "bad_change"
    UNKNOWN_PARENT = "unknown_parent"
    NOT_SHORTABLE = "not_shortable"
    NOT_TRADABLE = "not_tradable"
    CONTRACT_EXPIRED = "contract_expired"
    BOTH_SIDES = "both_sides"


class Accepted(Value, frozen=True, tag="accepted"):
    """`order` stands. `perm_id` is its number for good, `priority` its place in the queue: lower is earlier."""

    order: Order
    perm_id: int
    priority: int
    at_ns: int
    stage: Stage = Stage.WORKING


class Staged(Value, frozen=True, tag="staged"):
    """A standing order came nearer to the market, or was taken back from it."""

    order_id: str
    stage: Stage
    at_ns: int


class Trailed(Value, frozen=True, tag="trailed"):
    """The stop price of a trailing order, or the limit price of a pegged or trailing one, is now this; None is none."""

    order_id: str
    stop_price: float | None
    limit_price: float | None
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
    """The time of an order is over: its session's, or its own; its rest is off the book."""

    order_id: str
    at_ns: int


class Settled(Value, frozen=True, tag="settled"):
    """A position ended with its instrument: the execution that closes it is of no order, and costs nothing."""

    execution: Execution
    commission: Commission


ExchangeEvent = Accepted | Staged | Trailed | Rejected | Executed | Modified | Refused | Cancelled | Expired | Settled
"""Anything the exchange says."""
