"""Durable writing: events go to the journal first, then to the store, then to those who listen. Never in another order.

What is to be sent leaves once the events beside it are durable: a new order or a change of one when the store has them, a
cancellation, which can create nothing, as soon as they stand in the journal or in the store. A disk that is full does not lose
an event and does not stop reports or exits: events go to the store at once, which is then the first durable place, and to the
journal, in order, when there is room again. When neither takes anything, events wait in memory in order, and nothing leaves.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from atlas.domain import Commission, Execution, OrderEvent, OrderEventKind, OrderState, Refused, Unavailable
from atlas.service.alarms import Alarms, Severity
from atlas.trading.effects import CancelEverything, CancelOrder, CancelSurplus, ChangeOrder, PlaceOrder
from atlas.trading.trading_state import LimitChange, TradingStateChange
from services.trader.ports import Faults, JournalPort, Outlet, Store

MOST_AT_ONCE = 500
KEPT_EVENTS = 50_000
"""So many events stay in the journal after the store has them; with twice as many at most a start begins to read."""
DISK_ALARM, STORE_ALARM = "journal-disk", "database-away"

_K = OrderEventKind
_WAYS = {_K.PENDING: "send", _K.EXECUTED: "fill", _K.CANCEL_REQUESTED: "cancel", _K.MODIFY_REQUESTED: "modify", _K.SENT: "sent"}
_JOURNALED = {
    "send": "send.2_journaled",
    "fill": "fill.2_journaled",
    "cancel": "cancel.2_journaled",
    "modify": "modify.2_journaled",
    "sent": "send.8_noted",
}

Sending = PlaceOrder | ChangeOrder | CancelOrder | CancelSurplus | CancelEverything
"""What leaves for the broker."""

CANCELLATIONS = (CancelOrder, CancelSurplus, CancelEverything)

log = structlog.get_logger("atlas.trader")


@dataclass(slots=True)
class _Entry:
    event: OrderEvent
    state: OrderState | None
    durable: asyncio.Future[None]
    sendings: tuple[Sending, ...] = ()
    """What is to leave once this event is durable; empty when it has left."""


class Ledger:
    """Takes the desk's events. Group commit: all events of one turn of the loop reach the disk with one sync.

    Args:
        release: called with what is to be sent, as soon as it may leave.
        reopen: opens the journal again after it broke.
        kept_events: how many events stay in the journal after the store has them.
    """

    def __init__(
        self,
        journal: JournalPort,
        store: Store,
        outlet: Outlet,
        alarms: Alarms,
        faults: Faults,
        release: Callable[[Sequence[Sending]], None],
        *,
        retry_seconds: float = 0.5,
        reopen: Callable[[], JournalPort] | None = None,
        kept_events: int = KEPT_EVENTS,
    ) -> None:
        self._journal = journal
        self._store = store
        self._outlet = outlet
        self._alarms = alarms
        self._faults = faults
        self._release = release
        self._retry_seconds = retry_seconds
        self._reopen = reopen
        self._kept_events = kept_events
        self._rolled_at = 0  # the journal's number of the last event before its newest segment, as far as is known
        self._new: list[_Entry] = []
        self._unjournaled: deque[_Entry] = deque()  # taken, but by no journal yet, for the disk is full
        self._unsynced: list[_Entry] = []  # the journal has them, the disk has not
        self._queue: deque[_Entry] = deque()
        self._syncing = False
        self._wake = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self.disk_problem = ""
        self.store_problem = ""
        self.published_sequence = 0

    @property
    def backlog(self) -> int:
        """Events that are not yet in the store."""
        return len(self._queue) + len(self._new)

    async def drained(self) -> None:
        """Wait until everything is written and told."""
        await self._drained.wait()

    def enter(
        self, events: Sequence[tuple[OrderEvent, OrderState | None]], sendings: tuple[Sending, ...] = ()
    ) -> asyncio.Future[None]:
        """Take events, each with the state that it made, and what is to be sent because of them.

        The future is done when the events are durable. Without events, what is to be sent leaves at once.
        """
        loop = asyncio.get_running_loop()
        durable: asyncio.Future[None] = loop.create_future()
        if not events:
            durable.set_result(None)
            if sendings:
                self._release(sendings)
            return durable
        self._new.extend(_Entry(event, state, loop.create_future()) for event, state in events[:-1])
        self._new.append(_Entry(*events[-1], durable, sendings))
        self._drained.clear()
        if not self._syncing:
            self._syncing = True
            loop.call_soon(self._sync_new)
        return durable

    def journaled_after(self, sequence: int) -> list[OrderEvent]:
        """The journal's events of an earlier run above number `sequence`, in order."""
        first, events = 0, []
        for number, event in self._journal.read():
            first = first or number
            if isinstance(event, OrderEvent) and event.sequence > sequence:
                events.append(event)
        self._rolled_at = max(first - 1, 0)
        return events

    def decided(self) -> list[TradingStateChange | LimitChange]:
        """What people decided in earlier runs, in order, as far as the journal still has it."""
        return [record for _, record in self._journal.read() if not isinstance(record, OrderEvent)]

    def note(self, decision: TradingStateChange | LimitChange) -> bool:
        """Bring what a person decided to disk now. False when the disk takes nothing."""
        try:
            if self._journal.broken:
                return False
            self._journal.append(decision)
            self._journal.sync()
        except Unavailable:
            return False
        return True

    def reenter(self, entries: Iterable[tuple[OrderEvent, OrderState | None]]) -> None:
        """Take events that an earlier run had brought to the journal but not to the store. None of them is acted upon."""
        loop = asyncio.get_running_loop()
        for event, state in entries:
            durable = loop.create_future()
            durable.set_result(None)
            self._queue.append(_Entry(event, state, durable))
        if self._queue:
            self._drained.clear()
            self._wake.set()

    async def run(self) -> None:
        """Carry events from the journal to the store and to the listeners, for good.

        Raises:
            Refused: the store will never take them: it and the journal do not belong together.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                batch = [self._queue[i] for i in range(min(len(self._queue), MOST_AT_ONCE))]
                self._reached(batch, {"send": "send.3_receipted"})
                await self._write(batch)
                for _ in batch:
                    self._queue.popleft()
            if not self._new:
                self._shorten_journal()
                self._drained.set()

    async def run_journal(self) -> None:
        """Write into the journal what the disk would not take, as soon as there is room, for good."""
        while True:
            await asyncio.sleep(self._retry_seconds)
            if self.disk_problem:
                self._write_journal()

    def close(self) -> None:
        """Close the journal. What the disk would not take is not in it: the store has it, or the broker tells it again."""
        with contextlib.suppress(Unavailable):
            self._journal.close()

    # Journal

    def _sync_new(self) -> None:
        self._syncing = False
        entries, self._new = self._new, []
        self._unjournaled.extend(entries)
        if self._write_journal():
            self._reached(entries, _JOURNALED)
            if any(len(entry.sendings) > 1 for entry in entries):
                self._faults.reached("group.1_journaled")
        self._queue.extend(entries)
        # Receipts first: talking to the store takes this loop longer than the sync did.
        asyncio.get_running_loop().call_soon(self._wake.set)

    def _write_journal(self) -> bool:
        """Append and sync what the journal has not got. False while the disk takes no more."""
        try:
            if self._journal.broken:
                self._open_again()
            while self._unjournaled:
                self._journal.append(self._unjournaled[0].event)
                self._unsynced.append(self._unjournaled.popleft())
            self._journal.sync()
        except Unavailable as error:
            if not self.disk_problem:
                text = f"{error}; new orders are refused, reports and cancellations go to the database"
                self._alarms.raise_(DISK_ALARM, text, Severity.CRITICAL)
            self.disk_problem = str(error)
            return False
        for entry in self._unsynced:
            self._make_durable(entry)
        self._unsynced.clear()
        if self.disk_problem:
            self.disk_problem = ""
            self._alarms.clear(DISK_ALARM)
        return True

    def _open_again(self) -> None:
        """After a sync that failed nobody knows what is on disk: read it anew, and write again what nobody vouches for."""
        if self._reopen is None:
            return
        self._journal.close()
        self._journal = self._reopen()
        self._unjournaled.extendleft(reversed(self._unsynced))
        self._unsynced.clear()

    def _shorten_journal(self) -> None:
        """The store has everything: give up what is old, so that a start need not read all that ever was."""
        last = self._journal.last_sequence
        if self.disk_problem or self._unjournaled or last - self._rolled_at < self._kept_events:
            return
        with contextlib.suppress(Unavailable):  # there is room again one day
            self._journal.roll()
            self._journal.drop_before(last - self._kept_events + 1)
            self._rolled_at = last

    def _make_durable(self, entry: _Entry) -> None:
        if not entry.durable.done():
            entry.durable.set_result(None)
        if entry.sendings and all(isinstance(sending, CANCELLATIONS) for sending in entry.sendings):
            self._leave(entry)

    def _leave(self, entry: _Entry) -> None:
        sendings, entry.sendings = entry.sendings, ()
        self._release(sendings)

    # Store

    async def _write(self, batch: Sequence[_Entry]) -> None:
        while True:
            try:
                await self._write_once(batch)
            except Refused:
                raise
            except Unavailable as error:
                self._on_store_away(error)
                await asyncio.sleep(self._retry_seconds)
            else:
                break
        if self.store_problem:
            self.store_problem = ""
            self._alarms.clear(STORE_ALARM)
        self._reached(batch, {"fill": "fill.5_event_written"})
        # What an earlier run had in the store, listeners find there: their numbers would not follow each other here.
        if news := [entry.event for entry in batch if entry.event.sequence > self.published_sequence]:
            self._outlet.publish(news)
            self.published_sequence = news[-1].sequence
        self._reached(batch, {"fill": "fill.6_published"})

    async def _write_once(self, batch: Sequence[_Entry]) -> None:
        """Write a batch; writing it again is harmless.

        Events come first, for from them the rest can be made at the next start. Where an order waits to be sent, states are
        written at the same time; it leaves when both are there. The numbers of events are the store's for one run of one
        trader: one whose journal has parted ways with the store is refused here, and sends nothing.

        Raises:
            Refused: an event of that number is another one.
            Unavailable: not all of it was written.
        """
        events = self._store.append_events([entry.event for entry in batch])
        states = [entry.state for entry in batch if entry.state is not None]
        if any(entry.sendings for entry in batch):
            failed = await asyncio.gather(events, self._store.save_orders(states), return_exceptions=True)
            errors = [error for error in failed if error is not None]
            if errors:
                raise next((error for error in errors if not isinstance(error, Unavailable)), errors[0])
        else:
            await events
            await self._store.save_orders(states)
        self._reached(batch, _ORDER_WRITTEN)
        self._on_written(batch)
        await self._store.save_trades(list(_trades(batch)))
        self._reached(batch, {"fill": "fill.4_trade_written"})

    def _on_written(self, batch: Sequence[_Entry]) -> None:
        """All that `batch` asks for may leave."""
        for entry in batch:
            if not entry.durable.done():
                entry.durable.set_result(None)
            if entry.sendings:
                self._leave(entry)

    def _on_store_away(self, error: Unavailable) -> None:
        if not self.store_problem:
            text = f"{error}; nothing new is sent, what the broker reports is kept in the journal"
            self._alarms.raise_(STORE_ALARM, text, Severity.CRITICAL)
        self.store_problem = str(error)

    def _reached(self, entries: Sequence[_Entry], points: Mapping[str, str]) -> None:
        for entry in entries:
            point = points.get(_WAYS.get(entry.event.kind, ""))
            if point:
                self._faults.reached(point)


_ORDER_WRITTEN = {"send": "send.4_written", "fill": "fill.3_order_written", "modify": "modify.3_written"}


def _trades(batch: Sequence[_Entry]) -> Iterable[tuple[str, Execution | Commission]]:
    for entry in batch:
        if entry.event.execution is not None:
            yield entry.event.robot, entry.event.execution
        if entry.event.commission is not None:
            yield entry.event.robot, entry.event.commission
