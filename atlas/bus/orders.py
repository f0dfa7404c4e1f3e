"""What the trader answers on its order command socket."""

from typing import Any

import msgspec

from atlas.bus.control import Done, Greet
from atlas.bus.envelope import Message
from atlas.domain import Action, Denial, Order, OrderEvent, OrderState, OrderStatus
from atlas.trading.outcome import Verdict
from atlas.trading.trading_state import TradingState, TradingStateChange

__all__ = [
    "ORDER_EVENTS",
    "Account",
    "AccountRequest",
    "AdoptPositions",
    "CancelAll",
    "Cancelling",
    "Command",
    "Done",
    "Events",
    "EventsSince",
    "Greet",
    "Held",
    "Kill",
    "Limits",
    "LimitsRequest",
    "OrderAnswer",
    "OrderQuery",
    "Orders",
    "OrdersRequest",
    "Positions",
    "PositionsRequest",
    "Receipt",
    "Release",
    "Reply",
    "Request",
    "SetLimit",
    "SetTradingState",
    "WhatIfAnswer",
    "WhatIfRequest",
]

ORDER_EVENTS = "orders"
"""The topic on which order events are published, numbered without gaps."""


class Command(Message, frozen=True, tag="command"):
    """Submit, modify or cancel an order. The action's id is the idempotency key."""

    action: Action


class Receipt(Message, frozen=True, tag="receipt"):
    """The command has been taken: written down, or denied for `reason`. What becomes of it comes as order events.

    `denial` names the rule that denied it and its numbers; `code` is the broker's where it was the broker who said no.
    """

    order_id: str
    status: OrderStatus
    reason: str = ""
    verdict: Verdict = Verdict.ACCEPTED
    denial: Denial | None = None
    code: int = 0


class EventsSince(Message, frozen=True, tag="events_since"):
    """The order events after number `sequence`; of one robot if named."""

    sequence: int
    robot: str = ""


class Events(Message, frozen=True, tag="events"):
    """Order events in order, and the number of the last one there is. Ask again until that number is reached."""

    events: list[OrderEvent]
    last_sequence: int


class OrderQuery(Message, frozen=True, tag="order_query"):
    """What has become of this order?"""

    order_id: str


class OrderAnswer(Message, frozen=True, tag="order_answer"):
    """All events of the order. `known=False` means that it was never written down, and so never sent."""

    known: bool
    events: list[OrderEvent]


class PositionsRequest(Message, frozen=True, tag="positions_request"):
    """What does the account hold by our books?"""


class Held(Message, frozen=True, tag="held"):
    """One instrument of the books: signed quantity, average price, profit realised before commissions, commissions."""

    instrument: str
    quantity: float
    average_price: float
    realised: float
    multiplier: float
    currency: str


class Positions(Message, frozen=True, tag="positions"):
    """Everything that the account holds or has traded, and what it paid in commissions by currency."""

    account: str
    held: list[Held]
    commissions: dict[str, float]


class OrdersRequest(Message, frozen=True, tag="orders_request"):
    """Which orders are there? Those that work, or with `everything` all that the trader remembers; of one robot if named."""

    robot: str = ""
    everything: bool = False


class Orders(Message, frozen=True, tag="orders"):
    """Orders, the one that changed last first."""

    orders: list[OrderState]


class AccountRequest(Message, frozen=True, tag="account_request"):
    """What is the account worth?"""


class Account(Message, frozen=True, tag="account"):
    """The account's values as the broker gives them, by name, in `currency`; `unknown` says why there are none.

    `trading_state` is what holds now, `blocked` why openings are refused by instrument ("" is the whole account).
    """

    account: str
    currency: str
    values: dict[str, float]
    unknown: str
    trading_state: TradingStateChange
    blocked: dict[str, str]


class SetTradingState(Message, frozen=True, tag="set_trading_state"):
    """Set what the trader may do at all. Answered with the `Account`."""

    state: TradingState
    reason: str


class CancelAll(Message, frozen=True, tag="cancel_all"):
    """Cancel every working order; of one robot or instrument if named. Answered with `Cancelling`."""

    robot: str = ""
    instrument: str = ""


class Kill(Message, frozen=True, tag="kill"):
    """Halt, cancel everything, and with `flatten` close every position at the market. Answered with `Cancelling`."""

    reason: str
    flatten: bool = False


class Cancelling(Message, frozen=True, tag="cancelling"):
    """The orders whose cancellation has been written down and is on its way, and the orders that flatten.

    `not_closing` are the instruments whose positions have no order yet that closes them, each with why: it is tried until
    they are flat, or until a person has trading go on.
    """

    order_ids: list[str]
    closing: list[str]
    not_closing: dict[str, str] = msgspec.field(default_factory=dict)


class Release(Message, frozen=True, tag="release"):
    """A person has looked at an order that is not ours: end its quarantine, and give it to `robot` if one is named.

    Answered with a `Receipt`.
    """

    order_id: str
    robot: str = ""


class AdoptPositions(Message, frozen=True, tag="adopt_positions"):
    """Book what the broker is known to hold and the books lack: in one instrument if named, else in all.

    Answered with the `Positions` that there are then.
    """

    instrument: str = ""


class LimitsRequest(Message, frozen=True, tag="limits_request"):
    """Which risk limits hold?"""


class SetLimit(Message, frozen=True, tag="set_limit"):
    """Set a risk limit: of the desk (scope ""), of "account:DU1", "robot:sma" or "instrument:ES-202612@CME". None ends it."""

    scope: str
    name: str
    value: Any


class Limits(Message, frozen=True, tag="limits"):
    """Every limit that is set, by scope and name; `warning` says what may be wrong with the one that was set just now."""

    limits: dict[str, dict[str, Any]]
    warning: str = ""


class WhatIfRequest(Message, frozen=True, tag="what_if_request"):
    """What would this order do?"""

    order: Order


class WhatIfAnswer(Message, frozen=True, tag="what_if_answer"):
    """What our rules say of the order (None: it may pass), and what the broker does; `unknown` says why it is silent."""

    denial: Denial | None
    unknown: str
    initial_margin_change: float | None = None
    maintenance_margin_change: float | None = None
    commission: float | None = None
    currency: str = ""
    warning: str = ""


Request = (
    PositionsRequest
    | Command
    | EventsSince
    | OrderQuery
    | Greet
    | OrdersRequest
    | AccountRequest
    | SetTradingState
    | CancelAll
    | Kill
    | Release
    | AdoptPositions
    | LimitsRequest
    | SetLimit
    | WhatIfRequest
)
"""What the order command socket takes."""

Reply = Positions | Receipt | Events | OrderAnswer | Done | Orders | Account | Cancelling | Limits | WhatIfAnswer
"""What it replies."""
