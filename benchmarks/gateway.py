"""The simulated gateway over a real socket: ticks per second to one and to ten clients, and how long an order takes.

The gateway is a process of its own, and so is what it is compared with: a bare server that writes the same bytes, and a bare
echo that answers an order with as many bytes as the gateway does, but knows nothing of them. Clients read raw frames; beside
them stands ib_insync, which decodes every tick. Rounds alternate between the two.

    python -m benchmarks.gateway            prints the figures
"""

import asyncio
import csv
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ib_gateway.simulator import SimulatorOptions, serve
from ib_gateway.simulator.codec.layout import compile_writer
from ib_gateway.simulator.codec.tables.tickets import PLACE_ORDER
from ib_gateway.simulator.messages import Contract, Ticket, requests
from ib_gateway.simulator.rules import Rules

ROUNDS = 5
TICKS = 600_000
TICKS_DECODED = 100_000
CLIENTS = 10
ORDERS_PER_ROUND = 100
IDLE_SECONDS = 0.002
VERSION = 176
EURUSD = 12087792
FIRST_NS = 1_780_671_600_000_000_000  # Friday 2026-06-05 15:00 UTC: the market is open
HELLO = b"API\0" + b"\0\0\0\x09v157..176"
DEADLINE_SECONDS = 120


def frame(*fields: object) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return len(payload).to_bytes(4, "big") + payload


# What runs in the processes of the measurement


def record(path: Path, ticks: int) -> None:
    """A recording of EUR.USD: a quote every millisecond, back and forth by a pip."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(["time", "instrument", "bid", "ask", "bid_size", "ask_size"])
        for number in range(ticks):
            bid = 1.085 + number % 20 * 0.00005
            rows.writerow([FIRST_NS + number * 1_000_000, "EUR.USD@IDEALPRO", f"{bid:.5f}", f"{bid + 0.00005:.5f}", "", ""])


async def _serve(recording: str) -> None:
    """A gateway that plays a recording as fast as it is read, or the seeded market at its own pace."""
    more: dict[str, Any] = {"recording": Path(recording), "speed": 0.0} if recording else {"start_ns": FIRST_NS}
    options = SimulatorOptions(port=0, rules=Rules.none(), play_after_seconds=0.5, **more)
    await serve(options, ready=lambda port: print(port, flush=True))


class _Echo(asyncio.Protocol):
    """Answers the handshake, and from then on each read with so many bytes."""

    def __init__(self, size: int) -> None:
        self._answer = frame("3", "x" * (size - 7))
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._greeted:
            self._transport.write(self._answer)
        self._greeted = self._greeted or data.startswith(b"API")


async def _echo(size: str) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Echo(int(size)), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class _Blast(asyncio.Protocol):
    """Writes the same frames again and again, as fast as they are read."""

    BATCH = frame("99", "1", "3", "1780671600", "1.085", "1.08505", "0", "0", "0") * 256

    def __init__(self, ticks: int) -> None:
        self._left = ticks // 256

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._open = transport, True

    def data_received(self, _: bytes) -> None:
        self.resume_writing()

    def pause_writing(self) -> None:
        self._open = False

    def resume_writing(self) -> None:
        self._open = True
        while self._left and self._open:
            self._left -= 1
            self._transport.write(self.BATCH)


async def _blast(ticks: str) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Blast(int(ticks)), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _decode(port: str, ticks: str) -> None:
    """Print how many ticks per second ib_insync decodes."""
    import ib_insync

    async def main() -> float:
        ib = ib_insync.IB()
        await ib.connectAsync("127.0.0.1", int(port), clientId=1)
        contract = ib_insync.Forex("EURUSD", conId=EURUSD)
        ticker = ib.reqTickByTickData(contract, "BidAsk")
        seen, begin = 0, 0.0
        while seen < int(ticks):
            await ib.updateEvent
            begin = begin or time.perf_counter()
            seen += len(ticker.tickByTicks)
        return seen / (time.perf_counter() - begin)

    print(asyncio.run(main()), flush=True)


ROLES: dict[str, Callable[[str], Any]] = {"serve": _serve, "echo": _echo, "blast": _blast}


@contextmanager
def process(role: str, argument: str = "") -> Iterator[int]:
    """The port of a server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.gateway", role, argument]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as running:
        assert running.stdout is not None
        try:
            while not (line := running.stdout.readline()).strip().isdigit():
                if not line:
                    raise RuntimeError(f"{role} did not start")
            yield int(line)
        finally:
            running.kill()


# Clients that read raw frames


class Reader:
    """A client socket; `take` returns the payloads of all frames that have come."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def take(self) -> list[bytes]:
        data = self._rest + self.socket.recv(1 << 18)
        at, frames = 0, []
        while len(data) - at >= 4:
            end = at + 4 + int.from_bytes(data[at : at + 4], "big")
            if end > len(data):
                break
            frames.append(data[at + 4 : end])
            at = end
        self._rest = data[at:]
        return frames

    def count(self) -> int:
        """The number of frames that have come; quicker than `take`."""
        data = self._rest + self.socket.recv(1 << 20)
        at = number = 0
        size = len(data)
        while at + 4 <= size:
            end = at + 4 + (data[at + 2] << 8 | data[at + 3])
            if end > size:
                break
            at = end
            number += 1
        self._rest = data[at:]
        return number

    def until(self, test: Callable[[list[bytes]], bool]) -> list[bytes]:
        while True:
            for payload in self.take():
                if test(fields := payload.split(b"\0")):
                    return fields

    def start(self, client_id: int) -> int:
        """Shake hands and start the API; returns the next valid order id."""
        self.socket.sendall(HELLO)
        while not self.take():
            pass
        self.socket.sendall(frame(71, 2, client_id, ""))
        return int(self.until(lambda fields: fields[0] == b"9")[2])


def subscribe(reader: Reader) -> None:
    reader.socket.sendall(frame(97, 1, EURUSD, *[""] * 3, "0.0", *[""] * 7, "BidAsk", 0, 0))


def ticks_per_second(readers: list[Reader], ticks: int) -> float:
    """Frames per second of all readers together, from the first to the last."""
    selector = selectors.DefaultSelector()
    for reader in readers:
        selector.register(reader.socket, selectors.EVENT_READ, reader)
    seen = first = 0
    begin = 0.0
    while seen < ticks * len(readers) * 0.98:  # what comes before the ticks counts, too: it does not matter which was last
        for key, _ in selector.select(DEADLINE_SECONDS):
            seen += key.data.count()
        if not begin:
            begin, first = time.perf_counter(), seen
    return (seen - first) / (time.perf_counter() - begin)


def play(port: int, clients: int, ticks: int) -> float:
    readers = [Reader(port) for _ in range(clients)]
    for number, reader in enumerate(readers):
        reader.start(number + 1)
    for reader in readers:
        subscribe(reader)
    rate = ticks_per_second(readers, ticks)
    for reader in readers:
        reader.socket.close()
    return rate


def blasted(port: int, ticks: int) -> float:
    reader = Reader(port)
    reader.socket.sendall(b"x")
    rate = ticks_per_second([reader], ticks)
    reader.socket.close()
    return rate


# Orders


def placed(order_id: int, kind: str, limit: float | None) -> bytes:
    ticket = Ticket(action="BUY", quantity=20_000.0, order_type=kind, limit_price=limit, time_in_force="GTC")
    text = compile_writer(PLACE_ORDER, VERSION)(requests.PlaceOrder(order_id, Contract(con_id=EURUSD), ticket))
    payload = text.encode()
    return len(payload).to_bytes(4, "big") + payload


def to_status(
    reader: Reader, first_id: int, kind: str, limit: float | None, status: bytes, idle_seconds: float = 0.0
) -> list[float]:
    """Microseconds from placing each order to its status. Before each the gateway is left alone for `idle_seconds`."""
    took = []
    for order_id in range(first_id, first_id + ORDERS_PER_ROUND):
        request = placed(order_id, kind, limit)
        number = str(order_id).encode()
        time.sleep(idle_seconds)
        begin = time.perf_counter_ns()
        reader.socket.sendall(request)
        reader.until(lambda fields, number=number: fields[0] == b"3" and fields[1] == number and fields[2] == status)  # type: ignore[misc]
        took.append((time.perf_counter_ns() - begin) / 1e3)
        if limit is not None:
            reader.socket.sendall(frame(4, 1, order_id, ""))
            reader.until(lambda fields, number=number: fields[0] == b"3" and fields[1] == number and fields[2] == b"Cancelled")  # type: ignore[misc]
    return took


def to_echo(reader: Reader, request: bytes, idle_seconds: float = 0.0) -> list[float]:
    took = []
    for _ in range(ORDERS_PER_ROUND):
        time.sleep(idle_seconds)
        begin = time.perf_counter_ns()
        reader.socket.sendall(request)
        while not reader.take():
            pass
        took.append((time.perf_counter_ns() - begin) / 1e3)
    return took


def _orders() -> list[dict[str, Any]]:
    """Orders back to back, and after a little idleness, as a robot's: by then the machine's caches are cold."""
    took: dict[tuple[str, float], list[float]] = {}
    with process("serve") as gateway, process("echo", "1000") as echo:
        ours, floor = Reader(gateway), Reader(echo)
        next_id = ours.start(1)
        subscribe(ours)
        ours.until(lambda fields: fields[0] == b"99")  # there is a quote to fill at
        ours.socket.sendall(frame(98, 1))
        floor.socket.sendall(HELLO)
        for _ in range(ROUNDS):
            for idle in (0.0, IDLE_SECONDS):
                resting = to_status(ours, next_id, "LMT", 0.5, b"Submitted", idle)
                took.setdefault(("Submitted", idle), []).extend(resting)
                took.setdefault(("echo", idle), []).extend(to_echo(floor, placed(next_id, "LMT", 0.5), idle))
                filling = to_status(ours, next_id + ORDERS_PER_ROUND, "MKT", None, b"Filled", idle)
                took.setdefault(("Filled", idle), []).extend(filling)
                next_id += 2 * ORDERS_PER_ROUND
        ours.socket.close()
        floor.socket.close()
    rows = []
    for idle, how in ((0.0, "back to back"), (IDLE_SECONDS, f"after {IDLE_SECONDS * 1e3:g} ms of idleness")):
        echo_us = statistics.median(took["echo", idle])
        for status in ("Submitted", "Filled"):
            name = f"place to {status}, {how}, median (floor: bare echo)"
            rows.append(_row(name, "us", statistics.median(took[status, idle]), echo_us, "<= floor + 200"))
    return rows


def _row(name: str, unit: str, ours: float, floor: float, target: str) -> dict[str, Any]:
    return {"name": name, "unit": unit, "ours": ours, "floor": floor, "ratio": ours / floor, "target": target}


def measure() -> list[dict[str, Any]]:
    """Rows of the table."""
    with tempfile.TemporaryDirectory() as name:
        recording = Path(name) / "ticks.csv"
        record(recording, TICKS)
        one: list[float] = []
        ten: list[float] = []
        bare: list[float] = []
        decoded: list[float] = []
        short = Path(name) / "few.csv"
        record(short, TICKS // CLIENTS)
        decodable = Path(name) / "decodable.csv"
        record(decodable, TICKS_DECODED + 1000)
        for _ in range(ROUNDS):
            with process("serve", str(recording)) as port:
                one.append(play(port, 1, TICKS))
            with process("blast", str(TICKS)) as port:
                bare.append(blasted(port, TICKS))
            with process("serve", str(short)) as port:
                ten.append(play(port, CLIENTS, TICKS // CLIENTS))
            with process("serve", str(decodable)) as port:
                command = [sys.executable, "-m", "benchmarks.gateway", "decode", str(port), str(TICKS_DECODED)]
                done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DEADLINE_SECONDS)
                decoded.append(float(done.stdout))
    floor = statistics.median(bare)
    return [
        _row("ticks/s to one client (floor: the same bytes, bare)", "1/s", statistics.median(one), floor, ">= 300,000 /s"),
        _row(f"ticks/s to {CLIENTS} clients together (floor: the same bytes, bare)", "1/s", statistics.median(ten), floor, ""),
        _row(
            "ticks/s to one client (floor: what ib_insync decodes)",
            "1/s",
            statistics.median(one),
            statistics.median(decoded),
            "",
        ),
        *_orders(),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] in ROLES:
        asyncio.run(ROLES[sys.argv[1]](sys.argv[2]))
    elif len(sys.argv) > 1:
        _decode(sys.argv[2], sys.argv[3])
    else:
        from benchmarks.__main__ import show

        show(measure())
