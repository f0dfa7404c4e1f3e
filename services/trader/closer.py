"""Closing positions on a person's command, or because a limit of the day was reached: at the market, by the operator's orders.

A closing order leaves only when nothing that still works could close the same position, too: together they would turn it round.
So it waits for the cancellations that were asked for before it.
"""

import asyncio
from collections.abc import Iterable

import structlog

from atlas.domain import Clock, Order, OrderKind, OrderStatus, Side, Submit, Unavailable
from atlas.service.alarms import Alarms, Severity
from atlas.trading.desk import Desk
from atlas.trading.risk import Gate
from atlas.trading.risk.closing import Closing
from atlas.trading.risk.gate import OPERATOR
from services.trader.orders import Orders

ALARM = "not-closed"
_PASSES = 100
_DENIALS = 3
_PAUSE_SECONDS = 0.1

log = structlog.get_logger("atlas.trader")


class Closer:
    """Closes positions, each once nothing else would."""

    def __init__(self, desk: Desk, gate: Gate, orders: Orders, clock: Clock, alarms: Alarms) -> None:
        self._desk = desk
        self._gate = gate
        self._orders = orders
        self._clock = clock
        self._alarms = alarms
        self._wanted: dict[str, float] = {}
        self._by_instrument: dict[str, str] = {}
        self._denials: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._last_ns = 0
        self.submitted: list[str] = []
        """The orders of the closing that is under way, or was last."""

    def close(self, closings: Iterable[Closing]) -> None:
        """Close these positions, or as much of them as is left by then."""
        for closing in closings:
            self._wanted[closing.instrument] = max(closing.quantity, self._wanted.get(closing.instrument, 0.0))
        if self._task is None or self._task.done():
            self.submitted, self._denials = [], {}
            self._task = asyncio.create_task(self._run())

    async def wait(self, seconds: float) -> None:
        """Wait until all that is wanted has been ordered, at most so long."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)

    async def stop(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        for _ in range(_PASSES):
            for instrument, quantity in list(self._wanted.items()):
                if await self._is_ordered(instrument, quantity):
                    self._wanted.pop(instrument, None)
            if not self._wanted:
                self._alarms.clear(ALARM)
                return
            await asyncio.sleep(_PAUSE_SECONDS)
        text = f"{', '.join(sorted(self._wanted))} could not be closed; look at the orders there, and close by hand"
        self._wanted.clear()
        self._alarms.raise_(ALARM, text, Severity.CRITICAL)

    async def _is_ordered(self, instrument: str, quantity: float) -> bool:
        """Whether there is nothing left to order: it is flat, the closing order works, or it will never be taken."""
        told = self._desk.told(instrument)
        held = self._desk.position(instrument) if told is None else told
        if not held:
            return True
        state = self._desk.states.get(self._by_instrument.get(instrument, ""))
        if state is not None and not state.status.is_final:
            return True
        side = Side.SELL if held > 0 else Side.BUY
        self._last_ns = max(self._clock.now_ns(), self._last_ns + 1)
        order = Order(
            f"{OPERATOR}-{self._last_ns}",
            OPERATOR,
            instrument,
            side,
            min(abs(held), quantity),
            OrderKind.MARKET,
            account=self._desk.account,
            cause_ns=self._last_ns,
        )
        if not self._gate.closes_alone(order, self._desk) or self._denials.get(instrument, 0) >= _DENIALS:
            return False
        try:
            receipt = await self._orders.on_action(Submit(order))
        except Unavailable:
            return False
        log.warning("closing", order=order.id, instrument=instrument, status=receipt.status.value, reason=receipt.reason)
        if receipt.status is OrderStatus.DENIED:
            self._denials[instrument] = self._denials.get(instrument, 0) + 1
            return False
        self._by_instrument[instrument] = order.id
        self.submitted.append(order.id)
        return True
