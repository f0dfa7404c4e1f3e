"""Ticks by tick: every quote and every trade of an instrument, after as many older ones as are asked for."""

from collections.abc import Sequence

from atlas.domain import InstrumentKind, Quote, Trade
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.market_data.lines import DUPLICATE, Lines
from ib_gateway.simulator.broker.market_data.prelude import MAX_OLDER, prelude
from ib_gateway.simulator.broker.market_data.subscriptions import Subscriptions, TickStream
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_MAX_LINES = "Max number of tick-by-tick requests has been reached."
_FAILED = "Failed to request tick-by-tick data."
_INVALID = "Error validating request.-'xx' : cause - "


class TickDesk:
    """Answers `reqTickByTickData`."""

    def __init__(self, floor: Floor, lines: Lines) -> None:
        self._floor = floor
        self._lines = lines

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {r.TickByTick: self._subscribe, r.CancelTickByTick: self._cancel}

    def _subscribe(self, client: Client, request: r.TickByTick) -> None:
        floor, req_id, kind, market = self._floor, request.req_id, request.kind, client.market
        requests = _requests(market).get(kind)
        if requests is None:
            floor.error(client, req_id, 321, f"{_INVALID}Invalid tick type: {kind}.")
            return
        if not 0 <= request.count <= MAX_OLDER:
            floor.error(client, req_id, 321, f"{_INVALID}Number of ticks must be between 0 and {MAX_OLDER}.")
            return
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        name, trades = listing.instrument.id, kind in ("Last", "AllLast")
        if market.taken(req_id):
            floor.error(client, req_id, 102, DUPLICATE)
        elif trades and listing.instrument.kind is InstrumentKind.CASH:
            floor.error(client, req_id, 10189, f"{_FAILED}No trades for {name}.")
        elif not trades and listing.instrument.kind is InstrumentKind.INDEX:
            text = f"{_FAILED}{kind} tick-by-tick requests are not supported for {listing.instrument.symbol}."
            floor.error(client, req_id, 10189, text)
        elif not self._lines.sees(listing):
            text = f"{_FAILED}No market data permissions for {listing.venue} {listing.sec_type}"
            floor.error(client, req_id, 10189, text)
        elif name in requests:
            floor.error(client, req_id, 10189, f"{_FAILED}{kind} of {name} is requested already.")
        elif self._lines.full(lambda held: len(held.ticks), self._lines.rules.tick_by_tick_lines):
            floor.error(client, req_id, 10190, _MAX_LINES)
        else:
            market.ticks[req_id] = TickStream(name, kind, request.ignore_size)
            requests[name] = req_id
            floor.interest(name, True)
            if self._lines.competing:
                self._lines.say_competing(client, [req_id])
            elif request.count:
                floor.send(client.id, prelude(floor.tape, req_id, kind, name, request.count))

    def _cancel(self, client: Client, request: r.CancelTickByTick) -> None:
        stream = client.market.ticks.pop(request.req_id, None)
        if stream:
            del _requests(client.market)[stream.kind][stream.instrument]
        else:
            self._floor.error(client, request.req_id, 300, f"Can't find EId with tickerId:{request.req_id}")

    def publish(self, events: Sequence[Quote | Trade]) -> None:
        """Pass on what the market said, in order, to all that have subscribed to it. Data flow."""
        clients = [client for client in self._floor.clients.values() if client.market.ticks]
        wanted = {stream.instrument for client in clients for stream in client.market.ticks.values()}
        heard = [event for event in events if event.instrument in wanted] if wanted else []
        written: dict[object, list[str]] = {}
        for client in clients if heard else ():
            market = client.market
            maps = (market.bid_ask, market.mid_point, market.last, market.all_last)
            ignoring = [stream for stream in market.ticks.values() if stream.ignore_size]
            if ignoring:
                reply = replies.TickByTick(_without_sizes(heard, ignoring), *maps)
            else:
                reply = replies.TickByTick(heard, *maps, written)
            self._floor.send(client.id, reply)


def _requests(market: Subscriptions) -> dict[str, dict[str, int]]:
    """Request ids by kind and instrument."""
    return {"BidAsk": market.bid_ask, "MidPoint": market.mid_point, "Last": market.last, "AllLast": market.all_last}


def _without_sizes(events: Sequence[Quote | Trade], streams: list[TickStream]) -> list[Quote | Trade]:
    """Events without quotes that change no price of an instrument whose sizes are to be ignored."""
    ignoring = {stream.instrument: stream for stream in streams}
    kept: list[Quote | Trade] = []
    for event in events:
        stream = ignoring.get(event.instrument)
        if stream and isinstance(event, Quote):
            if (event.bid, event.ask) == (stream.bid, stream.ask):
                continue
            stream.bid, stream.ask = event.bid, event.ask
        kept.append(event)
    return kept
