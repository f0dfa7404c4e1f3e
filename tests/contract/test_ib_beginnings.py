"""However the beginning of our session ends: either it stands, or its socket is closed. On real sockets."""

import asyncio
import struct

import pytest

from atlas.domain import Refused
from atlas.ib.limiter import Limiter
from atlas.ib.session import Session
from atlas.service.clock import WallClock

GREETING = b"176\x0020260605 15:00:00 UTC\x00"


def framed(message):
    return struct.pack(">I", len(message)) + message


class Peer:
    """Listens where a gateway would, and does with each connection what a test says."""

    def __init__(self, greet):
        self.greet = greet
        self.writers = []
        self.heard, self.gone = asyncio.Event(), asyncio.Event()

    async def talk(self, reader, writer):
        self.writers.append(writer)
        try:
            await reader.read(1000)
            self.heard.set()
            await self.greet(writer)
            while await reader.read(1000):
                pass
        except ConnectionError:
            pass
        self.gone.set()
        writer.close()


@pytest.fixture
async def peer_that():
    servers = []

    async def start(greet):
        peer = Peer(greet)
        server = await asyncio.start_server(peer.talk, "127.0.0.1", 0)
        servers.append(server)
        peer.port = server.sockets[0].getsockname()[1]
        return peer

    yield start
    for server in servers:
        server.close()


def session_at(port, timeout_seconds=60.0):
    clock = WallClock()

    def nothing(*_):
        pass

    limiter = Limiter(45)
    return Session("127.0.0.1", port, 1, clock, limiter, timeout_seconds=timeout_seconds, on_end=nothing, on_notice=nothing)


async def says_nothing(writer):
    pass


async def greets_and_no_more(writer):
    writer.write(framed(GREETING))


async def hangs_up(writer):
    writer.close()


async def resets(writer):
    writer.transport.abort()


async def turns_away(writer):
    writer.write(framed(GREETING))
    writer.write(framed(b"4\x002\x00-1\x00326\x00Unable to connect as the client id is already in use.\x00\x00"))
    writer.close()


@pytest.fixture
async def made(monkeypatch):
    """The transport of every connection that was made."""
    loop = asyncio.get_running_loop()
    connect, transports = loop.create_connection, []

    async def create_connection(*arguments, **more):
        transport, protocol = await connect(*arguments, **more)
        transports.append(transport)
        return transport, protocol

    monkeypatch.setattr(loop, "create_connection", create_connection)
    return transports


def are_closed(transports):
    return all(transport._sock is None for transport in transports)


@pytest.mark.parametrize(("greet", "error"), [(hangs_up, ConnectionError), (resets, ConnectionError), (turns_away, Refused)])
async def test_a_gateway_that_ends_the_greeting_leaves_nothing_open_and_nobody_waiting(peer_that, made, greet, error):
    peer = await peer_that(greet)
    session = session_at(peer.port)
    async with asyncio.timeout(50):  # less than the session's own: it does not wait for what cannot come any more
        with pytest.raises(error):
            await session.begin()
    assert len(made) == 1
    assert are_closed(made)


@pytest.mark.parametrize("greet", [says_nothing, greets_and_no_more])
async def test_a_gateway_that_does_not_greet_in_time_is_hung_up_on(peer_that, made, greet):
    peer = await peer_that(greet)
    with pytest.raises(TimeoutError):
        await session_at(peer.port, timeout_seconds=0.5).begin()
    assert are_closed(made)


async def test_nobody_at_the_port_leaves_nothing_open_and_the_next_beginning_is_free(peer_that, made):
    peer = await peer_that(says_nothing)
    session = session_at(1)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError):
            await session.begin()
    session.port = peer.port
    beginning = asyncio.create_task(session.begin())
    async with asyncio.timeout(60):
        await peer.heard.wait()
        session.end()
        with pytest.raises(ConnectionError, match="closed"):
            await beginning
        await peer.gone.wait()
    assert are_closed(made)


@pytest.mark.parametrize("turns", range(12))
async def test_a_beginning_cancelled_at_any_turn_of_the_loop_ends_at_once_with_its_socket(peer_that, made, turns):
    peer = await peer_that(says_nothing)
    beginning = asyncio.create_task(session_at(peer.port).begin())
    for _ in range(turns):
        await asyncio.sleep(0)
    beginning.cancel()
    async with asyncio.timeout(50):
        await asyncio.wait({beginning})
    assert beginning.cancelled()
    assert are_closed(made)


async def test_a_session_that_the_gateway_has_reset_unheard_is_closed_all_the_same(peer_that, made, monkeypatch):
    peer = await peer_that(greets_and_no_more)
    session = session_at(peer.port)
    beginning = asyncio.create_task(session.begin())
    async with asyncio.timeout(50):
        await peer.heard.wait()

        def shutdown_of_a_reset_socket():
            raise OSError(107, "Transport endpoint is not connected")

        await asyncio.sleep(0)
        monkeypatch.setattr(made[0], "write_eof", shutdown_of_a_reset_socket)
        session.end()
        with pytest.raises(ConnectionError):
            await beginning
    assert are_closed(made)
