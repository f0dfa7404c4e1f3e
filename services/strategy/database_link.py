"""The way to the trader through the database: requests are inserted, answers and order events are read where they stand.

It lives on the service's event loop; the robots' thread uses it through `TraderLink`. Requests are written one after the other,
for their numbers have no gaps: one whose fate is unknown is written again, under the same number, before the next.
"""

import asyncio
import contextlib
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from atlas.bus.orders import Events, Receipt
from atlas.domain import NS_PER_SECOND, Action, AtlasError, BadInput, Clock, ConfigurationError, Refused, Unavailable, action_id
from atlas.service.service import end_tasks, watched
from atlas.store import Changes, Database, DatabaseAway, OrderEventRepository, RequestRepository, TraderRepository
from services.strategy.link import GIVE_UP_SECONDS, REQUEST_SECONDS, OrderEvents

T = TypeVar("T")

POLL_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 0.1
TRADER_SILENT_SECONDS: Final = 5.0
_FIND_TRADER_SECONDS: Final = 30.0
_AGAIN_SECONDS: Final = 0.2
_EVENTS_AT_ONCE: Final = 1000


@dataclass(eq=False, slots=True)
class _Entry:
    """A request that is not known to be written yet. `done` says whether it stands."""

    robot: str
    action: Action
    until_ns: int
    withdrawn: bool = False
    done: "asyncio.Future[bool]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class DatabaseLink:
    """The database route for some robots. Made and started on the event loop.

    Args:
        account: whose trader takes the requests.
        deliver: puts order events into the mailbox; False if it is full.
        on_failure: told why the link cannot go on, if it is nothing that passes.
    """

    def __init__(
        self,
        database: Database,
        account: str,
        robots: Sequence[str],
        clock: Clock,
        deliver: Callable[[OrderEvents], bool],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self.account = account
        self._requests = RequestRepository(database, account)
        self._events = OrderEventRepository(database, account)
        self._traders = TraderRepository(database)
        self._robots = list(robots)
        self._clock = clock
        self._deliver = deliver
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._bell = asyncio.Event()
        match = {"trader": account, "robot": {"$in": self._robots}}
        self._changes = Changes(database, "order_events", match, lambda _collection: self._bell.set())
        self._numbers: dict[str, int] = defaultdict(int)
        self._outbox: deque[_Entry] = deque()
        self._entries: dict[str, _Entry] = {}
        self._to_write = asyncio.Event()
        self._unanswered: set[str] = set()
        self._to_answer = asyncio.Event()
        self._results: deque[tuple[str, Receipt | AtlasError]] = deque()
        self._tasks: list[asyncio.Task[None]] = []
        self._read = 0
        self._seen = (0, 0.0)  # by the trader's clock, by ours
        self._database_there = True
        self._closed = threading.Event()

    # On the event loop

    async def start(self) -> None:
        """Learn the robots' numbers, and begin to write requests.

        Raises:
            ConfigurationError: the server has no change streams.
            DatabaseAway: it does not answer.
        """
        await self._changes.prove()
        for robot in self._robots:
            self._numbers[robot] = await self._requests.last_number(robot)
        await self._look_for_trader()
        self._begin(self._write(), self._read_answers(), self._watch_trader())

    def follow(self, sequence: int) -> None:
        """Deliver the robots' order events after number `sequence`, as they come."""
        self._read = sequence
        self._begin(self._changes.follow(), self._read_events())

    async def stop(self) -> None:
        """End. What is written stays; what is not is settled at the next start."""
        self._closed.set()
        await end_tasks(self._tasks)

    def _begin(self, *jobs: Coroutine[Any, Any, None]) -> None:
        self._tasks += watched((asyncio.create_task(job) for job in jobs), self._on_failure)

    async def _write(self) -> None:
        while True:
            self._to_write.clear()
            while self._outbox:
                entry = self._outbox[0]
                try:
                    stands = await self._stands(entry)
                except DatabaseAway:
                    self._database_there = False
                    await asyncio.sleep(_AGAIN_SECONDS)
                    continue
                self._outbox.popleft()
                self._entries.pop(action_id(entry.action))
                if stands:
                    self._unanswered.add(action_id(entry.action))
                    self._to_answer.set()
                entry.done.set_result(stands)
            await self._to_write.wait()

    async def _stands(self, entry: _Entry) -> bool:
        """Write a request, or what keeps it from being written. Whether it stands."""
        robot, number = entry.robot, self._numbers[entry.robot] + 1
        if entry.withdrawn:
            withdrawn, used = await self._requests.withdraw(robot, number, entry.action)
            self._numbers[robot] += used == number
            return not withdrawn
        try:
            await self._requests.ask(robot, number, entry.action, at_ns=self._clock.now_ns(), until_ns=entry.until_ns)
        except Refused as error:
            self._numbers[robot] = await self._requests.last_number(robot)
            self._results.append((action_id(entry.action), BadInput(str(error))))
            return False
        self._numbers[robot] = number
        return True

    async def _read_answers(self) -> None:
        while True:
            await self._to_answer.wait()
            try:
                answers = await self._requests.answers(self._unanswered)
            except DatabaseAway:
                self._database_there = False
                answers = {}
            for request_id, answer in answers.items():
                if answer is None:
                    continue
                self._unanswered.discard(request_id)
                outcome = answer.outcome
                receipt = Receipt(outcome.order_id, outcome.status, outcome.text, outcome.verdict, outcome.denial, outcome.code)
                self._results.append((request_id, receipt if answer.in_books else BadInput(outcome.text)))
            if not self._unanswered:
                self._to_answer.clear()
            await asyncio.sleep(ANSWER_SECONDS)

    async def _read_events(self) -> None:
        while True:
            self._bell.clear()
            try:
                events = await self._events.since(self._read, _EVENTS_AT_ONCE, self._robots)
            except DatabaseAway:
                self._database_there = False
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            if events:
                news = OrderEvents(self._read + 1, events)
                while not self._deliver(news):  # noqa: ASYNC110 # a full mailbox tells nobody when it has room
                    await asyncio.sleep(ANSWER_SECONDS)
                self._read = events[-1].sequence
            if len(events) < _EVENTS_AT_ONCE:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._bell.wait(), POLL_SECONDS)

    async def _watch_trader(self) -> None:
        while True:
            try:
                await self._look_for_trader()
                self._database_there = True
            except DatabaseAway:
                self._database_there = False
            await asyncio.sleep(POLL_SECONDS)

    async def _look_for_trader(self) -> None:
        seen = (await self._traders.seen()).get(self.account, 0)
        if seen != self._seen[0]:
            self._seen = (seen, self._loop.time())

    # For the robots' thread

    @property
    def connected(self) -> bool:
        """Whether the database answers, and the trader has been seen there of late."""
        return self._database_there and self._loop.time() - self._seen[1] < TRADER_SILENT_SECONDS

    def post(self, robot: str, action: Action) -> None:
        """Have an action written; Unavailable if nobody would take it."""
        if not self.connected:
            raise Unavailable(f"the trader of {self.account} has not been seen in the database of late; nothing was sent")
        self._loop.call_soon_threadsafe(self._put, robot, action)

    def receive(self) -> list[tuple[str, Receipt | AtlasError]]:
        """What the trader has answered."""
        found = []
        with contextlib.suppress(IndexError):
            while True:
                found.append(self._results.popleft())
        return found

    def events_since(self, sequence: int) -> Events:
        """These robots' events."""
        return self._wait(self._events_since(sequence))

    def settle(self, robot: str, action: Action) -> bool:
        """Withdraw an action unless it is written."""
        return self._wait(self._settle(robot, action))

    def close(self) -> None:
        """Nothing is this thread's own."""

    def _put(self, robot: str, action: Action) -> _Entry:
        entry = self._entries.get(action_id(action))
        if entry is None:
            entry = _Entry(robot, action, self._clock.now_ns() + int(GIVE_UP_SECONDS * NS_PER_SECOND))
            self._entries[action_id(action)] = entry
            self._outbox.append(entry)
            self._to_write.set()
        return entry

    async def _settle(self, robot: str, action: Action) -> bool:
        if action_id(action) in self._unanswered:
            return True
        entry = self._put(robot, action)
        entry.withdrawn = True
        return await asyncio.shield(entry.done)

    async def _events_since(self, sequence: int) -> Events:
        last = await self._events.last_sequence()
        return Events(await self._events.since(sequence, _EVENTS_AT_ONCE, self._robots), last)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Have the event loop do something, and wait for it.

        Raises:
            Unavailable: it takes too long.
        """
        if self._closed.is_set():
            work.close()
            raise Unavailable("the link to the database is closed")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(REQUEST_SECONDS)
        except FutureTimeoutError:
            future.cancel()
            raise Unavailable("the database does not answer in time") from None


async def trader_account(database: Database, wanted: str) -> str:
    """The account whose trader takes requests from this database: `wanted`, or the only one there is. Waits for a first one.

    Raises:
        ConfigurationError: there are several, and none is named.
        Unavailable: none has ever been seen.
        DatabaseAway: the database does not answer.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _FIND_TRADER_SECONDS
    while True:
        accounts = sorted(await TraderRepository(database).seen())
        if wanted in accounts or (len(accounts) == 1 and not wanted):
            return wanted or accounts[0]
        if len(accounts) > 1 and not wanted:
            raise ConfigurationError(f"several traders take requests here ({', '.join(accounts)}); set strategy.account")
        if loop.time() >= deadline:
            who = f"the trader of {wanted} has" if wanted else "no trader has"
            raise Unavailable(f"{who} ever taken requests from this database; start it, or correct strategy.account")
        await asyncio.sleep(_AGAIN_SECONDS)
