"""The last step of an order's way: from the database to the gateway, one at a time, and never to a gateway that is silent."""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from atlas.domain import NS_PER_SECOND, AtlasError, Clock, OrderEvent, OrderEventKind
from atlas.ib import Broker, Connection
from atlas.trading.desk import Desk
from services.trader.faults import FaultPoints
from services.trader.latency import Latency

_K = OrderEventKind

log = structlog.get_logger("atlas.trader")


class Sender:
    """Sends what the database has: new orders, changes, cancellations.

    Args:
        enter: has events written down; what was sent, and what was not, is told by it.
        probe_after_seconds: silence of the gateway after which a round trip must prove it before an order leaves.
    """

    def __init__(
        self,
        connection: Connection,
        broker: Broker,
        desk: Desk,
        clock: Clock,
        *,
        enter: Callable[[Iterable[OrderEvent]], object],
        faults: FaultPoints,
        probe_after_seconds: float,
    ) -> None:
        self._connection = connection
        self._broker = broker
        self._desk = desk
        self._clock = clock
        self._enter = enter
        self._faults = faults
        self._probe_after_ns = probe_after_seconds * NS_PER_SECOND
        self._queue: asyncio.Queue[OrderEvent] = asyncio.Queue()
        self.latency = Latency("tick_to_order")

    def put(self, event: OrderEvent) -> None:
        """Take an event that stands in the database and asks for something to be sent."""
        self._queue.put_nowait(event)

    async def run(self) -> None:
        """Send, for good."""
        while True:
            event = await self._queue.get()
            try:
                await self._prove_gateway()
                self._send(event)
            except AtlasError as error:
                self._not_sent(event, str(error))

    def cancel_again(self, order_id: str) -> None:
        """Repeat a cancellation that may never have reached the broker.

        Raises:
            Unavailable: the connection is down; nothing was sent.
        """
        self._broker.cancel(self._desk.states[order_id].broker_order_id)

    async def _prove_gateway(self) -> None:
        """A round trip, if the gateway has been silent for long: a dead socket takes orders and loses them."""
        if self._clock.now_ns() - self._connection.last_heard_ns > self._probe_after_ns:
            await self._connection.round_trip()

    def _send(self, event: OrderEvent) -> None:
        state = self._desk.states[event.order_id]
        if state.status.is_final:
            return
        if event.kind is _K.CANCEL_REQUESTED:
            self._broker.cancel(state.broker_order_id)
            return
        assert event.order is not None  # noqa: S101 # pending and modify requests carry the order
        self._broker.place(event.order, state.broker_order_id)
        if event.kind is _K.PENDING:
            self._faults.reached("order_sent")
            self.latency.measure(event.order.cause_ns, self._clock.now_ns())
            self._enter(self._desk.note(_K.SENT, event.order_id))

    def _not_sent(self, event: OrderEvent, reason: str) -> None:
        log.warning("not sent", order=event.order_id, kind=event.kind.value, reason=reason)
        kind = _K.DENIED if event.kind is _K.PENDING else _K.REFUSED
        self._enter(self._desk.note(kind, event.order_id, f"not sent: {reason}"))
