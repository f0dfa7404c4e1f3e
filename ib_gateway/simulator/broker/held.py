"""Orders as the broker keeps them, their fills, and the records of what the broker itself does to them.

What the exchange does to an order its own events say. An order that the exchange has not been given yet is `kept` here.
"""

import msgspec

from atlas.exchange import Executed, Stage
from ib_gateway.simulator.broker.restatement import Restatement
from ib_gateway.simulator.messages import Contract, Ticket

UNTRANSMITTED = "transmit"
"""Kept because its client wrote transmit=False on it."""

LOCATING = "locate"
"""Kept until its shares can be borrowed."""

DONE = frozenset({"Filled", "Cancelled"})


class HeldOrder(msgspec.Struct):
    """An order as the broker keeps it: its client's ticket, and what became of it.

    Attributes:
        exchange_id: Its name at the exchange: client and number; a fork and an order entered by hand have names of their own.
        order_id: Its client's number; 0 for an order entered by hand until client 0 binds it, then below zero.
        kept: Why the exchange has not been given it; empty once it has.
        stage: How near to the market it is; None before the exchange has said so.
        stop_price: Where a trailing stop is now; None before it has moved. `limit_price` likewise.
        corrected: Units that corrections have taken off (below zero: put onto) what it had filled; they are not filled again.
        proposed: New terms that the exchange has been asked for and has not answered.
        set_stop: The stop price of its terms, from which a trailing stop has moved on.
        by_hand: It was entered at the broker's own terminal.
    """

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
    kept: str = ""
    stage: Stage | None = None
    stop_price: float | None = None
    limit_price: float | None = None
    corrected: float = 0.0
    proposed: Ticket | None = None
    by_hand: bool = False
    set_stop: float | None = None

    @property
    def remaining(self) -> float:
        """What is left to fill."""
        return max(round(self.ticket.quantity - self.filled - self.corrected, 8), 0.0)

    @property
    def done(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.done_ns > 0


class Fill(msgspec.Struct, frozen=True):
    """One execution of the day: what happened, and how its order stood afterwards. A correction takes its place."""

    executed: Executed
    exchange_id: str
    client_id: int
    order_id: int
    order_ref: str
    cumulative: float
    average_price: float


class Placed(msgspec.Struct, frozen=True, array_like=True, tag="placed"):
    """An order came in. Unless it is kept the exchange's answer follows."""

    exchange_id: str
    client_id: int
    order_id: int
    instrument: str
    contract: Contract
    ticket: Ticket
    kept: str = ""
    by_hand: bool = False


class Changed(msgspec.Struct, frozen=True, array_like=True, tag="changed"):
    """A client wrote new terms. A kept order has them; of another the exchange's answer follows. None: it said no."""

    exchange_id: str
    ticket: Ticket | None


class Withdrawn(msgspec.Struct, frozen=True, array_like=True, tag="withdrawn"):
    """A kept order will never reach the exchange."""

    exchange_id: str
    status: str
    text: str
    at_ns: int


class Bound(msgspec.Struct, frozen=True, array_like=True, tag="bound"):
    """An order entered by hand now has a number for client 0."""

    exchange_id: str
    order_id: int


class Corrected(msgspec.Struct, frozen=True, array_like=True, tag="corrected"):
    """`new` takes the place of `old`, which was booked; a bust is a new one of no units. `restatement` is what books become.

    `repriced` are the later executions of the same order, before and after: their commissions go by what was filled until then.
    """

    old: Executed
    new: Executed
    restatement: Restatement | None = None
    repriced: list[tuple[Executed, Executed]] = []

    @property
    def pairs(self) -> list[tuple[Executed, Executed]]:
        """Everything that changes, before and after; the execution itself first."""
        return [(self.old, self.new), *self.repriced]


class Booked(msgspec.Struct, frozen=True, array_like=True, tag="booked"):
    """Something was bought or sold without any order: a client exercised an option."""

    executed: Executed
    client_id: int


class Lapsed(msgspec.Struct, frozen=True, array_like=True, tag="lapsed"):
    """An account lets so many of an option lapse."""

    account: str
    instrument: str
    quantity: float


OrderRecord = Placed | Changed | Withdrawn | Bound | Corrected | Booked | Lapsed
"""Anything that the broker itself does to orders and books."""
