"""`atlas config`: what is set, and where it comes from."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from atlas.cli.context import loaded, print_table

app = typer.Typer(help="The configuration.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The configuration."""


@app.command()
def show(context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False) -> None:
    """Print every setting with its value and its origin; secrets are masked."""
    rows = list(loaded(context).rows())
    if as_json:
        typer.echo(json.dumps({key: {"value": value, "origin": origin} for key, value, origin in rows}))
        return
    table = Table("setting", "value", "from", box=None)
    for key, value, origin in rows:
        table.add_row(key, _text(value), origin)
    print_table(table)


def _text(value: Any) -> str:
    """`value` as one would set it; nothing where it is unset."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
