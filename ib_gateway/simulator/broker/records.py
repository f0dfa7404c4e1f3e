"""What the broker writes down, so that it can be rebuilt: everything that happened to orders, in order.

A file of records begins with a `Snapshot` once it has been compacted; `Placed` precedes the exchange's events of its order.
"""

from typing import Protocol

import msgspec

from atlas.exchange import Accepted, Cancelled, ExchangeState, Executed, Expired, Modified, Rejected, Settled, Staged, Trailed
from atlas.exchange.ledger import LedgerState
from ib_gateway.simulator.broker.accounts.advisor import Structure
from ib_gateway.simulator.broker.held import (
    Booked,
    Bound,
    Changed,
    Corrected,
    Fill,
    HeldOrder,
    Lapsed,
    Placed,
    Withdrawn,
)


class SessionClosed(msgspec.Struct, frozen=True, array_like=True, tag="session_closed"):
    """The session of an instrument that somebody holds has ended, at this price."""

    instrument: str
    price: float
    at_ns: int


class DayBegan(msgspec.Struct, frozen=True, array_like=True, tag="day_began"):
    """A day of the login began: equity by account, and what had been gained until then by account and instrument.

    `opening` is what corrections of the day go back to.
    """

    date: str
    equity: dict[str, float]
    gained: list[tuple[str, str, float]]
    opening: LedgerState | None = None


class Snapshot(msgspec.Struct, frozen=True, array_like=True, tag="snapshot"):
    """Everything at once."""

    exchange: ExchangeState
    orders: list[HeldOrder]
    fills: list[Fill]
    highest_ids: dict[int, int]
    structure: Structure = Structure()
    day: DayBegan | None = None
    closes: dict[str, float] = {}
    hand_numbers: tuple[int, int] = (0, 0)
    lapsed: list[Lapsed] = []


Record = (
    Snapshot
    | Placed
    | Changed
    | Withdrawn
    | Bound
    | Corrected
    | Booked
    | Lapsed
    | Accepted
    | Rejected
    | Executed
    | Staged
    | Trailed
    | Modified
    | Cancelled
    | Expired
    | Settled
    | Structure
    | SessionClosed
    | DayBegan
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
        case Booked(executed):
            return {executed.execution.instrument}
        case Settled(execution):
            return {execution.instrument}
    return set()


class Journal(Protocol):
    """Where records go. Written when `append` returns."""

    def append(self, record: Record) -> None:
        """Write one record."""
        ...
