"""One loop's mailbox: many threads put in, one takes out, nothing is lost and nothing grows without bound.

PUSH/PULL, over inproc inside a process, over tcp between processes by nothing but another endpoint. What a publisher sent is
passed on as it came and decoded by the one who takes it out, so that forwarding threads cost the loop next to nothing.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar

import msgspec
import zmq

from atlas.bus._fd_reader import NOBLOCK, plain_send
from atlas.bus._link import Link
from atlas.bus._peer import sender_of
from atlas.bus._stream import StreamReader, why_unreadable
from atlas.bus.bus import Bus
from atlas.bus.envelope import SCHEMA_VERSION, SEPARATOR, Delivery
from atlas.bus.faults import FaultKind
from atlas.domain import Unavailable

E = TypeVar("E")
M = TypeVar("M")

_ALARM_AT, _ALARM_OVER = 0.8, 0.5
_CHECK_CLOSED_MS = 100
_LOOK_EVERY = 64  # messages


class Letter(msgspec.Struct, Generic[M], array_like=True, gc=False):
    """A message put into a mailbox by one of its own threads. Its frame begins with a zero byte, as no topic does."""

    version: Literal[1]
    body: M


class _Fill:
    """How many messages are between the senders and the taker, counted by both sides."""

    def __init__(self, capacity: int, on_high_fill: Callable[[int, int], None] | None) -> None:
        self.capacity = capacity
        self.taken = 0
        self._put: list[list[int]] = []
        self._on_high_fill = on_high_fill
        self._alarmed = False

    def counter(self) -> list[int]:
        """A counter of one sender, which alone writes to it."""
        counter = [0]
        self._put.append(counter)
        return counter

    def now(self) -> int:
        return sum(counter[0] for counter in self._put) - self.taken

    def check(self) -> None:
        fill = self.now()
        if not self._alarmed and fill >= _ALARM_AT * self.capacity:
            self._alarmed = True
            if self._on_high_fill is not None:
                self._on_high_fill(fill, self.capacity)
        elif self._alarmed and fill <= _ALARM_OVER * self.capacity:
            self._alarmed = False


class MailboxSender:
    """A PUSH socket into a mailbox, for one thread. `server` names the mailbox's service where it is another process.

    Nothing is taken before the other side has let us in once, as it would be lost if it refuses our key. From then on what
    is sent while the other side is away waits for it, up to `capacity`.
    """

    def __init__(self, bus: Bus, endpoint: str, server: str = "", *, capacity: int = 10_000, fill: _Fill | None = None) -> None:
        self._bus = bus
        self._endpoint = endpoint
        self._encode = msgspec.msgpack.Encoder().encode
        self._fill = fill
        self._counter = fill.counter() if fill is not None else [0]
        self._closing = threading.Event()
        self._link = Link(bus, zmq.PUSH, endpoint, server, max(1, capacity // 2))
        self.socket = self._link.socket
        self._put = plain_send(self.socket)
        bus.opened(self)

    @property
    def connected(self) -> bool:
        """Whether the mailbox is there, as far as is known."""
        self._link.pump()
        return self._link.connected

    def send(self, message: object) -> None:
        """Put a message in, waiting while the mailbox is full.

        Raises:
            Unavailable: the mailbox was closed meanwhile.
        """
        self.send_frame(self.letter(message))

    def try_send(self, message: object) -> bool:
        """Put a message in unless the mailbox is full, or not there yet; False if it is so."""
        return self.try_send_frame(self.letter(message))

    def letter(self, message: object) -> bytes:
        """The frame of a message of our own."""
        return SEPARATOR + self._encode(Letter(SCHEMA_VERSION, message))

    def send_frame(self, frame: bytes) -> None:
        """Pass on a published message as it came, waiting while the mailbox is full."""
        while not self.try_send_frame(frame):
            if self._closing.is_set():
                raise Unavailable(f"the mailbox {self._endpoint} is closed; nothing was sent")
            if self._link.admitted:
                self.socket.poll(_CHECK_CLOSED_MS, zmq.POLLOUT)
            else:
                self._link.monitor.poll(_CHECK_CLOSED_MS)

    def try_send_frame(self, frame: bytes) -> bool:
        """Pass on a published message unless the mailbox is full; False if it is."""
        if not self._link.admitted:
            self._link.pump()
            if not self._link.admitted:
                return False
        self._counter[0] += 1
        try:
            self._put(frame, NOBLOCK)
        except zmq.Again:
            self._counter[0] -= 1
            self._look()
            return False
        if self._counter[0] % _LOOK_EVERY == 0:
            self._look()
        return True

    def _look(self) -> None:
        """See how full the mailbox is, and what has become of the connection."""
        self._link.pump()
        if self._fill is not None:
            self._fill.check()

    def cancel(self) -> None:
        """Let a `send` that waits in another thread give up."""
        self._closing.set()

    def close(self) -> None:
        """Close the socket. What was put in is still delivered."""
        self._closing.set()
        self._bus.forget(self)
        if not self.socket.closed:
            self._link.close()


class Mailbox(Generic[E, M]):
    """The PULL side. `event_type` are the events of the publishers passed on, `message_type` the threads' own messages.

    `capacity` messages per sender fit in; then senders wait. When it is nearly full, `on_high_fill(fill, capacity)` is called
    once, in the thread that takes or puts.
    """

    def __init__(
        self,
        bus: Bus,
        endpoint: str,
        event_type: Any,
        message_type: Any,
        *,
        socket_name: str = "mailbox",
        capacity: int = 10_000,
        on_high_fill: Callable[[int, int], None] | None = None,
    ) -> None:
        self._bus = bus
        self._name = socket_name
        self._capacity = capacity
        self._fill = _Fill(capacity, on_high_fill)
        self._stream: StreamReader[E] = StreamReader(event_type, bus.max_message_bytes, self._report)
        self._decode: Callable[[bytes], Letter[M]] = msgspec.msgpack.Decoder(Letter[message_type]).decode
        self._remote = not endpoint.startswith("inproc:")
        self._source = "this process"
        self.socket = bus.socket(zmq.PULL, max(1, capacity - capacity // 2))
        self.endpoint = bus.bind(self.socket, endpoint, socket_name)
        bus.opened(self)

    def _report(self, kind: FaultKind, detail: str) -> None:
        self._bus.report(self._name, kind, self._source, detail)

    @property
    def fill(self) -> int:
        """How many messages of this process's senders wait."""
        return self._fill.now()

    def sender(self) -> MailboxSender:
        """A new way in, for one thread of this process."""
        return MailboxSender(self._bus, self.endpoint, self._bus.name, capacity=self._capacity, fill=self._fill)

    def receive(self, timeout_seconds: float, limit: int = 1_000) -> list[Delivery[E] | M]:
        """Up to `limit` messages, oldest first; waits for the first one, at most `timeout_seconds`."""
        frames = self._drain(limit)
        give_up = time.monotonic() + timeout_seconds
        while not frames and (left := give_up - time.monotonic()) > 0 and self.socket.poll(int(left * 1_000) + 1):
            frames = self._drain(limit)
        self._fill.taken += len(frames)
        self._fill.check()
        read = self._read
        return [message for frame in frames if (message := read(frame)) is not None]

    def _drain(self, limit: int) -> list[Any]:
        frames: list[Any] = []
        receive, append, local = self.socket.recv, frames.append, not self._remote
        try:
            for _ in range(limit):
                append(receive(NOBLOCK, local))
        except zmq.Again:
            pass
        return frames

    def _read(self, frame: bytes | zmq.Frame) -> Delivery[E] | M | None:
        if isinstance(frame, zmq.Frame):
            self._source = sender_of(frame)
            frame = frame.bytes
        if frame.startswith(SEPARATOR):
            return self._read_letter(frame[1:])
        return self._stream.read(frame)

    def _read_letter(self, payload: bytes) -> M | None:
        if len(payload) > self._bus.max_message_bytes:
            self._report("oversized", f"{len(payload)} bytes")
            return None
        try:
            letter = self._decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._report(*why_unreadable(payload, error))
            return None
        return letter.body

    def close(self) -> None:
        """Close the socket."""
        self._bus.forget(self)
        if not self.socket.closed:
            if self._remote:
                self.socket.disable_monitor()
            self.socket.close()
