"""The journal against the disk itself, against having none, and against JSON lines. Every floor is measured in the same run."""

import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import zmq

from atlas.domain import Order, Quote, Side, Submit
from atlas.journal import Journal, read

ROUNDS = 5
SYNCS = 300
ORDERS, WINDOW = 50_000, 1_000
EVENTS = 200_000


def measure() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix=".journal-", dir=Path.cwd()) as folder:  # where /tmp may be no disk at all
        path = Path(folder)
        return [durable_append(path), group_commit(path), *replay(path)]


def in_turn(ours: Callable[[int], float], floor: Callable[[int], float]) -> tuple[float, float]:
    """Medians of both, measured in turn: a machine that slows down slows down both."""
    pairs = [(ours(number), floor(number)) for number in range(ROUNDS)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def row(name: str, unit: str, target: str, ours: float, floor: float) -> dict[str, Any]:
    return {"name": name, "ours": ours, "floor": floor, "ratio": ours / floor, "target": target, "unit": unit}


def order(number: int) -> Submit:
    return Submit(
        Order(f"bench-{number}-0", "bench", "EUR.USD@IDEALPRO", Side.BUY, 20_000.0, cause_ns=1_399_248_023_668_000_000)
    )


def durable_append(folder: Path) -> dict[str, Any]:
    """One order appended and synced, beside a bare write and fdatasync of as many bytes to a growing file."""
    size = len(msgspec.msgpack.encode(order(1))) + 16

    def ours(number: int) -> float:
        with Journal.open(folder / f"durable-{number}", Submit) as journal:
            return median(timed_us(lambda: (journal.append(order(1)), journal.sync())) for _ in range(SYNCS))

    def floor(number: int) -> float:
        descriptor = os.open(folder / f"raw-{number}", os.O_CREAT | os.O_WRONLY)

        def write_and_sync() -> None:
            os.write(descriptor, bytes(size))
            os.fdatasync(descriptor)

        try:
            return median(timed_us(write_and_sync) for _ in range(SYNCS))
        finally:
            os.close(descriptor)

    return row("append and sync, against write and fdatasync", "us", "<= 1.5x", *in_turn(ours, floor))


def timed_us(work: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    work()
    return (time.perf_counter_ns() - start) / 1000


def group_commit(folder: Path) -> dict[str, Any]:
    """Orders of another process, acknowledged; with a journal, durable before that: one sync for all that are waiting."""

    def with_journal(number: int) -> float:
        with Journal.open(folder / f"group-{number}", Submit) as journal:
            return acknowledged_per_second(journal)

    ours, floor = in_turn(with_journal, lambda _number: acknowledged_per_second(None))
    return row("orders acknowledged over ZeroMQ, durable before, against without a journal", "orders/s", "", ours, floor)


def acknowledged_per_second(journal: "Journal[Submit] | None") -> float:
    with zmq.Context() as context, context.socket(zmq.PAIR) as server:
        port = server.bind_to_random_port("tcp://127.0.0.1")
        client = multiprocessing.get_context("spawn").Process(target=send_orders, args=(port, ORDERS, WINDOW))
        client.start()
        decode = msgspec.msgpack.Decoder(Submit).decode
        server.recv()  # the client is up
        start, done = time.perf_counter(), 0
        while done < ORDERS:
            commands = [decode(server.recv())]
            while server.poll(0):
                commands.append(decode(server.recv()))
            if journal is not None:
                for command in commands:
                    journal.append(command)
                journal.sync()
            for command in commands:
                server.send(command.order.id.encode())
            done += len(commands)
        took = time.perf_counter() - start
        client.join()
    return ORDERS / took


def send_orders(port: int, count: int, window: int) -> None:
    """The client: keeps `window` orders on their way."""
    with zmq.Context() as context, context.socket(zmq.PAIR) as socket:
        socket.connect(f"tcp://127.0.0.1:{port}")
        orders = [msgspec.msgpack.encode(order(number)) for number in range(count)]
        socket.send(b"up")
        for number, encoded in enumerate(orders):
            if number >= window:
                socket.recv()
            socket.send(encoded)
        for _ in range(window):
            socket.recv()


def replay(folder: Path) -> list[dict[str, Any]]:
    """Quotes read back into a typed callback, beside lines of JSON read by the standard library."""
    start = 1_399_248_023_668_000_000
    quotes = [Quote("EUR.USD@IDEALPRO", 1.3871, 1.38726, 0.0, 0.0, start + n, start + n) for n in range(EVENTS)]
    lines = folder / "lines.json"

    def append(number: int) -> float:
        begin = time.perf_counter()
        with Journal.open(folder / f"events-{number}", Quote) as journal:
            for quote in quotes:
                journal.append(quote)
        return EVENTS / (time.perf_counter() - begin)

    def append_lines(_number: int) -> float:
        begin = time.perf_counter()
        with lines.open("w", encoding="utf-8") as file:
            for quote in quotes:
                file.write(json.dumps(msgspec.structs.asdict(quote)) + "\n")
            file.flush()
            os.fdatasync(file.fileno())
        return EVENTS / (time.perf_counter() - begin)

    def read_back(number: int) -> float:
        begin = time.perf_counter()
        for _, event in read(folder / f"events-{number}", Quote):
            callback(event)
        return EVENTS / (time.perf_counter() - begin)

    def read_lines(_number: int) -> float:
        begin = time.perf_counter()
        with lines.open(encoding="utf-8") as file:
            for line in file:
                callback(Quote(**json.loads(line)))
        return EVENTS / (time.perf_counter() - begin)

    appended = in_turn(append, append_lines)
    replayed = in_turn(read_back, read_lines)
    size = sum(path.stat().st_size for path in (folder / "events-0").glob("*.journal"))
    return [
        row("append events, against JSON lines", "events/s", "", *appended),
        row("replay, against JSON lines", "events/s", ">= 9x (sealed blocks)", *replayed),
        row("size, against JSON lines", "bytes/event", "", size / EVENTS, lines.stat().st_size / EVENTS),
    ]


def callback(event: Quote) -> float:
    return event.bid
