"""The gateway: joins listings, exchange, broker, market, faults and sockets, and drives them by one event loop."""

import asyncio
import gc
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import structlog

from atlas.domain import Quote, Trade
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.faults import Injector
from ib_gateway.simulator.faults import load as load_scenario
from ib_gateway.simulator.instruments import Catalogue, load
from ib_gateway.simulator.market import Feed, Recording, Source, VirtualClock
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server.assembly import history_terms, market_terms, open_exchange, open_source
from ib_gateway.simulator.server.counters import Counters
from ib_gateway.simulator.server.faults import Faults, message_kinds
from ib_gateway.simulator.server.hall import Hall
from ib_gateway.simulator.server.listener import Listener
from ib_gateway.simulator.server.terminal import Terminal
from ib_gateway.simulator.server.virtual_time import Time
from ib_gateway.simulator.state import NoStateFile, StateFile, StateLost

if TYPE_CHECKING:
    from ib_gateway.simulator.control import ControlServer

_log = structlog.get_logger("ib_gateway.simulator")
_TICK_SECONDS = 0.25


class SimulatedGateway:
    """A simulated IB Gateway in this process, from `async with` on.

    `faults` breaks it on purpose, `time` is its clock, `terminal` the broker's own, `counters` say what happened.

    Args:
        options: what it is asked to be.
        source: ticks of the caller's own, in place of what the options say.
        catalogue: what is listed, read before by the caller; as a rule the options' file is read.
        monotonic_ns: real time from any origin, for a gateway in an event loop whose time is not the machine's.

    Raises on entry:
        BadInput: the instruments file, the recording, the scenario or the state file cannot be used.
        Unavailable: a port is taken.
    """

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        source: Source | None = None,
        catalogue: Catalogue | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.options = options
        self.counters = Counters()
        self.accounts = options.accounts
        self._catalogue: Catalogue = catalogue or load(options.instruments)
        self._scenario = load_scenario(options.scenario) if options.scenario is not None else None
        self._source: Source
        self._source, start_ns = open_source(options, self._catalogue, source)
        self._clock = VirtualClock(start_ns, options.speed, monotonic_ns)
        if options.paused:
            self._clock.pause()
        self._exchange = open_exchange(options, self._catalogue, start_ns)
        self._state: StateFile | NoStateFile = NoStateFile()
        injector = Injector(message_kinds(), options.seed)
        self._hall = Hall(options, self._clock, injector, self.counters, monotonic_ns)
        self._broker = Broker(
            self._catalogue, self._exchange, self._clock, self, self._hall.send, self._interest,
            order_rules=options.orders, market_terms=market_terms(options),
            history_terms=history_terms(options, self._catalogue, self._source),
        )  # fmt: skip
        self._hall.broker = self._broker
        self._listener = Listener(options.host, self._hall.accept)
        self.faults = Faults(injector, self._clock, self._hall, self._listener, self._broker)
        self.feed = Feed(self._source, self._clock, self._play, self._hall.drained, self.faults.next_due_ns, self._on_time)
        self.time = Time(self._clock, self.feed, self.faults)
        self.terminal = Terminal(self._hall, self._broker, self._exchange)
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.TimerHandle | None = None
        self._control: ControlServer | None = None
        self._over = asyncio.Event()

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self._listener.port

    @property
    def control_port(self) -> int:
        """The port of the HTTP control API; 0 if it has none."""
        return self._control.port if self._control else 0

    # Setting up and tearing down.

    async def __aenter__(self) -> Self:
        self._restore()
        options = self.options
        try:
            self._listener.bind(options.port)
            if self._scenario is not None:
                self.faults.play(self._scenario)
            if options.control_port is not None:
                from ib_gateway.simulator.control import ControlServer

                self._control = ControlServer(self, options.control_host, options.control_port)
            if self.faults.state in ("running", "frozen"):
                await self._listener.listen()
        except BaseException:
            if self._control:
                self._control.abandon()
            self._listener.close()
            self._state.close()
            raise
        if options.recording is None:
            self.feed.start()
        self.faults.rearm()
        self._tasks = [asyncio.create_task(run()) for run in (self._run_feed, self._run_timer, self._run_to_the_end)]
        if self._control:
            self._tasks.append(asyncio.create_task(self._control.serve()))
        _log.info("simulated gateway ready", port=self.port, accounts=list(options.accounts), speed=options.speed,
                  recording=str(options.recording or ""), state=self.faults.state,
                  control=self.control_port or None)  # fmt: skip
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.faults.close()
        self._listener.close()
        if self._control:
            await self._control.close()
        if self._starting:
            self._starting.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hall.hang_up()
        self._state.close()

    async def wait_failed(self) -> None:
        """Wait for ever, unless what drives the gateway fails: then raise that."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()

    def _restore(self) -> None:
        path = self.options.state
        if path is not None:
            records = self._broker.restore(StateFile.read(path))
            self._state = StateFile.begin(path, self._broker.snapshot())
            _log.info("state restored", path=str(path), records=records)
        self._broker.begin()

    # What the broker needs.

    def append(self, record: object) -> None:
        """Write down what happened to orders. Where that cannot be done it is over: nobody hears of it, or of what follows."""
        if self._hall.over is not None:
            return
        try:
            self._state.append(record)  # type: ignore[arg-type]
        except StateLost as error:
            _log.error("state file failed", path=str(self.options.state), detail=str(error))
            self._hall.end(error)
            self._listener.close()
            self._over.set()

    def _interest(self, instrument: str, streaming: bool) -> None:  # noqa: FBT001 - the broker calls it by position
        self.feed.want(instrument)
        if streaming and not self.feed.started and self._starting is None and instrument in self._source.instruments:
            loop = asyncio.get_running_loop()
            self._starting = loop.call_later(self.options.play_after_seconds, self._start)

    def _start(self) -> None:
        self.feed.start()
        self.faults.rearm()

    # What drives it.

    def _play(self, events: Sequence[Quote | Trade]) -> None:
        self._broker.on_market(events)
        self._broker.on_time()
        self._hall.flush()

    def _on_time(self) -> None:
        """Time has come to where something is due."""
        self._broker.on_time()
        self.faults.on_time()
        self._hall.flush()

    async def _run_feed(self) -> None:
        await self.feed.run()
        _log.info("recording finished", quotes=self.feed.quotes_played)

    async def _run_to_the_end(self) -> None:
        await self._over.wait()
        assert self._hall.over is not None  # noqa: S101
        raise self._hall.over

    async def _run_timer(self) -> None:
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            if self._clock.follows_ticks:  # the feed says when something is due: real time must not show
                self._hall.flush()
            else:
                self._on_time()


async def serve(options: SimulatorOptions, *, ready: Callable[[int], None] | None = None) -> None:
    """Run a simulated gateway until cancelled. `ready` hears the port once clients can connect.

    Raises:
        BadInput: the instruments file, the recording, the scenario or the state file cannot be used.
        Unavailable: a port is taken; later `StateLost`: the state file cannot be written any more.
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
