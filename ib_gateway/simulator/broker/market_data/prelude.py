"""Older ticks, said before the first new one to whoever asks for some with a tick-by-tick subscription."""

from atlas.domain import NS_PER_SECOND
from atlas.exchange.calendar import NEVER_NS
from ib_gateway.simulator.broker.tape import Tape
from ib_gateway.simulator.messages import replies

MAX_OLDER = 1000


def prelude(tape: Tape, req_id: int, kind: str, instrument: str, count: int) -> replies.Reply:
    """The last `count` ticks of a kind that the market has said, in one message; as many as there are."""
    if kind in ("Last", "AllLast"):
        ticks = tape.columns(instrument, "TRADES", 0, NEVER_NS)
        rows = zip(ticks.times[-count:], ticks.close[-count:], ticks.volume[-count:], strict=True)
        trades = [replies.HistoricalTickLast(int(ns) // NS_PER_SECOND, float(price), float(size)) for ns, price, size in rows]
        return replies.HistoricalTicksLast(req_id, trades, True)
    quotes = zip(*(column[-count:] for column in tape.quotes(instrument, 0, NEVER_NS)), strict=True)
    if kind == "MidPoint":
        middles = [
            replies.HistoricalTick(ns // NS_PER_SECOND, round((bid + ask) / 2, 10), 0.0) for ns, bid, ask, _, _ in quotes
        ]
        return replies.HistoricalTicks(req_id, middles, True)
    both = [replies.HistoricalTickBidAsk(ns // NS_PER_SECOND, *values) for ns, *values in quotes]
    return replies.HistoricalTicksBidAsk(req_id, both, True)
