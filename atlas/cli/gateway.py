"""`atlas gateway`: the simulated IB gateway."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from atlas.service.logs import configure_logs
from atlas.service.settings import LogSettings

app = typer.Typer(help="The simulated IB gateway.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The simulated IB gateway."""


@app.command()
def simulate(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="API port.")] = 4002,
    accounts: Annotated[str, typer.Option(help="Accounts of the login, with commas.")] = "DU1000001,DU1000002",
    instruments: Annotated[Path | None, typer.Option(help="YAML file of instruments; the built-in ones if unset.")] = None,
    recording: Annotated[Path | None, typer.Option(help="Recorded ticks to play instead of the synthetic market.")] = None,
    state: Annotated[Path | None, typer.Option(help="File that keeps accounts and ids over restarts.")] = None,
    speed: Annotated[float, typer.Option(min=0, help="Times real time; 0 is as fast as the slowest client reads.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic market.")] = 1,
    cash: Annotated[float, typer.Option(help="US dollars that each account begins with.")] = 1_000_000.0,
    hours: Annotated[
        Literal["real", "always"], typer.Option(help="Keep trading hours and holidays, or never close a market.")
    ] = "real",
    scenario: Annotated[Path | None, typer.Option(help="YAML file of faults, or the name of a shipped scenario.")] = None,
    control_port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port of the control API; none if unset.")] = None,
    control_host: Annotated[str, typer.Option(help="Address of the HTTP control API.")] = "127.0.0.1",
) -> None:
    """Serve the TWS protocol until Ctrl-C: any ib_insync, ib_async or ibapi program can connect."""
    from ib_gateway.simulator import SimulatorOptions, serve

    configure_logs(LogSettings(level="info", format="auto"), "ib_gateway")
    options = SimulatorOptions(
        host=host,
        port=port,
        accounts=tuple(name.strip() for name in accounts.split(",") if name.strip()),
        instruments=instruments,
        recording=recording,
        state=state,
        speed=speed,
        seed=seed,
        cash=cash,
        scenario=scenario,
        control_port=control_port,
        control_host=control_host,
        hours=hours,
    )
    asyncio.run(_until_stopped(serve(options)))


async def _until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(serving)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
