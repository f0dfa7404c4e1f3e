"""The database route: takes what robots have written into the database, in the order of their numbers, and answers there.

Change streams wake it, and a look every second. What it acts on are the numbers: of each robot it takes what comes after the
last one it has taken, so that an event that never came, a token that is no longer valid and a history that was lost cost
nothing. A request is taken once its answer stands in its document; until then it is taken again, and the trader knows a
repeated action by its id.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable
from itertools import groupby
from typing import Any, Final

import structlog

from atlas.bus.orders import Command, Receipt, Reply
from atlas.domain import AtlasError, BadInput, Cancel, Clock, Denial, OrderStatus, Refused, iso
from atlas.service.alarms import Alarms, Severity
from atlas.service.metrics import Figures
from atlas.service.service import end_tasks, watched
from atlas.store import Changes, Database, DatabaseAway, Requested, RequestRepository, TraderRepository
from atlas.store.requests import ANSWERED, MOST_AHEAD, OPEN, ORDERS, OUT_OF_TURN, REFUSED, REQUESTS
from atlas.trading.outcome import Outcome, Verdict
from atlas.trading.risk import OPERATOR
from services.trader.answers import ROBOT_PEER

POLL_SECONDS: Final = 1.0
GAP_SECONDS: Final = 5.0
_BOTH: Final = (ORDERS, REQUESTS)
_SHOWN: Final = 80  # so much of what others have written stands in an alarm
_HISTORY_LOST: Final = "database-route-history-lost"

log = structlog.get_logger("atlas.trader")

Carry = Callable[[Command, str], Awaitable[Reply]]
"""Carries a command out for the peer of that name, as if it had come by the order socket."""


class DatabaseRoute:
    """One trader's end of the database route.

    Args:
        account: what robots address: the account of this trader.
        carry: gets every action that is to be carried out, one after the other for each robot.
        on_failure: told why the route cannot go on, if it is nothing that passes.
    """

    def __init__(
        self,
        database: Database,
        account: str,
        carry: Carry,
        clock: Clock,
        alarms: Alarms,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._requests = RequestRepository(database, account)
        self._traders = TraderRepository(database)
        self._account = account
        self._carry = carry
        self._clock = clock
        self._alarms = alarms
        self._on_failure = on_failure
        self._wake = asyncio.Event()
        self._rung: set[str] = set()  # the collections that something was inserted into
        self._streams = [
            Changes(database, name, {"trader": account, "request": OPEN}, self._on_change, self._on_history_lost)
            for name in _BOTH
        ]
        self._taken: dict[str, int] = defaultdict(int)
        self._gaps: dict[str, float] = {}  # by robot: since when a number is missing
        # Answers that the database has not taken yet, by collection and key, each with what `request` will say.
        self._unwritten: dict[tuple[str, Any], tuple[Outcome, str]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._problem = self._held_up = ""
        self._count = 0
        self._refused = 0

    async def start(self) -> None:
        """Take over the numbers, and begin to take requests.

        Raises:
            ConfigurationError: the database is a standalone server, which has no change streams.
            DatabaseAway: it does not answer.
        """
        await self._requests.prepare()
        for stream in self._streams:
            await stream.prove()
        self._taken.update(await self._requests.taken())
        tokens = await self._traders.register(self._account, self._clock.now_ns())
        for name, stream in zip(_BOTH, self._streams, strict=True):
            stream.token = tokens.get(name)
        jobs = [self._work(), *(stream.follow() for stream in self._streams)]
        self._tasks = watched((asyncio.create_task(job) for job in jobs), self._on_failure)

    async def stop(self) -> None:
        """Take no more. What was not answered stays in the database, for the next start."""
        await end_tasks(self._tasks)

    def problems(self) -> list[str]:
        """Why requests are not taken just now."""
        return [self._problem] if self._problem else []

    def figures(self) -> Figures:
        """How many requests were taken and refused, and how many change events were heard."""
        heard = sum(stream.heard for stream in self._streams)
        return {"database_requests": self._count, "database_refused": self._refused, "database_changes": heard}

    # Waking

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        beat_at = loop.time()
        while True:
            self._wake.clear()
            rung, self._rung = self._rung, set()
            tokens = {name: stream.token for name, stream in zip(_BOTH, self._streams, strict=True)}
            self._held_up = ""
            try:
                await self._take(rung or _BOTH)
                if loop.time() >= beat_at:  # the tokens of what has been processed, not of what has come since
                    beat_at = loop.time() + POLL_SECONDS
                    await self._traders.beat(self._account, self._clock.now_ns(), tokens)
            except DatabaseAway as error:
                self._held_up = str(error)
            else:
                self._alarms.clear(_HISTORY_LOST)
            self._problem = f"requests in the database are not taken: {self._held_up}" if self._held_up else ""
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)

    def _on_change(self, collection: str) -> None:
        self._rung.add(collection)
        self._wake.set()

    def _on_history_lost(self, reason: str) -> None:
        self._alarms.raise_(
            _HISTORY_LOST,
            f"the database has forgotten the changes since the last one that was seen ({reason}); all requests are read again "
            "by their numbers. If it comes often, give the database a larger oplog",
            Severity.WARNING,
        )

    # Taking

    async def _take(self, collections: Collection[str]) -> None:
        """Take everything that is open, until nothing is. Where a number is missing, it may be in the other collection."""
        while True:
            requests = [one for one in await self._requests.open(collections) if self._can_be_answered(one)]
            by_robot = [list(group) for _, group in groupby(requests, key=lambda one: one.robot)]
            taken = await asyncio.gather(*(self._take_of_one_robot(group) for group in by_robot))
            if sum(taken) < len(requests) and len(collections) < len(_BOTH):
                collections = _BOTH
            elif not sum(taken):
                return

    async def _take_of_one_robot(self, requests: Iterable[Requested]) -> int:
        """Take what is in turn; how many were answered."""
        taken = []
        for requested in requests:
            if (requested.collection, requested.key) not in self._unwritten:
                if not self._is_in_turn(requested):
                    break
                try:
                    outcome, request = await self._outcome(requested)
                except AtlasError as error:  # nothing was done; it is asked again
                    self._held_up = str(error)
                    break
                self._unwritten[requested.collection, requested.key] = outcome, request
                if request != OUT_OF_TURN:
                    self._taken[requested.robot] = max(self._taken[requested.robot], requested.number)
            taken.append(requested)
        for requested in taken:
            outcome, request = self._unwritten[requested.collection, requested.key]
            await self._requests.answer(requested, outcome, request)
            del self._unwritten[requested.collection, requested.key]
            self._count += 1
            self._refused += request != ANSWERED
        return len(taken)

    def _can_be_answered(self, requested: Requested) -> bool:
        """Whether an answer can be written to its document; if not, a person is told, and it stays where it is."""
        if not requested.is_answerable:
            self._alarms.raise_(
                f"request-quarantined:{requested.collection}:{requested.id[:_SHOWN]}",
                f"the document with the _id {requested.id[:_SHOWN]} in {requested.collection} is left alone: the _id of a "
                "request is a text; delete it, or move it elsewhere",
            )
        return requested.is_answerable

    def _is_far_ahead(self, requested: Requested) -> bool:
        return requested.number > self._taken[requested.robot] + MOST_AHEAD

    def _is_in_turn(self, requested: Requested) -> bool:
        """Whether no number before it is missing, or one has been for so long that it will not come."""
        robot, expected = requested.robot, self._taken[requested.robot] + 1
        key = f"request-missing:{robot}"
        if requested.number <= expected:
            self._gaps.pop(robot, None)
            if requested.number == expected:
                self._alarms.clear(key)
                self._alarms.clear(f"request-number:{robot}")
            return True
        if self._is_far_ahead(requested):
            return True  # to be refused: it is no number that its robot has come to
        now = asyncio.get_running_loop().time()
        if now - self._gaps.setdefault(robot, now) < GAP_SECONDS:
            return False
        self._gaps.pop(robot)
        self._alarms.raise_(
            key,
            f"robot {robot} has numbered a request {requested.number}, but its request {expected} is not in the database; "
            "later ones are taken without it. See that the robot runs once, and that nobody deletes requests",
        )
        return True

    async def _outcome(self, requested: Requested) -> tuple[Outcome, str]:
        """What became of a request, and what it is now: one that the trader's books know, or one of those that they do not.

        Raises:
            AtlasError: the trader cannot take anything just now.
        """
        action, last = requested.action, self._taken[requested.robot]
        if self._is_far_ahead(requested):
            text = (
                f"its number {requested.number} is more than {MOST_AHEAD} above {last}, the last one of robot "
                f"{requested.robot}; restart the robot if the request is its own"
            )
            self._alarms.raise_(f"request-number:{requested.robot}", f"request {requested.id[:_SHOWN]} was refused: {text}")
            return _refusal(requested, "number", text), OUT_OF_TURN
        if action is None:
            return _refusal(requested, "malformed", requested.problem), REFUSED
        if requested.robot == OPERATOR:  # what it sends passes a halt: that takes a key, which documents do not have
            return _refusal(requested, "operator", f"no robot may call itself {OPERATOR}"), REFUSED
        cancels = isinstance(action, Cancel)  # always welcome, however late
        if requested.number <= last and not cancels:
            text = f"number {requested.number} of robot {requested.robot} was used before, or is late; its next is {last + 1}"
            return _refusal(requested, "number", text), REFUSED
        if not cancels and 0 < requested.until_ns < self._clock.now_ns():
            text = f"it was to be carried out until {iso(requested.until_ns)}, and the trader saw it later"
            return _refusal(requested, "expired", text), REFUSED
        try:
            answer = await self._carry(Command(action), f"{ROBOT_PEER}{requested.robot}")
        except BadInput as error:
            return _refusal(requested, "malformed", str(error)), REFUSED
        except Refused as error:
            return _refusal(requested, "owner", str(error)), REFUSED
        if not isinstance(answer, Receipt):
            raise AtlasError(f"the trader answered {type(answer).__name__} to {requested.id}")
        return Outcome(answer.order_id, _verdict(answer), answer.status, answer.reason, answer.denial, answer.code), ANSWERED


def _verdict(receipt: Receipt) -> Verdict:
    if receipt.verdict is Verdict.ACCEPTED and receipt.reason:
        return Verdict.DENIED
    return receipt.verdict


def _refusal(requested: Requested, rule: str, text: str) -> Outcome:
    return Outcome(requested.id, Verdict.DENIED, OrderStatus.DENIED, text, Denial(rule, text))
