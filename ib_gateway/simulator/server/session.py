"""One connection: bytes in, requests out; replies in, bytes out. Says nothing before its client has started the API."""

import asyncio
import itertools
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from ib_gateway.simulator.codec import Codec, ProtocolError
from ib_gateway.simulator.codec.slices import is_long
from ib_gateway.simulator.faults import Newest
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages.requests import Request, StartApi
from ib_gateway.simulator.server.behind import Behind
from ib_gateway.simulator.server.counters import Counters
from ib_gateway.simulator.server.pace import VIOLATIONS, Pace
from ib_gateway.simulator.wire import Handshake, WireError
from ib_gateway.simulator.wire.handshake import answer

FROZEN = 0
"""What stalls a session when the whole process stands still; anything else is the number of a fault."""

_HIGH_WATER = 256 * 1024
_HANG_UP_SECONDS = 1.0
_ERROR_CODES = {"malformed": 320, "unknown_message": 321}
_IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."


class Hall(Protocol):
    """What a session needs of the gateway."""

    counters: Counters
    handshake_seconds: float
    max_buffered_bytes: int
    messages_per_second: int

    def monotonic_ns(self) -> int:
        """Real time from any origin."""
        ...

    @property
    def lossless(self) -> bool:
        """Whether the market waits for every reader, so that nothing need be left out."""
        ...

    def now(self) -> datetime:
        """The gateway's time."""
        ...

    def enter(self, session: "Session", client_id: int) -> bool:
        """A client has started the API; False if its id is taken."""
        ...

    def ask(self, session: "Session", request: Request) -> None:
        """A client asks something."""
        ...

    def say(self, client_id: int, reply: replies.Reply) -> None:
        """The gateway itself has something to say to a client."""
        ...

    def leave(self, session: "Session") -> None:
        """A connection is gone."""
        ...

    def flush(self) -> None:
        """Everything that is to be said now has been said."""
        ...


class Session(asyncio.Protocol):
    """A connection from its first byte to its last. Stalled, it neither reads nor writes, and stays open.

    Several faults may stall it at a time, each by its number; it goes on once all are over.
    """

    def __init__(self, hall: Hall, *, stalled_by: Iterable[int] = ()) -> None:
        self._hall = hall
        self._handshake = Handshake()
        self._reader = self._handshake.rest()
        self._codec: Codec | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._pace = Pace(hall.messages_per_second, hall.monotonic_ns()) if hall.messages_per_second else None
        self._waiting: deque[bytes] = deque()
        self._slowed: asyncio.TimerHandle | None = None
        self._out: list[bytes] = []
        self._behind = Behind()
        self._newest = Newest()
        self._congested = False
        self._stalled_by = set(stalled_by)
        self._stalled = bool(self._stalled_by)
        self._kept_back = _KeptBack()
        self._said: set[str] = set()
        self._writable = asyncio.Event()
        self._writable.set()
        self.peer = "?"
        self.client_id: int | None = None

    @property
    def version(self) -> int:
        """The version of the protocol that was agreed upon; 0 before."""
        return self._codec.version if self._codec else 0

    @property
    def stalled(self) -> bool:
        """Whether it neither reads nor writes."""
        return self._stalled

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        address = transport.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if address else "?"
        self._hall.counters.add("connections")
        if self._stalled:
            transport.pause_reading()
        else:
            self._expect_start()

    def data_received(self, data: bytes) -> None:
        """Bytes have come in; act on all that are complete."""
        try:
            frames = self._greet(data) if self._codec is None else self._reader.feed(data)
        except WireError as error:
            self._complain(error.kind, str(error))
            if self.client_id is not None:
                self.say(replies.Error(-1, 320, f"Error reading request: {error}"))
            self.close()
            return
        if self._handshake.paces and self._pace is not None:
            self._waiting.extend(frames)
            self._work_off(self._pace)
            return
        for payload in frames:
            if self._transport is None or self._transport.is_closing():
                break
            self._take(payload)
        self._hall.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        """The connection is gone."""
        self._writable.set()
        for timer in (self._deadline, self._slowed):
            if timer:
                timer.cancel()
        self._transport = None
        self._behind.clear()
        self._hall.leave(self)

    def pause_writing(self) -> None:
        """The peer does not read as fast as we write: from now on only the newest ticks are kept for it."""
        self._writable.clear()
        self._congested = not self._hall.lossless

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._writable.set()
        self._congested = self._stalled
        if not self._stalled:
            self._tell_newest()
            self.flush()

    # Called by the gateway.

    def say(self, reply: replies.Reply) -> None:
        """Put a reply where `flush` finds it."""
        if self._codec is None:
            return
        if self._congested:
            if self._newest.keep(reply):
                self._hall.counters.add("conflated")
                return
            if type(reply) is replies.SnapshotEnd:  # what it ends comes before it
                self._tell_newest()
        if type(reply) is replies.HistoricalData and is_long(reply):
            if not self._behind:
                asyncio.get_running_loop().call_soon(self._encode_on)
            self._behind.put_long(self._codec, reply)
        elif self._behind:
            self._behind.put(self._codec, reply)
        else:
            self._out.append(self._codec.encode(reply))

    def flush(self) -> None:
        """Write what is to be said; cut off a peer for which too much is waiting, if the market does not wait for it."""
        if not self._out:
            return
        if self._transport is None or self._transport.is_closing():
            self._out = []
            return
        if self._stalled:
            if self._kept_back.of(self._out) > self._hall.max_buffered_bytes:
                self._cut_off()
            return
        data, self._out = b"".join(self._out), []
        self._transport.write(data)
        waiting = self._transport.get_write_buffer_size()
        if waiting > self._hall.max_buffered_bytes and not self._hall.lossless:
            self._cut_off()

    async def drained(self) -> None:
        """Return when the peer has caught up, or is gone."""
        await self._writable.wait()

    def stall(self, by: int) -> None:
        """Neither read nor write from now on, as a process that stands still."""
        if self._transport is None or self._transport.is_closing():
            return
        self._stalled_by.add(by)
        if not self._stalled:
            self._stalled = self._congested = True
            self._transport.pause_reading()

    def go_on(self, by: int) -> None:
        """Read and write again once nothing else stalls it, beginning with what has come up meanwhile."""
        self._stalled_by.discard(by)
        if not self._stalled or self._stalled_by:
            return
        self._stalled = False
        self._kept_back = _KeptBack()
        self._congested = not self._writable.is_set() and not self._hall.lossless
        if self._transport is None or self._transport.is_closing():
            return
        if not self._congested:
            self._tell_newest()
        self.flush()
        if self._waiting and self._pace is not None and self._slowed is None:
            self._work_off(self._pace)
        elif self._slowed is None:
            self._transport.resume_reading()
        if self.client_id is None:
            self._expect_start()

    def close(self) -> None:
        """Say what is left to say, and hang up; a peer that does not read it in time is cut off."""
        if self._transport is not None and not self._transport.is_closing():
            self._out += self._behind.finish()
            self.flush()
            self._transport.close()
            if self._transport.get_write_buffer_size():
                asyncio.get_running_loop().call_later(_HANG_UP_SECONDS, self.abort)

    def abort(self) -> None:
        """Hang up without another word."""
        if self._transport is not None:
            self._transport.abort()

    # How it acts.

    def _encode_on(self) -> None:
        """A slice of what takes long to encode."""
        self._out += self._behind.work()
        if self._behind:
            asyncio.get_running_loop().call_soon(self._encode_on)
        self.flush()

    def _tell_newest(self) -> None:
        if self._newest and self._codec is not None:
            self._out += [self._codec.encode(reply) for reply in self._newest.take()]

    def _cut_off(self) -> None:
        self._complain("slow_reader", f"more than {self._hall.max_buffered_bytes} bytes are waiting for it")
        self._out = []
        self.abort()

    def _expect_start(self) -> None:
        if self._deadline:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(self._hall.handshake_seconds, self._too_late)

    def _greet(self, data: bytes) -> list[bytes]:
        frames = self._handshake.feed(data)
        if self._handshake.version:
            self._codec = Codec(self._handshake.version)
            assert self._transport is not None  # noqa: S101
            self._transport.write(answer(self._codec.version, self._hall.now().strftime("%Y%m%d %H:%M:%S UTC")))
        return frames

    def _work_off(self, pace: Pace) -> None:
        """Take what waits as fast as the limit allows; the peer's messages pile up on its own side meanwhile."""
        self._slowed = None
        while not self._stalled and self._waiting and self._transport is not None and not self._transport.is_closing():
            seconds = pace.seconds_until_next(self._hall.monotonic_ns())
            if seconds > 0:
                self._transport.pause_reading()
                self._slowed = asyncio.get_running_loop().call_later(seconds, self._work_off, pace)
                break
            self._take(self._waiting.popleft())
        else:
            if self._transport is not None and not self._stalled:
                self._transport.resume_reading()
        self._hall.flush()

    def _take(self, payload: bytes) -> None:
        assert self._codec is not None  # noqa: S101
        if self._pace is not None and not self._pace.allows(self._hall.monotonic_ns()):
            self._too_fast(self._pace)
            return
        try:
            request = self._codec.decode(payload)
        except ProtocolError as error:
            self._complain(error.kind, str(error))
            if self.client_id is None:
                self.close()
            else:
                text = f"Error reading request: {error}"
                self._hall.say(self.client_id, replies.Error(error.req_id, _ERROR_CODES[error.kind], text))
            return
        self._hall.counters.add("requests")
        if self.client_id is not None:
            if not isinstance(request, StartApi):
                self._hall.ask(self, request)
        elif isinstance(request, StartApi):
            self._start(request)
        else:
            self._complain("not_started", f"{type(request).__name__} before the API was started")
            self.close()

    def _start(self, request: StartApi) -> None:
        if self._deadline:
            self._deadline.cancel()
        if self._hall.enter(self, request.client_id):
            return
        self._complain("client_id_in_use", f"client id {request.client_id} is in use")
        self.say(replies.Error(-1, 326, _IN_USE))
        self.close()

    def _too_fast(self, pace: Pace) -> None:
        """A message beyond the limit is not acted on; a client that does not heed the error is cut off."""
        self._complain("too_fast", pace.text)
        error = replies.Error(-1, 100, pace.text)
        self.say(error) if self.client_id is None else self._hall.say(self.client_id, error)
        if pace.violations >= VIOLATIONS:
            self.close()

    def _too_late(self) -> None:
        if self._stalled:  # a process that stands still does not look at its clock either
            return
        self._complain("silent", f"the API was not started within {self._hall.handshake_seconds:g} seconds")
        self.close()

    def _complain(self, kind: str, text: str) -> None:
        self._hall.counters.complain(kind, self.peer, text, self._said)


class _KeptBack:
    """How many bytes wait in a list that only grows; each is counted once."""

    def __init__(self) -> None:
        self._bytes = 0
        self._counted = 0

    def of(self, waiting: list[bytes]) -> int:
        """The bytes of all that waits."""
        self._bytes += sum(len(one) for one in itertools.islice(waiting, self._counted, None))
        self._counted = len(waiting)
        return self._bytes
