"""Streams and snapshots of the first level: who gets one, and when."""

from collections.abc import Callable

from atlas.domain import NS_PER_SECOND, Quote, Trade
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.market_data.faces import Faces
from ib_gateway.simulator.broker.market_data.facts import Facts
from ib_gateway.simulator.broker.market_data.kinds import (
    DELAYED,
    DELAYED_FROZEN,
    DELAYED_TYPES,
    FROZEN,
    LIVE,
    YEARLY,
    parse_generic,
)
from ib_gateway.simulator.broker.market_data.letters import BBO
from ib_gateway.simulator.broker.market_data.lines import DUPLICATE, MAX_LINES, Grant, Lines
from ib_gateway.simulator.broker.market_data.speaker import Speaker
from ib_gateway.simulator.broker.market_data.subscriptions import Face, Stream
from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.entitlements import Entitlements
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_SNAPSHOT_NS = 11 * NS_PER_SECOND
_PERMISSIONS = 3
_SECOND_NS = NS_PER_SECOND


class StreamDesk:
    """Answers `reqMktData`."""

    def __init__(
        self, floor: Floor, lines: Lines, faces: Faces, speaker: Speaker, facts: Facts, entitlements: Entitlements
    ) -> None:
        self._floor = floor
        self._lines = lines
        self._faces = faces
        self._speaker = speaker
        self._facts = facts
        self._entitlements = entitlements
        self._late = {
            listing.instrument.id
            for listing in (floor.catalogue if entitlements.delays else ())
            if lines.grant(listing, DELAYED).kind == DELAYED
        }
        self._listeners: dict[str, list[tuple[Client, Stream]]] = {}
        self._last_second = 0

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {r.MarketData: self._subscribe, r.CancelMarketData: self._cancel, r.MarketDataType: self._permit}

    def _permit(self, client: Client, request: r.MarketDataType) -> None:
        """A permission for requests from now on, not a switch: live data, where there are any, win."""
        if request.kind in (LIVE, FROZEN, DELAYED, DELAYED_FROZEN):
            client.market.data_type = request.kind
        else:
            text = f"Error validating request.-'xx' : cause - Invalid market data type {request.kind}."
            self._floor.error(client, -1, 321, text)

    def _subscribe(self, client: Client, request: r.MarketData) -> Sliced[None]:
        floor, req_id, market = self._floor, request.req_id, client.market
        if market.taken(req_id):
            floor.error(client, req_id, 102, DUPLICATE)
            return
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        once = request.snapshot or request.regulatory_snapshot
        try:
            generic = parse_generic(request.generic_ticks, listing.sec_type, once=once)
        except ValueError as error:
            floor.error(client, req_id, 321, f"Error validating request.-'xx' : cause - {error}")
            return
        if self._lines.full(lambda held: len(held.streams), self._lines.rules.market_data_lines):
            floor.error(client, req_id, 101, MAX_LINES)
            return
        regulatory = request.regulatory_snapshot and listing.sec_type in ("STK", "OPT")
        grant = Grant(LIVE) if regulatory else self._lines.grant(listing, market.data_type)
        if grant.code:
            floor.error(client, req_id, grant.code, grant.text)
        if grant.kind:
            generic = generic if grant.generic else frozenset()
            if generic & YEARLY:
                yield from self._facts.look_up_year(listing.instrument.id, floor.clock.now_ns())
            ends_ns = floor.clock.now_ns() + _SNAPSHOT_NS if once else 0
            self._begin(client, Stream(req_id, listing, generic, grant.kind, ends_ns=ends_ns))

    def _begin(self, client: Client, stream: Stream) -> None:
        floor, listing, req_id = self._floor, stream.listing, stream.req_id
        name = listing.instrument.id
        if stream.granted == DELAYED:
            stream.types = DELAYED_TYPES
            self._faces.remember([name], floor.clock.now_ns())
        client.market.streams[req_id] = stream
        self._listeners.setdefault(name, []).append((client, stream))
        floor.send(client.id, replies.TickReqParams(req_id, listing.instrument.tick_size, _bbo(listing), _PERMISSIONS))
        floor.interest(name, True)
        if listing.instrument.underlying:
            floor.interest(listing.instrument.underlying, True)
        self._set_kind(client, stream, first=True)
        if self._lines.competing:
            self._lines.say_competing(client, [req_id])
        elif self._lines.flowing:
            self._show(client, stream)

    def _set_kind(self, client: Client, stream: Stream, *, first: bool = False) -> None:
        """Live or delayed while the market is open, and frozen while it is closed if the client permits that."""
        now, wanted = self._floor.clock.now_ns(), client.market.data_type
        stream.closed = self._faces.closed(stream.listing.instrument.id, now)
        kind = stream.granted
        if stream.closed and wanted in (FROZEN, DELAYED_FROZEN):
            kind = FROZEN if kind == LIVE else DELAYED_FROZEN if wanted == DELAYED_FROZEN else kind
        if first or kind != stream.kind:
            stream.kind = kind
            self._floor.send(client.id, replies.MarketDataType(stream.req_id, kind))

    def _show(self, client: Client, stream: Stream) -> None:
        """Say what has changed since the last time, however much that is."""
        now, name = self._floor.clock.now_ns(), stream.listing.instrument.id
        frozen = stream.kind in (FROZEN, DELAYED_FROZEN)
        show = self._faces.delayed if stream.granted == DELAYED else self._faces.now
        face = show(name, now, frozen=frozen)
        self._speaker.face(client.id, stream, face)
        if stream.ends_ns and _complete(face):
            self._finish(client, stream)

    def _finish(self, client: Client, stream: Stream) -> None:
        self._floor.send(client.id, replies.SnapshotEnd(stream.req_id))
        self._drop(client, stream)

    def _drop(self, client: Client, stream: Stream) -> None:
        del client.market.streams[stream.req_id]
        name = stream.listing.instrument.id
        self._listeners[name] = [pair for pair in self._listeners[name] if pair[1] is not stream]

    def leave(self, client: Client) -> None:
        """A client is gone."""
        for stream in tuple(client.market.streams.values()):
            self._drop(client, stream)

    def _cancel(self, client: Client, request: r.CancelMarketData) -> None:
        stream = client.market.streams.get(request.req_id)
        if stream is None:
            self._floor.error(client, request.req_id, 300, f"Can't find EId with tickerId:{request.req_id}")
        else:
            self._drop(client, stream)

    # What the market says.

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return any(self._listeners.values())

    def publish(self, event: Quote | Trade) -> None:
        """Pass on what the market said to all live streams. Data flow."""
        listeners = self._listeners.get(event.instrument)
        if not listeners:
            return
        say: Callable[..., None] = self._speaker.quote if type(event) is Quote else self._speaker.trade
        for client, stream in listeners:  # a stream that ends leaves a new list behind
            if stream.granted == LIVE:
                say(client.id, stream, event)
                if stream.ends_ns and _complete(stream.told):
                    self._finish(client, stream)

    def pulse(self, now_ns: int) -> None:
        """Once a second: markets that open and close, delayed data, slow ticks, snapshots that wait in vain."""
        if self._last_second <= now_ns < self._last_second + _SECOND_NS:
            return
        self._last_second = now_ns // _SECOND_NS * _SECOND_NS
        flowing = self._lines.flowing
        if flowing and self._late:
            self._faces.remember(self._late, now_ns)
        for client in self._floor.clients.values():
            for stream in tuple(client.market.streams.values()):
                if flowing:
                    self._look(client, stream, now_ns)
                if stream.ends_ns and now_ns >= stream.ends_ns and stream.req_id in client.market.streams:
                    self._finish(client, stream)

    def _look(self, client: Client, stream: Stream, now_ns: int) -> None:
        turned = self._faces.closed(stream.listing.instrument.id, now_ns) != stream.closed
        if turned:
            self._set_kind(client, stream)
        if turned or stream.granted == DELAYED:
            self._show(client, stream)
        if not stream.ends_ns:
            self._speaker.slow(client.id, stream, now_ns)

    def resume(self) -> None:
        """Data flow again: say what has changed meanwhile."""
        for client in self._floor.clients.values():
            for stream in tuple(client.market.streams.values()):
                self._set_kind(client, stream)
                self._show(client, stream)


def _complete(face: Face) -> bool:
    """Whether a snapshot has all that there is: both sides of the quote, or of an index its level."""
    return bool((face.bid and face.ask) or (face.last and not face.last_size))


def _bbo(listing: Listing) -> str:
    """The code of the map from letters to exchanges; only stocks are quoted by several."""
    return BBO if listing.sec_type == "STK" and listing.instrument.exchange == "SMART" else ""
