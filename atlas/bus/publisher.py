"""Publishes events on topics: each message numbered, many events of a topic in one message, lossless if so wanted."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence

import msgspec
import zmq

from atlas.bus._fd_reader import FdReader
from atlas.bus._peer import sender_of
from atlas.bus.bus import Bus
from atlas.bus.envelope import HELLO, SCHEMA_VERSION, SEPARATOR, Envelope
from atlas.bus.faults import FaultKind

_LOOK_FOR_SUBSCRIPTIONS_EVERY = 256
_RECHECK_SECONDS = 0.05
_BUDGET = 256  # frames taken in one go, before others on the loop have their turn


class Publisher:
    """A bound XPUB socket. Made inside a running event loop, or in a plain thread that publishes often.

    With `lossless=False` a subscriber that does not keep up loses messages, and sees from their numbers how many. With
    `lossless=True` nothing is dropped: `publish` returns False while any subscriber of the topic is full.
    """

    def __init__(
        self,
        bus: Bus,
        endpoint: str,
        socket_name: str = "market data",
        *,
        lossless: bool = False,
        high_water_mark: int = 10_000,
        epoch: int | None = None,
    ) -> None:
        self._bus = bus
        self._name = socket_name
        self.epoch = bus.clock.now_ns() if epoch is None else epoch
        self._sequences: defaultdict[str, int] = defaultdict(int)
        self._heads: dict[str, bytes] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._now_ns = bus.clock.now_ns
        self._sent = 0
        self._changed: asyncio.Event | None = None
        self._socket = bus.socket(zmq.XPUB, high_water_mark)
        if lossless:
            self._socket.set(zmq.XPUB_NODROP, 1)
        self.endpoint = bus.bind(self._socket, endpoint, socket_name)
        self._reader: FdReader | None = None
        with contextlib.suppress(RuntimeError):  # no loop: a plain thread
            asyncio.get_running_loop()
            self._changed = asyncio.Event()
            self._reader = FdReader(self._socket, self._read_subscriptions)
        bus.opened(self)

    def publish(self, topic: str, events: Sequence[object]) -> bool:
        """Publish `events` in one message. False if a subscriber is full: await `writable`, and publish the same again.

        Raises:
            BadInput: the message is over the size limit.
        """
        sequence = self._sequences[topic] + 1
        if not self._send(topic, sequence, events, durable=False):
            return False
        self._sequences[topic] = sequence
        return True

    def publish_numbered(self, topic: str, first_sequence: int, events: Sequence[object]) -> bool:
        """Publish events that carry numbers for good, without gaps: the first has `first_sequence`. Else like `publish`."""
        return self._send(topic, first_sequence, events, durable=True)

    def heartbeat(self, topic: str, last_sequence: int) -> bool:
        """Say that `last_sequence` is the last number published, so that whoever lost the last events sees it."""
        return self._send(topic, last_sequence + 1, (), durable=True)

    def greet(self, greeting_id: str) -> bool:
        """Publish on the private topic of the subscriber that asked for it; see `Subscriber.hello`."""
        sent = self._send(HELLO + greeting_id, 1, (), durable=False)
        self._heads.pop(HELLO + greeting_id, None)
        return sent

    async def writable(self) -> None:
        """Wait until publishing may succeed again."""
        if self._changed is None:
            await asyncio.sleep(_RECHECK_SECONDS)
            return
        self._changed.clear()
        # An XPUB socket always claims to be writable. What tells is a command from the connection, which wakes the
        # descriptor; the timeout is for one that was taken in between the failed publish and now.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), _RECHECK_SECONDS)

    def _send(self, topic: str, sequence: int, events: Sequence[object], *, durable: bool) -> bool:
        head = self._heads.get(topic)
        if head is None:
            head = self._heads[topic] = topic.encode() + SEPARATOR
        frame = head + self._encode(
            Envelope(SCHEMA_VERSION, self._bus.name, self.epoch, sequence, self._now_ns(), durable, 0, events)  # type: ignore[arg-type]
        )
        self._bus.check_size(frame, f"a message on {topic}")
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        self._sent += 1
        if self._reader is None and self._sent % _LOOK_FOR_SUBSCRIPTIONS_EVERY == 0:
            self._read_subscriptions()
        return True

    def _read_subscriptions(self) -> bool:
        """Take subscriptions off the socket; libzmq has applied them already, and would keep them for ever."""
        if self._changed is not None:
            self._changed.set()
        with contextlib.suppress(zmq.Again):
            for _ in range(_BUDGET):
                frame = self._socket.recv(zmq.NOBLOCK, copy=False)
                if len(frame) == 0 or frame.bytes[0] > 1:
                    too_big = len(frame) > self._bus.max_message_bytes
                    kind: FaultKind = "oversized" if too_big else "unknown_message"
                    self._bus.report(self._name, kind, sender_of(frame), f"{len(frame)} bytes to a publisher")
            return True
        return False

    def close(self) -> None:
        """Close the socket."""
        self._bus.forget(self)
        if self._reader is not None:
            self._reader.close()
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._socket.close()
