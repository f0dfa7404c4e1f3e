"""Real processes for tests: a database server, services, the command line. Each ends with its test, by its own process id."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from atlas.bus import Bus, Requester, robots
from atlas.service.config import load
from atlas.service.run import open_bus
from atlas.service.settings import Settings

COMMANDS = Path(sys.executable).parent
TESTS = Path(__file__).parents[1]
START_SECONDS = 30.0


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses just now, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def free_port() -> int:
    """A port of loopback that nobody uses just now."""
    return free_ports(1)[0]


@contextlib.contextmanager
def occupied(port: int) -> Iterator[None]:
    """Somebody else listens on `port`."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        yield


def wait_until_listening(port: int, process: "subprocess.Popen[Any]", seconds: float = START_SECONDS) -> None:
    """Return once something listens on `port`; fail at once if `process` ends instead."""
    give_up = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        if process.poll() is not None:
            raise AssertionError(f"the process for port {port} ended with {process.returncode}")
        if time.monotonic() > give_up:
            raise AssertionError(f"nothing listens on port {port} after {seconds:g} s")
        time.sleep(0.02)


class DatabaseServer:
    """A real server of the MongoDB protocol, with its data in `folder`. It can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    def start(self) -> None:
        files = ["--pid-file", str(self._folder / "pid"), "--log-file", str(self._folder / "log")]
        self._process = subprocess.Popen(
            [
                str(COMMANDS / "nx-27017"),
                "--host",
                "127.0.0.1",
                "-p",
                str(self.port),
                "--data-dir",
                str(self._folder / "data"),
                *files,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_listening(self.port, self._process)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            (self._folder / "pid").unlink(missing_ok=True)

    def freeze(self) -> None:
        """Have it keep its connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def environment(settings: Mapping[str, object] | None = None) -> dict[str, str]:
    """This process's environment without settings of Atlas, and with those given: `{"trader.account": "DU1"}`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ATLAS_")}
    given = {"ATLAS_" + key.replace(".", "__").upper(): str(value) for key, value in (settings or {}).items()}
    return {**inherited, **given}


def atlas(
    *arguments: str, settings: Mapping[str, object] | None = None, folder: Path, seconds: float = 30.0
) -> subprocess.CompletedProcess[str]:
    """Run the `atlas` command in `folder` to its end."""
    return subprocess.run(
        [str(COMMANDS / "atlas"), *arguments],
        env=environment(settings),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


class ServiceProcess:
    """`atlas run NAME` as a process of its own. What it says on standard error is kept in a file."""

    def __init__(self, name: str, settings: Mapping[str, object], folder: Path, command: Sequence[str] = ()) -> None:
        self._log = folder / f"{name}.stderr"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                command or [str(COMMANDS / "atlas"), "run", name],
                env={**environment(settings), "PYTHONPATH": str(TESTS)},
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=output,
            )

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        return self._process

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    @property
    def last_words(self) -> str:
        """The lines in which the command line told why it ended; there should be one."""
        return "\n".join(line for line in self.log.splitlines() if not line.startswith("{"))

    def terminate(self, number: int = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float = START_SECONDS) -> int:
        return self._process.wait(seconds)

    def end(self) -> None:
        """Make sure that it is gone."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.contextmanager
def service(name: str, settings: Mapping[str, object], folder: Path, command: Sequence[str] = ()) -> Iterator[ServiceProcess]:
    """A service, or another `command`, that is started, and gone afterwards."""
    started = ServiceProcess(name, settings, folder, command)
    try:
        yield started
    finally:
        started.end()


def ports_of(name: str) -> Sequence[str]:
    """The settings of service `name` that are ports it listens on."""
    section = getattr(Settings(), name)
    return [f"{name}.{field}" for field in type(section).model_fields if field.endswith("_port")]


def desk_settings(folder: Path, database: DatabaseServer | None = None) -> dict[str, object]:
    """Settings of a desk on loopback that keeps everything in `folder`, each port a free one."""
    names = ["gateway.port", *(port for name in ("watcher", "trader", "strategy", "monitor") for port in ports_of(name))]
    return {
        **dict(zip(names, free_ports(len(names)), strict=True)),
        "state_dir": folder / "state",
        "log.format": "json",
        "strategy.folder": TESTS.parent / "strategies",
        "database.start_timeout_seconds": 1,
        **({"database.url": database.url} if database is not None else {}),
    }


def figures_of(port: int) -> dict[str, float]:
    """What a service serves as metrics: value by name, labels included but for the service's."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        " ".join([sample.name, *(value for name, value in sample.labels.items() if name != "service")]): sample.value
        for family in families
        for sample in family.samples
    }


@contextlib.contextmanager
def simulated_gateway(port: int, folder: Path) -> Iterator[ServiceProcess]:
    """The simulated gateway, ready."""
    command = [str(COMMANDS / "atlas"), "gateway", "simulate", "--port", str(port), "--hours", "always"]
    with service("gateway", {}, folder, command) as gateway:
        wait_until_listening(port, gateway.process)
        yield gateway


@contextlib.asynccontextmanager
async def bus_of(name: str, settings: Mapping[str, object]) -> AsyncIterator[tuple[Bus, Settings]]:
    """The bus of a process called `name` on a desk with these settings."""
    loaded = load(environment=environment(settings)).settings
    bus = open_bus(name, loaded)
    try:
        yield bus, loaded
    finally:
        bus.close()


@contextlib.asynccontextmanager
async def control_of(name: str, settings: Mapping[str, object]) -> AsyncIterator[Requester[Any]]:
    """A line to the control socket of service `name`. Its key is waited for."""
    async with bus_of("tester", settings) as (bus, loaded):
        if bus.keys is not None:
            await asyncio.to_thread(bus.keys.public_key_of, name)
        yield Requester(bus, f"tcp://127.0.0.1:{getattr(loaded, name).control_port}", name, robots.Reply)
