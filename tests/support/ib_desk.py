"""A broker connection of ours against a simulated gateway, with everything that it reports."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from atlas.domain import Instrument, Order
from atlas.ib import Broker, Connection
from atlas.trading.broker import BrokerOrder, BrokerSnapshot, Known
from ib_gateway.simulator import SimulatedGateway


class GatewayClock:
    """The time of a simulated gateway: what rests until a moment there rests for us until then."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self._gateway = gateway

    def now_ns(self) -> int:
        return self._gateway.time.now_ns


class IbDesk:
    """A connection and its broker; `reports` is all that it said, in order."""

    def __init__(self, gateway: SimulatedGateway, client_id: int = 1, seconds: float = 60.0) -> None:
        self.reports: list[Any] = []
        self._came = asyncio.Event()
        self.connection = Connection(
            "127.0.0.1", gateway.port, client_id, GatewayClock(gateway), request_timeout_seconds=seconds
        )
        self.instruments: dict[str, Instrument] = {}
        self.broker = Broker(self.connection, self.instruments, self._report)

    def _report(self, report: Any) -> None:
        self.reports.append(report)
        self._came.set()

    async def until(self, holds: Callable[[], Any]) -> Any:
        """What `holds` gives, as soon as it gives something: looked at after each report."""
        async with asyncio.timeout(60):
            while not (found := holds()):
                self._came.clear()
                await self._came.wait()
        return found

    async def place(self, order: Order, **place: Any) -> int:
        """Place an order; its number at the broker."""
        number = self.broker.next_order_id()
        await self.broker.place(order, number, **place)
        return number

    def said_of(self, order_id: str) -> list[BrokerOrder]:
        """All reports of an order."""
        return [one for one in self.reports if isinstance(one, BrokerOrder) and one.order_id == order_id]

    async def shown(self, order: Order) -> BrokerOrder:
        """The first report that shows the terms of an order."""
        found: BrokerOrder = await self.until(lambda: next((one for one in self.said_of(order.id) if one.terms), None))
        return found

    async def snapshot(self) -> BrokerSnapshot:
        """What the broker knows."""
        answer = await self.broker.snapshot()
        assert isinstance(answer, Known), answer
        return answer.value


@asynccontextmanager
async def ib_desk(gateway: SimulatedGateway, client_id: int = 1, **options: Any) -> AsyncIterator[IbDesk]:
    """A desk that is connected."""
    desk = IbDesk(gateway, client_id, **options)
    await desk.connection.open(orders=True)
    try:
        yield desk
    finally:
        desk.connection.close()
