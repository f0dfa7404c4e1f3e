"""Ticks by tick, many at once: the messages of which there are most, written without a table.

99|req|1 or 2|time|price|size|mask|exchange|conditions   Last, AllLast
99|req|3|time|bid|ask|bid size|ask size|mask             BidAsk
99|req|4|time|mid point                                  MidPoint
"""

from atlas.domain import NS_PER_SECOND, Quote
from ib_gateway.simulator.codec.kinds import number
from ib_gateway.simulator.messages.replies import TickByTick


def _whole(value: float) -> str:
    return str(int(value))


def encode(ticks: TickByTick, *, fractions: bool) -> bytes:
    """Frames of all ticks, in order. Their payloads are shorter than 256 bytes, so three bytes of each length are zero.

    Sizes are rounded down to whole numbers for clients that cannot read `fractions`.
    """
    size = number if fractions else _whole
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
