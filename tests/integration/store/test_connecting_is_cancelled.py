"""Whoever gives up while the database is connected to leaves no socket behind."""

import asyncio

import pytest

from atlas.store import Database


class HeldConnects:
    """Every socket that the loop connects, held in the moment when it is connected."""

    def __init__(self, loop, monkeypatch):
        self.sockets = []
        self.reached, self.let_go = asyncio.Event(), asyncio.Event()
        self._connect = loop.sock_connect
        monkeypatch.setattr(loop, "sock_connect", self.connect)

    async def connect(self, sock, address):
        await self._connect(sock, address)
        self.sockets.append(sock)
        self.reached.set()
        await self.let_go.wait()


@pytest.fixture
async def held(monkeypatch):
    return HeldConnects(asyncio.get_running_loop(), monkeypatch)


async def test_a_connection_given_up_while_it_is_made_is_closed(database_server, held):
    connecting = asyncio.create_task(Database.connect(database_server.url, "given-up"))
    async with asyncio.timeout(60):
        await held.reached.wait()
        connecting.cancel()
        asyncio.get_running_loop().call_soon(held.let_go.set)
        await asyncio.wait({connecting})
    assert connecting.cancelled()
    assert [one.fileno() for one in held.sockets] == [-1] * len(held.sockets)


async def test_a_client_closed_while_it_looks_for_its_server_closes_what_it_had_begun(database_server, held):
    async with asyncio.timeout(60):
        connecting = asyncio.create_task(Database.connect(database_server.url, "closed", wait_seconds=0.0))
        await held.reached.wait()
        await asyncio.wait({connecting})  # the server is not found in time
        assert connecting.exception() is not None
    assert [one.fileno() for one in held.sockets] == [-1] * len(held.sockets)
