"""Garbage on real sockets, while another client trades on and notices nothing.

The garbage is seeded: a run that finds something can be run again.
"""

import asyncio
import random

import pytest

from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.codec import tables
from ib_gateway.simulator.codec.layout import compile_reader, compile_writer
from ib_gateway.simulator.messages import Contract, Ticket, requests
from ib_gateway.simulator.rules import Rules
from ib_gateway.simulator.wire import frame

START_NS = 1_780_671_600_000_000_000  # Friday 2026-06-05 15:00 UTC: every exchange of the instruments file trades
EURO = Contract(12087792, "EUR", "CASH", exchange="IDEALPRO", currency="USD")
VERSIONS = (157, 163, 166, 170, 176, 177, 178)
JUNK = ("", "-1", "0", "1", "2147483647", "1e308", "nan", "9" * 400, "x" * 300, "AAPL", "EUR", "SMART", "STK", "CASH", "\u4f1a")
EXECUTION = next(one for one in tables.REPLIES if one.message_id == 11)


def bytes_of(request, version=176):
    layout = next(one for one in tables.REQUESTS if one.struct is type(request))
    return frame(compile_writer(layout, version)(request).encode())


def greeting(version):
    return b"API\0" + frame(f"v{version}..{version}".encode())


class Peer:
    """A raw client."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def next(self):
        length = int.from_bytes(await self.reader.readexactly(4), "big")
        return (await self.reader.readexactly(length)).decode().split("\0")[:-1]

    async def until(self, message_id):
        async with asyncio.timeout(20):
            while (fields := await self.next())[0] != message_id:
                pass
        return fields


@pytest.fixture
async def gateway():
    options = SimulatorOptions(
        port=0, handshake_seconds=5, start_ns=START_NS, quotes_per_second=50.0, play_after_seconds=0.02, rules=Rules.none()
    )
    async with SimulatedGateway(options) as gateway:
        yield gateway


@pytest.fixture
async def dial(gateway):
    """Opens raw connections, and closes them at the end."""
    writers = []

    async def dial(first):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writers.append(writer)
        writer.write(first)
        return Peer(reader, writer)

    yield dial
    for writer in writers:
        writer.close()


async def started(dial, client_id, version=176):
    peer = await dial(greeting(version) + bytes_of(requests.StartApi(client_id), version))
    await peer.until("9")
    return peer


async def trade(peer, rounds, done):
    """Buy, again and again until `done` and at least so often; every order is filled once, and completely."""
    read = compile_reader(EXECUTION, 176)
    peer.writer.write(bytes_of(requests.MarketData(1, EURO)))
    order_id = 0
    while order_id < rounds or not done.is_set():
        order_id += 1
        peer.writer.write(bytes_of(requests.PlaceOrder(order_id, EURO, Ticket("BUY", 20_000.0, "MKT"))))
        bought = 0.0
        while bought < 20_000:
            fill = read((await peer.until("11"))[1:])
            assert (fill.order_id, fill.client_id, fill.side) == (order_id, 1, "BOT")
            bought += fill.shares
        assert bought == 20_000
    return order_id


async def swallow(peer):
    """Read until the gateway hangs up or says nothing more."""
    try:
        async with asyncio.timeout(0.05):
            while await peer.reader.read(65536):
                pass
    except (TimeoutError, ConnectionError):
        pass
    peer.writer.close()


def mutated(rng, version):
    """The bytes of some request of the protocol with fields of junk in it, or bytes that were hit."""
    layout = rng.choice(tables.REQUESTS)
    length = rng.choice((0, 1, 3, len(layout.items), len(layout.items) + 10))
    fields = [str(layout.message_id), "1", *(rng.choice(JUNK) for _ in range(length))]
    if rng.random() < 0.5:
        order = requests.PlaceOrder(rng.randrange(1, 50), EURO, Ticket("BUY", 1000.0, "LMT", 1.0))
        write = compile_writer(next(one for one in tables.REQUESTS if one.struct is requests.PlaceOrder), version)
        fields = write(order).split("\0")[:-1]
        for _ in range(rng.randrange(1, 4)):
            fields[rng.randrange(1, len(fields))] = rng.choice(JUNK)
    return frame("".join(f"{field}\0" for field in fields).encode())


async def bother(dial, rng, number):
    """One hostile connection: bytes of no protocol, or a client that speaks nonsense."""
    version = rng.choice(VERSIONS)
    kind = rng.randrange(5)
    if kind == 0:
        return await swallow(await dial(rng.randbytes(rng.randrange(1, 2000))))
    if kind == 1:
        return await swallow(await dial(greeting(version) + rng.randbytes(300)))
    if kind == 2:
        peer = await dial((greeting(version) + bytes_of(requests.StartApi(number), version))[: rng.randrange(4, 30)])
        peer.writer.transport.abort()
        return None
    peer = await started(dial, number, version)
    for _ in range(10):
        data = mutated(rng, version)
        if kind == 4 and rng.random() < 0.2:
            data = data[: rng.randrange(len(data))] + rng.randbytes(5)
        peer.writer.write(data)
    return await swallow(peer)


@pytest.mark.parametrize("seed", range(3))
async def test_a_client_trades_on_while_others_send_garbage(gateway, dial, seed, capsys):
    rng, done = random.Random(seed), asyncio.Event()
    trader = await started(dial, 1)
    trading = asyncio.create_task(trade(trader, 20, done))
    for batch in range(8):
        await asyncio.gather(*(bother(dial, rng, 100 + batch * 20 + number) for number in range(20)))
    done.set()
    async with asyncio.timeout(60):
        assert await trading >= 20
    assert gateway.counters["faults"] == 0, capsys.readouterr().out[-3000:]
    assert gateway.counters["malformed"] > 100
    assert gateway.counters["no_api_client"] > 0


async def test_five_hundred_clients_at_once_are_all_served_and_one_trades_on(gateway, dial):
    done = asyncio.Event()
    trading = asyncio.create_task(trade(await started(dial, 1), 5, done))

    async def one(number):
        peer = await started(dial, number, VERSIONS[number % len(VERSIONS)])
        peer.writer.write(bytes_of(requests.CurrentTime()))
        told = await peer.until("49")
        peer.writer.close()
        return told

    async with asyncio.timeout(60):
        assert all(await asyncio.gather(*(one(1000 + number) for number in range(500))))
    done.set()
    async with asyncio.timeout(60):
        assert await trading >= 5
    assert gateway.counters["faults"] == 0


async def test_an_unknown_message_is_answered_with_an_error_and_the_client_lives(gateway, dial):
    peer = await started(dial, 1)
    for unknown in ("0", "110", "-7", "99999999999999999999"):
        peer.writer.write(frame(f"{unknown}\0001\0".encode()))
        error = await peer.until("4")
        while error[3] in ("2104", "2106", "2158"):
            error = await peer.until("4")
        assert error[2:4] == ["-1", "321"]
        assert "no message id" in error[4]
    peer.writer.write(bytes_of(requests.CurrentTime()))
    assert await peer.until("49")
    assert gateway.counters["unknown_message"] == 4
    assert gateway.counters["faults"] == 0
