"""`atlas demo`: the whole desk on this machine."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from atlas.domain import BadInput


def demo(
    seconds: Annotated[float | None, typer.Option("--for", min=1, help="Stop after so many seconds; else at Ctrl-C.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="No live view; one JSON object as the last line.")] = False,
    recording: Annotated[Path | None, typer.Option(help="Recorded ticks to play instead of the synthetic market.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="Times real time; 0 is as fast as the slowest reader follows.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market.")] = 1,
    curve: Annotated[bool, typer.Option(help="Encrypt and authenticate the bus.")] = True,
    folder: Annotated[Path | None, typer.Option(help="Keep all files here, with atlas.yaml; else they go at the end.")] = None,
    http_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the web page; a free one if unset.")] = None,
) -> None:
    """Run a whole desk on this machine: simulated gateway, database, watcher, trader, strategy and monitor."""
    from atlas.session.demo import run_demo
    from atlas.session.plan import MOST_SPEED, DemoOptions

    if not speed <= MOST_SPEED:
        raise BadInput(f"a speed of {speed:g} is more than {MOST_SPEED:g}; 0 is as fast as the slowest reader follows")
    options = DemoOptions(
        seconds=seconds,
        json=as_json,
        recording=recording,
        speed=speed,
        seed=seed,
        curve=curve,
        http_port=http_port,
        folder=folder,
    )
    if recording is not None:
        from ib_gateway.simulator import instruments_of_recording

        options = DemoOptions(**{**options.__dict__, "instruments": instruments_of_recording(recording)})
    result = asyncio.run(run_demo(options))
    if as_json:
        typer.echo(json.dumps(result))
    raise typer.Exit(0 if result["ok"] else 1)
