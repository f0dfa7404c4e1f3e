"""The market data desk: streams of the first level, snapshots, ticks by tick."""

from collections.abc import Sequence

from atlas.domain import InstrumentKind, Quote, Trade, to_datetime
from ib_gateway.simulator.broker.client import Client, Stream
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_BID, _ASK, _LAST, _HIGH, _LOW, _OPEN = 1, 2, 4, 6, 7, 14
_BID_SIZE, _ASK_SIZE, _LAST_SIZE, _VOLUME = 0, 3, 5, 8
_LAST_TIME, _RT_VOLUME = 45, 48
_RT_VOLUME_REQUEST = "233"
_TICK_KINDS = ("BidAsk", "MidPoint", "Last", "AllLast")


class MarketDesk:
    """Subscriptions to what the market says now."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.MarketData: self._subscribe,
            r.CancelMarketData: self._unsubscribe,
            r.MarketDataType: lambda _client, _request: None,  # a permission: live data are there and win
            r.TickByTick: self._subscribe_ticks,
            r.CancelTickByTick: self._unsubscribe_ticks,
        }

    # Streams and snapshots.

    def _subscribe(self, client: Client, request: r.MarketData) -> None:
        floor, req_id = self._floor, request.req_id
        if req_id in client.streams:
            floor.error(client, req_id, 102, "Duplicate ticker ID.")
            return
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        name = listing.instrument.id
        stream = Stream(listing, request.snapshot, _RT_VOLUME_REQUEST in request.generic_ticks.split(","))
        client.streams[req_id] = stream
        client.streams_by_instrument.setdefault(name, []).append(req_id)
        floor.send(client.id, replies.TickReqParams(req_id, listing.instrument.tick_size, _bbo(listing.instrument.kind), 3))
        floor.send(client.id, replies.MarketDataType(req_id, 1))
        floor.interest(name, True)
        self._say_the_day(client, req_id, name)
        quote = floor.exchange.quote(name)
        if quote:
            self._say_quote(client, req_id, stream, quote)

    def _say_the_day(self, client: Client, req_id: int, name: str) -> None:
        span, last = self._floor.tape.span(name), self._floor.tape.last_trade(name)
        if span:
            for kind, price in zip((_OPEN, _HIGH, _LOW), span, strict=True):
                self._floor.send(client.id, replies.TickPrice(req_id, kind, price, 0.0))
        if last:
            price, size, volume = last
            self._floor.send(client.id, replies.TickPrice(req_id, _LAST, price, size))
            self._floor.send(client.id, replies.TickSize(req_id, _LAST_SIZE, size))
            self._floor.send(client.id, replies.TickSize(req_id, _VOLUME, volume))

    def _unsubscribe(self, client: Client, request: r.CancelMarketData) -> None:
        stream = client.streams.pop(request.req_id, None)
        if stream is None:
            self._floor.error(client, request.req_id, 300, f"Can't find EId with tickerId:{request.req_id}")
            return
        client.streams_by_instrument[stream.listing.instrument.id].remove(request.req_id)

    def _say_quote(self, client: Client, req_id: int, stream: Stream, quote: Quote) -> None:
        send = self._floor.send
        if quote.bid != stream.bid:
            send(client.id, replies.TickPrice(req_id, _BID, quote.bid, quote.bid_size))
        if quote.bid != stream.bid or quote.bid_size != stream.bid_size:
            send(client.id, replies.TickSize(req_id, _BID_SIZE, quote.bid_size))
        if quote.ask != stream.ask:
            send(client.id, replies.TickPrice(req_id, _ASK, quote.ask, quote.ask_size))
        if quote.ask != stream.ask or quote.ask_size != stream.ask_size:
            send(client.id, replies.TickSize(req_id, _ASK_SIZE, quote.ask_size))
        stream.bid, stream.ask, stream.bid_size, stream.ask_size = quote.bid, quote.ask, quote.bid_size, quote.ask_size
        if stream.snapshot:
            send(client.id, replies.SnapshotEnd(req_id))
            del client.streams[req_id]
            client.streams_by_instrument[quote.instrument].remove(req_id)

    def _say_trade(self, client: Client, req_id: int, stream: Stream, trade: Trade) -> None:
        send = self._floor.send
        if stream.snapshot:
            return
        last = self._floor.tape.last_trade(trade.instrument)
        volume = last[2] if last else trade.size
        send(client.id, replies.TickString(req_id, _LAST_TIME, str(int(to_datetime(trade.exchange_ns).timestamp()))))
        send(client.id, replies.TickPrice(req_id, _LAST, trade.price, trade.size))
        send(client.id, replies.TickSize(req_id, _LAST_SIZE, trade.size))
        send(client.id, replies.TickSize(req_id, _VOLUME, volume))
        if stream.trade_volume:
            text = f"{trade.price!r};{trade.size!r};{trade.exchange_ns // 1_000_000};{volume!r};{trade.price!r};true"
            send(client.id, replies.TickString(req_id, _RT_VOLUME, text))

    # Ticks by tick.

    def _subscribe_ticks(self, client: Client, request: r.TickByTick) -> None:
        floor, req_id = self._floor, request.req_id
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        name, kind = listing.instrument.id, request.kind
        if kind not in _TICK_KINDS:
            floor.error(client, req_id, 321, f"Error validating request.-'xx' : cause - Invalid tick type: {kind}.")
        elif kind in ("Last", "AllLast") and listing.instrument.kind is InstrumentKind.CASH:
            floor.error(client, req_id, 10189, f"Failed to request tick-by-tick data.No trades for {name}.")
        elif req_id in client.tick_requests:
            floor.error(client, req_id, 102, "Duplicate ticker ID.")
        elif name in client.ticks[kind]:
            floor.error(client, req_id, 10189, f"Failed to request tick-by-tick data.{kind} of {name} is requested already.")
        else:
            client.tick_requests[req_id] = (kind, name)
            client.ticks[kind][name] = req_id
            floor.interest(name, True)

    def _unsubscribe_ticks(self, client: Client, request: r.CancelTickByTick) -> None:
        kind, name = client.tick_requests.pop(request.req_id, ("", ""))
        if kind:
            del client.ticks[kind][name]
        else:
            self._floor.error(client, request.req_id, 300, f"Can't find EId with tickerId:{request.req_id}")

    # What the market says.

    def publish(self, events: Sequence[Quote | Trade]) -> None:
        """Pass on what the market said, in order, to all that have subscribed to it."""
        for client in self._floor.clients.values():
            if client.tick_requests:
                ticks = client.ticks
                reply = replies.TickByTick(events, ticks["BidAsk"], ticks["MidPoint"], ticks["Last"], ticks["AllLast"])
                self._floor.send(client.id, reply)
            if client.streams:
                self._publish_streams(client, events)

    def _publish_streams(self, client: Client, events: Sequence[Quote | Trade]) -> None:
        for event in events:
            for req_id in tuple(client.streams_by_instrument.get(event.instrument, ())):
                stream = client.streams[req_id]
                if isinstance(event, Quote):
                    self._say_quote(client, req_id, stream, event)
                else:
                    self._say_trade(client, req_id, stream, event)


def _bbo(kind: InstrumentKind) -> str:
    """The code of the map from letters to exchanges; only stocks are quoted by several."""
    return "9c0001" if kind is InstrumentKind.STOCK else ""
