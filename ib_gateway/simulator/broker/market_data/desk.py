"""The market data desk: joins streams, ticks by tick and depth, and decides whether anything flows at all."""

from collections.abc import Sequence

from atlas.domain import Quote, Trade
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.farms import MARKET_DATA, Farms
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.market_data.days import Day, Days
from ib_gateway.simulator.broker.market_data.desk_depth import DepthDesk
from ib_gateway.simulator.broker.market_data.desk_streams import StreamDesk
from ib_gateway.simulator.broker.market_data.desk_ticks import TickDesk
from ib_gateway.simulator.broker.market_data.faces import Faces
from ib_gateway.simulator.broker.market_data.facts import Facts
from ib_gateway.simulator.broker.market_data.greeks import Greeks
from ib_gateway.simulator.broker.market_data.letters import BBO, COMPONENTS
from ib_gateway.simulator.broker.market_data.lines import Lines
from ib_gateway.simulator.broker.market_data.phases import Phases
from ib_gateway.simulator.broker.market_data.speaker import Speaker
from ib_gateway.simulator.broker.market_data.terms import MarketTerms
from ib_gateway.simulator.market.book import BookModel
from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r


class MarketDesk:
    """Subscriptions to what the market says now."""

    def __init__(self, floor: Floor, farms: Farms, terms: MarketTerms, facts: Facts) -> None:
        self._floor = floor
        self._farms = farms
        phases = Phases(floor.exchange.calendar)
        self._days = Days(floor.catalogue, phases, facts)
        self._lines = lines = Lines(floor, farms, terms)
        greeks = Greeks(floor.catalogue, self._price, terms.seed)
        faces = Faces(floor.exchange.quote, self._days, phases, facts)
        speaker = Speaker(floor.send, floor.clock.now_ns, self._days, greeks, facts)
        self._streams = StreamDesk(floor, lines, faces, speaker, facts, terms.entitlements)
        self._ticks = TickDesk(floor, lines)
        self._depth = DepthDesk(floor, lines, phases, BookModel(terms.seed))
        self._noted: dict[str, Day] = {}
        floor.note_day = self._note_day

    def handlers(self) -> Handlers:
        """What this desk answers."""
        parts = (self._streams, self._ticks, self._depth)
        return {
            **{kind: handler for part in parts for kind, handler in part.handlers().items()},
            r.SmartComponents: self._components,
        }

    def _components(self, client: Client, request: r.SmartComponents) -> None:
        if request.bbo_exchange == BBO:
            self._floor.send(client.id, replies.SmartComponents(request.req_id, COMPONENTS))
        else:
            text = f"Error validating request.-'xx' : cause - Invalid BBO exchange: {request.bbo_exchange}"
            self._floor.error(client, request.req_id, 321, text)

    def _price(self, instrument: str) -> float | None:
        """The price of an instrument now: the middle of its quote, or its last trade where it is not quoted."""
        mark = self._floor.exchange.mark(instrument)
        return mark or self._days.day(instrument, self._floor.clock.now_ns()).last or None

    def day(self, instrument: str) -> Day:
        """What the day has brought an instrument so far."""
        return self._days.day(instrument, self._floor.clock.now_ns())

    def _note_day(self, instrument: str) -> None:
        """Let the exchange judge conditions by what streams tell of the day: its volume, and the close before it."""
        day, exchange = self.day(instrument), self._floor.exchange
        if self._noted.get(instrument) is not day:
            self._noted[instrument] = day
            exchange.note_volume(instrument, day.volume)
            if day.close:
                exchange.note_close(instrument, day.close)

    def leave(self, client: Client) -> None:
        """A client is gone."""
        self._streams.leave(client)
        self._depth.leave(client)

    # What the market says.

    def publish(self, events: Sequence[Quote | Trade]) -> None:
        """Pass on what the market said, in order, to all that have subscribed to it."""
        if not self._lines.flowing:
            self._days.extend(events)
            return
        self._ticks.publish(events)
        streams, depth = self._streams.heard, self._depth.heard
        if not streams:
            self._days.extend(events)
        for event in events if streams or depth else ():
            if streams:  # which say with each trade what the day has brought until then
                self._days.extend((event,))
                self._streams.publish(event)
            if depth:
                self._depth.publish(event)

    def pulse(self, now_ns: int) -> None:
        """Do what is due at a time."""
        for name in tuple(self._noted):
            self._note_day(name)
        self._lines.remind(now_ns)
        self._streams.pulse(now_ns)

    # What goes wrong.

    def farm(self, name: str, *, up: bool) -> None:
        """A data farm is lost, or found again: all clients hear of it. Without the farm of market data no tick flows.

        Raises:
            BadInput: there is no such farm.
        """
        flowed = self._lines.flowing
        code, text = self._farms.change(name, up=up)
        for client in self._floor.clients.values():
            self._floor.error(client, -1, code, text)
        if name == MARKET_DATA:
            self._resume(flowed)

    def compete(self, *, on: bool) -> None:
        """Another session of the login takes the market data: every subscription hears 10197, again each half minute.

        Subscriptions stay, and flow again by themselves once that session is gone.
        """
        flowed = self._lines.flowing
        self._lines.compete(self._floor.clock.now_ns(), on=on)
        self._resume(flowed)

    def _resume(self, flowed: bool) -> None:  # noqa: FBT001 - it has no other argument
        if self._lines.flowing and not flowed:
            self._streams.resume()
            self._depth.reset()
