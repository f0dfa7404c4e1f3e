"""The requests of one caller that wait for their replies. No socket, no waiting. Times are in seconds of `time.monotonic`."""

import time
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from atlas.bus._errors import revive
from atlas.bus._stream import why_unreadable
from atlas.bus.bus import Bus
from atlas.bus.envelope import SCHEMA_VERSION, Reply
from atlas.bus.faults import FaultKind
from atlas.domain import NS_PER_SECOND, AtlasError, BadInput, OutcomeUnknown

R = TypeVar("R")

_UNKNOWN = "its outcome is unknown: ask for the state before trying again"


class Calls(Generic[R]):
    """Numbers requests, and finds for each reply the request that it belongs to."""

    def __init__(self, bus: Bus, server: str, endpoint: str, reply_type: object) -> None:
        self._bus = bus
        self._server = server
        self._endpoint = endpoint
        self._decode: Callable[[bytes], Reply[R]] = msgspec.msgpack.Decoder(Reply[reply_type]).decode  # type: ignore[valid-type]
        self._encode = msgspec.msgpack.Encoder().encode
        self._last_id = 0
        self._pending: dict[int, tuple[float, str]] = {}  # by request id: when it is given up, and what was asked

    def frame(self, body: object, timeout_seconds: float, key: str) -> tuple[int, bytes]:
        """A new request: its id and its frame. It waits for its reply once it is `posted`.

        Raises:
            BadInput: it is over the size limit, or holds a number or a character that no message can.
        """
        self._last_id += 1
        try:
            deadline_ns = self._bus.clock.now_ns() + int(timeout_seconds * NS_PER_SECOND)
            # The fields of a Request; a tuple looks the same on the wire.
            frame = self._encode((SCHEMA_VERSION, self._last_id, deadline_ns, key, body))
        except (OverflowError, ValueError) as error:  # an integer above 64 bits, a character that is none in UTF-8
            raise BadInput(f"the request {type(body).__name__} cannot be sent: {error}") from error
        if len(frame) > self._bus.max_message_bytes:
            self._bus.check_size(frame, f"the request {type(body).__name__} to {self._server}")
        return self._last_id, frame

    def posted(self, number: int, body: object, give_up: float) -> None:
        """The request has been sent, and is waited for until `give_up`."""
        self._pending[number] = (give_up, type(body).__name__)

    def settle(self, frame: bytes) -> tuple[int, R | AtlasError] | None:
        """The request that `frame` replies to, and what came of it; None if it is to be dropped."""
        if len(frame) > self._bus.max_message_bytes:
            self._report("oversized", f"{len(frame)} bytes")
            return None
        try:
            reply = self._decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._report(*why_unreadable(frame, error))
            return None
        if self._pending.pop(reply.id, None) is None:
            self._report("late_reply", f"request {reply.id}")
            return None
        if reply.error:
            return reply.id, revive(reply.error, reply.text)
        if reply.body is None:
            return reply.id, BadInput(f"{self._server} sent an empty reply")
        return reply.id, reply.body

    def forget(self, number: int) -> None:
        """Nobody waits for this request any more."""
        self._pending.pop(number, None)

    def next_give_up(self) -> float | None:
        """When the next request is to be given up, if any waits."""
        return min((give_up for give_up, _ in self._pending.values()), default=None)

    def expire(self) -> list[tuple[int, AtlasError]]:
        """Give up the requests whose time is over."""
        now = time.monotonic()
        late = [number for number, (give_up, _) in self._pending.items() if now >= give_up]
        where = f"{self._server} at {self._endpoint}"
        return [
            (number, OutcomeUnknown(f"{where} did not answer {self._pending.pop(number)[1]} in time; {_UNKNOWN}"))
            for number in late
        ]

    def lose(self) -> list[tuple[int, AtlasError]]:
        """The connection broke: no reply can come to what was asked on it."""
        lost, self._pending = self._pending, {}
        where = f"the connection to {self._server} at {self._endpoint}"
        return [
            (number, OutcomeUnknown(f"{where} broke before it answered {what}; {_UNKNOWN}"))
            for number, (_, what) in lost.items()
        ]

    def _report(self, kind: FaultKind, detail: str) -> None:
        self._bus.report(f"replies of {self._server}", kind, self._endpoint, detail)
