"""Long messages, encoded in slices: a hundred thousand bars take seconds, in which others have to be attended to."""

from collections.abc import Generator

from msgspec.structs import replace

from ib_gateway.simulator.codec.codec import Codec
from ib_gateway.simulator.messages.replies import HistoricalData

_BARS_AT_ONCE = 2000


def is_long(reply: HistoricalData) -> bool:
    """Whether it takes long to encode a reply."""
    return len(reply.bars) > _BARS_AT_ONCE


def encode_in_slices(codec: Codec, reply: HistoricalData) -> Generator[None, None, bytes]:
    """The frame of a reply, the same as `codec.encode` makes. The bars are its last fields, and their number is before them."""
    head = _payload(codec, reply, 0, 0).removesuffix(b"0\0")
    parts = []
    for at in range(0, len(reply.bars), _BARS_AT_ONCE):
        count = min(_BARS_AT_ONCE, len(reply.bars) - at)
        parts.append(_payload(codec, reply, at, count)[len(head) + len(f"{count}\0") :])
        yield
    payload = b"".join((head, f"{len(reply.bars)}\0".encode(), *parts))
    return len(payload).to_bytes(4, "big") + payload


def _payload(codec: Codec, reply: HistoricalData, at: int, count: int) -> bytes:
    return codec.encode(replace(reply, bars=reply.bars[at : at + count]))[4:]
