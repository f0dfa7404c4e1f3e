"""Whole desks for tests: real processes, real sockets, a real database server, the simulated gateway."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from atlas.bus import Requester, orders
from atlas.domain import OrderEvent
from atlas.session.desk import LocalDesk
from atlas.session.plan import DemoOptions, make_plan

EURUSD = "EUR.USD@IDEALPRO"


@asynccontextmanager
async def desk_of(
    folder: Path, services: Sequence[str], settings: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[LocalDesk]:
    """A running desk of some services. `settings` are environment variables on top of the plan's."""
    plan = make_plan(folder, DemoOptions(json=True, **options))
    plan.environment.update(settings or {})  # type: ignore[attr-defined] # made as a dict
    async with LocalDesk(plan, services) as desk:
        yield desk


class OrderClient:
    """Stands where a robot stands: sends commands to the trader and reads its events by number."""

    def __init__(self, desk: LocalDesk, port: int | None = None) -> None:
        trader = desk.settings.trader
        self._requester: Requester[orders.Reply] = Requester(
            desk.bus, f"tcp://{trader.host}:{port or trader.order_port}", "trader", orders.Reply
        )

    async def ask(self, body: Any, key: str = "", timeout_seconds: float = 5.0) -> Any:
        return await self._requester.ask(body, timeout_seconds, key)

    async def events(self) -> list[OrderEvent]:
        found: list[OrderEvent] = []
        while True:
            last = found[-1].sequence if found else 0
            answer = await self.ask(orders.EventsSince(last))
            found += answer.events
            if not answer.events or found[-1].sequence >= answer.last_sequence:
                return found

    def close(self) -> None:
        self._requester.close()


async def until(condition: Any, timeout_seconds: float = 10.0, what: str = "the condition") -> Any:
    """Wait until the awaitable `condition()` gives something true, and return that."""
    async with asyncio.timeout(timeout_seconds):
        while True:
            found = await condition()
            if found:
                return found
            await asyncio.sleep(0.02)
    raise AssertionError(f"{what} did not come about")


async def kill_and_restart(desk: LocalDesk, name: str) -> None:
    """SIGKILL a part of the desk, as a power cut would, and start it again."""
    process = next(one for one in desk.supervisor.processes if one.name == name)
    assert process.handle is not None
    process.handle.kill()
    await process.handle.wait()
    desk.supervisor.processes.remove(process)
    await desk.supervisor.start(process)
