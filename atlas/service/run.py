"""Running a service as a process: signals, control socket, metrics, heartbeat, and an orderly end within five seconds."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from atlas.bus import Bus, KeyRing, RequestServer
from atlas.domain import AtlasError
from atlas.service.clock import WallClock
from atlas.service.logs import configure_logs
from atlas.service.metrics import Figures, MetricsServer
from atlas.service.service import Service, end_tasks
from atlas.service.settings import ServiceSettings, Settings

STOP_SECONDS = 4.0
HEARTBEAT_SECONDS = 1.0
PEER_KEY_SECONDS = 30.0
_SCRAPE_SECONDS = 2.0

log = structlog.get_logger("atlas.service")


def run_service(kind: type[Service], settings: Settings) -> int:
    """Run a service until it is told to stop. Returns the exit code: 0 after an orderly stop.

    Raises:
        AtlasError: it could not start, or could not go on.
    """
    configure_logs(settings.log, kind.name)
    return asyncio.run(serve(kind, settings))


def open_bus(name: str, settings: Settings, *, peer_key_seconds: float = PEER_KEY_SECONDS) -> Bus:
    """The bus of a process that goes by `name`, with its keys unless CURVE is off.

    Whoever connects to a peer that never ran waits `peer_key_seconds` for its key, blocking.
    """
    keys = KeyRing.open(name, settings.secret_keys_dir, settings.public_keys_dir) if settings.bus.curve else None
    return Bus(name, keys, peer_key_seconds=peer_key_seconds)


async def serve(kind: type[Service], settings: Settings) -> int:
    """Run a service on this loop until it is told to stop; what `run_service` does in a process of its own."""
    own: ServiceSettings = getattr(settings, kind.name)
    _make_folder(settings.state_dir)
    with contextlib.closing(open_bus(kind.name, settings)) as bus:
        service = kind(settings, bus, WallClock())
        with (
            MetricsServer(
                kind.name,
                settings.bind_address,
                own.metrics_port,
                _from_other_threads(service.all_figures),
                lambda: dict(bus.faults),
                lambda source, what: bus.report("metrics", "malformed", source, what),
            ),
            _stop_on_signals(service),
        ):
            with service.listening_on("control_port") as endpoint:
                control = RequestServer(bus, endpoint, "control", kind.control_requests, service.on_control)
            heartbeat = asyncio.create_task(_heartbeat(service))
            try:
                await _live(service)
            finally:
                heartbeat.cancel()
                control.close()
    if service.fatal is not None:
        raise service.fatal
    log.info("stopped")
    return 0


async def _live(service: Service) -> None:
    starting = asyncio.create_task(service.start())
    waiting = asyncio.create_task(service.stopping.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            service.started = True
            log.info("started", **{k: v for k, v in service.figures().items() if isinstance(v, (int, str))})
            await waiting
    finally:
        await end_tasks([starting, waiting])
        service.stopping.set()
        await _stop(service)
        await service.cancel_tasks()


async def _stop(service: Service) -> None:
    try:
        await asyncio.wait_for(service.stop(), STOP_SECONDS)
    except TimeoutError:
        log.warning("the stop took too long and was cut short", seconds=STOP_SECONDS)
    except Exception as error:  # noqa: BLE001 # must not hide why the service ends; if nothing else is wrong, it is told
        service.fail(error)


async def _heartbeat(service: Service) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + HEARTBEAT_SECONDS
        await asyncio.sleep(HEARTBEAT_SECONDS)
        service.lag_ms = max(0.0, loop.time() - due) * 1e3


def _from_other_threads(figures: Callable[[], Figures]) -> Callable[[], Figures]:
    """`figures`, but called on this loop: what it counts changes there, and cannot be walked through elsewhere meanwhile."""
    loop = asyncio.get_running_loop()

    async def on_the_loop() -> Figures:
        return figures()

    return lambda: asyncio.run_coroutine_threadsafe(on_the_loop(), loop).result(_SCRAPE_SECONDS)


@contextlib.contextmanager
def _stop_on_signals(service: Service) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, service.stopping.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AtlasError(f"the state folder {folder} cannot be made ({error.strerror}); set state_dir") from error
