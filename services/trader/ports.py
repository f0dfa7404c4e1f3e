"""What the engine of the trader needs from outside: a store, a journal, listeners. Nothing here knows a socket or a database.

The broker is the fourth port; it is `atlas.trading.broker.BrokerPort`. All of them have two implementations: the real one, and
one in memory, so that the whole trader can be run in one process on virtual time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from atlas.domain import Commission, Execution, Instrument, OrderEvent, OrderState, Unavailable
from atlas.service.alarms import Alarm
from atlas.trading.lease import Lease
from atlas.trading.risk.session import SessionMemory
from atlas.trading.trading_state import LimitChange, TradingStateChange


class StoreAway(Unavailable):
    """The store does not answer, or fails. What was to be written has to be written again."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What the store knows of one account when the trader starts.

    Attributes:
        states: orders that are not final, and those that changed lately.
        trades: every execution in order, with its commission where that is known.
        used_ids: the ids of all orders that were ever written.
        last_sequence: number of the newest order event, 0 when there is none.
        last_broker_order_id: the highest number under which an order of the account was ever sent.
        recent: the newest order events, more than one batch of them: what a killed trader may have written without the rest.
        submitted: the submissions of the last hour, in order: rules about how fast orders follow each other look back so far.
        robots: whose each execution was, by its id, where that is known.
        session: what was remembered of the session day.
        limits: changed limits by scope and name, on top of the configured ones.
    """

    states: Sequence[OrderState] = ()
    trades: Sequence[tuple[Execution, Commission | None]] = ()
    used_ids: Iterable[str] = ()
    instruments: dict[str, Instrument] = field(default_factory=dict)
    last_sequence: int = 0
    last_broker_order_id: int = 0
    trading_state: TradingStateChange | None = None
    limits: dict[str, dict[str, Any]] = field(default_factory=dict)
    recent: Sequence[OrderEvent] = ()
    submitted: Sequence[OrderEvent] = ()
    robots: Mapping[str, str] = field(default_factory=dict)
    session: SessionMemory | None = None


TraderRecord = OrderEvent | TradingStateChange | LimitChange
"""Anything that stands in a trader's journal: what happened to orders, and what people decided."""


class Store(Protocol):
    """Where orders, executions and events are written for good, for one account.

    Every method raises `Unavailable` while the store is away or fails; then nothing, or a part, was written, and writing the
    same once more is safe. `Refused`, which is not repeated, says that it will never be taken.
    """

    async def restore(self, account: str, since_ns: int) -> Restored:
        """What there is of `account`; final orders only if they changed at `since_ns` or later."""
        ...

    async def take_lease(self, wanted: Lease, now_ns: int, reserved: float) -> Lease:
        """Take the lease of an account; `Refused` names who has it, or whose shares leave too little."""
        ...

    async def renew_lease(self, lease: Lease, now_ns: int) -> Lease | None:
        """Hold a lease for longer; None when another trader has taken it."""
        ...

    async def release_lease(self, lease: Lease) -> None:
        """Give a lease back."""
        ...

    async def save_orders(self, states: Sequence[OrderState]) -> None:
        """Write the states of orders, in the order in which they came to be."""
        ...

    async def save_trades(self, facts: Sequence[tuple[str, Execution | Commission]]) -> None:
        """Write executions and commissions, each with its robot."""
        ...

    async def append_events(self, events: Sequence[OrderEvent]) -> None:
        """Write events that carry numbers; those that are there already are left alone."""
        ...

    async def events_since(self, sequence: int, limit: int, robot: str = "") -> list[OrderEvent]:
        """Events above number `sequence`, in order; of one robot if named."""
        ...

    async def events_of(self, order_id: str) -> list[OrderEvent]:
        """All events of one order, in order."""
        ...

    async def save_instrument(self, instrument: Instrument) -> None:
        """Write an instrument's definition."""
        ...

    async def save_trading_state(self, change: TradingStateChange) -> None:
        """Write down a change of the trading state; the newest holds."""
        ...

    async def save_session(self, memory: SessionMemory) -> None:
        """Write down what of the session day has to survive a restart."""
        ...

    async def save_limit(self, scope: str, name: str, value: Any, who: str, at_ns: int) -> None:
        """Write down a change of a limit; None ends it."""
        ...

    async def save_alarm(self, alarm: Alarm) -> None:
        """Write down an alarm that was raised, or, the same once more, that was cleared."""
        ...


class JournalPort(Protocol):
    """What of `atlas.journal.Journal` the trader needs.

    `append` and `sync` raise `Unavailable` while the disk takes no more; nothing torn is left behind. What `append` refused was
    not taken; what it took is on disk after the next `sync` that succeeds.
    """

    @property
    def broken(self) -> str:
        """Why nobody can know what is on disk, so that the journal has to be closed and opened again; "" if all is well."""
        ...

    @property
    def last_sequence(self) -> int:
        """The journal's own number of the last event that was appended."""
        ...

    def roll(self) -> None:
        """Begin a new segment; raises as `sync`."""
        ...

    def drop_before(self, sequence: int) -> None:
        """Give up what is before the journal's own number `sequence`, as far as whole segments hold nothing else."""
        ...

    def append(self, event: TraderRecord) -> int:
        """Take an event."""
        ...

    def sync(self) -> int:
        """Bring everything that was appended to disk."""
        ...

    def read(self, from_sequence: int = 1) -> Iterable[tuple[int, TraderRecord]]:
        """Every event, oldest first, with the journal's own number."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Outlet(Protocol):
    """Where order events go out to those who listen."""

    def publish(self, events: Sequence[OrderEvent]) -> None:
        """Tell listeners events whose numbers follow each other."""
        ...

    def heartbeat(self, last_sequence: int) -> None:
        """Tell listeners the number of the newest event, so that whoever missed it notices."""
        ...


class Faults(Protocol):
    """Named steps at which a test can end the process, or the run."""

    def reached(self, point: str) -> None:
        """The step `point` of `services.trader.faults.FAULT_POINTS` was reached."""
        ...
