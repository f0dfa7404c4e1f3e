"""Who stands at the ends of the database route in tests: robots' requests, and a trader that notes what is carried to it."""

import asyncio
from collections.abc import Callable

from atlas.bus.orders import Command, Receipt
from atlas.domain import AtlasError, Cancel, Modify, Order, OrderStatus, Side, Submit, action_id

ACCOUNT = "DU1000001"


def submit(robot, index, quantity=1_000.0, **values):
    """The submit of a robot's `index`th order."""
    return Submit(Order(f"{robot}-{index}-0", robot, "EUR.USD@IDEALPRO", Side.BUY, quantity, **values))


class RecordingTrader:
    """Stands where the trader stands: takes what is carried to it, once per id, and answers what it is told to."""

    def __init__(self) -> None:
        self.carried: list[str] = []
        self.denied: dict[str, str] = {}
        self.failing: AtlasError | None = None
        self.changed = asyncio.Event()

    async def carry(self, command: Command, peer: str) -> Receipt:
        if self.failing is not None:
            self.changed.set()
            raise self.failing
        action = command.action
        self.carried.append(action_id(action))
        assert peer.startswith("robot:")
        self.changed.set()
        order_id = action.order_id if isinstance(action, Modify | Cancel) else action_id(action)
        reason = self.denied.get(action_id(action), "")
        return Receipt(order_id, OrderStatus.DENIED if reason else OrderStatus.PENDING, reason)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()
