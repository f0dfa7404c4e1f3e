"""Closing positions on a person's command, or because a limit of the day was reached: at the market, by the operator's orders.

A closing order leaves only when nothing that still works could close the same position, too: together they would turn it round.
So it waits for the cancellations that were asked for before it, and for the broker and the database if they are away. What is
wanted stays wanted until it is flat, or until a person lets trading go on.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable

import structlog

from atlas.domain import NS_PER_SECOND, AtlasError, Clock, Denial, Order, OrderKind, OrderState, OrderStatus, Side, Submit
from atlas.service.alarms import Alarms, Severity
from atlas.trading.desk import Desk
from atlas.trading.risk import OPERATOR, Gate
from atlas.trading.risk.closing import Closing
from services.trader.orders import Orders

ALARM = "not-closed:"
CLOSING_PREFIX = f"{OPERATOR}-closing-"
"""Of the ids of closing orders, so that a trader that was started again knows its own."""

_SOON_SECONDS, _LATER_SECONDS, _SOON_PASSES = 0.1, 1.0, 30
_MOST_SECONDS = 30.0  # between two orders that were denied for good
_ALARM_SECONDS = 3.0

log = structlog.get_logger("atlas.trader")


class Closer:
    """Closes positions, each once nothing else would.

    Args:
        no_orders: why nothing at all can be sent now.
        on_flat: called when all that `flatten` asked for is done.
    """

    def __init__(
        self,
        desk: Desk,
        gate: Gate,
        orders: Orders,
        clock: Clock,
        alarms: Alarms,
        *,
        no_orders: Callable[[], Denial | None],
        on_flat: Callable[[], object],
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._orders = orders
        self._clock = clock
        self._alarms = alarms
        self._no_orders = no_orders
        self._on_flat = on_flat
        self._everything = False
        self._wanted: dict[str, float] = {}
        self._since_ns: dict[str, int] = {}
        self._due_ns: dict[str, int] = {}
        self._denials: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._ordered = asyncio.Event()
        self._passes = 0
        self._last_ns = 0
        self.submitted: list[str] = []
        """The orders of the closing that is under way, or was last."""
        self.not_closing: dict[str, str] = {}
        """What is to be closed and has no order that does it yet, by instrument: why."""

    @property
    def wanted(self) -> list[str]:
        """The instruments whose positions are still to be closed."""
        return sorted(self._wanted)

    def closing_orders(self) -> dict[str, OrderState]:
        """The orders that close and are not final, by instrument."""
        return {one.order.instrument: one for one in self._desk.working() if one.order.id.startswith(CLOSING_PREFIX)}

    def close(self, closings: Iterable[Closing]) -> None:
        """Close these positions, or as much of them as is left by then."""
        for closing in closings:
            self._wanted[closing.instrument] = max(closing.quantity, self._wanted.get(closing.instrument, 0.0))
            self._since_ns.setdefault(closing.instrument, self._clock.now_ns())
            self.not_closing[closing.instrument] = "its closing order is not made yet"
        if self._wanted or self._everything:
            self._begin()

    def flatten(self, closings: Iterable[Closing]) -> None:
        """Close these positions, and what late fills may still add, until nothing is held."""
        self._everything = True
        self.close(closings)

    def forget(self) -> None:
        """Nothing is wanted any more. Orders that close and work already stay where they are."""
        self._everything = False
        for instrument in list(self._wanted):
            self._done(instrument)

    async def wait(self, seconds: float) -> None:
        """Wait until all that is wanted has been ordered, at most so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._ordered.wait()
        except TimeoutError:
            return

    async def stop(self) -> None:
        """End what is under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _begin(self) -> None:
        self._ordered.clear()
        self._passes = 0
        self._due_ns.clear()
        if self._task is None or self._task.done():
            self.submitted = []
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._wanted or self._everything:
            if self._everything:
                self._want_what_came()
            for instrument in list(self._wanted):
                if instrument in self._wanted:  # a person may have let trading go on meanwhile
                    await self._look_at(instrument)
            if not self.not_closing:
                self._ordered.set()
            if self._is_flat():
                self._everything = False
                self._on_flat()
                break
            self._passes += 1
            await asyncio.sleep(_SOON_SECONDS if self.not_closing and self._passes < _SOON_PASSES else _LATER_SECONDS)
        self._ordered.set()

    def _want_what_came(self) -> None:
        for instrument in self._held_names():
            if held := abs(self._held(instrument)):
                self._wanted[instrument] = max(held, self._wanted.get(instrument, 0.0))
                self._since_ns.setdefault(instrument, self._clock.now_ns())

    def _is_flat(self) -> bool:
        """Whether nothing is left of what `flatten` asked for, and nothing still works that could fill."""
        return self._everything and not self._wanted and not self._desk.working() and self._no_orders() is None

    async def _look_at(self, instrument: str) -> None:
        if not self._held(instrument):
            if self._no_orders() is None:  # else our books may be behind the broker
                self._done(instrument)
            return
        state = self.closing_orders().get(instrument)
        if state is None:
            await self._order(instrument)
        else:
            self.not_closing.pop(instrument, None)
            if state.status in (OrderStatus.WORKING, OrderStatus.PARTIALLY_FILLED):
                self._since_ns[instrument] = self._clock.now_ns()
                self._alarms.clear(ALARM + instrument)
                return
        waited_ns = self._clock.now_ns() - self._since_ns.get(instrument, self._clock.now_ns())
        if instrument in self._wanted and waited_ns > _ALARM_SECONDS * NS_PER_SECOND:
            self._raise(instrument, self.not_closing.get(instrument, "the broker has not confirmed the closing order"))

    async def _order(self, instrument: str) -> None:
        """Order what is left, if that is possible now; else say why not."""
        if (denial := self._no_orders()) is not None:
            self.not_closing[instrument] = denial.text
            return
        if self._clock.now_ns() < self._due_ns.get(instrument, 0):
            return
        order = self._order_for(instrument)
        if not self._gate.closes_alone(order, self._desk):
            self.not_closing[instrument] = "other orders still work that could close it, too; their cancellation is awaited"
            return
        try:
            receipt = await self._orders.on_action(Submit(order))
        except AtlasError as error:
            self._put_off(instrument, str(error), is_temporary=True)
            return
        log.warning("closing", order=order.id, instrument=instrument, status=receipt.status.value, reason=receipt.reason)
        if receipt.status is OrderStatus.DENIED:
            self._put_off(instrument, receipt.reason, is_temporary=receipt.denial is not None and receipt.denial.temporary)
            return
        self._put_off(instrument, "", is_temporary=False)  # only if it ends, and something is left
        self.not_closing.pop(instrument, None)
        self.submitted.append(order.id)

    def _order_for(self, instrument: str) -> Order:
        held = self._held(instrument)
        self._last_ns = max(self._clock.now_ns(), self._last_ns + 1)
        return Order(
            f"{CLOSING_PREFIX}{self._last_ns}",
            OPERATOR,
            instrument,
            Side.SELL if held > 0 else Side.BUY,
            min(abs(held), self._wanted[instrument]),
            OrderKind.MARKET,
            account=self._desk.account,
            cause_ns=self._last_ns,
        )

    def _put_off(self, instrument: str, why: str, *, is_temporary: bool) -> None:
        """Try it again later: the later, the more often it failed for good."""
        self.not_closing[instrument] = why
        failed = self._denials[instrument] = self._denials.get(instrument, 0) + (not is_temporary)
        pause = _LATER_SECONDS if is_temporary else min(_MOST_SECONDS, _SOON_SECONDS * 2.0 ** min(failed, 10))
        self._due_ns[instrument] = self._clock.now_ns() + int(pause * NS_PER_SECOND)

    def _done(self, instrument: str) -> None:
        facts: Collection[dict[str, object]] = (self._wanted, self._since_ns, self._due_ns, self._denials, self.not_closing)  # type: ignore[assignment]
        for fact in facts:
            fact.pop(instrument, None)
        self._alarms.clear(ALARM + instrument)

    def _raise(self, instrument: str, why: str) -> None:
        """Raise the alarm, with the newest reason."""
        key, text = (
            ALARM + instrument,
            f"{instrument} is not closed: {why}; it is tried until it is, or `atlas trade resume`",
        )
        raised = self._alarms.raised.get(key)
        if raised is not None and raised.text != text:
            self._alarms.clear(key)
        self._alarms.raise_(f"not-closed:{instrument}", text, Severity.CRITICAL)

    def _held(self, instrument: str) -> float:
        one = self._desk.at_broker().get(instrument)
        return one.quantity if one is not None else 0.0

    def _held_names(self) -> Collection[str]:
        return self._desk.at_broker().keys()
