"""How the commands talk to the trader: one line for one command, what came of it in words or JSON, and an exit code for it."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import typer

from atlas.cli.context import loaded
from atlas.domain import OutcomeUnknown, plain
from atlas.service.run import open_bus
from atlas.service.settings import Settings
from atlas.service.trader_line import TraderLine
from atlas.trading.outcome import Outcome, Verdict, sentence
from atlas.trading.risk import OPERATOR

DONE, NOT_DONE, ERROR, UNKNOWN = 0, 1, 2, 3
EXIT_CODES = {Verdict.ACCEPTED: DONE, Verdict.DENIED: NOT_DONE, Verdict.REJECTED: NOT_DONE, Verdict.UNKNOWN: UNKNOWN}
"""What the process exits with. See docs/reference/exit-codes.md."""

ASK_SECONDS = 10.0

R = TypeVar("R")


@asynccontextmanager
async def _open_line(settings: Settings) -> AsyncIterator[TraderLine]:
    """A trader that never ran has no key; nobody waits for it."""
    bus = open_bus(settings.bus.cli_name, settings, peer_key_seconds=0.0)
    try:
        yield TraderLine(bus, settings)
    finally:
        bus.close()


def with_line(context: typer.Context, work: Callable[[TraderLine], Coroutine[Any, Any, R]]) -> R:
    """Do `work` on a line to the trader of this configuration."""
    settings = loaded(context).settings

    async def run() -> R:
        async with _open_line(settings) as line:
            return await work(line)

    return asyncio.run(run())


def asked(context: typer.Context, body: Any, kind: type[R], seconds: float = ASK_SECONDS, key: str = "") -> R:
    """The trader's answer to one question."""
    return with_line(context, lambda line: line.ask(body, kind, seconds, key))


def new_id() -> str:
    """An id for an order or a change of a person: it has never been used, by whichever process, and never will be."""
    return f"{OPERATOR}-{secrets.token_hex(8)}"


def now_ns() -> int:
    """UTC nanoseconds: this is an edge."""
    return time.time_ns()


def tell(outcome: Outcome, *, as_json: bool, more: dict[str, Any] | None = None) -> typer.Exit:
    """Print an outcome; the exit that goes with it."""
    if as_json:
        typer.echo(json.dumps({**plain(outcome), **(more or {})}))
    else:
        typer.echo(sentence(outcome))
    return typer.Exit(EXIT_CODES[outcome.verdict])


def tell_json(value: Any) -> None:
    """Print a value as one line of JSON."""
    typer.echo(json.dumps(plain(value)))


def unknown(error: OutcomeUnknown, *, as_json: bool, ask_next: str) -> typer.Exit:
    """Say that no answer came to what is not about one order."""
    if as_json:
        typer.echo(json.dumps({"verdict": Verdict.UNKNOWN.value, "text": str(error), "ask_next": ask_next}))
    else:
        typer.echo(f"unknown whether that was done: {error}. `{ask_next}` shows what holds")
    return typer.Exit(UNKNOWN)
