"""Ticks: the messages of which there are most, written without their tables. Those of "tick by tick" many at once.

1|6|req|kind|price|size|mask                           tickPrice
2|6|req|kind|size                                      tickSize
46|6|req|kind|text                                     tickString
99|req|1 or 2|time|price|size|mask|exchange|conditions   Last, AllLast
99|req|3|time|bid|ask|bid size|ask size|mask             BidAsk
99|req|4|time|mid point                                  MidPoint
"""

from collections.abc import Callable
from typing import Any

from atlas.domain import NS_PER_SECOND, Quote
from ib_gateway.simulator.codec.kinds import number
from ib_gateway.simulator.messages.replies import Reply, TickByTick, TickPrice, TickSize, TickString

FRACTIONS_SINCE = 163
"""The version from which sizes may be fractions."""


def _whole(value: float) -> str:
    return str(int(value))


def _size(*, fractions: bool) -> Callable[[float], str]:
    return number if fractions else _whole


def writers(version: int) -> dict[type[Reply], Callable[[Any], str]]:
    """Writers of ticks that go out one by one, to be taken instead of those that their tables would give."""
    size = _size(fractions=version >= FRACTIONS_SINCE)

    def price(tick: TickPrice) -> str:
        return f"1\x006\0{tick.req_id}\0{tick.kind}\0{number(tick.price)}\0{size(tick.size)}\0{tick.mask}\0"

    def only_size(tick: TickSize) -> str:
        return f"2\x006\0{tick.req_id}\0{tick.kind}\0{size(tick.size)}\0"

    def string(tick: TickString) -> str:
        return f"46\x006\0{tick.req_id}\0{tick.kind}\0{tick.value}\0"

    return {TickPrice: price, TickSize: only_size, TickString: string}


def encode(ticks: TickByTick, *, fractions: bool) -> bytes:
    """Frames of all ticks, in order. Their payloads are shorter than 256 bytes, so three bytes of each length are zero.

    Sizes are rounded down to whole numbers for clients that cannot read `fractions`.
    """
    size = _size(fractions=fractions)
    bid_ask, mid_point, last, all_last = ticks.bid_ask, ticks.mid_point, ticks.last, ticks.all_last
    out: list[str] = []
    append = out.append
    for event in ticks.events:
        name, seconds = event.instrument, event.exchange_ns // NS_PER_SECOND
        if isinstance(event, Quote):
            if (req_id := bid_ask.get(name)) is not None:
                append(
                    f"99\0{req_id}\0003\0{seconds}\0{number(event.bid)}\0{number(event.ask)}"
                    f"\0{size(event.bid_size)}\0{size(event.ask_size)}\0000\0"
                )
            if (req_id := mid_point.get(name)) is not None:
                append(f"99\0{req_id}\0004\0{seconds}\0{number(round(event.mid, 10))}\0")
        else:
            for kind, req_ids in ((1, last), (2, all_last)):
                if (req_id := req_ids.get(name)) is not None:
                    append(f"99\0{req_id}\0{kind}\0{seconds}\0{number(event.price)}\0{size(event.size)}\0000\0\0\0")
    return "".join([f"\0\0\0{chr(len(text))}{text}" for text in out]).encode("latin-1")
