"""`atlas run`: one service in this process, until it is told to stop."""

from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

from atlas.cli.context import loaded
from atlas.service.run import run_service


class ServiceName(StrEnum):
    """The services there are."""

    WATCHER = "watcher"
    TRADER = "trader"
    STRATEGY = "strategy"
    MONITOR = "monitor"


_CLASSES = {
    ServiceName.WATCHER: "Watcher",
    ServiceName.TRADER: "Trader",
    ServiceName.STRATEGY: "StrategyService",
    ServiceName.MONITOR: "Monitor",
}


def run(context: typer.Context, name: Annotated[ServiceName, typer.Argument(help="Which service.")]) -> None:
    """Run a service until SIGTERM or Ctrl-C."""
    settings = loaded(context).settings
    kind = getattr(import_module(f"services.{name.value}"), _CLASSES[name])
    raise typer.Exit(run_service(kind, settings))
