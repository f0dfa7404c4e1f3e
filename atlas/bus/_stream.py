"""Reads published messages: decodes them, and counts what is missing per topic. No socket here."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from atlas.bus.envelope import HELLO, SCHEMA_VERSION, SEPARATOR, Delivery, VersionedHead
from atlas.bus.faults import FaultKind

T = TypeVar("T")

_head = msgspec.msgpack.Decoder(VersionedHead)


def why_unreadable(payload: bytes, error: Exception) -> tuple[FaultKind, str]:
    """Which fault it is that `payload` could not be decoded, and its details."""
    try:
        version = _head.decode(payload).version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "malformed", str(error)
    if version != SCHEMA_VERSION:
        return "wrong_version", f"version {version}, not {SCHEMA_VERSION}"
    if "Invalid value" in str(error) and "tag" in str(error):
        return "unknown_message", str(error)
    return "malformed", str(error)


class _Seen:
    """The last message of a topic."""

    __slots__ = ("epoch", "next", "topic")

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.epoch = 0
        self.next = 0


class StreamReader(Generic[T]):
    """Turns frames into deliveries. What cannot be read goes to `report(kind, detail)` and is dropped."""

    def __init__(self, event_type: Any, max_message_bytes: int, report: Callable[[FaultKind, str], None]) -> None:
        self._decode: Callable[[bytes], Delivery[T]] = msgspec.msgpack.Decoder(Delivery[event_type]).decode
        self._max_message_bytes = max_message_bytes
        self._report = report
        self._seen: dict[bytes, _Seen] = {}

    def read(self, frame: bytes) -> Delivery[T] | None:
        """The delivery in `frame`, with what was missed before it; None if it has to be dropped."""
        if len(frame) > self._max_message_bytes:
            self._report("oversized", f"{len(frame)} bytes")
            return None
        topic, _, payload = frame.partition(SEPARATOR)
        try:
            delivery = self._decode(payload)
            seen = self._seen.get(topic) or _Seen(topic.decode())
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._report(*why_unreadable(payload, error))
            return None
        if delivery.version != SCHEMA_VERSION:
            self._report("wrong_version", f"version {delivery.version}, not {SCHEMA_VERSION}")
            return None
        delivery.topic = seen.topic
        sequence = delivery.sequence
        if sequence == seen.next and delivery.epoch == seen.epoch and not delivery.durable:
            seen.next = sequence + 1
            delivery.missed = 0
            return delivery
        return self._place(topic, seen, delivery)

    def _place(self, topic: bytes, seen: _Seen, delivery: Delivery[T]) -> Delivery[T] | None:
        """Everything but the plain next message."""
        if seen.topic.startswith(HELLO):
            return None  # a greeting that nobody waits for any more
        known, same_epoch = seen.next > 0, delivery.epoch == seen.epoch
        if not delivery.durable and known and same_epoch and delivery.sequence < seen.next:
            self._report("duplicate", f"{seen.topic} number {delivery.sequence}")
            return None
        expected = seen.next if known else delivery.sequence - delivery.conflated
        if known and not same_epoch and not delivery.durable:
            expected = 1
        delivery.missed = max(0, delivery.sequence - expected - delivery.conflated)
        end = delivery.sequence + (len(delivery.events) if delivery.durable else 1)
        seen.next = max(seen.next, end) if same_epoch else end
        seen.epoch = delivery.epoch
        self._seen[topic] = seen
        return delivery

    def forget(self, topic: bytes) -> None:
        """Take the next message of `topic` as its first."""
        self._seen.pop(topic, None)
