"""Market depth: books, and the changes by which a client's copy of one becomes the next.

After the operations of a message sequence the client's rows equal the model's, and in between they are a part of it or of
the one before, so that a copy is never crossed.
"""

from collections.abc import Iterator

from atlas.domain import InstrumentKind, Quote
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.market_data.letters import MAKERS
from ib_gateway.simulator.broker.market_data.lines import DUPLICATE, Lines
from ib_gateway.simulator.broker.market_data.phases import Phases
from ib_gateway.simulator.broker.market_data.subscriptions import BookStream
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.market.book import BookModel, Row
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r

_INSERT, _UPDATE, _DELETE = 0, 1, 2
_ASK, _BID = 0, 1
_UNSUPPORTED = "Deep market data is not supported for this combination of security type/exchange"
_RESET = "Market depth data has been RESET. Please empty deep book contents before applying any new entries."
_MAKERS = ("NSDQ", "ARCX", "EDGX", "CINN", "MSCO", "GSCO", "CDRG", "UBSS")
_SMART = 1  # the aggregate group of US stocks

Change = tuple[int, int, Row]
"""Operation, position, row."""


class DepthDesk:
    """Answers `reqMktDepth` and what goes with it."""

    def __init__(self, floor: Floor, lines: Lines, phases: Phases, model: BookModel) -> None:
        self._floor = floor
        self._lines = lines
        self._phases = phases
        self._model = model
        self._listeners: dict[str, list[tuple[Client, BookStream]]] = {}

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {r.MarketDepth: self._subscribe, r.CancelMarketDepth: self._cancel, r.DepthExchanges: self._exchanges}

    def _subscribe(self, client: Client, request: r.MarketDepth) -> None:
        floor, lines, req_id, market = self._floor, self._lines, request.req_id, client.market
        if market.taken(req_id):
            floor.error(client, req_id, 102, DUPLICATE)
            return
        listing = floor.resolve(client, req_id, request.contract)
        if listing is None:
            return
        exchange = request.contract.exchange or listing.instrument.exchange
        if not _deep(listing, exchange, smart=request.smart) or request.rows <= 0:
            floor.error(client, req_id, 10092, _UNSUPPORTED)
            return
        grant = lines.grant(listing, market.data_type, "DEEP")
        if grant.code:
            floor.error(client, req_id, grant.code, grant.text)
        if not grant.kind:
            return
        limit = lines.rules.depth_lines
        if lines.full(lambda held: len(held.books), limit):
            floor.error(client, req_id, 309, f"Max number ({limit}) of market depth requests has been reached")
            return
        makers = (MAKERS if request.smart else _MAKERS) if listing.sec_type == "STK" else ()
        stream = market.books[req_id] = BookStream(req_id, listing, request.rows, request.smart, makers)
        name = listing.instrument.id
        self._listeners.setdefault(name, []).append((client, stream))
        floor.interest(name, True)
        if lines.competing:
            lines.say_competing(client, [req_id])
        elif lines.flowing and (quote := floor.exchange.quote(name)) and not self._closed(name):
            self._say(client, stream, quote)

    def _cancel(self, client: Client, request: r.CancelMarketDepth) -> None:
        stream = client.market.books.pop(request.req_id, None)
        if stream is None:
            text = f"Can't find the subscribed market depth with tickerId:{request.req_id}"
            self._floor.error(client, request.req_id, 310, text)
        else:
            self._forget(stream)

    def _forget(self, stream: BookStream) -> None:
        name = stream.listing.instrument.id
        self._listeners[name] = [pair for pair in self._listeners[name] if pair[1] is not stream]

    def leave(self, client: Client) -> None:
        """A client is gone."""
        for stream in client.market.books.values():
            self._forget(stream)

    def _exchanges(self, client: Client, _request: r.DepthExchanges) -> None:
        found = {}
        for listing in self._floor.catalogue:
            for exchange in listing.valid_exchanges.split(","):
                if _deep(listing, exchange, smart=exchange == "SMART"):
                    group = _SMART if exchange == "SMART" else listing.agg_group
                    kind = "Deep2" if listing.sec_type == "STK" else "Deep"
                    key = (exchange, listing.sec_type)
                    found[key] = replies.DepthExchange(exchange, listing.sec_type, "", kind, group)
        self._floor.send(client.id, replies.DepthExchanges([found[key] for key in sorted(found)]))

    # What the market says.

    @property
    def heard(self) -> bool:
        """Whether anybody has a book."""
        return any(self._listeners.values())

    def publish(self, event: object) -> None:
        """Pass on what a quote does to the books. Data flow."""
        if isinstance(event, Quote):
            for client, stream in self._listeners.get(event.instrument, ()):
                self._say(client, stream, event)

    def reset(self) -> None:
        """Data flow again: every book begins anew."""
        for name, listeners in self._listeners.items():
            for client, stream in listeners:
                self._floor.error(client, stream.req_id, 317, _RESET)
                stream.sides[0].clear()
                stream.sides[1].clear()
                quote = self._floor.exchange.quote(name)
                if quote and not self._closed(name):
                    self._say(client, stream, quote)

    def _closed(self, name: str) -> bool:
        return self._phases.closed(name, self._floor.clock.now_ns())

    def _say(self, client: Client, stream: BookStream, quote: Quote) -> None:
        book = self._model.book(stream.listing, quote, stream.rows, stream.makers or ("",))
        wanted = (book.asks, book.bids)
        ways = [changes(stream.sides[side], wanted[side]) for side in (_ASK, _BID)]
        for part in (0, 1):  # what goes leaves both sides before anything comes
            for side in (_ASK, _BID):
                for operation, position, row in ways[side][part]:
                    self._floor.send(client.id, _reply(stream, operation, position, side, row))
        stream.sides = wanted


def changes(old: list[Row], new: list[Row]) -> tuple[list[Change], list[Change]]:
    """The deletions, and then the insertions and updates, that make `new` of `old`. Both are in the same order of rows."""
    staying = {(row.price, row.maker) for row in new}
    kept = [row for row in old if (row.price, row.maker) in staying]
    gone = [(_DELETE, at, row) for at, row in _reversed(old) if (row.price, row.maker) not in staying]
    come: list[Change] = []
    left = iter(kept)
    row = next(left, None)
    for at, wanted in enumerate(new):
        if row is None or (row.price, row.maker) != (wanted.price, wanted.maker):
            come.append((_INSERT, at, wanted))
            continue
        if row.size != wanted.size:
            come.append((_UPDATE, at, wanted))
        row = next(left, None)
    return gone, come


def _reversed(rows: list[Row]) -> Iterator[tuple[int, Row]]:
    return zip(range(len(rows) - 1, -1, -1), reversed(rows), strict=True)


def _reply(stream: BookStream, operation: int, position: int, side: int, row: Row) -> replies.Reply:
    price, size = (0.0, 0.0) if operation == _DELETE else (row.price, row.size)
    if not stream.makers:
        return replies.MarketDepth(stream.req_id, position, operation, side, price, size)
    return replies.MarketDepthL2(stream.req_id, position, row.maker, operation, side, price, size, stream.smart)


def _deep(listing: Listing, exchange: str, *, smart: bool) -> bool:
    """Whether there is a book: of stocks at one exchange, or smart-routed if the books are to be merged; never of an index."""
    kind = listing.instrument.kind
    if kind is InstrumentKind.INDEX:
        return False
    return (exchange == "SMART") == smart
