"""The last step of an order's way: from the store to the broker, one at a time, and never to a broker that is silent.

Cancellations overtake what waits. What has waited is looked at once more right before it leaves: it may be over, cancelled,
halted or too late by then. Nothing is ever sent a second time.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from atlas.domain import NS_PER_SECOND, AtlasError, Clock, OrderStatus, Unavailable
from atlas.trading.broker import BrokerPort
from atlas.trading.desk import Desk
from atlas.trading.effects import CancelEverything, CancelOrder, CancelSurplus, ChangeOrder, Decision, PlaceOrder
from services.trader.latency import Latency
from services.trader.ledger import CANCELLATIONS, Sending
from services.trader.ports import Faults

log = structlog.get_logger("atlas.trader")


class Sender:
    """Sends what may leave: new orders, changes, cancellations.

    Args:
        take: takes what the desk makes of it.
        objection: why a new order or a change must not leave now, or "".
        probe_after_seconds: silence of the broker after which a round trip must prove it before anything leaves.
    """

    def __init__(
        self,
        broker: BrokerPort,
        desk: Desk,
        clock: Clock,
        faults: Faults,
        *,
        take: Callable[[Decision], object],
        objection: Callable[[PlaceOrder | ChangeOrder], str],
        probe_after_seconds: float,
    ) -> None:
        self._broker = broker
        self._desk = desk
        self._clock = clock
        self._faults = faults
        self._take = take
        self._objection = objection
        self._probe_after_ns = probe_after_seconds * NS_PER_SECOND
        self._cancellations: deque[tuple[Sending, ...]] = deque()
        self._orders: deque[tuple[Sending, ...]] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.latency = Latency("tick_to_order")

    @property
    def waiting(self) -> int:
        """What has not left yet."""
        return len(self._cancellations) + len(self._orders)

    def put(self, sendings: Sequence[Sending]) -> None:
        """Take what may leave. What comes together leaves together."""
        queue = self._cancellations if all(isinstance(one, CANCELLATIONS) for one in sendings) else self._orders
        queue.append(tuple(sendings))
        self._idle.clear()
        self._wake.set()

    async def idle(self) -> None:
        """Wait until nothing is left to send."""
        await self._idle.wait()

    async def run(self) -> None:
        """Send, for good."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._cancellations or self._orders:
                unit = (self._cancellations or self._orders).popleft()
                await self._send(unit)
            self._idle.set()

    async def _send(self, unit: tuple[Sending, ...]) -> None:
        several = sum(isinstance(one, PlaceOrder) for one in unit) > 1
        for index, sending in enumerate(unit):
            match sending:
                case PlaceOrder() | ChangeOrder():
                    await self._order(sending)
                    if several:
                        self._faults.reached("group.3_sent" if index == len(unit) - 1 else "group.2_leg_sent")
                case CancelOrder() | CancelSurplus() | CancelEverything():
                    await self._cancel(sending)

    async def _order(self, sending: PlaceOrder | ChangeOrder) -> None:
        new = isinstance(sending, PlaceOrder)
        if self._is_held_back(sending):
            return
        try:
            await self._prove_broker()
            if new:
                self._faults.reached("send.5_probed")
            if self._is_held_back(sending):  # the proof can have taken long
                return
            if new:
                self._faults.reached("send.6_leaving")
            transmit = sending.transmit if isinstance(sending, PlaceOrder) else True
            number, parent = sending.broker_order_id, sending.parent_id
            await self._broker.place(sending.order, number, parent_id=parent, transmit=transmit)
        except Unavailable as error:
            self._take(self._desk.not_sent(sending, str(error)))
            return
        except (AtlasError, OSError) as error:
            self._take(self._desk.unresolved(sending, str(error)))
            return
        self._faults.reached("send.7_sent" if new else "modify.4_sent")
        if new:
            self.latency.measure(sending.order.cause_ns, self._clock.now_ns())
        self._take(self._desk.sent(sending))

    def _is_held_back(self, sending: PlaceOrder | ChangeOrder) -> bool:
        reason = self._desk.may_send(sending) or self._objection(sending)
        if reason:
            self._take(self._desk.not_sent(sending, reason))
        return bool(reason)

    async def _cancel(self, sending: CancelOrder | CancelSurplus | CancelEverything) -> None:
        """Ask for a cancellation. One that cannot leave is asked for again at the next reconciliation."""
        if isinstance(sending, CancelOrder):
            state = self._desk.states[sending.order_id]
            if state.status is OrderStatus.PENDING or self._desk.may_send(sending):
                return  # it never leaves, or is over
        try:
            if isinstance(sending, CancelEverything):
                await self._broker.cancel_all()
            else:
                await self._broker.cancel(sending.broker_order_id)
        except (AtlasError, OSError) as error:
            log.warning("a cancellation has to wait for the next reconciliation", sending=repr(sending), reason=str(error))
            return
        self._faults.reached("cancel.3_sent")
        if isinstance(sending, CancelOrder):
            self._take(self._desk.sent(sending))

    async def _prove_broker(self) -> None:
        """A round trip, if the broker has been silent for long: a dead socket takes orders and loses them."""
        if self._clock.now_ns() - self._broker.last_heard_ns > self._probe_after_ns:
            await self._broker.round_trip()
