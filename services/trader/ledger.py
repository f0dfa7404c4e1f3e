"""Durable writing: events go to the journal first, then to the database, then to those who listen. Never in another order."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog

from atlas.bus import Publisher
from atlas.bus.orders import ORDER_EVENTS
from atlas.domain import Commission, Execution, OrderEvent, OrderEventKind, OrderState
from atlas.journal import Journal
from atlas.store import DatabaseAway, OrderEventRepository, OrderRepository, TradeRepository
from services.trader.faults import FaultPoints

MOST_AT_ONCE = 500
RETRY_SECONDS = 0.5

log = structlog.get_logger("atlas.trader")


@dataclass(frozen=True, slots=True)
class _Entry:
    event: OrderEvent
    state: OrderState | None
    release: bool


class Ledger:
    """Takes the desk's events. Group commit: all events of one turn of the loop reach the disk with one sync.

    Args:
        on_written: called with each event that asks for something to be sent, once it stands in the database.
    """

    def __init__(
        self,
        journal: Journal[OrderEvent],
        repositories: tuple[OrderRepository, TradeRepository, OrderEventRepository],
        publisher: Publisher,
        on_written: Callable[[OrderEvent], None],
        faults: FaultPoints,
    ) -> None:
        self._journal = journal
        self._orders, self._trades, self._events = repositories
        self._publisher = publisher
        self._on_written = on_written
        self._faults = faults
        self._unsynced: list[_Entry] = []
        self._sync: asyncio.Future[None] | None = None
        self._queue: deque[_Entry] = deque()
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self.database_problem = ""
        self.published_sequence = 0

    @property
    def backlog(self) -> int:
        """Events that are in the journal and not yet in the database."""
        return len(self._queue)

    async def drained(self) -> None:
        """Wait until everything is written and told."""
        await self._drained.wait()

    def enter(self, event: OrderEvent, state: OrderState | None) -> asyncio.Future[None]:
        """Take an event and the state that it made. The future is done when the event is on disk."""
        self._journal.append(event)
        self._unsynced.append(_Entry(event, state, release=True))
        self._drained.clear()
        if self._sync is None:
            loop = asyncio.get_running_loop()
            self._sync = loop.create_future()
            loop.call_soon(self._sync_now)
        return self._sync

    def reenter(self, entries: Iterable[tuple[OrderEvent, OrderState | None]]) -> None:
        """Take events that an earlier run had brought to the journal but not to the database. None of them is acted upon."""
        self._queue.extend(_Entry(event, state, release=False) for event, state in entries)
        self._drained.clear()
        self._wake.set()

    async def run(self) -> None:
        """Carry events from the journal to the database and to the listeners, for good."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = [self._queue[i] for i in range(min(len(self._queue), MOST_AT_ONCE))]
                await self._write(batch)
                for _ in batch:
                    self._queue.popleft()
            if not self._unsynced:
                self._drained.set()

    def publish_heartbeat(self) -> None:
        """Tell listeners the number of the newest event, so that whoever missed it notices."""
        self._publisher.heartbeat(ORDER_EVENTS, self.published_sequence)

    def _sync_now(self) -> None:
        future, self._sync = self._sync, None
        entries, self._unsynced = self._unsynced, []
        assert future is not None  # noqa: S101 # scheduled together with it
        try:
            self._journal.sync()
        except Exception as error:  # noqa: BLE001 # whatever it is, those who wait for the disk must hear of it
            future.set_exception(error)
            return
        self._faults.reached(_point(entries, "journaled"))
        self._queue.extend(entries)
        future.set_result(None)
        # Receipts first: talking to the database takes this loop longer than the sync did.
        asyncio.get_running_loop().call_soon(self._wake.set)

    async def _write(self, batch: Sequence[_Entry]) -> None:
        released = False
        while True:
            try:
                await self._orders.save([entry.state for entry in batch if entry.state is not None])
                if not released:
                    released = True
                    self._release(batch)
                await self._trades.save(list(_trades(batch)))
                await self._events.append([entry.event for entry in batch])
            except DatabaseAway as error:
                if not self.database_problem:
                    log.warning("the database is away; events wait in the journal", reason=str(error), waiting=len(self._queue))
                self.database_problem = str(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                break
        if self.database_problem:
            self.database_problem = ""
            log.info("the database is back", written=len(batch))
        self._faults.reached(_point(batch, "written", only_reports=True))
        self._publish([entry.event for entry in batch])

    def _release(self, batch: Sequence[_Entry]) -> None:
        self._faults.reached(_point(batch, "written", only_orders=True))
        for entry in batch:
            if entry.release and entry.event.kind in _TO_SEND:
                self._on_written(entry.event)

    def _publish(self, events: Sequence[OrderEvent]) -> None:
        self._publisher.publish_numbered(ORDER_EVENTS, events[0].sequence, list(events))
        self.published_sequence = events[-1].sequence


_TO_SEND = frozenset({OrderEventKind.PENDING, OrderEventKind.MODIFY_REQUESTED, OrderEventKind.CANCEL_REQUESTED})


def _trades(batch: Sequence[_Entry]) -> Iterable[tuple[str, Execution | Commission]]:
    for entry in batch:
        if entry.event.execution is not None:
            yield entry.event.robot, entry.event.execution
        if entry.event.commission is not None:
            yield entry.event.robot, entry.event.commission


def _point(batch: Sequence[_Entry], step: str, *, only_orders: bool = False, only_reports: bool = False) -> str:
    """The fault point that `batch` has got to: of orders where one is to be sent, of reports where a fill is in it."""
    if not only_reports and any(entry.event.kind is OrderEventKind.PENDING for entry in batch):
        return f"order_{step}"
    if not only_orders and any(entry.event.kind is OrderEventKind.EXECUTED for entry in batch):
        return f"report_{step}"
    return ""
