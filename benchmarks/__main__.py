"""Runs the measurements and prints them as a table and as JSON: `python -m benchmarks [NAME ...] [--json FILE]`."""

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

NAMES = ("bus", "journal", "trader", "orders", "gateway")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(NAMES)}; all if none is named")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    arguments = parser.parse_args()
    names = arguments.names or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"there is no measurement called {', '.join(unknown)}")
    rows: list[dict[str, Any]] = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr)
        rows += [{"group": name, **row} for row in import_module(f"benchmarks.{name}").measure()]
    show(rows)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def show(rows: list[dict[str, Any]]) -> None:
    table = Table("what", "unit", "ours", "floor", "ratio", "target", box=None, pad_edge=False)
    for row in rows:
        floor, ratio = row.get("floor"), row.get("ratio")
        table.add_row(
            row["name"],
            row["unit"],
            _number(row["ours"]),
            "" if floor is None else _number(floor),
            "" if ratio is None else f"{ratio:.2f}x",
            str(row.get("target", "")),
        )
    Console(width=140).print(table)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"


if __name__ == "__main__":
    main()
