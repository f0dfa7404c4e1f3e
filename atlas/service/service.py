"""What every service is: started, ready or not with a reason, asked over its control socket, stopped in order."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar

import structlog

from atlas.bus import Bus, KeyRing, Message, control
from atlas.bus.control import Done, Pause, Ping, Pong, Resume, Status, StatusRequest, Stop
from atlas.domain import AtlasError, Clock, Unavailable
from atlas.service.metrics import Figures, text_figures
from atlas.service.settings import Settings

_LOOK_FOR_KEYS_SECONDS = 0.1
_CANCEL_AGAIN_SECONDS = 0.5


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their end, however they end.

    A cancellation is lost where what a task waits for fails at the same moment: so it is said again until it is heard.
    """
    ending = list(tasks)
    while left := [task for task in ending if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=_CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*ending, return_exceptions=True)


def watched(tasks: Iterable[asyncio.Task[None]], on_failure: Callable[[BaseException], None]) -> list[asyncio.Task[None]]:
    """The tasks; if one fails, `on_failure` is told why, instead of nobody."""

    def ended(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            on_failure(error)

    watching = list(tasks)
    for task in watching:
        task.add_done_callback(ended)
    return watching


class Service:
    """Base of the services. A subclass overrides `start`, `stop`, `problems` and `figures`; it is run by `run_service`."""

    name: ClassVar[str]
    control_requests: ClassVar[Any] = control.Request
    """What the control socket takes; a service that answers more widens it."""

    def __init__(self, settings: Settings, bus: Bus, clock: Clock) -> None:
        self.settings = settings
        self.bus = bus
        self.clock = clock
        self.log = structlog.get_logger(f"atlas.{self.name}")
        self.stopping = asyncio.Event()
        self.started = False
        self.started_ns = clock.now_ns()
        self.lag_ms = 0.0
        self._fatal: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    # For subclasses

    async def start(self) -> None:
        """Open what the service needs; return when it works.

        Raises:
            AtlasError: it cannot; the process ends with this error.
        """

    async def stop(self) -> None:
        """Close what `start` opened, what is under way first brought to an end."""

    def problems(self) -> list[str]:
        """Why the service does not do its job just now; empty when it does."""
        return []

    def figures(self) -> Figures:
        """Numbers and words about the service, for the status and the metrics."""
        return {}

    async def pause(self) -> None:
        """Stop beginning anything new.

        Raises:
            AtlasError: this service cannot pause.
        """
        raise AtlasError(f"{self.name} cannot be paused")

    async def resume(self) -> None:
        """Go on after a pause.

        Raises:
            AtlasError: this service cannot pause.
        """
        raise AtlasError(f"{self.name} cannot be paused")

    async def know(self, *peers: str) -> None:
        """Wait until the public keys of `peers` are there: services start in any order.

        Raises:
            Unavailable: one is not there in time.
        """
        if self.bus.keys is not None:
            for peer in peers:
                await self._know(peer, self.bus.keys)

    def keep(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        """Hold on to a background task; if it fails, the service fails. It is cancelled at the stop."""
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def fail(self, error: BaseException) -> None:
        """End the process because of `error`."""
        if self._fatal is None:
            self._fatal = error
            self.log.error("cannot go on", error=str(error) or type(error).__name__, exc_info=error)
        self.stopping.set()

    @contextlib.contextmanager
    def listening_on(self, port: str) -> Iterator[str]:
        """The endpoint of the setting `port` of this service.

        Raises:
            Unavailable: the port cannot be had; the error names the setting.
        """
        try:
            yield f"tcp://{self.settings.bind_address}:{getattr(getattr(self.settings, self.name), port)}"
        except Unavailable as error:
            raise Unavailable(f"{error}; set {self.name}.{port}") from error

    # For the runner

    @property
    def state(self) -> str:
        """In one word: starting, running, degraded, stopping."""
        if self.stopping.is_set():
            return "stopping"
        if not self.started:
            return "starting"
        return "degraded" if self.problems() else "running"

    @property
    def ready(self) -> bool:
        """Whether the service does its job."""
        return self.state == "running"

    @property
    def fatal(self) -> BaseException | None:
        """Why the process has to end, if it has."""
        return self._fatal

    def all_figures(self) -> dict[str, float | int | str]:
        """The service's figures and those that every service has."""
        now = self.clock.now_ns()
        common: Figures = {
            "uptime_seconds": (now - self.started_ns) / 1e9,
            "loop_lag_ms": round(self.lag_ms, 3),
            "ready": int(self.ready),
        }
        return text_figures({**common, **self.figures()})

    async def on_control(self, request: Any, _peer: str) -> Message:
        """Answer the control socket."""
        match request:
            case Ping():
                return Pong(
                    name=self.name,
                    state=self.state,
                    ready=self.ready,
                    detail="; ".join(self.problems()) if self.started else "starting",
                    uptime_ns=self.clock.now_ns() - self.started_ns,
                )
            case StatusRequest():
                return Status(
                    name=self.name,
                    state=self.state,
                    ready=self.ready,
                    started_ns=self.started_ns,
                    figures=self.all_figures(),
                    problems=self.problems(),
                )
            case Pause():
                await self.pause()
            case Resume():
                await self.resume()
            case Stop():
                self.log.info("stop asked for")
                self.stopping.set()
        return Done()

    async def cancel_tasks(self) -> None:
        """Cancel the background tasks and wait for them."""
        await end_tasks(self._tasks)

    async def _know(self, peer: str, keys: KeyRing) -> None:
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self.bus.peer_key_seconds
        while True:
            try:
                keys.public_key_of(peer, timeout_seconds=0.0)
            except Unavailable:
                if loop.time() >= give_up:
                    raise
                await asyncio.sleep(_LOOK_FOR_KEYS_SECONDS)
            else:
                return

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.fail(task.exception())  # type: ignore[arg-type] # it is not None
