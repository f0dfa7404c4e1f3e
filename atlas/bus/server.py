"""Answers requests: one ROUTER socket, only messages of the vocabulary, each started in the order of arrival.

Nothing that a peer sends ends the loop, and no reply waits for a peer.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import msgspec
import zmq

from atlas.bus._errors import INTERNAL
from atlas.bus._fd_reader import NOBLOCK, SNDMORE, FdReader, plain_send, readable
from atlas.bus._peer import sender_of
from atlas.bus._stream import why_unreadable
from atlas.bus.bus import Bus
from atlas.bus.envelope import SCHEMA_VERSION, Request, RequestHead
from atlas.domain import AtlasError, BadInput

B = TypeVar("B")
Handler = Callable[[B, str], object | Awaitable[object]]

_BUDGET = 256  # requests taken in one go, before others on the loop have their turn


class _Remembered:
    """What came of a request with an idempotency key."""

    __slots__ = ("body", "reply", "waiting")

    def __init__(self, body: object) -> None:
        self.body = body
        self.reply: object | None = None
        self.waiting: list[tuple[bytes, int]] = []


class RequestServer(Generic[B]):
    """A bound ROUTER socket on the running event loop.

    `request_type` is a tagged union of messages. `handler(body, peer)` returns the body of the reply, or an awaitable of
    it; `peer` is the name that goes with the caller's key, without keys the caller's address. An AtlasError that it raises
    is raised by the caller's `ask`. A request whose key (by the same peer) was answered lately is answered the same, and one
    that is still being worked on is not started twice. Errors are not remembered: asking again tries again.
    """

    def __init__(
        self,
        bus: Bus,
        endpoint: str,
        socket_name: str,
        request_type: Any,
        handler: Handler[B],
        *,
        high_water_mark: int = 1_000,
        remember: int = 1_024,
        max_running: int = 1_024,
    ) -> None:
        self._bus = bus
        self._name = socket_name
        self._handler = handler
        self._decode: Callable[[bytes], Request[B]] = msgspec.msgpack.Decoder(Request[request_type]).decode
        self._decode_head = msgspec.msgpack.Decoder(RequestHead).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._now_ns = bus.clock.now_ns
        self._max_message_bytes = bus.max_message_bytes
        self._remember = remember
        self._max_running = max_running
        self._remembered: OrderedDict[tuple[str, str], _Remembered] = OrderedDict()
        self._running: set[asyncio.Task[None]] = set()
        self._socket = bus.socket(zmq.ROUTER, high_water_mark)
        self._socket.set(zmq.ROUTER_MANDATORY, 1)  # so that a reply to nobody is an error that can be counted
        self.endpoint = bus.bind(self._socket, endpoint, socket_name)
        self._put = plain_send(self._socket)
        self._draining = False  # the loop that drains looks again by itself
        self._reader = FdReader(self._socket, self._drain)
        bus.opened(self)

    def _drain(self) -> bool:
        """Take in requests. Mostly there is one, and to look whether there are more is cheaper than to fail reading."""
        if len(self._running) >= self._max_running:
            readable(self._socket)  # re-arms the descriptor; the end of a running request calls again
            return False
        self._draining = True
        try:
            self._take()
            if self._socket.closed or not readable(self._socket):
                return False
            for _ in range(_BUDGET):
                if self._socket.closed or len(self._running) >= self._max_running:
                    return False
                self._take()
        except zmq.Again:
            return False
        finally:
            self._draining = False
        return True

    def _take(self) -> None:
        """Receive one request, and start it or drop it."""
        identity = self._socket.recv(NOBLOCK)
        frame = self._socket.recv(NOBLOCK, copy=False)  # not copied, for only so it says from whom it came
        peer, payload = sender_of(frame), frame.bytes
        if frame.more:
            self._bus.report(self._name, "malformed", peer, f"{len(self._socket.recv_multipart()) + 2} frames")
            return
        if len(payload) > self._max_message_bytes:
            self._bus.report(self._name, "oversized", peer, f"{len(payload)} bytes")
            return
        try:
            request = self._decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._refuse(identity, peer, payload, error)
            return
        if self._now_ns() > request.deadline_ns:
            self._bus.report(self._name, "expired", peer, type(request.body).__name__)
        elif request.key:
            self._start_once(identity, peer, request)
        else:
            self._start(identity, peer, request, None)

    def _refuse(self, identity: bytes, peer: str, payload: bytes, error: Exception) -> None:
        """Drop what cannot be read, and tell the caller if so much as its number can be."""
        kind, detail = why_unreadable(payload, error)
        self._bus.report(self._name, kind, peer, detail)
        try:
            head = self._decode_head(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        text = f"{self._bus.name} cannot read the request: {detail}"
        frame = self._encode((SCHEMA_VERSION, head.id, BadInput.__name__, text, None))
        with contextlib.suppress(zmq.ZMQError):  # who sends such things is told if it waits, and not missed if it is gone
            self._send(identity, frame)

    def _start_once(self, identity: bytes, peer: str, request: Request[B]) -> None:
        key = (peer, request.key)
        known = self._remembered.get(key)
        if known is None:
            known = self._remembered[key] = _Remembered(request.body)
            if len(self._remembered) > self._remember:
                self._remembered.popitem(last=False)
            self._start(identity, peer, request, known)
        elif known.body != request.body:
            self._reply(identity, request.id, BadInput(f"the key {request.key} was used for another request before"))
        elif known.reply is not None:
            self._reply(identity, request.id, known.reply)
        else:
            known.waiting.append((identity, request.id))

    def _start(self, identity: bytes, peer: str, request: Request[B], known: _Remembered | None) -> None:
        try:
            result = self._handler(request.body, peer)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes a reply
            result = self._error(peer, request, error)
        if hasattr(result, "__await__"):
            task = asyncio.ensure_future(self._finish_later(identity, peer, request, result, known))
            self._running.add(task)
            task.add_done_callback(self._finished)
        else:
            self._finish(identity, peer, request, result, known)

    async def _finish_later(
        self, identity: bytes, peer: str, request: Request[B], result: Awaitable[object], known: _Remembered | None
    ) -> None:
        try:
            outcome = await result
        except asyncio.CancelledError as error:
            if self._socket.closed:
                raise
            outcome = self._error(peer, request, RuntimeError(f"what the handler waited for was cancelled: {error}"))
        except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes a reply
            outcome = self._error(peer, request, error)
        self._finish(identity, peer, request, outcome, known)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not self._socket.closed and len(self._running) == self._max_running - 1:
            self._reader.call_soon()

    def _finish(self, identity: bytes, peer: str, request: Request[B], outcome: object, known: _Remembered | None) -> None:
        if outcome is None:
            outcome = self._error(peer, request, TypeError("the handler returned nothing"))
        self._reply(identity, request.id, outcome)
        if known is None:
            return
        if isinstance(outcome, AtlasError):
            self._remembered.pop((peer, request.key), None)
        else:
            known.reply = outcome
        for other_identity, number in known.waiting:
            self._reply(other_identity, number, outcome)
        known.waiting.clear()

    def _error(self, peer: str, request: Request[B], error: Exception) -> AtlasError:
        if isinstance(error, AtlasError):
            return error
        what = type(request.body).__name__
        self._bus.report(self._name, "internal_error", what, f"{type(error).__name__} for {peer}", error)
        return AtlasError(f"{INTERNAL} of {self._bus.name} on {what}; see its log")

    def _reply(self, identity: bytes, number: int, outcome: object) -> None:
        if self._socket.closed:
            return
        reply: tuple[object, ...]  # the fields of a Reply
        if isinstance(outcome, AtlasError):
            reply = (SCHEMA_VERSION, number, type(outcome).__name__, str(outcome), None)
        else:
            reply = (SCHEMA_VERSION, number, "", "", outcome)
        try:
            frame = self._encode(reply)
            if len(frame) > self._max_message_bytes:
                self._bus.check_size(frame, "a reply")
        except (BadInput, TypeError, ValueError, OverflowError) as error:
            self._bus.report(self._name, "internal_error", type(outcome).__name__, "the reply cannot be sent", error)
            text = f"{INTERNAL} of {self._bus.name}: the reply cannot be sent; see its log"
            frame = self._encode((SCHEMA_VERSION, number, AtlasError.__name__, text, None))
        try:
            self._send(identity, frame)
        except zmq.ZMQError as error:  # EHOSTUNREACH: the peer is gone; EAGAIN: it does not read
            self._bus.report(self._name, "lost_reply", self.endpoint, error.strerror or "")

    def _send(self, identity: bytes, frame: bytes) -> None:
        self._put(identity, NOBLOCK | SNDMORE)
        self._put(frame, NOBLOCK)
        if not self._draining:
            self._reader.look_again()

    def close(self) -> None:
        """Stop answering and close the socket. Requests that are being worked on are cancelled, and stay unanswered."""
        self._bus.forget(self)
        self._reader.close()
        for task in self._running:
            task.cancel()
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._socket.close()
