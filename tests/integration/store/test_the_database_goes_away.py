"""The server is killed, or was never there: one clear error, and work goes on when it is back."""

import asyncio
import time

import pytest
from pymongo.errors import NetworkTimeout, NotPrimaryError, OperationFailure
from support.servers import DatabaseServer, free_port

from atlas.domain import ConfigurationError, OrderEvent, OrderEventKind, Refused
from atlas.store import Database, DatabaseAway, OrderEventRepository, OrderRepository


@pytest.fixture
def server(tmp_path):
    own = DatabaseServer(tmp_path)
    own.start()
    yield own
    own.kill()


async def test_a_killed_server_is_away_and_what_it_had_acknowledged_is_there_when_it_is_back(server):
    database = await Database.connect(server.url, "desk")
    events = OrderEventRepository(database, "DU1")
    await events.prepare()
    kept = [OrderEvent(n, "o", "r", OrderEventKind.WORKING, n) for n in (1, 2)]
    await events.append(kept)
    server.kill()

    lost = OrderEvent(3, "o", "r", OrderEventKind.CANCELLED, 3)
    attempts = (database.ping(), events.append([lost]), events.since(0), OrderRepository(database).count_by_status())
    for outcome in await asyncio.gather(*attempts, return_exceptions=True):
        assert isinstance(outcome, DatabaseAway)
        assert f"127.0.0.1:{server.port} does not answer" in str(outcome)
        assert "\n" not in str(outcome)

    server.start()
    await database.ping()
    assert await events.since(0) == kept
    await events.append([*kept, lost])
    assert await events.since(0) == [*kept, lost]
    await database.close()


async def test_a_server_that_comes_late_is_waited_for(tmp_path):
    server = DatabaseServer(tmp_path)
    waiting = asyncio.create_task(Database.connect(server.url, "desk", wait_seconds=20))
    await asyncio.sleep(0)
    await asyncio.to_thread(server.start)
    try:
        database = await waiting
        await database.ping()
        await database.close()
    finally:
        server.kill()


async def test_a_server_that_is_not_there_is_named_with_what_to_do():
    port = free_port()
    with pytest.raises(DatabaseAway, match=rf"127\.0\.0\.1:{port} does not answer.*start it or set database\.url") as caught:
        await Database.connect(f"mongodb://127.0.0.1:{port}/", "desk", wait_seconds=0)
    assert "\n" not in str(caught.value)


async def test_who_gives_up_waiting_leaves_no_connection_behind():
    port = free_port()
    waiting = asyncio.create_task(Database.connect(f"mongodb://127.0.0.1:{port}/", "desk", wait_seconds=60))
    await asyncio.sleep(0.1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_something_else_at_the_databases_address_is_away_too():
    async def talk(_reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\nyou are not what I expected, whoever you are")
        await writer.drain()
        writer.close()

    other = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    async with other:
        with pytest.raises(DatabaseAway, match=rf"127\.0\.0\.1:{port}"):
            await Database.connect(f"mongodb://127.0.0.1:{port}/", "desk", wait_seconds=0)


@pytest.mark.parametrize("url", ["http://127.0.0.1:27017/", "mongodb://", "mongodb://127.0.0.1:99999/", ""])
async def test_a_url_that_is_none_is_refused(url):
    with pytest.raises(ConfigurationError, match=r"database\.url") as caught:
        await Database.connect(url, "desk", wait_seconds=0)
    assert "\n" not in str(caught.value)


async def test_a_user_is_refused_at_once_by_a_server_that_knows_none_and_the_password_not_told(database_server):
    begun = time.monotonic()
    with pytest.raises(Refused, match=r"database\.user") as caught:
        await Database.connect(database_server.url, "desk", user="somebody", password="not-to-be-told", wait_seconds=30)
    assert time.monotonic() - begun < 5
    assert "not-to-be-told" not in str(caught.value)


@pytest.mark.parametrize(
    ("raised", "told", "words"),
    [
        (OperationFailure("Authentication failed.", 18), Refused, "database.user"),
        (OperationFailure("not authorized on atlas to execute command", 13), Refused, "database.user"),
        (OperationFailure("no space left", 14031), DatabaseAway, "14031: no space left"),
        (NotPrimaryError("not primary"), DatabaseAway, "not primary"),
        (NetworkTimeout("timed out"), DatabaseAway, "timed out"),
    ],
)
async def test_what_a_real_server_may_raise_is_told_in_our_words(database, raised, told, words):
    with pytest.raises(told) as caught:
        async with database.guard():
            raise raised
    assert type(caught.value) is told
    assert words in str(caught.value)
