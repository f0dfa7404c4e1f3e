"""Stand-ins for services: they answer on the real sockets as those would, with what the test gives them."""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Mapping
from typing import Any

from support.servers import bus_of

from atlas.bus import RequestServer, control, orders


@contextlib.asynccontextmanager
async def stand_in(name: str, settings: Mapping[str, object], *, problems: tuple[str, ...] = ()) -> AsyncIterator[None]:
    """Answers on the control socket of service `name`: running, or degraded for these problems."""
    state = "degraded" if problems else "running"

    def answer(request: Any, _peer: str) -> Any:
        if isinstance(request, control.StatusRequest):
            return control.Status(name, state, not problems, 1_399_248_023_668_000_000, {"quotes": 7}, list(problems))
        return control.Pong(name, state, not problems, "; ".join(problems), 1)

    async with bus_of(name, settings) as (bus, loaded):
        endpoint = f"tcp://127.0.0.1:{getattr(loaded, name).control_port}"
        RequestServer(bus, endpoint, "control", control.Request, answer)
        yield


@contextlib.asynccontextmanager
async def trader_books(settings: Mapping[str, object], answer: Any) -> AsyncIterator[None]:
    """Answers on the trader's order socket with `answer`, or with what it makes of request and peer where it is a function.

    Exceptions are raised; None is no answer at all.
    """

    async def reply(request: Any, peer: str) -> Any:
        said = answer(request, peer) if inspect.isfunction(answer) else answer
        if said is None:
            await asyncio.Event().wait()
        if isinstance(said, Exception):
            raise said
        return said

    async with bus_of("trader", settings) as (bus, loaded):
        RequestServer(bus, f"tcp://127.0.0.1:{loaded.trader.order_port}", "order commands", orders.Request, reply)
        yield
