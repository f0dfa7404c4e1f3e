"""A running monitor, its HTTP interface, and a browser's view of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
from support.servers import control_of, desk_settings, environment

from atlas.bus import control
from atlas.service.config import load
from atlas.service.run import serve
from services.monitor import Monitor


@pytest.fixture
def settings(database_server, tmp_path):
    """A desk on free ports that keeps everything in the test's folder."""
    return desk_settings(tmp_path, database_server) | {"database.name": tmp_path.name}


@contextlib.asynccontextmanager
async def _browsing(settings: Mapping[str, object]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a running monitor that has its token."""
    loaded = load(environment=environment(settings)).settings
    serving = asyncio.create_task(serve(Monitor, loaded))
    async with control_of("monitor", settings) as line:
        pong = await line.ask(control.Ping(), 10.0)
        while not pong.ready:
            pong = await line.ask(control.Ping(), 10.0)
        token = loaded.monitor_token_file.read_text().strip()
        address = f"http://127.0.0.1:{loaded.monitor.http_port}"
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=20) as client:
            yield client
        await line.ask(control.Stop(), 5.0)
        assert await serving == 0


@pytest.fixture
def browsing():
    """Starts a monitor with settings, and gives a client of it."""
    return _browsing


@pytest.fixture
async def browser(settings, browsing):
    """A client of a running monitor that has its token."""
    async with browsing(settings) as client:
        yield client
