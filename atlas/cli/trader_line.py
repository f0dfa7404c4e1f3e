"""The line to the trader for commands: asks one thing, says what came of it in words or JSON, and exits with its code.

An answer that did not come is `unknown`, never a failure: what was asked for may have been done.
"""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import typer

from atlas.bus import Requester, orders
from atlas.cli.context import loaded
from atlas.domain import OrderStatus, OutcomeUnknown, Unavailable, plain
from atlas.service.run import open_bus
from atlas.service.settings import Settings
from atlas.trading.outcome import Outcome, Verdict, sentence

OPERATOR = "operator"
"""The robot to whom a person's orders belong."""

DONE, NOT_DONE, ERROR, UNKNOWN = 0, 1, 2, 3
EXIT_CODES = {Verdict.ACCEPTED: DONE, Verdict.DENIED: NOT_DONE, Verdict.REJECTED: NOT_DONE, Verdict.UNKNOWN: UNKNOWN}
"""What the process exits with. See docs/reference/exit-codes.md."""

ASK_SECONDS = 10.0
_LOOK_AGAIN_SECONDS = 0.1

R = TypeVar("R")


class Line:
    """An open line to the trader."""

    def __init__(self, requester: Requester[orders.Reply], timeout_seconds: float) -> None:
        self._requester = requester
        self._timeout_seconds = timeout_seconds

    async def ask(self, body: Any, kind: type[R], key: str = "") -> R:
        """The trader's answer, which must be of `kind`.

        Raises:
            OutcomeUnknown: no answer came.
            Unavailable: the trader is not there, nothing was asked; or it gave another answer.
            AtlasError: as the trader raised it.
        """
        answer = await self._requester.ask(body, self._timeout_seconds, key)
        if not isinstance(answer, kind):
            raise Unavailable(
                f"the trader answered with {type(answer).__name__}, not {kind.__name__}; are both of one version?"
            )
        return answer

    async def command(self, action: Any, action_id: str, order_id: str) -> Outcome:
        """What came of an action. Without an answer the outcome is unknown, and that is one."""
        try:
            receipt = await self.ask(orders.Command(action), orders.Receipt, action_id)
        except OutcomeUnknown as error:
            return Outcome(order_id, Verdict.UNKNOWN, OrderStatus.UNKNOWN, str(error))
        return outcome_of_receipt(receipt)

    async def events(self, order_id: str) -> orders.OrderAnswer:
        """Everything that has happened to an order."""
        return await self.ask(orders.OrderQuery(order_id), orders.OrderAnswer)


def outcome_of_receipt(receipt: orders.Receipt) -> Outcome:
    """What a receipt says."""
    verdict = receipt.verdict
    if verdict is Verdict.ACCEPTED and (receipt.reason or receipt.status is OrderStatus.DENIED):
        verdict = Verdict.DENIED
    return Outcome(receipt.order_id, verdict, receipt.status, receipt.reason, receipt.denial, receipt.code)


@asynccontextmanager
async def open_line(settings: Settings, timeout_seconds: float = ASK_SECONDS) -> AsyncIterator[Line]:
    """Opens the line. A trader that never ran has no key; nobody waits for it."""
    bus = open_bus(settings.bus.cli_name, settings, peer_key_seconds=0.0)
    try:
        own = settings.trader
        yield Line(Requester(bus, f"tcp://{own.host}:{own.order_port}", "trader", orders.Reply), timeout_seconds)
    finally:
        bus.close()


def with_line(
    context: typer.Context, work: Callable[[Line], Coroutine[Any, Any, R]], timeout_seconds: float = ASK_SECONDS
) -> R:
    """Do `work` on a line to the trader of this configuration."""
    settings = loaded(context).settings

    async def run() -> R:
        async with open_line(settings, timeout_seconds) as line:
            return await work(line)

    return asyncio.run(run())


def new_id() -> str:
    """An id for an order or a change of a person: it has never been used, by whichever process, and never will be."""
    return f"{OPERATOR}-{secrets.token_hex(8)}"


def now_ns() -> int:
    """UTC nanoseconds: this is an edge."""
    return time.time_ns()


def seconds_from_now(seconds: float) -> float:
    """A deadline by the clock that no one sets."""
    return time.monotonic() + seconds


def is_over(deadline: float) -> bool:
    """Whether a deadline has passed."""
    return time.monotonic() >= deadline


async def a_moment() -> None:
    """Between two looks at the same thing."""
    await asyncio.sleep(_LOOK_AGAIN_SECONDS)


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
