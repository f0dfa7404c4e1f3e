"""Bringing the books in line with the broker's: at the start, when the link comes back, now and then, and when there is doubt.

What the broker did not answer is unknown: nothing is concluded from it, and the question is asked again until it is answered.
"""

import asyncio
from collections.abc import Callable

import structlog

from atlas.domain import Clock, Instrument, OrderStatus
from atlas.trading.broker import BrokerPort, Unknown
from atlas.trading.desk import Desk
from atlas.trading.effects import Decision
from services.trader.ports import Faults

log = structlog.get_logger("atlas.trader")


class Reconciler:
    """Compares, one comparison at a time.

    Args:
        take: takes what the desk makes of it; the future is done when that is durable.
        on_done: called after each comparison that the broker answered.
        learned: told an instrument that was not known before: others trade it.
    """

    def __init__(
        self,
        broker: BrokerPort,
        desk: Desk,
        clock: Clock,
        faults: Faults,
        *,
        take: Callable[[Decision], asyncio.Future[None]],
        on_done: Callable[[], None],
        learned: Callable[[Instrument], None],
        reconcile_seconds: float,
        recheck_seconds: float,
    ) -> None:
        self._broker = broker
        self._desk = desk
        self._clock = clock
        self._faults = faults
        self._take = take
        self._on_done = on_done
        self._learned = learned
        self._reconcile_seconds = reconcile_seconds
        self._recheck_seconds = recheck_seconds
        self._wake = asyncio.Event()
        self._doubts = 0
        self.count = 0
        """How many comparisons the broker has answered since the start."""
        self.problem = "orders are not reconciled with the broker yet"
        """Why the books may not be the broker's; "" when they are."""

    def doubt(self, reason: str) -> None:
        """The books may not be the broker's any more, until a comparison that begins from now on is answered."""
        self._doubts += 1
        self.problem = reason
        self._take(self._desk.doubt(reason))

    def ask(self, reason: str) -> None:
        """Compare as soon as possible."""
        log.info("reconciliation asked for", reason=reason)
        self._wake.set()

    async def run(self) -> None:
        """Compare, for good."""
        while True:
            self._wake.clear()
            settled = self._broker.is_up and await self._compare()
            try:
                await asyncio.wait_for(self._wake.wait(), self._reconcile_seconds if settled else self._recheck_seconds)
            except TimeoutError:
                continue

    async def _compare(self) -> bool:
        """One comparison. False if there is a reason to look again soon."""
        asked_ns, doubts = self._clock.now_ns(), self._doubts
        answer = await self._broker.snapshot()
        if self._doubts != doubts:
            answer = Unknown(self.problem)  # it was asked before the link was lost, and may be from before
        self._faults.reached("reconcile.1_answered")
        if not isinstance(answer, Unknown):
            for name, instrument in answer.value.instruments.items():
                if name not in self._desk.instruments:
                    self._learned(instrument)
        decision = self._desk.reconcile(answer, asked_ns)
        entered = self._take(decision)
        if isinstance(answer, Unknown):
            self.problem = f"the broker does not say what orders and positions there are: {answer.reason}"
            log.warning("not reconciled", reason=answer.reason)
            return False
        self.problem = ""
        await entered
        self._faults.reached("reconcile.2_entered")
        self.count += 1
        if decision.events:
            log.info("reconciled", events=len(decision.events))
        self._on_done()
        return not (self.problem or self._desk.in_doubt or self._is_taking_back())

    def _is_taking_back(self) -> bool:
        """Whether orders that never left are to be taken back: of those that an earlier run wrote, the next answer says so."""
        return any(state.cancel_requested and state.status is OrderStatus.PENDING for state in self._desk.working())
