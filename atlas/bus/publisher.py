"""Publishes events on topics: each message numbered, many events of a topic in one message, lossless if so wanted."""

import asyncio
import contextlib
from collections.abc import Sequence

import msgspec
import zmq

from atlas.bus._fd_reader import NOBLOCK, FdReader, plain_send
from atlas.bus._peer import sender_of
from atlas.bus.bus import Bus
from atlas.bus.envelope import HELLO, SCHEMA_VERSION, SEPARATOR
from atlas.bus.faults import FaultKind
from atlas.domain import BadInput

_LOOK_FOR_SUBSCRIPTIONS_EVERY = 256
_RECHECK_SECONDS = 0.02
_BUDGET = 256  # frames taken in one go, before others on the loop have their turn


class _Stream:
    """One topic of plain messages: the number of the next one, and the frame of the last one.

    All frames begin alike, up to the epoch, and `at` is the last byte of that. The next message is encoded into the same
    buffer from there on: as an array of its own, whose first byte is put right again afterwards.
    """

    __slots__ = ("at", "byte", "frame", "next")

    def __init__(self, head: bytes, source: str, epoch: int) -> None:
        envelope = msgspec.msgpack.encode((SCHEMA_VERSION, source, epoch, *_TAIL))
        tail = msgspec.msgpack.encode(_TAIL)
        self.frame = bytearray(head + envelope[: len(envelope) - len(tail) + 1])
        self.at = len(self.frame) - 1
        self.byte = self.frame[self.at]
        self.next = 1


_TAIL = (0, 0, ())  # sequence, sent_ns and events, which change from message to message


def _head(topic: str) -> bytes:
    head = topic.encode()
    if not head or SEPARATOR in head:
        raise BadInput(f"{topic!r} cannot be a topic; it must have at least one character, and none that is zero")
    return head + SEPARATOR


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
        self._streams: dict[str, _Stream] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._encode_into = msgspec.msgpack.Encoder().encode_into
        self._source = bus.name
        self._max_message_bytes = bus.max_message_bytes
        self._now_ns = bus.clock.now_ns
        self._sent = 0
        self._changed: asyncio.Event | None = None
        self._socket = bus.socket(zmq.XPUB, high_water_mark)
        if lossless:
            self._socket.set(zmq.XPUB_NODROP, 1)
        self.endpoint = bus.bind(self._socket, endpoint, socket_name)
        self._in_thread = False
        self._put = plain_send(self._socket)
        self._reader: FdReader | None = None
        try:
            self._reader = FdReader(self._socket, self._read_subscriptions)
            self._changed = asyncio.Event()
        except RuntimeError:  # no event loop runs here
            self._in_thread = True
        bus.opened(self)

    def publish(self, topic: str, events: Sequence[object]) -> bool:
        """Publish `events` in one message. False if a subscriber is full: await `writable`, and publish the same again.

        Raises:
            BadInput: the message is over the size limit.
        """
        stream = self._streams.get(topic) or self._open(topic)
        frame = stream.frame
        self._encode_into((stream.next, self._now_ns(), events), frame, stream.at)
        frame[stream.at] = stream.byte
        if not self._send(topic, frame):
            return False
        stream.next += 1
        return True

    def publish_numbered(self, topic: str, first_sequence: int, events: Sequence[object]) -> bool:
        """Publish events that carry numbers for good, without gaps: the first has `first_sequence`. Else like `publish`."""
        fields = (SCHEMA_VERSION, self._source, self.epoch, first_sequence, self._now_ns(), events, True)
        return self._send(topic, _head(topic) + self._encode(fields))

    def heartbeat(self, topic: str, last_sequence: int) -> bool:
        """Say that `last_sequence` is the last number published, so that whoever lost the last events sees it."""
        return self.publish_numbered(topic, last_sequence + 1, ())

    def greet(self, greeting_id: str) -> bool:
        """Publish on the private topic of the subscriber that asked for it; see `Subscriber.hello`."""
        fields = (SCHEMA_VERSION, self._source, self.epoch, 1, self._now_ns(), ())
        return self._send(HELLO, _head(HELLO + greeting_id) + self._encode(fields))

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

    def _open(self, topic: str) -> _Stream:
        stream = self._streams[topic] = _Stream(_head(topic), self._source, self.epoch)
        return stream

    def _send(self, topic: str, frame: bytes | bytearray) -> bool:
        if len(frame) > self._max_message_bytes:
            self._bus.check_size(frame, f"a message on {topic}")
        try:
            self._put(frame, NOBLOCK)
        except zmq.Again:
            return False
        if self._in_thread:
            self._look_for_subscriptions()
        return True

    def _look_for_subscriptions(self) -> None:
        self._sent += 1
        if self._sent % _LOOK_FOR_SUBSCRIPTIONS_EVERY == 0:
            self._read_subscriptions()

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
