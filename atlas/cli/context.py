"""What the commands share: where the configuration comes from, and how tables are printed."""

import sys
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from atlas.service.config import Loaded, load


@dataclass(frozen=True)
class Shared:
    """The options in front of the command."""

    config: Path | None = None
    overrides: tuple[str, ...] = ()


def loaded(context: typer.Context) -> Loaded:
    """The configuration that the command line, the environment and the file make.

    Raises:
        ConfigurationError: one of them is wrong.
    """
    shared = context.obj if isinstance(context.obj, Shared) else Shared()
    return load(shared.overrides, file=shared.config)


_PIPE_COLUMNS = 1000


def print_table(table: Table) -> None:
    """Print `table` so that it fits a terminal; into a file or pipe every row as one line, for grep and the like."""
    width = None if sys.stdout.isatty() else _PIPE_COLUMNS
    Console(markup=False, highlight=False, width=width).print(table)
