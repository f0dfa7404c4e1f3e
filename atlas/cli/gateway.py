"""`atlas gateway`: the simulated IB gateway."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

import typer

from atlas.service.logs import configure_logs
from atlas.service.settings import LogSettings

app = typer.Typer(help="The simulated IB gateway.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """The simulated IB gateway."""


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def simulate(context: typer.Context) -> None:
    """Serve the TWS protocol until Ctrl-C: any ib_insync, ib_async or ibapi program can connect. --help shows the options."""
    from ib_gateway.simulator import serve
    from ib_gateway.simulator.command import options_of

    options = options_of(context.args, "atlas gateway simulate")
    configure_logs(LogSettings(level="info", format="auto"), "ib_gateway")
    asyncio.run(_until_stopped(serve(options)))


async def _until_stopped(serving: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(serving)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
