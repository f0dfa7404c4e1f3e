"""What a broker tells us, in our words: the port between the trader's pure core and any broker behind it.

A query has one of two results. `Known` is the whole truth, even when it is empty. `Unknown` says that the question was not
answered; it never reads as empty.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from atlas.domain import Commission, Execution, Instrument, Order

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """The broker's complete answer."""

    value: T


@dataclass(frozen=True, slots=True)
class Unknown:
    """The broker did not answer; nothing may be concluded. `code` is the broker's, where it answered with an error."""

    reason: str
    code: int = 0


class BrokerStatus(enum.Enum):
    """Where the broker says an order is. Executions, not this, say what was filled."""

    RECEIVED = "received"
    WORKING = "working"
    CANCELLING = "cancelling"
    """A cancellation is on its way; the order may still be filled."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker has it. `order_id` is our order reference, empty when the order carries none.

    `terms` says what the order is, in our words: its account, instrument and so on, also for orders that are not ours; None in
    reports that do not repeat it, and where it says what we have no words for. `broker_order_id` means something together with
    `client_id` only: each API client counts its own, and orders by hand have 0 or a negative one. `perm_id` names it for good.
    """

    order_id: str
    broker_order_id: int
    perm_id: int
    status: BrokerStatus
    quantity: float | None = None
    limit_price: float | None = None
    reason: str = ""
    terms: Order | None = None
    client_id: int = 0
    ours: bool = True
    """Whether this connection's client id placed it, and so may change and cancel it."""


@dataclass(frozen=True, slots=True)
class BrokerError:
    """The broker's answer to a request about order `broker_order_id` is an error or a warning."""

    broker_order_id: int
    code: int
    text: str


BrokerReport = BrokerOrder | Execution | Commission | BrokerError
"""Anything that the broker says unasked."""


@dataclass(frozen=True, slots=True)
class AccountValues:
    """An account in its base currency, as the broker values it. None where the broker gave no such value."""

    account: str
    currency: str
    net_liquidation: float
    excess_liquidity: float | None = None
    gross_position_value: float | None = None
    buying_power: float | None = None
    initial_margin: float | None = None
    maintenance_margin: float | None = None
    cash: Mapping[str, Decimal] | None = None
    """Cash by currency."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What an order would do to margin and cost, without being placed. Amounts in the account's base currency."""

    initial_margin_change: float | None
    maintenance_margin_change: float | None
    commission: float | None
    commission_currency: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True)
class BrokerSnapshot:
    """All that the broker knows of our orders, taken in one go. Executions are those of the broker's day."""

    open_orders: tuple[BrokerOrder, ...]
    completed_orders: tuple[BrokerOrder, ...]
    executions: tuple[Execution, ...]
    commissions: tuple[Commission, ...]
    positions: dict[str, dict[str, float]]
    """Signed quantities by account and instrument; instruments for which there is no id of ours under the broker's own name."""
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Average prices of the positions, by account and instrument, as far as the broker tells them."""
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    """What is named and was not known before it was asked: traded by others, by our ids."""


class BrokerPort(Protocol):
    """The order side of a broker: Interactive Brokers (`atlas.ib.Broker`), or the paper one (`atlas.paper.PaperBroker`).

    Reports go, in the order in which they happened, to the sink that the broker was made with.
    """

    @property
    def is_up(self) -> bool:
        """Whether orders can be sent: there is a session, and it reaches the broker behind it."""
        ...

    @property
    def accounts(self) -> list[str]:
        """The accounts of the login, in the broker's order."""
        ...

    @property
    def last_heard_ns(self) -> int:
        """When the broker gave its last sign of life."""
        ...

    def next_order_id(self) -> int:
        """An order id that the broker will take; never lower than one that it has seen from this client."""
        ...

    async def place(self, order: Order, broker_order_id: int, *, parent_id: int = 0, transmit: bool = True) -> None:
        """Send `order`; again with the same id and other values, it modifies. Returns when it has left.

        Waits for its turn where the broker limits the rate. Never sends twice.

        Args:
            order: what is wanted.
            broker_order_id: under which number of ours.
            parent_id: broker order id of the order whose fill releases this one.
            transmit: False holds it at the broker until a later one of its group is transmitted.

        Raises:
            Unavailable: nothing was sent.
        """
        ...

    async def cancel(self, broker_order_id: int) -> None:
        """Ask for the cancellation of an order of this client.

        Raises:
            Unavailable: nothing was sent.
        """
        ...

    async def cancel_all(self) -> None:
        """Ask for the cancellation of every order of the login, whoever placed it.

        Raises:
            Unavailable: nothing was sent.
        """
        ...

    async def round_trip(self) -> int:
        """Prove that the broker answers; its time in UTC nanoseconds.

        Raises:
            Unavailable: no answer in time.
        """
        ...

    async def snapshot(self) -> "Known[BrokerSnapshot] | Unknown":
        """All that the broker knows of our orders and positions. Unknown if any of the questions was not answered."""
        ...

    async def account_values(self, account: str) -> "Known[AccountValues] | Unknown":
        """What the account is worth now."""
        ...

    async def what_if(self, order: Order) -> "Known[WhatIf] | Unknown":
        """What `order` would do, without placing it. An order that the broker would reject is Unknown with its words."""
        ...

    async def instrument(self, instrument_id: str) -> Instrument:
        """The instrument's definition.

        Raises:
            UnknownInstrument: the broker has no such contract.
            BadInput: the id is malformed or ambiguous.
            Unavailable: no answer in time.
        """
        ...

    def learn(self, instruments: Mapping[str, Instrument]) -> None:
        """Know these instruments, too."""
        ...
