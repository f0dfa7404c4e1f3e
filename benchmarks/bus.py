"""The bus against the library under it: quotes per second, and the time of a request, each beside plain C on libzmq.

Ours are two processes that publish and subscribe, or ask and answer, through `atlas.bus` with everything on: numbering, gap
detection, typed decoding, back-pressure. The floor is `bus_floor.c`, built here against the very libzmq that pyzmq brings:
the same number of bytes, no structure, no numbers. Without a C compiler the floor is bare pyzmq, and says so.

    python -m benchmarks.bus            prints the figures
"""

import asyncio
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import zmq

from atlas.bus import BlockingRequester, Bus, KeyRing, Publisher, Requester, RequestServer, Subscriber, market
from atlas.domain import MarketEvent, Quote

ROUNDS = 5
QUOTE_BYTES = 54
EVENTS = {1: 500_000, 100: 5_000_000}
EVENTS_CURVE = {1: 300_000, 100: 3_000_000}
FLOOR_MESSAGES, FLOOR_MESSAGES_CURVE = 2_000_000, 300_000
ROUND_TRIPS = 5_000
TOPIC = "EUR.USD@IDEALPRO|quote"
QUOTE = Quote("EUR.USD@IDEALPRO", 1.08512, 1.08514, 1e6, 1e6, 1_399_248_023_668_000_000, 1_399_248_023_668_123_456)
QUESTION = market.Greet("x" * (QUOTE_BYTES - 10))
LOCAL = "tcp://127.0.0.1:0"
DEADLINE_SECONDS = 120


# Ours: what runs in the processes of the measurement


def _bus(name: str, keys: str) -> Bus:
    ring = KeyRing.open(name, Path(keys) / name, Path(keys) / "public") if keys else None
    return Bus(name, ring)


async def _publish(keys: str, events: int, in_one: int) -> None:
    """Publish `events` quotes, `in_one` to a message, once a subscriber is there; wait until it says that it has them all."""
    over, start = asyncio.Event(), asyncio.Event()
    with _bus("publisher", keys) as bus:
        publisher = Publisher(bus, LOCAL, lossless=True)
        signals = {"start": start.set, "over": over.set}

        def handle(greet: market.Greet, _: str) -> market.Done:
            signals.get(greet.id, lambda: publisher.greet(greet.id))()
            return market.Done()

        server = RequestServer(bus, LOCAL, "requests", market.Greet, handle)
        print(publisher.endpoint, server.endpoint, flush=True)
        await start.wait()
        batch = [QUOTE] * in_one
        for _ in range(events // in_one):
            while not publisher.publish(TOPIC, batch):
                await publisher.writable()
        await over.wait()


def _subscribe(keys: str, endpoint: str, requests: str, events: int, in_one: int) -> None:
    """Print how many quotes per second came, from the first batch to the last."""
    with _bus("subscriber", keys) as bus:
        subscriber: Subscriber[MarketEvent] = Subscriber(bus, endpoint, "publisher", [TOPIC], MarketEvent)
        requester: BlockingRequester[market.Done] = BlockingRequester(bus, requests, "publisher", market.Done)
        subscriber.hello(lambda greeting_id: requester.ask(market.Greet(greeting_id), 5), 30)
        requester.ask(market.Greet("start"), 5)
        deliveries = subscriber.receive(30)
        first, start = deliveries[-1].sequence, time.perf_counter()
        while deliveries[-1].sequence < events // in_one:
            deliveries = subscriber.receive(30)
        took = time.perf_counter() - start
        print((events // in_one - first) * in_one / took, flush=True)
        requester.ask(market.Greet("over"), 5)


async def _answer(keys: str) -> None:
    """Answer requests until one says that it is over."""
    over = asyncio.Event()
    with _bus("server", keys) as bus:

        def handle(greet: market.Greet, _: str) -> market.Done:
            if greet.id == "over":
                over.set()
            return market.Done()

        server = RequestServer(bus, LOCAL, "requests", market.Greet, handle)
        print(server.endpoint, flush=True)
        await over.wait()
        await asyncio.sleep(0.1)


async def _ask(keys: str, endpoint: str, count: int) -> None:
    """Print median and 99th percentile of the time of a request, in microseconds."""
    with _bus("client", keys) as bus:
        requester: Requester[market.Done] = Requester(bus, endpoint, "server", market.Done)
        took = []
        for number in range(count + count // 10):
            start = time.perf_counter()
            await requester.ask(QUESTION, 10)
            if number >= count // 10:
                took.append((time.perf_counter() - start) * 1e6)
        took.sort()
        print(took[len(took) // 2], took[len(took) * 99 // 100], flush=True)
        await requester.ask(market.Greet("over"), 10)


def _pyzmq(role: str, endpoint: str, size: int, count: int, public: str = "", secret: str = "", server: str = "") -> None:
    """What bus_floor.c does, by bare pyzmq: the floor where there is no C compiler."""
    kinds = {"publish": zmq.XPUB, "subscribe": zmq.SUB, "echo": zmq.REP, "ask": zmq.REQ}
    topic = TOPIC.encode() + b"\0"
    data = topic.ljust(size)
    with zmq.Context() as context, context.socket(kinds[role]) as socket:
        socket.sndhwm = socket.rcvhwm = 10_000
        if public:
            socket.curve_publickey, socket.curve_secretkey = public.encode(), secret.encode()
            if role in ("publish", "echo"):
                socket.curve_server = True
            else:
                socket.curve_serverkey = server.encode()
        if role == "publish":
            socket.set(zmq.XPUB_NODROP, 1)
        if role == "subscribe":
            socket.subscribe(topic)
        if role in ("publish", "echo"):
            socket.bind(endpoint)
            print(socket.last_endpoint.decode(), flush=True)
        else:
            socket.connect(endpoint)
        if role == "publish":
            socket.recv()
            for _ in range(count):
                socket.send(data)
        elif role == "subscribe":
            socket.recv()
            start = time.perf_counter()
            for _ in range(count - 1):
                socket.recv()
            print((count - 1) / (time.perf_counter() - start))
        elif role == "echo":
            for _ in range(count):
                socket.send(socket.recv())
        else:
            took, pause_seconds = [], int(os.environ.get("BUS_FLOOR_PAUSE_US", "0")) / 1e6
            for _ in range(count + count // 10):
                time.sleep(pause_seconds)
                start = time.perf_counter()
                socket.send(data)
                socket.recv()
                took.append((time.perf_counter() - start) * 1e6)
            took = sorted(took[count // 10 :])
            print(took[len(took) // 2], took[len(took) * 99 // 100])


# The measurement


@contextlib.contextmanager
def _process(*command: str) -> Iterator[Callable[[], list[str]]]:
    """Run `command`, and end it whatever happens. Gives the words of its next line of output."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = process.stdout
        try:
            yield lambda: lines.readline().split()
            process.wait(DEADLINE_SECONDS)
        finally:
            process.kill()


def _ours(role: str, *arguments: object) -> list[str]:
    return [sys.executable, str(Path(__file__)), role, *map(str, arguments)]


@dataclass(frozen=True)
class Floor:
    """The program that the bus is held against."""

    name: str
    command: list[str]
    folder: Path

    @classmethod
    def build(cls, folder: Path) -> "Floor":
        """Compile bus_floor.c in `folder` against pyzmq's own libzmq."""
        compiler = shutil.which("gcc") or shutil.which("cc")
        libraries = [*Path(zmq.__file__).parent.parent.glob("pyzmq.libs/libzmq*.so*")]
        if compiler and libraries:
            program, where = folder / "bus_floor", libraries[0].parent
            paths = [f"-Wl,-rpath,{where}", f"-Wl,-rpath-link,{where}"]
            source = Path(__file__).with_name("bus_floor.c")
            subprocess.run([compiler, "-O2", "-o", str(program), str(source), str(libraries[0]), *paths], check=True)
            return cls("C", [str(program)], folder)
        return cls("pyzmq bytes, no C compiler", _ours("pyzmq"), folder)

    @classmethod
    def bare_pyzmq(cls, folder: Path) -> "Floor":
        """What Python itself costs: no bus, no event loop, nothing but bytes there and back."""
        return cls("bare pyzmq", _ours("pyzmq"), folder)

    def throughput(self, *, curve: bool) -> list[float]:
        count = FLOOR_MESSAGES_CURVE if curve else FLOOR_MESSAGES
        return self._run("publish", "subscribe", count, curve=curve)

    def round_trip(self, *, curve: bool, count: int = ROUND_TRIPS, pause_us: int = 0) -> list[float]:
        return self._run("echo", "ask", count, curve=curve, pause_us=pause_us)

    def _run(self, server: str, client: str, count: int, *, curve: bool, pause_us: int = 0) -> list[float]:
        keys = [key.decode() for key in zmq.curve_keypair()] if curve else []
        security = [*keys, keys[0]] if curve else []  # both ends use one pair: this is about speed
        served = count + count // 10 if client == "ask" else count
        arguments = [str(QUOTE_BYTES), str(served)]
        with _process(*self.command, server, LOCAL, *arguments, *security) as bound:
            endpoint = bound()[0]
            paced = ["env", f"BUS_FLOOR_PAUSE_US={pause_us}"] if pause_us else []
            with _process(*paced, *self.command, client, endpoint, str(QUOTE_BYTES), str(count), *security) as result:
                return [float(word) for word in result()]


def _throughput(keys: str, in_one: int) -> list[float]:
    events = (EVENTS_CURVE if keys else EVENTS)[in_one]
    with _process(*_ours("publish", keys, events, in_one)) as bound:
        endpoint, requests = bound()
        with _process(*_ours("subscribe", keys, endpoint, requests, events, in_one)) as result:
            return [float(word) for word in result()]


def _round_trip(keys: str) -> list[float]:
    with _process(*_ours("answer", keys)) as bound:
        [endpoint] = bound()
        with _process(*_ours("ask", keys, endpoint, ROUND_TRIPS)) as result:
            return [float(word) for word in result()]


def _alternate(ours: Callable[[], list[float]], floor: Callable[[], list[float]]) -> tuple[list[float], list[float]]:
    """Medians of both, measured A B A B, so that a change of the machine's mood meets both."""
    rounds = [(ours(), floor()) for _ in range(ROUNDS)]
    return (
        [statistics.median(column) for column in zip(*(a for a, _ in rounds), strict=True)],
        [statistics.median(column) for column in zip(*(b for _, b in rounds), strict=True)],
    )


def measure() -> list[dict[str, object]]:
    """All figures of the bus: name, ours, floor, ratio of the two, target for the ratio, unit."""
    rows: list[dict[str, object]] = []

    def row(name: str, ours: float, floor: float, target: str, unit: str) -> None:
        rows.append({"name": name, "ours": ours, "floor": floor, "ratio": ours / floor, "target": target, "unit": unit})

    with tempfile.TemporaryDirectory() as folder:
        floor = Floor.build(Path(folder))
        for keys, security in (("", ""), (folder + "/keys", ", CURVE")):
            curve = bool(keys)
            for in_one, how, target in ((1, "singly", ">= 0.15"), (100, "in lists of 100", ">= 0.6")):
                ours, base = _alternate(
                    lambda k=keys, n=in_one: _throughput(k, n),  # type: ignore[misc]
                    lambda c=curve: floor.throughput(curve=c),  # type: ignore[misc]
                )
                row(f"quotes over tcp {how}{security} (floor: {floor.name})", ours[0], base[0], target, "quotes/s")
            ours, base = _alternate(
                lambda k=keys: _round_trip(k),  # type: ignore[misc]
                lambda c=curve: floor.round_trip(curve=c),  # type: ignore[misc]
            )
            row(f"request round trip{security}, median (floor: {floor.name})", ours[0], base[0], "<= 1.5", "us")
            row(f"request round trip{security}, p99 (floor: {floor.name})", ours[1], base[1], "<= 2", "us")
            bare = Floor.bare_pyzmq(Path(folder))
            ours, base = _alternate(
                lambda k=keys: _round_trip(k),  # type: ignore[misc]
                lambda c=curve, f=bare: f.round_trip(curve=c),  # type: ignore[misc]
            )
            row(f"request round trip{security}, median (floor: {bare.name})", ours[0], base[0], "", "us")
    return rows


def _main(role: str = "", *arguments: str) -> None:
    if role == "publish":
        asyncio.run(_publish(arguments[0], int(arguments[1]), int(arguments[2])))
    elif role == "subscribe":
        _subscribe(*arguments[:3], int(arguments[3]), int(arguments[4]))
    elif role == "answer":
        asyncio.run(_answer(arguments[0]))
    elif role == "ask":
        asyncio.run(_ask(arguments[0], arguments[1], int(arguments[2])))
    elif role == "pyzmq":
        _pyzmq(*arguments[:2], int(arguments[2]), int(arguments[3]), *arguments[4:])
    else:
        for figures in measure():
            print("{name:62} {ours:>12,.1f} {floor:>12,.1f} {ratio:>6.2f} {target:>8} {unit}".format(**figures))


if __name__ == "__main__":
    _main(*sys.argv[1:])
