"""A thread that passes on what a subscriber receives to a mailbox.

While the mailbox is full it either waits, so that the publisher feels it, or keeps of the quotes only the newest of each
instrument. Bars, trades and order events are never dropped.
"""

import threading
from collections import OrderedDict
from typing import Any, Literal

import msgspec
import zmq

from atlas.bus.envelope import SEPARATOR, Envelope
from atlas.bus.mailbox import MailboxSender
from atlas.bus.subscriber import Subscriber
from atlas.domain import Unavailable

Overflow = Literal["wait", "conflate"]

_QUOTES = b"|quote"
_KEEP_AT_MOST = 10_000  # messages that may not be dropped; beyond, the thread waits
_LOOK_SECONDS = 0.1


class _Backlog:
    """What could not be put into the mailbox yet, in order; of each quote topic only the newest. No socket here."""

    def __init__(self) -> None:
        self._frames: OrderedDict[object, bytes] = OrderedDict()
        self._dropped: dict[object, int] = {}
        self._number = 0
        self._decode = msgspec.msgpack.Decoder(Envelope[msgspec.Raw]).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: bytes) -> None:
        topic = frame.partition(SEPARATOR)[0]
        if not topic.endswith(_QUOTES):
            self._number += 1
            self._frames[self._number] = frame
            return
        older = self._frames.pop(topic, None)
        if older is not None:
            self._dropped[topic] = self._dropped.get(topic, 0) + 1
            self.conflated += 1
        self._frames[topic] = frame

    def first(self) -> bytes:
        """The oldest frame. A quote's says how many messages before it were dropped."""
        key, frame = next(iter(self._frames.items()))
        dropped = self._dropped.get(key, 0)
        if not dropped:
            return frame
        topic, separator, payload = frame.partition(SEPARATOR)
        try:
            envelope = self._decode(payload)
        except msgspec.DecodeError:
            return frame  # whoever takes it out counts it as malformed
        envelope.conflated += dropped
        return topic + separator + self._encode(envelope)

    def remove_first(self) -> None:
        key, _ = self._frames.popitem(last=False)
        self._dropped.pop(key, None)


class Forwarder:
    """Passes on from `subscriber` to a mailbox in a thread of its own, which owns both from `start` until `close`."""

    def __init__(
        self, subscriber: Subscriber[Any], sender: MailboxSender, overflow: Overflow = "wait", name: str = "forwarder"
    ) -> None:
        self._subscriber = subscriber
        self._sender = sender
        self._overflow = overflow
        self._backlog = _Backlog()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.forwarded = 0
        subscriber.bus.opened(self)

    @property
    def conflated(self) -> int:
        """How many messages of quotes were dropped for newer ones."""
        return self._backlog.conflated

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def start(self) -> "Forwarder":
        """Start passing on."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop the thread and wait for its end; subscriber and sender are closed with it."""
        self._subscriber.bus.forget(self)
        self._stop.set()
        self._sender.cancel()
        if self._thread.ident is not None:
            self._thread.join()
        self._subscriber.close()
        self._sender.close()

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                if self._overflow == "wait":
                    for frame in self._subscriber.receive_frames(_LOOK_SECONDS):
                        self._sender.send_frame(frame)
                        self.forwarded += 1
                else:
                    self._pass_on_or_conflate()
        except Unavailable:
            pass  # closed while it waited
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to
            self._subscriber.report("internal_error", f"the thread {self._thread.name} has ended", error)

    def _pass_on_or_conflate(self) -> None:
        while self._backlog and self._sender.try_send_frame(self._backlog.first()):
            self._backlog.remove_first()
            self.forwarded += 1
        if not self._backlog:
            for frame in self._subscriber.receive_frames(_LOOK_SECONDS):
                if not self._backlog and self._sender.try_send_frame(frame):
                    self.forwarded += 1
                else:
                    self._backlog.add(frame)
            return
        poller = zmq.Poller()
        poller.register(self._sender.socket, zmq.POLLOUT)
        if len(self._backlog) < _KEEP_AT_MOST:
            poller.register(self._subscriber.socket, zmq.POLLIN)
        if self._subscriber.socket in dict(poller.poll(int(_LOOK_SECONDS * 1_000))):
            for frame in self._subscriber.receive_frames(0):
                self._backlog.add(frame)
