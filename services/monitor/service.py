"""The shell of the monitor: an HTTP server on the service's own loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import ClassVar

import uvicorn

from atlas.domain import Unavailable
from atlas.service.service import Service
from atlas.store import Database
from services.monitor.api import build_app
from services.monitor.desk import DeskView
from services.monitor.token import read_or_make_token


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the service."""
        yield


class Monitor(Service):
    """Serves the desk's state over HTTP."""

    name: ClassVar[str] = "monitor"
    _database: Database | None = None
    _desk: DeskView | None = None
    _server: _Server | None = None
    _serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take the port, open the database, serve."""
        settings = self.settings
        listener = _listen(settings.bind_address, settings.monitor.http_port)
        token = read_or_make_token(settings.monitor_token_file)
        self._database = await Database.connect(
            settings.database.url,
            settings.database.name,
            user=settings.database.user,
            password=settings.database_password(),
            wait_seconds=settings.database.start_timeout_seconds,
        )
        self._desk = DeskView(settings, self.bus, self._database)
        config = uvicorn.Config(build_app(self._desk, token), log_config=None, lifespan="off", timeout_graceful_shutdown=2)
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([listener]))
        self._serving.add_done_callback(self._on_served)

    async def stop(self) -> None:
        """Finish the requests under way, and close."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        if self._desk is not None:
            self._desk.close()
        if self._database is not None:
            await self._database.close()

    def _on_served(self, serving: asyncio.Task[None]) -> None:
        if not serving.cancelled() and serving.exception() is not None:
            self.fail(serving.exception())  # type: ignore[arg-type] # it is not None


def _listen(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise Unavailable(f"the port {address}:{port} cannot be used ({error.strerror}); set monitor.http_port") from error
    return listener
