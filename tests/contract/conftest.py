"""A simulated gateway on a free port, and real IB clients against it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import ib_insync
import pytest

from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.rules import Rules

MakeGateway = Callable[..., Awaitable[SimulatedGateway]]
Connect = Callable[..., Awaitable[ib_insync.IB]]

START_NS = 1_780_671_600_000_000_000  # Friday 2026-06-05 15:00 UTC: every exchange of the instruments file trades


@pytest.fixture
async def make_gateway() -> AsyncIterator[MakeGateway]:
    """Starts gateways with given options, and stops them all at the end."""
    async with AsyncExitStack() as stack:

        async def make(**options: Any) -> SimulatedGateway:
            defaults: dict[str, Any] = {
                "port": 0,
                "rules": Rules(messages_per_second=0),
                "quotes_per_second": 50.0,
                "start_ns": START_NS,
                "play_after_seconds": 0.02,
            }
            return await stack.enter_async_context(SimulatedGateway(SimulatorOptions(**defaults | options)))

        yield make


@pytest.fixture
async def gateway(make_gateway: MakeGateway) -> SimulatedGateway:
    """A gateway with the seeded market at real speed, and two accounts."""
    return await make_gateway()


_PATIENCE = 60.0
"""Seconds for what a client asks when it connects; what is late by ib_insync's own measure would answer a later request."""


def _is_notice(error: tuple[Any, ...]) -> bool:
    return 2100 <= error[1] < 2200


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects ib_insync clients, and disconnects them at the end."""
    clients: list[ib_insync.IB] = []

    async def connect(gateway: SimulatedGateway, client_id: int = 1, **more: Any) -> ib_insync.IB:
        ib = ib_insync.IB()
        clients.append(ib)
        ib.client.MaxRequests = 0
        ib.errors = []  # type: ignore[attr-defined]
        ib.errorEvent += lambda *error: None if _is_notice(error) else ib.errors.append(error[:3])  # type: ignore[attr-defined]
        await ib.connectAsync("127.0.0.1", gateway.port, clientId=client_id, timeout=_PATIENCE, **more)
        return ib

    yield connect
    for ib in clients:
        ib.disconnect()


@pytest.fixture
async def ib(gateway: SimulatedGateway, connect: Connect) -> ib_insync.IB:
    """A connected ib_insync client."""
    return await connect(gateway)


@asynccontextmanager
async def within(seconds: float = 60) -> AsyncIterator[None]:
    """A deadline, so that what never happens fails instead of hanging. Long: it is no measure of how fast the machine is."""
    async with asyncio.timeout(seconds):
        yield


async def until(ib: ib_insync.IB, holds: Callable[[], object]) -> None:
    """Wait until something holds, looking after every message from the gateway."""
    async with within():
        while not holds():
            await ib.updateEvent


async def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds that no event tells of."""
    async with within():
        while not holds():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)
