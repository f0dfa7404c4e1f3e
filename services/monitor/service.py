"""The shell of the monitor: an HTTP server on the service's own loop."""

import asyncio
import socket
from typing import ClassVar

from atlas.service.service import Service
from atlas.store import Database
from services.monitor.api import build_app
from services.monitor.desk import DeskView
from services.monitor.http import HttpServer, listen
from services.monitor.token import read_or_make_token


class Monitor(Service):
    """Serves the desk's state over HTTP."""

    name: ClassVar[str] = "monitor"
    _listener: socket.socket | None = None
    _database: Database | None = None
    _desk: DeskView | None = None
    _server: HttpServer | None = None
    _serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take the port, open the database, serve."""
        settings = self.settings
        self._listener = listen(settings.bind_address, settings.monitor.http_port)
        token = read_or_make_token(settings.monitor_token_file)
        self._database = await Database.connect(
            settings.database.url,
            settings.database.name,
            user=settings.database.user,
            password=settings.database_password(),
            wait_seconds=settings.database.start_timeout_seconds,
        )
        self._desk = DeskView(settings, self.bus, self._database)
        self._server = HttpServer(build_app(self._desk, token), self._report_malformed)
        self._serving = asyncio.create_task(self._server.serve([self._listener]))
        self._serving.add_done_callback(self._on_served)

    async def stop(self) -> None:
        """Finish the requests under way, and close."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving
        if self._listener is not None:
            self._listener.close()
        if self._desk is not None:
            self._desk.close()
        if self._database is not None:
            await self._database.close()

    def _report_malformed(self, source: str, what: str) -> None:
        self.bus.report("http", "malformed", source, what)

    def _on_served(self, serving: asyncio.Task[None]) -> None:
        if not serving.cancelled() and serving.exception() is not None:
            self.fail(serving.exception())  # type: ignore[arg-type] # it is not None
