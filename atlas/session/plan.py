"""Which processes a desk on this machine is made of, and with which settings. Everything on loopback, on free ports."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import yaml

from atlas.domain import ConfigurationError
from atlas.service.config import NOT_SETTINGS
from atlas.service.settings import ENVIRONMENT_PREFIX

ATLAS = (sys.executable, "-P", "-m", "atlas.cli")
"""The command line of this very installation, whatever lies in the current folder."""

MOST_SPEED = 1e5

_PORTS = (
    "gateway.port",
    "database",
    "watcher.control_port",
    "watcher.metrics_port",
    "watcher.data_port",
    "watcher.request_port",
    "trader.control_port",
    "trader.metrics_port",
    "trader.order_port",
    "trader.event_port",
    "strategy.control_port",
    "strategy.metrics_port",
    "monitor.control_port",
    "monitor.metrics_port",
    "monitor.http_port",
)


@dataclass(frozen=True)
class DemoOptions:
    """What a demonstration can be asked for.

    `speed` 0 means as fast as the slowest reader follows. `instruments` are those that the recording holds, or the
    synthetic market is to make. `folder` keeps journals, database and logs; without one they go with the demonstration.
    """

    seconds: float | None = None
    json: bool = False
    recording: Path | None = None
    instruments: tuple[str, ...] = ("EUR.USD@IDEALPRO", "GBP.USD@IDEALPRO", "AAPL@SMART")
    speed: float = 1.0
    seed: int = 1
    curve: bool = True
    http_port: int | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class DemoPlan:
    """Ports and settings, decided."""

    folder: Path
    ports: Mapping[str, int]
    environment: Mapping[str, str]
    gateway_command: Sequence[str]
    database_command: Sequence[str]


def make_plan(folder: Path, options: DemoOptions) -> DemoPlan:
    """Choose ports and write down the settings of a desk that keeps everything in `folder`."""
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    if options.http_port is not None:
        ports["monitor.http_port"] = options.http_port
    return DemoPlan(
        folder=folder,
        ports=ports,
        environment=_environment(folder, options, ports),
        gateway_command=_gateway_command(folder, options, ports["gateway.port"]),
        database_command=_database_command(folder, ports["database"]),
    )


def write_settings(plan: DemoPlan) -> Path:
    """Write the settings of a desk into its folder: `atlas --config <folder>/atlas.yaml` finds that desk."""
    settings: dict[str, Any] = {}
    for name, text in plan.environment.items():
        *sections, key = name.removeprefix(ENVIRONMENT_PREFIX).lower().split("__")
        if name not in NOT_SETTINGS:
            reduce(lambda part, section: part.setdefault(section, {}), sections, settings)[key] = yaml.safe_load(text)
    file = plan.folder / "atlas.yaml"
    file.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return file


def _environment(folder: Path, options: DemoOptions, ports: Mapping[str, int]) -> dict[str, str]:
    # A recorded day goes by in seconds and in minute bars; the synthetic market runs on the clock, in bars of one second.
    parameters = {"bar_seconds": 60} if options.recording else {"bar_seconds": 1, "fast": 2, "slow": 5}
    robots = [
        {
            "id": f"sma-{''.join(c for c in name.split('@')[0].lower() if c.isalnum())}",
            "strategy": "sma_cross",
            "instruments": [name],
            "parameters": {**parameters, "quantity": 20_000.0 if "." in name else 100.0},
        }
        for name in options.instruments
    ]
    settings = {key: str(port) for key, port in ports.items() if key != "database"}
    settings |= {
        "state_dir": str(folder),
        "bus.curve": str(options.curve).lower(),
        "database.url": f"mongodb://127.0.0.1:{ports['database']}/",
        "watcher.bar_seconds": json.dumps([1, 5, 60]),
        "watcher.overflow": "wait" if options.speed == 0 else "conflate",
        "strategy.folder": str(_strategies()),
        "strategy.robots": json.dumps(robots),
        "log.format": "json",
        "config": os.devnull,  # not the atlas.yaml of the folder where we happen to be
    }
    return {"ATLAS_" + key.replace(".", "__").upper(): value for key, value in settings.items()}


def _gateway_command(folder: Path, options: DemoOptions, port: int) -> list[str]:
    command = [*ATLAS, "gateway", "simulate", "--port", str(port), "--seed", str(options.seed)]
    command += ["--speed", f"{options.speed:g}", "--state", str(folder / "gateway.state")]
    command += ["--accounts", "DU1000001,DU1000002"]  # as the desk in containers has them
    command += ["--hours", "always"]  # a demonstration also trades at night and on Sundays
    if options.recording is not None:
        command += ["--recording", str(options.recording)]
    return command


def _database_command(folder: Path, port: int) -> list[str]:
    server = shutil.which("nx-27017", path=str(Path(sys.executable).parent)) or shutil.which("nx-27017")
    if server is None:
        raise ConfigurationError("the embedded database server nx-27017 is not installed; run `make setup`")
    data = folder / "database"
    data.mkdir(parents=True, exist_ok=True)
    files = ["--pid-file", str(folder / "database.pid"), "--log-file", str(folder / "database-server.log")]
    return [server, "--host", "127.0.0.1", "-p", str(port), "--data-dir", str(data), *files]


def _strategies() -> Path:
    here = Path(__file__).resolve().parents[2] / "strategies"
    return here if here.is_dir() else Path("strategies")


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses just now: all are held until all are known, so that none comes twice."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
