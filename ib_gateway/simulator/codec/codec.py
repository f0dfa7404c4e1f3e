"""The codec of one session: it speaks the version that was negotiated with that client."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from ib_gateway.simulator.codec import tables, ticks
from ib_gateway.simulator.codec.layout import DecodeError, Field, Fixed, Layout, compile_reader, compile_writer
from ib_gateway.simulator.messages.replies import Reply, TickByTick
from ib_gateway.simulator.messages.requests import Request

_MAX_FIELDS = 10_000
"""An order with hundreds of legs and parameters has a few thousand."""

_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


def _escaped(match: re.Match[str]) -> str:
    r"""A sign beyond ASCII as the gateway writes it and clients read it back: \u and four digits, or \U and eight."""
    code = ord(match[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class ProtocolError(Exception):
    """A message that cannot be read. `kind` is one word for counters, `req_id` the request it belongs to, or -1."""

    def __init__(self, kind: str, req_id: int, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.req_id = req_id


class _Tables(NamedTuple):
    readers: Mapping[int, tuple[Layout, Callable[[list[str]], Any]]]
    writers: Mapping[type[Reply], Callable[[Any], str]]


@cache
def _tables(version: int) -> _Tables:
    return _Tables(
        {layout.message_id: (layout, compile_reader(layout, version)) for layout in tables.REQUESTS},
        dict(_writers(version)) | ticks.writers(version),
    )


def _writers(version: int) -> Iterator[tuple[type[Reply], Callable[[Any], str]]]:
    for layout in tables.REPLIES:
        assert issubclass(layout.struct, Reply), layout  # noqa: S101
        yield layout.struct, compile_writer(layout, version)


class Codec:
    """Reads requests and writes replies in one version. Keeps nothing from message to message."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._readers, self._writers = _tables(version)
        self._fractions = version >= ticks.FRACTIONS_SINCE

    def decode(self, payload: bytes) -> Request:
        """The request in the payload of a frame.

        Raises:
            ProtocolError: the payload is no message of this version.
        """
        if len(payload) > _MAX_FIELDS and (count := payload.count(b"\0")) > _MAX_FIELDS:
            raise ProtocolError("malformed", -1, f"a message of {count} fields; at most {_MAX_FIELDS} are allowed")
        fields = payload.decode("utf-8", "replace").split("\0")
        if fields.pop():
            raise ProtocolError("malformed", -1, "the message does not end with a NUL")
        try:
            message_id = int(fields[0])
        except (ValueError, IndexError):
            raise ProtocolError("malformed", -1, f"the message begins with {payload[:40]!r} instead of its id") from None
        if message_id not in self._readers:
            raise ProtocolError("unknown_message", -1, f"there is no message id {fields[0][:20]}")
        layout, read = self._readers[message_id]
        try:
            request: Request = read(fields[1:])
        except DecodeError as error:
            raise ProtocolError("malformed", _number_of(layout, fields[1:]), str(error)) from None
        return request

    def encode(self, reply: Reply) -> bytes:
        """The frames of a reply."""
        if type(reply) is TickByTick:
            return ticks.encode(reply, fractions=self._fractions)
        text = self._writers[type(reply)](reply)
        payload = (text if text.isascii() else _BEYOND_ASCII.sub(_escaped, text)).encode("ascii")
        return len(payload).to_bytes(4, "big") + payload


def _number_of(layout: Layout, fields: list[str]) -> int:
    """The request or order id of a message that could not be read, if it stands where it should."""
    for at, item in enumerate(layout.items):
        if isinstance(item, Field) and item.name in ("req_id", "order_id"):
            return _integer(fields, at)
        if not isinstance(item, Fixed):
            break
    return -1


def _integer(fields: list[str], at: int) -> int:
    """The number in a field; -1 if there is none, or none that a client could have meant."""
    try:
        number = int(fields[at])
    except (ValueError, IndexError):
        return -1
    return number if abs(number) < 2**63 else -1
