"""Where connections come together: who sits where, and what passes between clients and broker, through which faults."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime

from atlas.domain import to_datetime
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.faults import Injector
from ib_gateway.simulator.faults.effects import Ask, Effect, Tell
from ib_gateway.simulator.market import VirtualClock
from ib_gateway.simulator.messages.replies import Error, Reply
from ib_gateway.simulator.messages.requests import Request
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server.answers import Answers
from ib_gateway.simulator.server.counters import Counters
from ib_gateway.simulator.server.session import FROZEN, Session

_HANG_UP_SECONDS = 1.0


class Hall:
    """All connections of a gateway. What faults do besides messages waits in `pending` until the broker is done."""

    def __init__(
        self,
        options: SimulatorOptions,
        clock: VirtualClock,
        injector: Injector,
        counters: Counters,
        monotonic_ns: Callable[[], int],
    ) -> None:
        self.counters = counters
        self.monotonic_ns = monotonic_ns
        self.handshake_seconds = options.handshake_seconds
        self.max_buffered_bytes = options.max_buffered_bytes
        self.messages_per_second = options.rules.messages_per_second
        self.sessions: dict[int, Session] = {}
        self.connections: set[Session] = set()
        self.pending: list[Effect] = []
        self.broker: Broker
        self._clock = clock
        self._injector = injector
        self._alone = asyncio.Event()
        self._settling = False
        self._answers = Answers(self._work, self.flush)
        self._answering: int | None = None
        self.over: Exception | None = None
        self.act_on_pending: Callable[[], None] = _nothing

    # What sessions need.

    @property
    def lossless(self) -> bool:
        """Whether the market waits for every reader, so that nothing need be left out."""
        return self._clock.follows_ticks

    def now(self) -> datetime:
        """The gateway's time."""
        return to_datetime(self._clock.now_ns())

    def enter(self, session: Session, client_id: int) -> bool:
        """A client has started the API; False if its id is taken."""
        if client_id in self.sessions or self._injector.is_stuck(client_id):
            return False
        self.sessions[client_id] = session
        session.client_id = client_id
        with self._answers_to(client_id):
            self.broker.connect(client_id)
            self._do(self._injector.came(client_id, self._clock.now_ns()))
        return True

    def ask(self, session: Session, request: Request) -> None:
        """A client asks something."""
        client_id = session.client_id
        assert client_id is not None  # noqa: S101
        if self._injector.quiet:
            self._answers.ask(client_id, request)
        else:
            self._do(self._injector.incoming(client_id, request, self._clock.now_ns()))

    def _work(self, client_id: int, request: Request, rest: Sliced[None] | None) -> Sliced[None] | None:
        """Begin to answer a request, or go on with it; returns what is left to do."""
        try:
            if rest is None:
                return self.broker.answer(client_id, request)
            with self._answers_to(client_id):
                next(rest)
        except StopIteration:
            return None
        except Exception as error:  # noqa: BLE001 - a fault of ours in one request must not cut its client off
            session = self.sessions[client_id]
            self.counters.fault(type(request).__name__, session.peer, error)
            self.say(client_id, Error(getattr(request, "req_id", -1), 320, f"Error processing request: {error!r}"))
            return None
        return rest

    def say(self, client_id: int, reply: Reply) -> None:
        """The gateway itself has something to say to a client."""
        with self._answers_to(client_id):
            self.send(client_id, reply)

    def leave(self, session: Session) -> None:
        """A connection is gone."""
        self.connections.discard(session)
        if not self.connections:
            self._alone.set()
        client_id = session.client_id
        if client_id is not None and self.sessions.get(client_id) is session:
            self._answers.leave(client_id)
            self.broker.disconnect(client_id)
            self._injector.gone(client_id)
            del self.sessions[client_id]

    def flush(self) -> None:
        """Write what is to be said to every client. What trades have done to accounts follows once that is on its way."""
        if self.pending:
            self.act_on_pending()
        for session in list(self.sessions.values()):
            session.flush()
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        self.broker.settle()
        for session in list(self.sessions.values()):
            session.flush()

    # What the broker needs.

    def send(self, client_id: int, reply: Reply) -> None:
        """Say something to a client."""
        if self._injector.quiet:
            self.sessions[client_id].say(reply)
            return
        solicited = self._answering == client_id
        self._do(self._injector.outgoing(client_id, reply, self._clock.now_ns(), solicited=solicited))

    # What faults need.

    def tell(self, told: Tell) -> None:
        """Say something to one client or to all, past all faults. One that is gone hears nothing."""
        clients = list(self.sessions) if told.client_id is None else [told.client_id]
        for client_id in clients:
            if client_id in self.sessions:
                self.sessions[client_id].say(told.reply)

    def act_on(self, asked: Ask) -> None:
        """Let the broker act on a request, past all faults. One whose client is gone is dropped."""
        if asked.client_id in self.sessions:
            with self._answers_to(asked.client_id):
                self._answers.ask(asked.client_id, asked.request)

    def of(self, client_id: int | None) -> list[Session]:
        """The connection of a client; all connections for None, also those that have not started the API."""
        if client_id is None:
            return list(self.connections)
        return [self.sessions[client_id]] if client_id in self.sessions else []

    def _do(self, effects: list[Effect]) -> None:
        """Messages go on at once; everything else waits until the broker has finished its sentence."""
        for effect in effects:
            match effect:
                case Tell():
                    self.tell(effect)
                case Ask() if self._answering is None:
                    self.act_on(effect)
                case _:
                    self.pending.append(effect)

    @contextlib.contextmanager
    def _answers_to(self, client_id: int) -> Iterator[None]:
        before, self._answering = self._answering, client_id
        try:
            yield
        finally:
            self._answering = before

    # Connections.

    def accept(self) -> Session:
        """A new connection."""
        posture = self._injector.posture
        session = Session(self, stalled_by=posture.new_sockets_stall | ({FROZEN} if posture.frozen else set()))
        self.connections.add(session)
        self._alone.clear()
        return session

    async def drained(self) -> None:
        """Wait for every answer and every reader of the market that is behind, and let requests in."""
        await self._answers.finished()
        for client_id, session in list(self.sessions.items()):
            if not session.stalled and self.broker.streaming(client_id):
                await session.drained()
        await asyncio.sleep(0)

    def end(self, error: Exception) -> None:
        """Cut off everybody at once: what the broker says from now on must not be heard."""
        self.over = error
        for session in list(self.connections):
            session.abort()

    async def hang_up(self) -> None:
        """Close every connection; those whose peers do not read what is left are cut."""
        for session in list(self.connections):
            session.close()
        if self.connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HANG_UP_SECONDS):
                    await self._alone.wait()
        for session in list(self.connections):
            session.abort()


def _nothing() -> None:
    """Nobody acts yet."""
