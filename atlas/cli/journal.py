"""`atlas journal`: looking into journals and checking them."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from atlas import journal as journals
from atlas.domain import CorruptJournal, plain

app = typer.Typer(help="Journals: what was written down, event for event.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Journals: what was written down, event for event."""


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(help="The folder of one journal.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Check every record of a journal; exit code 2 if one is damaged."""
    report = journals.verify(folder)
    shown = {**dataclasses.asdict(report), "folder": str(report.folder)}
    if as_json:
        typer.echo(json.dumps(shown))
    else:
        for key, value in shown.items():
            typer.echo(f"{key}: {value}")
    if not report.is_right:
        raise CorruptJournal(report.damage)


@app.command()
def cat(folder: Annotated[Path, typer.Argument(help="The folder of one journal.")]) -> None:
    """Print every record as a line of JSON."""
    for record in journals.cat(folder):
        typer.echo(json.dumps(plain(record)))
