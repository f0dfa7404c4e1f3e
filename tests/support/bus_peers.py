"""Good and bad peers for the sockets of the bus: what a stranger, or one of us gone wrong, may send."""

import asyncio
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import zmq

from atlas.bus import AsyncSubscriber, Bus, Fault, KeyRing, Mailbox, MailboxSender, Publisher, Requester, RequestServer, market
from atlas.domain import MarketEvent, Quote

TOPIC = "EUR.USD@IDEALPRO|quote"
MAX_BYTES = 100_000
HANDSHAKE_SECONDS = 0.4
ENCODE = msgspec.msgpack.Encoder().encode
FAR_FUTURE_NS = 2**62


def quote(number: int) -> Quote:
    return Quote("EUR.USD@IDEALPRO", 1.1, 1.2, 1e6, 1e6, number, number)


class FaultBox:
    """Counts the faults of a bus, and lets a test wait for them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._changed = threading.Condition()

    def __call__(self, fault: Fault) -> None:
        with self._changed:
            self.counts[fault.kind] += 1
            self._changed.notify_all()

    def wait(self, kind: str, count: int = 1, timeout_seconds: float = 10.0) -> None:
        with self._changed:
            done = self._changed.wait_for(lambda: self.counts[kind] >= count, timeout_seconds)
        assert done, f"{count} {kind} expected, but there are {dict(self.counts)}"


class Keys:
    """The key folders of a desk in `folder`, or none at all without CURVE."""

    def __init__(self, folder: Path, *, curve: bool) -> None:
        self.folder = folder
        self.curve = curve

    def __call__(self, name: str) -> KeyRing | None:
        if not self.curve:
            return None
        return KeyRing.open(name, self.folder / "secret" / name, self.folder / "public")


class Door:
    """A bound socket of service `server`, with a good client that can tell whether it still serves."""

    name: str
    endpoint: str

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.faults = FaultBox()
        self.bus = Bus("server", keys("server"), self.faults, max_message_bytes=MAX_BYTES, handshake_seconds=HANDSHAKE_SECONDS)
        self.client = Bus("client", keys("client"), max_message_bytes=MAX_BYTES)
        self.open()

    def open(self) -> None:
        raise NotImplementedError

    async def serves(self) -> None:
        raise NotImplementedError

    async def seen(self, kind: str, count: int) -> None:
        """Wait until faults of `kind` have been counted."""
        await asyncio.to_thread(self.faults.wait, kind, count)

    def close(self) -> None:
        self.client.close()
        self.bus.close()


class RouterDoor(Door):
    name = "market requests"
    kind = zmq.DEALER

    def open(self) -> None:
        self.server = RequestServer(self.bus, "tcp://127.0.0.1:0", self.name, market.Request, lambda *_: market.Instruments([]))
        self.endpoint = self.server.endpoint
        self.good = Requester[market.Reply](self.client, self.endpoint, "server", market.Reply)

    async def serves(self) -> None:
        assert await self.good.ask(market.InstrumentsRequest([]), 5) == market.Instruments([])

    def frame(self, *, version: object = 1, body: object = ("greet", "x")) -> bytes:
        return ENCODE((version, 7, FAR_FUTURE_NS, "", body))


class PublisherDoor(Door):
    name = "market data"
    kind = zmq.XSUB

    def open(self) -> None:
        self.publisher = Publisher(self.bus, "tcp://127.0.0.1:0", self.name, lossless=True)
        self.endpoint = self.publisher.endpoint
        self.good = AsyncSubscriber[MarketEvent](self.client, self.endpoint, "server", [TOPIC], MarketEvent)
        self.number = 0

    async def serves(self) -> None:
        async def greet(greeting_id: str) -> None:
            self.publisher.greet(greeting_id)

        await self.good.hello(greet, 5)
        self.number += 1
        assert self.publisher.publish(TOPIC, [quote(self.number)])
        [delivery] = await self.good.receive(5)
        assert (delivery.sequence, delivery.missed, delivery.events) == (self.number, 0, (quote(self.number),))

    def frame(self, *, version: object = 1, body: object = ("greet", "x")) -> bytes:
        return b"\x07" + ENCODE((version, body))


class MailboxDoor(Door):
    name = "alerts"
    kind = zmq.PUSH

    def open(self) -> None:
        self.mailbox = Mailbox[MarketEvent, market.Request](
            self.bus, "tcp://127.0.0.1:0", MarketEvent, market.Request, socket_name=self.name
        )
        self.endpoint = self.mailbox.endpoint
        self.good = MailboxSender(self.client, self.endpoint, "server")
        self.number = 0

    async def serves(self) -> None:
        self.number += 1
        message = market.Greet(str(self.number))
        await asyncio.to_thread(self.good.send, message)
        received: list[object] = []
        for _ in range(50):
            received += await asyncio.to_thread(self.mailbox.receive, 0.2)
            if received:
                break
        assert received == [message]

    async def seen(self, kind: str, count: int) -> None:
        give_up = time.monotonic() + 10
        while self.faults.counts[kind] < count and time.monotonic() < give_up:
            assert await asyncio.to_thread(self.mailbox.receive, 0.05) == []
        self.faults.wait(kind, count, 0)

    def frame(self, *, version: object = 1, body: object = ("greet", "x")) -> bytes:
        return b"\0" + ENCODE((version, body))


DOORS: dict[str, type[RouterDoor | PublisherDoor | MailboxDoor]] = {
    "ROUTER": RouterDoor,
    "XPUB": PublisherDoor,
    "PULL": MailboxDoor,
}


# Strangers on the raw tcp port


def raw_connection(endpoint: str) -> socket.socket:
    url = urlsplit(endpoint)
    assert url.hostname is not None
    connection = socket.create_connection((url.hostname, url.port or 0))
    connection.settimeout(10)
    return connection


def send_and_await_the_end(data: bytes) -> Callable[[Door], None]:
    """Send `data` and wait until the other side cuts the connection."""

    def attack(door: Door) -> None:
        with raw_connection(door.endpoint) as connection:
            try:
                connection.sendall(data)
                while connection.recv(4_096):
                    pass
            except ConnectionError:
                pass

    return attack


def connect_and_leave(door: Door) -> None:
    raw_connection(door.endpoint).close()


def half_a_greeting(door: Door) -> None:
    """A good beginning, and then nothing, until the other side has had enough."""
    send_and_await_the_end(b"\xff\0\0\0\0\0\0\0\1\x7f\x03")(door)


# Peers that speak ZMTP, with keys that are wrong in one way or another


@dataclass(frozen=True)
class Stranger:
    """Connects with a key pair and a server key of its own making, says something, and is let in or not."""

    keys: Callable[[Door], tuple[bytes, bytes, bytes] | None]

    def __call__(self, door: Door) -> None:
        with zmq.Context() as context, context.socket(door.kind) as peer:  # type: ignore[attr-defined]
            peer.linger = 0
            pair = self.keys(door)
            if pair is not None:
                peer.curve_publickey, peer.curve_secretkey, peer.curve_serverkey = pair
            monitor = peer.get_monitor_socket(zmq.Event.DISCONNECTED | zmq.Event.HANDSHAKE_FAILED_AUTH)
            peer.connect(door.endpoint)
            assert monitor.poll(10_000), "the stranger was not turned away"
            peer.disable_monitor()
            monitor.close()


def server_key(door: Door) -> bytes:
    ring = door.keys("server")
    assert ring is not None
    return ring.public_key


def client_key(door: Door) -> bytes:
    ring = door.keys("client")
    assert ring is not None
    return ring.public_key


unknown_key = Stranger(lambda door: (*zmq.curve_keypair(), server_key(door)))
no_key = Stranger(lambda _: None)
wrong_server_key = Stranger(lambda _: (*zmq.curve_keypair(), zmq.curve_keypair()[0]))
someone_elses_public_key = Stranger(lambda door: (client_key(door), zmq.curve_keypair()[1], server_key(door)))
a_key_where_none_is_used = Stranger(lambda _: (*zmq.curve_keypair(), zmq.curve_keypair()[0]))


# One of us, let in, and gone wrong


def say(*messages: Callable[[Door], list[bytes]]) -> Callable[[Door], None]:
    """Send messages as an admitted peer would."""

    def attack(door: Door) -> None:
        with Bus("rogue", door.keys("rogue")) as bus:
            peer = bus.socket(door.kind, 100)  # type: ignore[attr-defined]
            peer.linger = 1_000
            if bus.keys is not None:
                bus.keys.secure_client(peer, bus.keys.public_key_of("server"))
            monitor = peer.get_monitor_socket(zmq.Event.HANDSHAKE_SUCCEEDED)
            peer.connect(door.endpoint)
            assert monitor.poll(10_000), "the rogue was not let in"
            for message in messages:
                peer.send_multipart(message(door))
            peer.disable_monitor()
            monitor.close()
            peer.close()

    return attack


@dataclass(frozen=True)
class Attack:
    """What is done, and which fault is to be counted for it: by default, and on some sockets another."""

    name: str
    do: Callable[[Door], None]
    fault: str
    curve: tuple[bool, ...] = (True, False)
    faults: tuple[tuple[str, str], ...] = ()
    only: tuple[str, ...] = ("ROUTER", "XPUB", "PULL")

    def fault_on(self, door: str) -> str:
        return dict(self.faults).get(door, self.fault)


NOISE = bytes((i * 167 + 13) % 251 for i in range(5_000))
ANY_ON_XPUB = (("XPUB", "unknown_message"),)

ATTACKS = [
    Attack("random bytes", send_and_await_the_end(NOISE), "handshake_failed"),
    Attack(
        "random bytes that begin like a greeting",
        send_and_await_the_end(b"\xff" + b"\0" * 8 + b"\x7f" + NOISE),
        "handshake_failed",
    ),
    Attack("a web browser", send_and_await_the_end(b"GET / HTTP/1.1\r\nHost: desk\r\n\r\n"), "handshake_failed"),
    Attack("an old ZMTP 2.0 peer", send_and_await_the_end(b"\xff\0\0\0\0\0\0\0\1\x7f\x01\x05\0\0"), "handshake_failed"),
    Attack("half a greeting, then silence", half_a_greeting, "handshake_failed"),
    Attack("one byte, then silence", send_and_await_the_end(b"\xff"), "handshake_failed"),
    Attack("nothing but a connection", connect_and_leave, "handshake_failed"),
    Attack("an unknown key", unknown_key, "key_refused", curve=(True,)),
    Attack("a wrong server key", wrong_server_key, "handshake_failed", curve=(True,)),
    Attack("a client key that is not its own", someone_elses_public_key, "handshake_failed", curve=(True,)),
    Attack("no key", no_key, "handshake_failed", curve=(True,)),
    Attack("a key where none is used", a_key_where_none_is_used, "handshake_failed", curve=(False,)),
    Attack("an empty message", say(lambda _: [b""]), "malformed", faults=ANY_ON_XPUB),
    Attack("malformed msgpack", say(lambda door: [door.frame()[:1] + b"\xc1\xff\xc1"]), "malformed", faults=ANY_ON_XPUB),  # type: ignore[attr-defined]
    Attack("a message cut short", say(lambda door: [door.frame()[:-2]]), "malformed", faults=ANY_ON_XPUB),  # type: ignore[attr-defined]
    Attack("fields of wrong types", say(lambda door: [door.frame(body=("greet", 5))]), "malformed", faults=ANY_ON_XPUB),  # type: ignore[attr-defined]
    Attack("another schema version", say(lambda door: [door.frame(version=2)]), "wrong_version", faults=ANY_ON_XPUB),  # type: ignore[attr-defined]
    Attack("an unknown tag", say(lambda door: [door.frame(body=("os.system", "ls"))]), "unknown_message"),  # type: ignore[attr-defined]
    Attack("an oversized message", say(lambda door: [door.frame(body=("greet", "x" * MAX_BYTES))]), "oversized"),  # type: ignore[attr-defined]
    Attack("a message beyond all limits", say(lambda door: [door.frame(body=("greet", "x" * MAX_BYTES * 5))]), "disconnected"),  # type: ignore[attr-defined]
    Attack("too many frames", say(lambda door: [door.frame()] * 3), "malformed", only=("ROUTER",)),  # type: ignore[attr-defined]
]
