"""Whoever reaches a port of a running desk and sends what he likes changes nothing but a counter and a line in the log."""

import asyncio
import contextlib
import json
import random
import re
import urllib.request
from pathlib import Path

import pytest
import zmq
from support.desks import EURUSD, desk_of, until

from atlas.session.desk import LocalDesk

pytestmark = pytest.mark.timeout(120)

SOCKETS = {
    "watcher": {"control_port": "control", "data_port": "market data", "request_port": "market requests"},
    "trader": {"control_port": "control", "order_port": "order commands", "event_port": "order events"},
    "strategy": {"control_port": "control"},
    "monitor": {"control_port": "control"},
}
GARBAGE = (
    random.Random(7).randbytes(400),
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f",  # the first half of a ZMTP greeting, then silence
    b"\x7f\xff\xff\xff" + b"A" * 1000,  # a TWS frame that announces two gigabytes
)


async def throw(port: int, bytes_: bytes) -> None:
    """Send bytes, listen for a moment, hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(bytes_)
    with contextlib.suppress(TimeoutError, ConnectionError):
        await asyncio.wait_for(reader.read(65536), 0.3)
    writer.close()


async def faults(desk: LocalDesk, service: str) -> dict[tuple[str, str], float]:
    """The fault counters that a service's metrics show."""
    port = desk.plan.ports[f"{service}.metrics_port"]

    def scrape() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return answer.read().decode()

    text = await asyncio.to_thread(scrape)
    found = re.findall(r'atlas_bus_faults_total\{kind="([^"]+)",service="[^"]+",socket="([^"]+)"\} ([0-9.e+]+)', text)
    return {(socket, kind): float(count) for kind, socket, count in found}


def log_lines(folder: Path, service: str, **wanted: str) -> list[dict[str, object]]:
    lines = (folder / "logs" / f"{service}.log").read_text().splitlines()
    parsed = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in parsed if all(line.get(key) == value for key, value in wanted.items())]


async def test_garbage_on_every_port_changes_nothing_but_a_counter_and_a_line(tmp_path):
    async with desk_of(tmp_path, ["watcher", "trader", "strategy", "monitor"], instruments=(EURUSD,)) as desk:
        before = {service: await faults(desk, service) for service in SOCKETS}
        for _ in range(2):
            for name, port in desk.plan.ports.items():
                if name != "database":  # not ours
                    await asyncio.gather(*(throw(port, bytes_) for bytes_ in GARBAGE))

        for service, sockets in SOCKETS.items():
            for socket in sockets.values():

                async def counted(service=service, socket=socket):
                    after = await faults(desk, service)
                    gained = {key: count - before[service].get(key, 0) for key, count in after.items() if key[0] == socket}
                    return sum(gained.values()) >= len(GARBAGE)

                await until(counted, 15.0, f"counting on {service}'s {socket} socket")
                lines = log_lines(tmp_path, service, socket=socket, kind="handshake_failed")
                assert len(lines) == 1, f"{service} {socket}: {lines}"
            assert (await faults(desk, service))["metrics", "malformed"] >= 1
        assert (await faults(desk, "monitor"))["http", "malformed"] >= 1
        assert len(log_lines(tmp_path, "monitor", socket="http", kind="malformed")) == 1

        assert set((await desk.states()).values()) == {"running"}
        orders = await desk.count_orders()

        async def goes_on_trading():
            return await desk.count_orders() > orders

        await until(goes_on_trading, 30.0, "trading")
        await desk.settle()
        audit, _ = await desk.audit()
        assert audit.differences == []


async def test_a_stranger_s_key_is_refused_on_every_socket(tmp_path):
    async with desk_of(tmp_path, ["watcher", "trader", "strategy", "monitor"], instruments=(EURUSD,)) as desk:
        context = zmq.Context()
        strangers = []
        for service, sockets in SOCKETS.items():
            server_key, _ = zmq.auth.load_certificate(tmp_path / "keys" / "public" / f"{service}.key")
            for setting in sockets:
                stranger = context.socket(zmq.DEALER)
                stranger.linger = 0
                stranger.curve_publickey, stranger.curve_secretkey = zmq.curve_keypair()
                stranger.curve_serverkey = server_key
                stranger.connect(f"tcp://127.0.0.1:{desk.plan.ports[f'{service}.{setting}']}")
                stranger.send(b"let me in")
                strangers.append(stranger)
        for service, sockets in SOCKETS.items():
            for socket in sockets.values():

                async def refused(service=service, socket=socket):
                    return (await faults(desk, service)).get((socket, "key_refused"), 0) >= 1

                await until(refused, 10.0, f"the refusal on {service}'s {socket} socket")
                assert len(log_lines(tmp_path, service, socket=socket, kind="key_refused")) == 1
        for stranger in strangers:
            assert stranger.poll(0) == 0
            stranger.close()
        context.term()
        assert set((await desk.states()).values()) == {"running"}
