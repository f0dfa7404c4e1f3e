"""Receives what a publisher sends, and counts what is missing; for plain threads and for event loops."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import zmq

from atlas.bus._fd_reader import NOBLOCK, FdReader, readable
from atlas.bus._link import RETRY_AFTER_REFUSAL_SECONDS, Link
from atlas.bus._stream import StreamReader
from atlas.bus.bus import Bus
from atlas.bus.envelope import HELLO, SEPARATOR, Delivery
from atlas.bus.faults import FaultKind
from atlas.domain import Unavailable

T = TypeVar("T")

ALL = "*"
"""A topic that ends with this stands for all topics that begin with what is before it."""

_GREET_AFTER_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.25)  # the last one again and again
_AT_ONCE_BYTES = 65_536  # about what is taken at once: what is decoded from it shall fit into a processor's cache


def _filter(topic: str) -> bytes:
    return topic.removesuffix(ALL).encode() if topic.endswith(ALL) else topic.encode() + SEPARATOR


def _pauses() -> Iterator[float]:
    return itertools.chain(_GREET_AFTER_SECONDS, itertools.repeat(_GREET_AFTER_SECONDS[-1]))


class _SubscriberBase(Generic[T]):
    """What subscribers for threads and loops have in common."""

    def __init__(
        self, bus: Bus, endpoint: str, server: str, topics: Sequence[str], event_type: Any, *, high_water_mark: int = 10_000
    ) -> None:
        self.bus = bus
        self.server = server
        self.endpoint = endpoint
        self._link = Link(bus, zmq.SUB, endpoint, server, high_water_mark)
        self._reader: StreamReader[T] = StreamReader(event_type, bus.max_message_bytes, self.report)
        self._kept: list[bytes] = []  # came while waiting for a greeting
        for topic in topics:
            self.subscribe(topic)
        bus.opened(self)

    def report(self, kind: FaultKind, detail: str, error: Exception | None = None) -> None:
        """Count a fault in what came from the publisher."""
        self.bus.report(f"from {self.server}", kind, self.endpoint, detail, error)

    @property
    def connected(self) -> bool:
        """Whether the publisher is there, as far as is known."""
        self._link.pump()
        return self._link.connected

    def subscribe(self, topic: str) -> None:
        """Receive `topic`, or all topics with a common beginning if it ends with `*`."""
        self._link.socket.subscribe(_filter(topic))

    def unsubscribe(self, topic: str) -> None:
        """Receive `topic` no more."""
        self._link.socket.unsubscribe(_filter(topic))
        self._reader.forget(topic.encode())

    def _read(self, frames: list[bytes]) -> list[Delivery[T]]:
        return self._reader.read_all(frames)

    def _drain(self, limit: int) -> list[bytes]:
        """What is there, without waiting."""
        frames, self._kept = self._kept, []
        receive, append = self._link.socket.recv, frames.append
        try:
            frame = receive(NOBLOCK)
            append(frame)
            for _ in range(min(limit - len(frames), _AT_ONCE_BYTES // (len(frame) + 1))):
                append(receive(NOBLOCK))
        except zmq.Again:
            self._link.pump()
        return frames

    def _greeted(self, frames: list[bytes], mark: bytes) -> bool:
        """Keep all frames for later but the greetings with `mark`. True if there was one."""
        others = [frame for frame in frames if not frame.startswith(mark)]
        self._kept += others
        return len(others) < len(frames)

    def close(self) -> None:
        """Close the socket."""
        self.bus.forget(self)
        if not self._link.socket.closed:
            self._link.close()

    def _greeting_id(self) -> str:
        return f"{self.bus.name}.{self.bus.epoch}.{next(self.bus.numbers)}"

    def _why_no_greeting(self, timeout_seconds: float) -> Unavailable:
        if not self._link.connected:
            return self._link.why_not_there()
        return Unavailable(f"{self.server} at {self.endpoint} did not greet within {timeout_seconds:g} s; see its log")


class Subscriber(_SubscriberBase[T]):
    """A SUB socket for a plain thread."""

    @property
    def socket(self) -> zmq.Socket[bytes]:
        """For polling only."""
        return self._link.socket

    def receive(self, timeout_seconds: float, limit: int = 1_000) -> list[Delivery[T]]:
        """Up to `limit` deliveries, oldest first; waits for the first one, at most `timeout_seconds`."""
        return self._read(self.receive_frames(timeout_seconds, limit))

    def receive_frames(self, timeout_seconds: float, limit: int = 1_000) -> list[bytes]:
        """Like `receive`, but not decoded, for those who only pass it on."""
        frames = self._drain(limit)
        if not frames and self.wait(timeout_seconds):
            frames = self._drain(limit)
        return frames

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until there is something to receive; False if there is not."""
        poller = zmq.Poller()
        poller.register(self._link.socket, zmq.POLLIN)
        poller.register(self._link.monitor, zmq.POLLIN)
        give_up = time.monotonic() + timeout_seconds
        while True:
            left = max(0.0, give_up - time.monotonic())
            ready = dict(poller.poll(int(left * 1_000)))
            if self._link.monitor in ready:
                self._link.pump()
            if self._link.socket in ready or not ready:
                return bool(ready)

    def hello(self, greet: Callable[[str], object], timeout_seconds: float) -> None:
        """Return once all subscriptions made so far have reached the publisher.

        `greet(id)` is to ask the publisher's owner, by request, to call `Publisher.greet(id)`. Subscriptions travel in the
        order in which they were made, so when the greeting comes, all are there. What else comes meanwhile is kept.

        Raises:
            Unavailable: no greeting came in time.
        """
        greeting_id = self._greeting_id()
        mark = _filter(HELLO + greeting_id)
        give_up = time.monotonic() + timeout_seconds
        pauses = _pauses()
        self._link.socket.subscribe(mark)
        try:
            while time.monotonic() < give_up:
                with contextlib.suppress(Unavailable):
                    greet(greeting_id)
                if self._greeted(self._receive_new(next(pauses)), mark):
                    return
        finally:
            self._link.socket.unsubscribe(mark)
        raise self._why_no_greeting(timeout_seconds)

    def _receive_new(self, timeout_seconds: float) -> list[bytes]:
        kept, self._kept = self._kept, []
        frames = self.receive_frames(timeout_seconds)
        self._kept = kept
        return frames


class AsyncSubscriber(_SubscriberBase[T]):
    """A SUB socket for an event loop. Made inside the running loop."""

    def __init__(
        self, bus: Bus, endpoint: str, server: str, topics: Sequence[str], event_type: Any, *, high_water_mark: int = 10_000
    ) -> None:
        super().__init__(bus, endpoint, server, topics, event_type, high_water_mark=high_water_mark)
        self._wake = asyncio.Event()
        self._retry: asyncio.TimerHandle | None = None
        self._readers = [FdReader(s, self._look) for s in (self._link.socket, self._link.monitor)]

    def _look(self) -> bool:
        # Looking at EVENTS re-arms the descriptor; the reading is left to `receive`, so that a slow reader is felt.
        self._link.pump()
        if readable(self._link.socket):
            self._wake.set()
        if self._link.refused and self._retry is None:
            self._retry = asyncio.get_running_loop().call_later(RETRY_AFTER_REFUSAL_SECONDS, self._try_again)
        return False

    def _try_again(self) -> None:
        self._retry = None
        self._look()

    async def receive(self, timeout_seconds: float | None = None, limit: int = 1_000) -> list[Delivery[T]]:
        """Up to `limit` deliveries, oldest first; waits for the first one, at most `timeout_seconds` if given."""
        return self._read(await self._receive_frames(timeout_seconds, limit))

    async def _receive_frames(self, timeout_seconds: float | None, limit: int) -> list[bytes]:
        frames = self._drain(limit)
        if frames:
            await asyncio.sleep(0)  # a reader that is never without work lets others run, too
            return frames
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while not frames:
                    self._wake.clear()
                    if not readable(self._link.socket):
                        await self._wake.wait()
                    frames = self._drain(limit)
        return frames

    async def hello(self, greet: Callable[[str], Any], timeout_seconds: float) -> None:
        """As `Subscriber.hello`, with an awaitable `greet`."""
        greeting_id = self._greeting_id()
        mark = _filter(HELLO + greeting_id)
        give_up = time.monotonic() + timeout_seconds
        pauses = _pauses()
        self._link.socket.subscribe(mark)
        try:
            while time.monotonic() < give_up:
                with contextlib.suppress(Unavailable):
                    await greet(greeting_id)
                kept, self._kept = self._kept, []
                frames = await self._receive_frames(next(pauses), 1_000)
                self._kept = kept
                if self._greeted(frames, mark):
                    return
        finally:
            self._link.socket.unsubscribe(mark)
        raise self._why_no_greeting(timeout_seconds)

    def close(self) -> None:
        """Close the socket."""
        for reader in self._readers:
            reader.close()
        if self._retry is not None:
            self._retry.cancel()
        super().close()
