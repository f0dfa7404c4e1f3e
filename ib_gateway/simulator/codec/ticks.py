"""Ticks: the messages of which there are most, written without their tables. Those of "tick by tick" many at once.

1|6|req|kind|price|size|mask                           tickPrice
2|6|req|kind|size                                      tickSize
46|6|req|kind|text                                     tickString
99|req|1 or 2|time|price|size|mask|exchange|conditions   Last, AllLast
99|req|3|time|bid|ask|bid size|ask size|mask             BidAsk
99|req|4|time|mid point                                  MidPoint
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

from atlas.domain import NS_PER_SECOND, Quote, Trade
from ib_gateway.simulator.codec.kinds import number
from ib_gateway.simulator.messages.replies import Reply, TickByTick, TickPrice, TickSize, TickString

_QUOTED = "quoted"  # where `ticks.written` keeps the one instrument of which all ticks are quotes
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

    Sizes are rounded down to whole numbers for clients that cannot read `fractions`. What follows the request id is the same
    for all clients: it is written once and found in `ticks.written` by those that come later.
    """
    tails = ticks.written.get(fractions)
    if tails is None:
        tails = ticks.written[fractions] = _tails(ticks.events, number if fractions else _whole)
        ticks.written[_QUOTED] = _quoted(ticks.events)
    sole = ticks.written[_QUOTED]
    if ticks.mid_point or ticks.last or ticks.all_last:
        out = _mixed(ticks, tails)
    elif sole and sole[0] in ticks.bid_ask:
        head = f"99\0{ticks.bid_ask[sole[0]]}\0003"
        size = len(head)
        return "".join([f"\0\0\0{chr(size + len(tail))}{head}{tail}" for tail in tails]).encode("latin-1")
    else:
        heads = {name: f"99\0{req_id}\0003" for name, req_id in ticks.bid_ask.items()}
        out = [
            heads[event.instrument] + tail
            for event, tail in zip(ticks.events, tails, strict=True)
            if type(event) is Quote and event.instrument in heads
        ]
    return "".join([f"\0\0\0{chr(len(text))}{text}" for text in out]).encode("latin-1")


def _quoted(events: Sequence[Quote | Trade]) -> list[str]:
    """The one instrument that all events are quotes of; nothing if they are not."""
    if list(map(type, events)).count(Quote) < len(events):
        return []
    names = list({event.instrument for event in events})
    return names if len(names) == 1 else []


def _tails(events: Sequence[Quote | Trade], size: Callable[[float], str]) -> list[str]:
    """What each quote and each trade says after its kind. Column by column, where they are all quotes."""
    seconds = [event.exchange_ns // NS_PER_SECOND for event in events]
    if list(map(type, events)).count(Quote) == len(events):
        quotes = cast("Sequence[Quote]", events)
        columns = zip(
            seconds,
            map(number, [quote.bid for quote in quotes]),
            map(number, [quote.ask for quote in quotes]),
            map(size, [quote.bid_size for quote in quotes]),
            map(size, [quote.ask_size for quote in quotes]),
            strict=True,
        )
        return [f"\0{at}\0{bid}\0{ask}\0{bid_size}\0{ask_size}\0000\0" for at, bid, ask, bid_size, ask_size in columns]
    return [
        f"\0{at}\0{number(event.bid)}\0{number(event.ask)}\0{size(event.bid_size)}\0{size(event.ask_size)}\0000\0"
        if isinstance(event, Quote)
        else f"\0{at}\0{number(event.price)}\0{size(event.size)}\0000\0\0\0"
        for at, event in zip(seconds, events, strict=True)
    ]


def _mixed(ticks: TickByTick, tails: Sequence[str]) -> list[str]:
    """Ticks of a client that has asked for more than quotes."""
    out: list[str] = []
    for event, tail in zip(ticks.events, tails, strict=True):
        name = event.instrument
        if isinstance(event, Quote):
            if (req_id := ticks.bid_ask.get(name)) is not None:
                out.append(f"99\0{req_id}\0003{tail}")
            if (req_id := ticks.mid_point.get(name)) is not None:
                out.append(f"99\0{req_id}\0004\0{event.exchange_ns // NS_PER_SECOND}\0{number(round(event.mid, 10))}\0")
        else:
            for kind, req_ids in ((1, ticks.last), (2, ticks.all_last)):
                if (req_id := req_ids.get(name)) is not None:
                    out.append(f"99\0{req_id}\0{kind}{tail}")
    return out
