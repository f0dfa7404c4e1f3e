"""What of a stream may be replaced by newer: ticks and profits. Orders, executions, accounts and bars are never replaced."""

from collections.abc import Callable, Hashable
from typing import Any

from ib_gateway.simulator.messages import replies

_KEYS: dict[type, Callable[[Any], Hashable]] = {
    replies.TickPrice: lambda tick: (1, tick.req_id, tick.kind),
    replies.TickSize: lambda tick: (2, tick.req_id, tick.kind),
    replies.TickGeneric: lambda tick: (3, tick.req_id, tick.kind),
    replies.TickString: lambda tick: (4, tick.req_id, tick.kind),
    replies.TickByTick: lambda _: (5,),
    replies.Pnl: lambda pnl: (6, pnl.req_id),
    replies.PnlSingle: lambda pnl: (7, pnl.req_id),
}


class Newest:
    """The newest message of each stream, in the order in which the streams first had one."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, replies.Reply] = {}
        self.replaced = 0

    def __bool__(self) -> bool:
        return bool(self._kept)

    def keep(self, reply: replies.Reply) -> bool:
        """Keep a message in place of its stream's last one; False if nothing may ever take its place."""
        key_of = _KEYS.get(type(reply))
        if key_of is None:
            return False
        key = key_of(reply)
        older = self._kept.get(key)
        if isinstance(reply, replies.TickByTick):
            reply = _newest_ticks(older, reply)
        self.replaced += older is not None
        self._kept[key] = reply
        return True

    def take(self) -> list[replies.Reply]:
        """Everything that is kept, which is then no longer kept."""
        kept, self._kept = list(self._kept.values()), {}
        return kept


def _newest_ticks(older: replies.Reply | None, newer: replies.TickByTick) -> replies.TickByTick:
    """The last quote and the last trade of each instrument, in the order of their times."""
    events = (*older.events, *newer.events) if isinstance(older, replies.TickByTick) else newer.events
    last = {(type(event), event.instrument): event for event in events}
    kept = sorted(last.values(), key=lambda event: event.exchange_ns)
    return replies.TickByTick(kept, newer.bid_ask, newer.mid_point, newer.last, newer.all_last)
