"""The gateway: joins listings, exchange, broker, market and sockets, and drives them by one event loop."""

import asyncio
import contextlib
import errno
import gc
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from atlas.domain import NS_PER_MS, Quote, Trade, Unavailable, to_datetime
from atlas.exchange import Exchange, Terms
from atlas.exchange.calendar import AlwaysRegular
from ib_gateway.simulator.broker import Broker, is_advisor
from ib_gateway.simulator.instruments import Catalogue, ListedHours, load
from ib_gateway.simulator.market import Feed, Recording, Source, SyntheticMarket, VirtualClock
from ib_gateway.simulator.messages.replies import Reply
from ib_gateway.simulator.messages.requests import Request
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server.counters import Counters
from ib_gateway.simulator.server.session import Session
from ib_gateway.simulator.state import NoStateFile, StateFile

_log = structlog.get_logger("ib_gateway.simulator")
_TICK_SECONDS = 0.25
_HANG_UP_SECONDS = 1.0
_FIRST_PERM_ID = 1_000_000_000
_PERM_IDS = 1_000_000_000  # below 2**31


class SimulatedGateway:
    """A simulated IB Gateway in this process, from `async with` on.

    Raises on entry:
        BadInput: the instruments file, the recording or the state file cannot be used.
        Unavailable: the port is taken.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.counters = Counters()
        self.accounts = options.accounts
        self.port = 0
        self._catalogue: Catalogue = load(options.instruments)
        self._source: Source
        self._source, start_ns = self._open_source()
        self._clock = VirtualClock(start_ns, options.speed, time.monotonic_ns)
        self._exchange = self._open_exchange(start_ns)
        self._state: StateFile | NoStateFile = NoStateFile()
        self._broker = Broker(self._catalogue, self._exchange, self._clock, self, self._send, self._interest)
        self.feed = Feed(self._source, self._clock, options.speed, self._play, self._drained)
        self._sessions: dict[int, Session] = {}
        self._connections: set[Session] = set()
        self._alone = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.TimerHandle | None = None
        self._settling = False

    # Setting up and tearing down.

    async def __aenter__(self) -> Self:
        self._restore()
        options = self.options
        try:
            self._server = await asyncio.get_running_loop().create_server(self._accept, options.host, options.port)
        except OSError as error:
            self._state.close()
            if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
                why = {errno.EADDRINUSE: "in use", errno.EACCES: "not allowed"}.get(error.errno, "not an address of this host")
                text = f"{options.host} port {options.port} is {why}; stop what uses it or choose another with --port"
                raise Unavailable(text) from error
            raise
        self.port = self._server.sockets[0].getsockname()[1]
        if options.recording is None:
            self.feed.start()
        self._tasks = [asyncio.create_task(self._run_feed()), asyncio.create_task(self._run_timer())]
        _log.info("simulated gateway ready", port=self.port, accounts=list(options.accounts), speed=options.speed,
                  recording=str(options.recording or ""))  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server:
            self._server.close()
        if self._starting:
            self._starting.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hang_up()
        if self._server:
            await self._server.wait_closed()
        self._state.close()

    async def _hang_up(self) -> None:
        """Close every connection; those whose peers do not read what is left are cut."""
        for session in list(self._connections):
            session.close()
        if self._connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HANG_UP_SECONDS):
                    await self._alone.wait()
        for session in list(self._connections):
            session.abort()

    async def wait_failed(self) -> None:
        """Wait for ever, unless what drives the gateway fails: then raise that."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    def _open_source(self) -> tuple[Source, int]:
        options = self.options
        if options.recording is not None:
            recording = Recording(options.recording, self._catalogue.instruments())
            return recording, recording.first_ns
        start_ns = time.time_ns() if options.start_ns is None else options.start_ns
        listings = {listing.instrument.id: listing for listing in self._catalogue}
        active = [listing.instrument.id for listing in self._catalogue.front(to_datetime(start_ns).strftime("%Y%m%d"))]
        return SyntheticMarket(listings, active, options.seed, start_ns, options.quotes_per_second), start_ns

    def _open_exchange(self, start_ns: int) -> Exchange:
        """Ids are counted from the time of the start, so that two gateways that begin afresh do not give the same ones."""
        ms = start_ns // NS_PER_MS
        terms = Terms(
            reference_rates=dict(self._catalogue.reference_rates),
            instrument_margins={li.instrument.id: li.margin for li in self._catalogue if li.margin},
            instrument_commissions={li.instrument.id: li.commission for li in self._catalogue if li.commission},
            first_perm_id=_FIRST_PERM_ID + ms // 10 % _PERM_IDS,
            execution_prefix=f"{ms + self.options.seed * 7919 & 0xFFFFFFFF:08x}",
            first_execution=ms // 1000,
        )
        cash = {
            account: {terms.base_currency: 0.0 if is_advisor(account) else self.options.cash} for account in self.options.accounts
        }
        calendar = ListedHours(self._catalogue) if self.options.hours == "real" else AlwaysRegular()
        return Exchange(self._catalogue.instruments(), cash, terms, calendar)

    def _restore(self) -> None:
        path = self.options.state
        if path is not None:
            records = self._broker.restore(StateFile.read(path))
            self._state = StateFile.begin(path, self._broker.snapshot())
            _log.info("state restored", path=str(path), records=records)
        self._broker.begin()

    # What the broker needs.

    def append(self, record: object) -> None:
        """Write down what happened to orders."""
        self._state.append(record)  # type: ignore[arg-type]

    def _send(self, client_id: int, reply: Reply) -> None:
        self._sessions[client_id].say(reply)

    def _interest(self, instrument: str, streaming: bool) -> None:  # noqa: FBT001 - the broker calls it by position
        self.feed.want(instrument)
        if streaming and not self.feed.started and self._starting is None and instrument in self._source.instruments:
            loop = asyncio.get_running_loop()
            self._starting = loop.call_later(self.options.play_after_seconds, self.feed.start)

    # What sessions need.

    def now(self) -> datetime:
        """The gateway's time."""
        return to_datetime(self._clock.now_ns())

    def enter(self, session: Session, client_id: int) -> bool:
        """A client has started the API; False if its id is taken."""
        if client_id in self._sessions:
            return False
        self._sessions[client_id] = session
        session.client_id = client_id
        self._broker.connect(client_id)
        return True

    def ask(self, session: Session, request: Request) -> None:
        """A client asks something."""
        assert session.client_id is not None  # noqa: S101
        self._broker.handle(session.client_id, request)

    def leave(self, session: Session) -> None:
        """A connection is gone."""
        self._connections.discard(session)
        if not self._connections:
            self._alone.set()
        if session.client_id is not None and self._sessions.get(session.client_id) is session:
            self._broker.disconnect(session.client_id)
            del self._sessions[session.client_id]

    def flush(self) -> None:
        """Write what is to be said to every client. What trades have done to accounts follows once that is on its way."""
        for session in list(self._sessions.values()):
            session.flush(bounded=self.options.speed > 0)
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        self._broker.settle()
        for session in list(self._sessions.values()):
            session.flush(bounded=self.options.speed > 0)

    def _accept(self) -> Session:
        session = Session(self, self.options.handshake_seconds, self.options.max_buffered_bytes)
        self._connections.add(session)
        self._alone.clear()
        return session

    # What drives it.

    def _play(self, events: Sequence[Quote | Trade]) -> None:
        self._broker.on_market(events)
        self._broker.on_time()
        self.flush()

    async def _drained(self) -> None:
        """Wait for every reader of the market that is behind, and let requests in."""
        for client_id, session in list(self._sessions.items()):
            if self._broker.streaming(client_id):
                await session.drained()
        await asyncio.sleep(0)

    async def _run_feed(self) -> None:
        await self.feed.run()
        _log.info("recording finished", quotes=self.feed.quotes_played)

    async def _run_timer(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self._broker.on_time()
            self.flush()


async def serve(options: SimulatorOptions, *, ready: Callable[[int], None] | None = None) -> None:
    """Run a simulated gateway until cancelled. `ready` hears the port once clients can connect.

    Raises:
        BadInput: the instruments file, the recording or the state file cannot be used.
        Unavailable: the port is taken.
    """
    async with SimulatedGateway(options) as gateway:
        gc.collect()
        gc.freeze()  # what is there now stays; looking at it again and again would only delay answers
        if ready:
            ready(gateway.port)
        await gateway.wait_failed()


def instruments_of_recording(recording: Path, instruments: Path | None = None) -> tuple[str, ...]:
    """Ids of the instruments in a recording, by an instruments file (None: the shipped one).

    Raises:
        BadInput: either file cannot be used.
    """
    return tuple(Recording(recording, load(instruments).instruments()).instruments)
