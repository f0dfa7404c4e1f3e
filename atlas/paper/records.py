"""What a paper account writes down, so that it can be rebuilt: everything that happened to it, in order.

A `Batch` is all that one request, or one event of the market, made happen: it is on disk whole or not at all. What the exchange
does it says in its own events; the rest is here.
"""

from typing import TypeAlias

import msgspec

from atlas.domain import Instrument, Order, Quote
from atlas.domain._struct import Value
from atlas.exchange import (
    Accepted,
    Cancelled,
    ExchangeState,
    Executed,
    Expired,
    Modified,
    Refused,
    Rejected,
    Settled,
    Staged,
    Trailed,
)
from atlas.trading.broker import BrokerStatus


class PaperOrder(Value, frozen=True):
    """An order as the paper broker keeps it.

    Attributes:
        number: Its broker order id.
        order: As its sender wrote it, as last changed.
        parent: Broker order id of the order whose fill releases it; 0 for none.
        is_kept: It waits here for a later one of its group that is to be transmitted.
        status: Where it is.
        filled: Units, exact.
        changing: The terms that it is to get, once the change arrives.
        cancelling: Its cancellation is on its way.
        done_ns: When it was over; 0 while it is not.
        code: Why it was turned down, in the broker's numbers.
        text: Likewise in words.
    """

    number: int
    order: Order
    parent: int = 0
    is_kept: bool = False
    status: BrokerStatus = BrokerStatus.RECEIVED
    perm_id: int = 0
    filled: float = 0.0
    changing: Order | None = None
    cancelling: bool = False
    done_ns: int = 0
    code: int = 0
    text: str = ""


class Opened(Value, frozen=True, tag="opened"):
    """The account was opened, with this cash."""

    account: str
    cash: dict[str, float]
    at_ns: int


class Listed(Value, frozen=True, tag="listed"):
    """An instrument can be traded, by this definition."""

    instrument: Instrument


class Heard(Value, frozen=True, tag="heard"):
    """The newest quotes by which the account was valued when somebody asked."""

    quotes: tuple[Quote, ...]


class Placed(Value, frozen=True, tag="placed"):
    """An order came, to be sent to the exchange at once or, if it `is_kept`, with a later one of its group."""

    number: int
    order: Order
    parent: int
    is_kept: bool


class Released(Value, frozen=True, tag="released"):
    """A kept order is sent to the exchange."""

    number: int


class Changing(Value, frozen=True, tag="changing"):
    """New terms of an order came: a kept one has them, another will when the exchange says so."""

    number: int
    order: Order


class Cancelling(Value, frozen=True, tag="cancelling"):
    """The cancellation of an order was sent to the exchange."""

    number: int


class Withdrawn(Value, frozen=True, tag="withdrawn"):
    """An order is over that never reached the exchange."""

    number: int
    text: str
    at_ns: int


class Submission(Value, frozen=True, tag="submission"):
    """To the exchange: order `number`, as it stands here."""

    number: int


class Change(Value, frozen=True, tag="change"):
    """To the exchange: new terms for order `number`."""

    number: int
    order: Order


class Cancellation(Value, frozen=True, tag="cancellation"):
    """To the exchange: take order `number` off the book."""

    number: int


Request: TypeAlias = Submission | Change | Cancellation
"""What the exchange is asked for."""


class Sent(Value, frozen=True, tag="sent"):
    """A request is on its way until `due_ns`."""

    due_ns: int
    request: Request


class Arrived(Value, frozen=True, tag="arrived"):
    """The oldest request that was on its way has arrived; what the exchange made of it follows."""


Record: TypeAlias = (
    Opened
    | Listed
    | Heard
    | Placed
    | Released
    | Changing
    | Cancelling
    | Withdrawn
    | Sent
    | Arrived
    | Accepted
    | Rejected
    | Executed
    | Staged
    | Trailed
    | Modified
    | Refused
    | Cancelled
    | Expired
    | Settled
)
"""Anything that happens to a paper account."""


class Batch(Value, frozen=True, tag="batch"):
    """What happened together."""

    records: tuple[Record, ...]


class Snapshot(Value, frozen=True):
    """Everything at once: an account at rest. `fills` and the orders that are over are those of the day."""

    opened: Opened
    instruments: tuple[Instrument, ...]
    exchange: ExchangeState
    orders: tuple[PaperOrder, ...]
    fills: tuple[Executed | Settled, ...]
    waiting: tuple[tuple[int, Request], ...]
    highest_number: int


class Part(Value, frozen=True, tag="part"):
    """A piece of an encoded `Snapshot`, the `index`th of `count`: it may be larger than a record of a journal may."""

    index: int
    count: int
    data: bytes


Line: TypeAlias = Batch | Part
"""A record of the journal of a paper account."""

_PART_BYTES = 1 << 20
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Snapshot).decode


def parts_of(snapshot: Snapshot) -> list[Part]:
    """`snapshot` in pieces."""
    data = _encode(snapshot)
    pieces = [data[at : at + _PART_BYTES] for at in range(0, len(data), _PART_BYTES)]
    return [Part(index, len(pieces), piece) for index, piece in enumerate(pieces)]


def joined(parts: list[Part]) -> Snapshot:
    """The snapshot whose pieces, all of them, these are.

    Raises:
        msgspec.DecodeError: it was written by another version.
    """
    return _decode(b"".join(part.data for part in parts))
