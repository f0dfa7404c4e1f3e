"""The robot's side: the real robot ledger, a line to the trader that loses things, and the rules for asking again.

The same rules as the strategy service's: an action without a receipt is sent again under its id; one that is too old to be
meant is given up, once the trader says that it never had it. Events behind a gap wait until the gap is filled.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from support.virtual_loop import Process

from atlas.bus.orders import Command, Events, EventsSince, OrderAnswer, OrderQuery, Receipt
from atlas.domain import (
    Action,
    AtlasError,
    BadInput,
    Cancel,
    Clock,
    IllegalTransition,
    Instrument,
    Modify,
    OrderEvent,
    OrderEventKind,
    Submit,
    SubmitGroup,
    Unavailable,
    action_id,
    orders_of,
)
from atlas.robot.ledger import Ledger

ROBOT = "robot"
REQUEST_SECONDS = 2.0
GIVE_UP_SECONDS = 10.0
_PAUSE_SECONDS = 0.5


@dataclass
class Line:
    """What the line to the trader does next: so many requests, answers and messages with events are lost."""

    lost_requests: int = 0
    lost_answers: int = 0
    lost_events: int = 0
    doubled_events: int = 0
    seconds: float = 0.0005


Ask = Callable[[Any], Awaitable[Any]]


class Loop(Protocol):
    """What the robot needs of an event loop: a virtual one, or the machine's."""

    def time(self) -> float: ...
    def create_future(self) -> "asyncio.Future[Any]": ...
    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> asyncio.TimerHandle: ...
    def spawn(self, process: Process, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]": ...


class Robot:
    """Asks for orders and counts what it is told.

    Args:
        trader: how to ask the trader that runs now, or None while none does.
    """

    def __init__(self, loop: Loop, clock: Clock, trader: Callable[[], tuple[Process, Ask] | None]) -> None:
        self.ledger = Ledger()
        self.line = Line()
        self.illegal: list[str] = []
        self.asked: list[Action] = []
        self._given_up: set[str] = set()
        self.receipts: list[Receipt] = []
        self._loop = loop
        self._clock = clock
        self._trader = trader
        self._process = Process(ROBOT)
        self._sequence = 0
        self._behind = False
        self._open: set[asyncio.Task[None]] = set()
        self._catching_up = loop.spawn(self._process, self._catch_up())

    @property
    def waiting(self) -> int:
        """Actions without an answer."""
        return len(self._open)

    @property
    def last_sequence(self) -> int:
        """Number of the last event of the trader's that was counted."""
        return self._sequence

    def stop(self) -> None:
        """Ask for nothing any more."""
        for task in (self._catching_up, *self._open):
            task.cancel()

    def learn(self, instruments: Iterable[Instrument]) -> None:
        """Know what may be traded."""
        self.ledger.instruments.update({one.id: one for one in instruments})

    def ask(self, action: Action) -> None:
        """Want something, and see to it that the trader hears of it."""
        self.asked.append(action)
        self.ledger.ask(action)
        self._send(action)

    def repeat(self, action: Action) -> None:
        """Send a command once more, as after a restart of the robot's own."""
        self._send(action)

    def tell(self, events: Sequence[OrderEvent]) -> None:
        """The trader publishes events."""
        if self.line.lost_events:
            self.line.lost_events -= 1
            return
        copies = 1
        if self.line.doubled_events:
            self.line.doubled_events -= 1
            copies = 2
        for _ in range(copies):
            self._loop.call_later(self.line.seconds, self._hear, list(events), context=self._process.context())

    def tell_last(self, sequence: int) -> None:
        """The trader publishes the number of its newest event."""
        self._behind = self._behind or sequence > self._sequence

    # Events in.

    def _hear(self, events: Sequence[OrderEvent]) -> None:
        if events[0].sequence > self._sequence + 1:
            self._behind = True
        if not self._behind:
            self._apply(events)

    def _apply(self, events: Iterable[OrderEvent]) -> None:
        for event in events:
            if event.sequence <= self._sequence:
                continue
            self._sequence = event.sequence
            if event.robot == ROBOT:
                self._fold(event)

    def _fold(self, event: OrderEvent) -> None:
        if not self.ledger.is_news(event):
            return
        try:
            self.ledger.fold(event)
        except IllegalTransition as error:
            if event.sequence:  # what our own side makes up of a change may come too late to mean anything
                self.illegal.append(f"{event.sequence}: {error}")

    async def _catch_up(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            if not self._behind:
                continue
            try:
                await self._fetch()
                self._behind = False
            except (AtlasError, TimeoutError):
                continue

    async def _fetch(self) -> None:
        while True:
            answer = await self._request(EventsSince(self._sequence))
            if not isinstance(answer, Events):
                raise Unavailable(f"{answer} is no answer")
            self._apply(answer.events)
            if not answer.events or answer.events[-1].sequence >= answer.last_sequence:
                return

    # Commands out.

    def _send(self, action: Action) -> None:
        task = self._loop.spawn(self._process, self._see_to(action))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _see_to(self, action: Action) -> None:
        first = self._loop.time()
        while action_id(action) not in self._given_up:
            try:
                answer = await self._request(Command(action))
            except BadInput as error:
                self._give_up(action, str(error))
                return
            except (AtlasError, TimeoutError):
                if self._loop.time() - first >= GIVE_UP_SECONDS and await self._settled(action):
                    return
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._receipted(action, answer)
                return

    def _receipted(self, action: Action, answer: object) -> None:
        if isinstance(answer, Receipt):
            self.receipts.append(answer)
            if isinstance(action, Modify | Cancel) and answer.reason:
                self._give_up(action, answer.reason)

    async def _settled(self, action: Action) -> bool:
        change = isinstance(action, Modify | Cancel)
        try:
            answer = await self._request(OrderQuery(action.order_id if change else action_id(action)))  # type: ignore[union-attr]
        except (AtlasError, TimeoutError):
            return False
        if change or not (isinstance(answer, OrderAnswer) and answer.known):
            self._give_up(action, "the trader could not be reached")
        return True

    def _give_up(self, action: Action, reason: str) -> None:
        self._given_up.add(action_id(action))  # it is never sent again
        now_ns = self._clock.now_ns()
        if isinstance(action, Modify | Cancel):
            self._fold(OrderEvent(0, action.order_id, ROBOT, OrderEventKind.REFUSED, now_ns, reason=reason))
        elif isinstance(action, Submit | SubmitGroup):
            for order in orders_of(action):
                if order.id in self.ledger.orders:
                    self._fold(OrderEvent(0, order.id, ROBOT, OrderEventKind.DENIED, now_ns, reason=reason, order=order))

    async def _request(self, body: object) -> Any:
        """Over the line and back. The trader works on it in its own process, if it lives."""
        await asyncio.sleep(self.line.seconds)
        there = self._trader()
        answer: asyncio.Future[Any] = self._loop.create_future()
        if there is not None and not self._loses("lost_requests"):
            process, ask = there
            self._loop.spawn(process, self._answer(ask, body, answer))
        return await asyncio.wait_for(answer, REQUEST_SECONDS)

    async def _answer(self, ask: Ask, body: object, answer: "asyncio.Future[Any]") -> None:
        result: object
        try:
            result = await ask(body)
        except AtlasError as error:
            result = error
        if not self._loses("lost_answers"):
            self._loop.call_later(self.line.seconds, _tell, answer, result, context=self._process.context())

    def _loses(self, what: str) -> bool:
        left = getattr(self.line, what)
        setattr(self.line, what, max(0, left - 1))
        return bool(left)


def _tell(answer: "asyncio.Future[Any]", result: object) -> None:
    if not answer.done():
        if isinstance(result, AtlasError):
            answer.set_exception(result)
        else:
            answer.set_result(result)
