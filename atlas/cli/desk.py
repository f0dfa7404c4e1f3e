"""`atlas ping`, `atlas status`, `atlas token`: looking at a running desk."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from atlas.bus import Bus, Requester, control
from atlas.cli.context import loaded, print_table
from atlas.domain import AtlasError, BadInput, Unavailable, plain
from atlas.service import client_ids
from atlas.service.run import open_bus
from atlas.service.settings import ServiceSettings, Settings

SERVICES = ("watcher", "trader", "strategy", "monitor")
_ASK_SECONDS = 3.0

_Controls = Callable[[str], Requester[control.Reply]]


def ping(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="watcher, trader, strategy, monitor, gateway or database.")],
    client_id: Annotated[int, typer.Option(help="API client id for `ping gateway`.")] = client_ids.PROBE,
) -> None:
    """Prove that a part of the desk does its job; exit code 0 only if it does."""
    settings = loaded(context).settings
    typer.echo(asyncio.run(_ping(settings, name, client_id)))


def status(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False
) -> None:
    """Show every service; exit code 1 if one does not do its job."""
    settings = loaded(context).settings
    found = asyncio.run(_status(settings))
    if as_json:
        typer.echo(json.dumps(found))
    else:
        table = Table("service", "state", "problems", box=None)
        for name, one in found.items():
            table.add_row(name, one["state"], "; ".join(one["problems"]))
        print_table(table)
    raise typer.Exit(0 if all(one["ready"] for one in found.values()) else 1)


def token(context: typer.Context) -> None:
    """Print the token that opens the monitor's web page and REST interface."""
    path = loaded(context).settings.monitor_token_file
    try:
        typer.echo(path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise Unavailable(f"there is no token at {path} yet; the monitor makes it when it starts") from error


async def _ping(settings: Settings, name: str, client_id: int) -> str:
    if name == "gateway":
        return await _ping_gateway(settings, client_id)
    if name == "database":
        return await _ping_database(settings)
    if name not in SERVICES:
        raise BadInput(f"{name!r} is no part of the desk; use one of {', '.join((*SERVICES, 'gateway', 'database'))}")
    async with _controls(settings) as control_of:
        pong = await control_of(name).ask(control.Ping(), _ASK_SECONDS)
    if not isinstance(pong, control.Pong) or not pong.ready:
        raise Unavailable(f"{name} is not ready: {getattr(pong, 'detail', '') or getattr(pong, 'state', 'unknown')}")
    return f"{name} is {pong.state}"


async def _ping_gateway(settings: Settings, client_id: int) -> str:
    from atlas.ib import Connection
    from atlas.service.clock import WallClock

    gateway = settings.gateway
    connection = Connection(gateway.host, gateway.port, client_id, WallClock(), request_timeout_seconds=_ASK_SECONDS)
    await connection.open(orders=False)
    try:
        await connection.round_trip()
        return f"the gateway at {gateway.host}:{gateway.port} answers, accounts {', '.join(connection.accounts)}"
    finally:
        connection.close()


async def _ping_database(settings: Settings) -> str:
    from atlas.store import Database

    own = settings.database
    database = await Database.connect(own.url, own.name, user=own.user, password=settings.database_password(), wait_seconds=0.0)
    await database.close()
    return f"the database at {database.address} has a writable primary"


async def _status(settings: Settings) -> dict[str, dict[str, Any]]:
    async with _controls(settings) as control_of:
        answers = await asyncio.gather(*(_status_of(name, control_of) for name in SERVICES))
    return dict(zip(SERVICES, answers, strict=True))


async def _status_of(name: str, control_of: _Controls) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = plain(await control_of(name).ask(control.StatusRequest(), _ASK_SECONDS))
    except AtlasError as error:
        return {"state": "unreachable", "ready": False, "figures": {}, "problems": [str(error)]}
    return answer


@contextlib.asynccontextmanager
async def _controls(settings: Settings) -> AsyncIterator[_Controls]:
    """Opens control sockets by the name of the service. One that never ran has no key; nobody waits for it."""
    bus: Bus = open_bus(settings.bus.cli_name, settings, peer_key_seconds=0.0)

    def control_of(name: str) -> Requester[control.Reply]:
        own: ServiceSettings = getattr(settings, name)
        return Requester(bus, f"tcp://{own.host}:{own.control_port}", name, control.Reply)

    try:
        yield control_of
    finally:
        bus.close()
