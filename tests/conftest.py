"""Fixtures that every rung of the ladder uses."""

import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from support.servers import DatabaseServer

from atlas.store import Database


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder of real recordings, named by ATLAS_TEST_DATA, by default beside the checkout."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("ATLAS_TEST_DATA") or default)
    if not folder.is_dir():
        reason = f"the real market data is not at {folder}; name its folder in ATLAS_TEST_DATA"
        if os.environ.get("ATLAS_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseServer]:
    """One real database server for all tests that only read and write. Those that kill one start their own."""
    server = DatabaseServer(tmp_path_factory.mktemp("database"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def database(database_server: DatabaseServer) -> AsyncIterator[Database]:
    """A connection to a database that is empty at first."""
    connected = await Database.connect(database_server.url, f"test-{uuid.uuid4().hex}")
    yield connected
    await connected.close()
