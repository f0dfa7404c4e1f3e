"""The connection to the gateway under one client id: made, watched, lost, made again.

What follows from what happens is decided in `atlas.ib.link`, and only done here; socket and requests are `atlas.ib.session`.
All waiting is by the event loop's own clock.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import TypeVar

import structlog

from atlas.domain import AtlasError, Clock, Instrument, Refused, Unavailable, from_datetime
from atlas.ib import link as happening
from atlas.ib.definitions import Definitions
from atlas.ib.farms import ALL_IS_WELL, FarmChange
from atlas.ib.limiter import Limiter, Priority
from atlas.ib.link import CLIENT_ID_IN_USE, FOR_PEOPLE, Effect, Event, Limits, Link, LinkState, step
from atlas.ib.session import Session
from atlas.ib.words import problem_of, text_for_people
from atlas.market.windows import Schedule

T = TypeVar("T")
log = structlog.get_logger("atlas.ib")

MESSAGES_PER_SECOND = 45
_LOOK_AFTER_ATTEMPTS = 3
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, _JITTER = 0.2, 15.0, 0.5


class Connection:
    """A connection under one client id.

    Args:
        limiter: turns at the socket writer; clients that share a budget share it by configuration, see `Limiter`.
        schedule: interruptions that are known, and explain a loss.
        limits: when a silence, a failing and a loss are too long.
        heartbeat_seconds: how often the link is proven, or found lost.
        account: one that the login must have; any if empty.
        look_client_id: the id to look with, read-only, when ours is taken; 0 does not look.
        chance: of the pauses between attempts; seeded where a run has to be the same again.
        on_lost: called whenever an established session ends without `close`.
        on_effect: told what users of the link have to do once it is up, and what people have to know, each with a text.
        on_farm: told of each farm that is not what it was.
    """

    def __init__(
        self,
        host: str,
        port: int,
        client_id: int,
        clock: Clock,
        *,
        request_timeout_seconds: float = 10.0,
        limiter: Limiter | None = None,
        schedule: Schedule | None = None,
        limits: Limits | None = None,
        heartbeat_seconds: float = 5.0,
        account: str = "",
        look_client_id: int = 0,
        chance: random.Random | None = None,
        on_lost: Callable[[], None] | None = None,
        on_effect: Callable[[Effect, str], None] | None = None,
        on_farm: Callable[[FarmChange], None] | None = None,
    ) -> None:
        self.host, self.port, self.client_id = host, port, client_id
        self.clock = clock
        self.request_timeout_seconds = request_timeout_seconds
        self.limiter = limiter or Limiter(MESSAGES_PER_SECOND)
        self.schedule = schedule or Schedule()
        self.link = Link(limits=limits or Limits())
        self.reading = True
        """False while whoever reads from us holds the gateway up on purpose: then its silence proves nothing."""
        self._session = Session(
            host,
            port,
            client_id,
            clock,
            self.limiter,
            timeout_seconds=request_timeout_seconds,
            on_end=lambda: self._step(happening.SocketLost()),
            on_notice=self._hear,
        )
        self.ib = self._session.ib
        self.tap = self._session.tap
        self._heartbeat_seconds = heartbeat_seconds
        self._account = account
        self._look_client_id = look_client_id
        self._chance = chance or random.Random()
        self._on_lost, self._on_effect, self._on_farm = on_lost, on_effect, on_farm
        self._lost, self._up = asyncio.Event(), asyncio.Event()
        self._trip: asyncio.Task[int] | None = None
        self._definitions = Definitions(self.ib, self.ask)
        self._one_at_a_time = asyncio.Lock()

    # What there is to know

    @property
    def is_up(self) -> bool:
        """Whether orders can be taken: a session stands, the gateway answers, and it has the broker. See `state`."""
        return self.link.is_up

    @property
    def state(self) -> LinkState:
        """The link in one word."""
        return self.link.state

    @property
    def problem(self) -> str:
        """What is wrong with the link, for people; empty when it is up."""
        return problem_of(self.link, f"{self.host}:{self.port}", self.client_id)

    @property
    def last_heard_ns(self) -> int:
        """When the gateway last said anything; 0 if never."""
        return self._session.last_heard_ns

    @property
    def accounts(self) -> list[str]:
        """The accounts of the login, in the broker's order; those of the newest session."""
        return list(self._session.accounts)

    def next_order_id(self) -> int:
        """The next order id that the gateway will take from this client."""
        return int(self.ib.client.getReqId())

    def login_waits(self, waits: bool) -> None:  # noqa: FBT001 # its name says what it is
        """Whether the gateway's login waits for a person, as somebody says who sees it."""
        self._step(happening.LoginWaits(waits))

    # The session

    async def open(self, *, orders: bool) -> None:
        """Connect once, and prove the gateway behind the socket. It may have lost the broker: see `is_up`.

        Args:
            orders: whether orders are to go out under our client id; if it is taken, those that it holds are looked for.

        Raises:
            Refused: the gateway is there and turns us away (client id in use, another account).
            Unavailable: nobody answers at the address, or not in time.
        """
        self._step(happening.Dialled())
        try:
            await self._session.begin()
            self._check_account()
            self._step(happening.SessionBegun())
            await self.round_trip()
        except (OSError, TimeoutError, Unavailable) as error:
            self._session.end()
            self._step(happening.DialFailed(str(error) if isinstance(error, Refused) else ""))
            if orders and self._session.refused_with == CLIENT_ID_IN_USE:
                await self._look_for_orders()
            raise self._why_not(error) from error
        except BaseException:
            self._session.end()
            self._step(happening.DialFailed())
            raise
        self._lost.clear()

    async def open_within(self, seconds: float, *, orders: bool) -> None:
        """Open the session, trying again for so long while the gateway starts or a person approves the login. Then it is up.

        Raises:
            AtlasError: why the last attempt failed.
        """
        problems: list[AtlasError] = []
        try:
            async with asyncio.timeout(seconds):
                await self._dial(problems.append, orders=orders)
        except TimeoutError:
            problem = problems[-1] if problems else Unavailable(self.problem)
            self._session.end()
            self._step(happening.Closed())
            raise problem from None

    async def stay_open(
        self,
        *,
        orders: bool,
        on_problem: Callable[[str], None] = lambda _: None,
        on_open: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Open the session again whenever it is lost, with growing pauses, for good; and prove it again and again.

        Args:
            orders: as for `open`.
            on_problem: told why an attempt failed.
            on_open: what there is to do once a new session is up.
        """

        async def reconnect() -> None:
            while True:
                if self.link.has_session:
                    await self._lost.wait()
                await self._dial(lambda error: on_problem(str(error)), orders=orders)
                if on_open is not None:
                    await on_open()

        tasks = [asyncio.create_task(reconnect()), asyncio.create_task(self._heartbeat())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """End the session."""
        self._step(happening.Closed())
        self._session.end()
        if self._trip is not None:
            self._trip.cancel()

    async def _dial(self, on_problem: Callable[[AtlasError], None], *, orders: bool) -> None:
        """Try until a session is up."""
        for pause in self._pauses():
            try:
                await self.open(orders=orders)
                await self._until_up()
            except AtlasError as error:
                on_problem(error)
            else:
                return
            await asyncio.sleep(pause)

    def _pauses(self) -> Iterator[float]:
        """Growing pauses, and chance in them, so that not all clients come back in the same moment."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            yield pause * (1 + self._chance.random() * _JITTER)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _until_up(self) -> None:
        """Wait until the session is up: it may stand while the gateway has lost the broker."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._up, self._lost)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        if not self.link.has_session:
            raise Unavailable(self.problem)

    def _check_account(self) -> None:
        if self._account and self._account not in self.accounts:
            raise Refused(f"the login has no account {self._account}, only {', '.join(self.accounts)}")

    def _why_not(self, error: Exception) -> AtlasError:
        where = f"the gateway at {self.host}:{self.port}"
        if isinstance(error, Refused):
            return Refused(f"{where} turned client id {self.client_id} away: {error}")
        if isinstance(error, ConnectionRefusedError):
            return Unavailable(f"nothing listens at {self.host}:{self.port}; start the gateway or set gateway.port")
        return Unavailable(f"{where} gave no API session ({error or type(error).__name__}); is it logged in?")

    async def _look_for_orders(self) -> None:
        """Once per loss: see whether our client id, which a session that is gone still has, holds live orders."""
        if not self._look_client_id or self.link.failed_attempts != _LOOK_AFTER_ATTEMPTS:
            return
        looking = Connection(
            self.host, self.port, self._look_client_id, self.clock,
            request_timeout_seconds=self.request_timeout_seconds, limiter=self.limiter,
        )  # fmt: skip
        with contextlib.suppress(Unavailable):
            try:
                await looking.open(orders=False)
                trades = await looking.ask(looking.ib.reqAllOpenOrdersAsync, "open orders of all clients", Priority.PROBE)
            finally:
                looking.close()
            count = sum(1 for trade in trades if trade.order.clientId == self.client_id and not trade.isDone())
            log.warning("our client id is taken", client_id=self.client_id, live_orders=count)
            self._step(happening.OrdersAreStuck(count))

    # Proof

    async def round_trip(self) -> int:
        """Prove the gateway with a request for its time; returns that time. Several at once are one.

        Raises:
            Unavailable: no answer in time.
        """
        return await asyncio.shield(self._start_trip())

    def _start_trip(self) -> "asyncio.Task[int]":
        if self._trip is None or self._trip.done():
            self._trip = asyncio.create_task(self._make_trip())
            self._trip.add_done_callback(lambda trip: trip.cancelled() or trip.exception())
        return self._trip

    async def _make_trip(self) -> int:
        try:
            moment: datetime = await self._session.answer(self.ib.reqCurrentTimeAsync, "server time", Priority.PROBE)
        except Unavailable:
            self._step(happening.Unanswered())
            raise
        self._step(happening.Answered())
        return from_datetime(moment)

    async def _heartbeat(self) -> None:
        """Also, and above all, while there is no connection: that is a failed beat unless a known window explains it."""
        while True:
            if self.link.has_session and self.reading:
                with contextlib.suppress(Unavailable):
                    await self.round_trip()
            now_ns = self.clock.now_ns()
            self._step(happening.Beat(now_ns, self.schedule.at(now_ns)))
            await asyncio.sleep(self._heartbeat_seconds)

    # Requests

    async def ask(self, request: Callable[[], Awaitable[T]], what: str, priority: Priority = Priority.DATA) -> T:
        """The answer to one request; one is under way at a time.

        Raises:
            Unavailable: no answer in time, or the connection broke, or the gateway has lost the broker. The result is unknown,
                not empty.
            RequestFailed: the gateway answered with an error.
        """
        async with self._one_at_a_time:
            if not self.link.has_broker or not self.link.has_session:
                raise Unavailable(f"{what}: {self.problem}")
            return await self._session.answer(request, what, priority)

    async def instrument(self, instrument_id: str) -> Instrument:
        """The instrument's definition by the broker, asked once per connection object.

        Raises:
            UnknownInstrument: the broker has no such contract.
            BadInput: the id is malformed or ambiguous.
            Unavailable: no answer in time.
        """
        return await self._definitions.instrument(instrument_id)

    async def instrument_by_number(self, con_id: int) -> Instrument | None:
        """The instrument of a contract's number; None if no id of ours means exactly this contract.

        Raises:
            Unavailable: no answer in time.
        """
        return await self._definitions.by_number(con_id)

    # What happens, and what follows

    def _hear(self, code: int, text: str) -> None:
        if code not in ALL_IS_WELL:
            log.warning("gateway notice", code=code, text=text, client_id=self.client_id)
        self._step(happening.Heard(code, text))

    def _step(self, event: Event) -> None:
        before = self.link
        self.link, effects = step(before, event)
        if self.link.state is not before.state:
            log.info("gateway link", state=self.link.state.value, before=before.state.value, client_id=self.client_id)
        (self._up.set if self.link.is_up else self._up.clear)()
        if self._on_farm is not None:
            for change in self.link.farms.since(before.farms):
                self._on_farm(change)
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Effect.PROBE:  # soon: the round trip that has just failed is still on its way out
                asyncio.get_running_loop().call_soon(self._probe)
            case Effect.HANG_UP:
                self._session.end("the gateway does not answer")
                self._step(happening.SocketLost())
            case Effect.RECONNECT:
                self._lost.set()
                if self._on_lost is not None:
                    self._on_lost()
            case _ if self._on_effect is not None:
                about = f"{self.host}:{self.port}"
                text = text_for_people(effect, self.link, about, self.client_id) if effect in FOR_PEOPLE else ""
                self._on_effect(effect, text)

    def _probe(self) -> None:
        if self.link.has_session:
            self._start_trip()
