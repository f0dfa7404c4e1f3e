"""The requests of one caller that wait for their replies. No socket, no waiting."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec

from atlas.bus._errors import revive
from atlas.bus._stream import why_unreadable
from atlas.bus.bus import Bus
from atlas.bus.envelope import SCHEMA_VERSION, Reply, Request
from atlas.domain import NS_PER_SECOND, AtlasError, BadInput, Unavailable

R = TypeVar("R")

_UNKNOWN = "its outcome is unknown: ask for the state before trying again"


class Calls(Generic[R]):
    """Numbers requests, and finds for each reply the request that it belongs to."""

    def __init__(self, bus: Bus, server: str, endpoint: str, reply_type: Any) -> None:
        self._bus = bus
        self._server = server
        self._endpoint = endpoint
        self._decode: Callable[[bytes], Reply[R]] = msgspec.msgpack.Decoder(Reply[reply_type]).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._last_id = 0
        self.pending: dict[int, tuple[int, str]] = {}  # request id -> deadline, name of what was asked

    def frame(self, body: object, timeout_seconds: float, key: str) -> tuple[int, bytes]:
        """A new request: its id and its frame. It waits for its reply once it is `posted`.

        Raises:
            BadInput: it is over the size limit.
        """
        self._last_id += 1
        deadline_ns = self._bus.clock.now_ns() + int(timeout_seconds * NS_PER_SECOND)
        frame = self._encode(Request(SCHEMA_VERSION, self._last_id, deadline_ns, key, body))
        self._bus.check_size(frame, f"the request {type(body).__name__} to {self._server}")
        return self._last_id, frame

    def posted(self, number: int, body: object, timeout_seconds: float) -> None:
        """The request has been sent."""
        deadline_ns = self._bus.clock.now_ns() + int(timeout_seconds * NS_PER_SECOND)
        self.pending[number] = (deadline_ns, type(body).__name__)

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
        if self.pending.pop(reply.id, None) is None:
            self._report("late_reply", f"request {reply.id}")
            return None
        if reply.error:
            return reply.id, revive(reply.error, reply.text)
        if reply.body is None:
            return reply.id, BadInput(f"{self._server} sent an empty reply")
        return reply.id, reply.body

    def give_up(self, number: int) -> Unavailable:
        """Nobody waits any more for the reply to a posted request."""
        _, what = self.pending.pop(number)
        return Unavailable(f"{self._server} at {self._endpoint} did not answer {what} in time; {_UNKNOWN}")

    def expire(self) -> list[tuple[int, AtlasError]]:
        """Give up the requests whose time is over."""
        now_ns = self._bus.clock.now_ns()
        late = [number for number, (deadline_ns, _) in self.pending.items() if now_ns > deadline_ns]
        return [(number, self.give_up(number)) for number in late]

    def lose(self) -> list[tuple[int, AtlasError]]:
        """The connection broke: no reply can come to what was asked on it."""
        lost = [
            (
                number,
                Unavailable(
                    f"the connection to {self._server} at {self._endpoint} broke before it answered {what}; {_UNKNOWN}"
                ),
            )
            for number, (_, what) in self.pending.items()
        ]
        self.pending.clear()
        return list(lost)

    def _report(self, kind: Any, detail: str) -> None:
        self._bus.report(f"replies of {self._server}", kind, self._endpoint, detail)
