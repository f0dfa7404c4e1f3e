"""What the broker writes down, so that it can be rebuilt: everything that happened to orders, in order.

A file of records begins with a `Snapshot` once it has been compacted; `Placed` precedes the exchange's events of its order.
"""

from typing import Protocol

import msgspec

from atlas.exchange import Accepted, Cancelled, ExchangeState, Executed, Expired, Modified, Rejected
from ib_gateway.simulator.broker.advisor import Structure
from ib_gateway.simulator.messages import Contract, Ticket


class HeldOrder(msgspec.Struct):
    """An order as the broker keeps it: its client's ticket, and what became of it."""

    exchange_id: str
    client_id: int
    order_id: int
    instrument: str
    contract: Contract
    ticket: Ticket
    status: str = "PendingSubmit"
    perm_id: int = 0
    filled: float = 0.0
    average_price: float = 0.0
    last_price: float = 0.0
    commission: float | None = None
    commission_currency: str = ""
    done_ns: int = 0
    done_text: str = ""

    @property
    def remaining(self) -> float:
        """What is left to fill."""
        return max(self.ticket.quantity - self.filled, 0.0)

    @property
    def done(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.done_ns > 0


class Fill(msgspec.Struct, frozen=True):
    """One execution of the day: what happened, and how its order stood afterwards."""

    executed: Executed
    exchange_id: str
    client_id: int
    order_id: int
    order_ref: str
    cumulative: float
    average_price: float


class Placed(msgspec.Struct, frozen=True, array_like=True, tag="placed"):
    """A client placed an order, or gave it new terms; the exchange's answer follows."""

    exchange_id: str
    client_id: int
    order_id: int
    instrument: str
    contract: Contract
    ticket: Ticket


class SessionClosed(msgspec.Struct, frozen=True, array_like=True, tag="session_closed"):
    """The session of an instrument that somebody holds has ended, at this price."""

    instrument: str
    price: float
    at_ns: int


class DayBegan(msgspec.Struct, frozen=True, array_like=True, tag="day_began"):
    """A day of the login began: equity by account, and what had been gained until then by account and instrument."""

    date: str
    equity: dict[str, float]
    gained: list[tuple[str, str, float]]


class Snapshot(msgspec.Struct, frozen=True, array_like=True, tag="snapshot"):
    """Everything at once."""

    exchange: ExchangeState
    orders: list[HeldOrder]
    fills: list[Fill]
    highest_ids: dict[int, int]
    structure: Structure = Structure()
    day: DayBegan | None = None
    closes: dict[str, float] = {}


Record = (
    Snapshot | Placed | Accepted | Rejected | Executed | Modified | Cancelled | Expired | Structure | SessionClosed | DayBegan
)
"""Anything that is written down."""


def instruments_of(record: Record) -> set[str]:
    """Instruments that must be listed for a record to be made so."""
    match record:
        case Snapshot(exchange, orders, fills):
            return {
                *(name for _, name, quantity, _ in exchange.ledger.books.holdings if quantity),
                *(held.instrument for held in orders),
                *(fill.executed.execution.instrument for fill in fills),
            }
        case Placed():
            return {record.instrument}
    return set()


class Journal(Protocol):
    """Where records go. Written when `append` returns."""

    def append(self, record: Record) -> None:
        """Write one record."""
        ...
