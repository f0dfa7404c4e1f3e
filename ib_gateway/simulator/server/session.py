"""One connection: bytes in, requests out; replies in, bytes out. Says nothing before its client has started the API."""

import asyncio
from datetime import datetime
from typing import Protocol

from ib_gateway.simulator.codec import Codec, ProtocolError
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages.requests import Request, StartApi
from ib_gateway.simulator.server.counters import Counters
from ib_gateway.simulator.wire import Handshake, WireError
from ib_gateway.simulator.wire.handshake import answer

_HIGH_WATER = 256 * 1024
_ERROR_CODES = {"malformed": 320, "unknown_message": 321}
_IN_USE = "Unable to connect as the client id is already in use. Retry with a unique client id."


class Hall(Protocol):
    """What a session needs of the gateway."""

    counters: Counters

    def now(self) -> datetime:
        """The gateway's time."""
        ...

    def enter(self, session: "Session", client_id: int) -> bool:
        """A client has started the API; False if its id is taken."""
        ...

    def ask(self, session: "Session", request: Request) -> None:
        """A client asks something."""
        ...

    def leave(self, session: "Session") -> None:
        """A connection is gone."""
        ...

    def flush(self) -> None:
        """Everything that is to be said now has been said."""
        ...


class Session(asyncio.Protocol):
    """A connection from its first byte to its last."""

    def __init__(self, hall: Hall, handshake_seconds: float, max_buffered_bytes: int) -> None:
        self._hall = hall
        self._handshake_seconds = handshake_seconds
        self._max_buffered_bytes = max_buffered_bytes
        self._handshake = Handshake()
        self._reader = self._handshake.rest()
        self._codec: Codec | None = None
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._out: list[bytes] = []
        self._said: set[str] = set()
        self._writable = asyncio.Event()
        self._writable.set()
        self.peer = "?"
        self.client_id: int | None = None

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A peer has connected."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        address = transport.get_extra_info("peername")
        self.peer = f"{address[0]}:{address[1]}" if address else "?"
        self._hall.counters.add("connections")
        self._deadline = asyncio.get_running_loop().call_later(self._handshake_seconds, self._too_late)

    def data_received(self, data: bytes) -> None:
        """Bytes have come in; act on all that are complete."""
        try:
            frames = self._greet(data) if self._codec is None else self._reader.feed(data)
        except WireError as error:
            self._complain(error.kind, str(error))
            self.close()
            return
        for payload in frames:
            if self._transport is None or self._transport.is_closing():
                break
            self._take(payload)
        self._hall.flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio gives it
        """The connection is gone."""
        self._writable.set()
        if self._deadline:
            self._deadline.cancel()
        self._transport = None
        self._hall.leave(self)

    def pause_writing(self) -> None:
        """The peer does not read as fast as we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._writable.set()

    # Called by the gateway.

    def say(self, reply: replies.Reply) -> None:
        """Put a reply where `flush` finds it."""
        if self._codec is not None:
            self._out.append(self._codec.encode(reply))

    def flush(self, *, bounded: bool) -> None:
        """Write what is to be said; if `bounded`, cut off a peer for which too much is waiting."""
        if not self._out:
            return
        data, self._out = b"".join(self._out), []
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if bounded and self._transport.get_write_buffer_size() > self._max_buffered_bytes:
            self._complain("slow_reader", f"more than {self._max_buffered_bytes} bytes are waiting for it")
            self.abort()

    async def drained(self) -> None:
        """Return when the peer has caught up, or is gone."""
        await self._writable.wait()

    def close(self) -> None:
        """Say what is left to say, and hang up."""
        if self._transport is not None and not self._transport.is_closing():
            self.flush(bounded=False)
            self._transport.close()

    def abort(self) -> None:
        """Hang up without another word."""
        if self._transport is not None:
            self._transport.abort()

    # How it acts.

    def _greet(self, data: bytes) -> list[bytes]:
        frames = self._handshake.feed(data)
        if self._handshake.version:
            self._codec = Codec(self._handshake.version)
            assert self._transport is not None  # noqa: S101
            self._transport.write(answer(self._codec.version, self._hall.now().strftime("%Y%m%d %H:%M:%S UTC")))
        return frames

    def _take(self, payload: bytes) -> None:
        assert self._codec is not None  # noqa: S101
        try:
            request = self._codec.decode(payload)
        except ProtocolError as error:
            self._complain(error.kind, str(error))
            if self.client_id is None:
                self.close()
            else:
                self.say(replies.Error(error.req_id, _ERROR_CODES[error.kind], f"Error reading request: {error}"))
            return
        self._hall.counters.add("requests")
        if self.client_id is not None:
            if not isinstance(request, StartApi):
                self._ask(request)
        elif isinstance(request, StartApi):
            self._start(request)
        else:
            self._complain("not_started", f"{type(request).__name__} before the API was started")
            self.close()

    def _ask(self, request: Request) -> None:
        try:
            self._hall.ask(self, request)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one request must not cut its client off
            self._hall.counters.fault(type(request).__name__, self.peer, error)
            self.say(replies.Error(getattr(request, "req_id", -1), 320, f"Error processing request: {error!r}"))

    def _start(self, request: StartApi) -> None:
        if self._deadline:
            self._deadline.cancel()
        if self._hall.enter(self, request.client_id):
            return
        self._complain("client_id_in_use", f"client id {request.client_id} is in use")
        self.say(replies.Error(-1, 326, _IN_USE))
        self.close()

    def _too_late(self) -> None:
        self._complain("silent", f"the API was not started within {self._handshake_seconds:g} seconds")
        self.close()

    def _complain(self, kind: str, text: str) -> None:
        self._hall.counters.complain(kind, self.peer, text, self._said)
