"""The shell of the watcher: the gateway's ticks onto the bus, and the subscriptions that others want, kept alive."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from atlas.bus import Bus, Publisher, RequestServer
from atlas.bus import market as messages
from atlas.bus.market import Done, Greet, Instruments, InstrumentsRequest, Snapshot, SnapshotRequest, Subscribe
from atlas.domain import Bar, Clock, InstrumentKind, Quote, Trade, Unavailable
from atlas.ib import Feed
from atlas.market import BarBuilder
from atlas.service.alarms import Alarms
from atlas.service.gateway import LINK_ALARMS, gateway_connection
from atlas.service.metrics import Figures
from atlas.service.service import Service
from atlas.service.settings import Settings
from services.watcher.outbox import Outbox
from services.watcher.subscriber import Subscriber

_CLOSE_BARS_SECONDS = 1.0


class Watcher(Service):
    """Watches the instruments that others ask for."""

    name: ClassVar[str] = "watcher"

    def __init__(self, settings: Settings, bus: Bus, clock: Clock) -> None:
        super().__init__(settings, bus, clock)
        own = settings.watcher
        self._alarms = Alarms(self.name, clock)
        self._subscriber = Subscriber(
            clock,
            self._alarms,
            lines=own.market_data_lines,
            tick_by_tick_lines=own.tick_by_tick_lines,
            tick_seconds=own.tick_seconds,
            stale_seconds=own.stale_seconds,
        )
        self._connection = gateway_connection(
            settings.gateway,
            own.client_id,
            own.message_share,
            clock,
            self._alarms,
            on_lost=self._subscriber.on_lost,
            on_effect=self._subscriber.on_effect,
            on_farm=self._subscriber.on_farm,
        )
        self._feed = self._subscriber.feed = Feed(self._connection, self._on_tick, self._subscriber.on_trouble)
        self._latest: dict[str, Quote] = {}
        self._latest_bars: dict[tuple[str, int], Bar] = {}
        self._bars: dict[str, BarBuilder] = {}
        self._counts = {"quotes": 0, "trades": 0, "bars": 0}
        self._flushing: asyncio.Task[None] | None = None
        self._flush_due = False
        self._outbox: Outbox
        self._publisher: Publisher
        self._server: RequestServer[messages.Request] | None = None

    # Lifecycle

    async def start(self) -> None:
        """Open the sockets, connect to the gateway, take subscriptions."""
        lossless = self.settings.watcher.overflow == "wait"
        with self.listening_on("data_port") as endpoint:
            self._publisher = Publisher(self.bus, endpoint, "market data", lossless=lossless)
        self._outbox = Outbox(self._publisher)
        await self._connection.open_within(self.settings.gateway.start_timeout_seconds, orders=False)
        with self.listening_on("request_port") as endpoint:
            self._server = RequestServer(self.bus, endpoint, "market requests", messages.Request, self._on_request)
        self.keep(asyncio.create_task(self._connection.stay_open(orders=False)))
        self.keep(asyncio.create_task(self._subscriber.run()))
        self.keep(asyncio.create_task(self._close_bars()))

    async def stop(self) -> None:
        """Take no more requests, close the session, publish what is left."""
        if self._server is not None:
            self._server.close()
        self._connection.close()
        await self.cancel_tasks()
        if self.started:
            self._outbox.flush()

    def problems(self) -> list[str]:
        """A gateway that is away or does not answer, and market data that do not come."""
        link = [self._connection.problem] if self._connection.problem else []
        return [*link, *(alarm.text for key, alarm in sorted(self._alarms.raised.items()) if key not in LINK_ALARMS)]

    def figures(self) -> Figures:
        """Counts of what was seen and built."""
        return {
            **self._counts,
            "link": self._connection.state.value,
            "instruments_wanted": len(self._subscriber.table.wanted),
            "instruments_ticking": len(self._subscriber.table.up),
            "instruments_silent": len(self._subscriber.staleness.stale(self.clock.now_ns())),
            "resubscribed": self._subscriber.resubscribed,
            "late_ticks": sum(builder.late for builder in self._bars.values()),
        }

    # Requests

    async def _on_request(self, request: messages.Request, peer: str) -> messages.Reply:
        match request:
            case Greet(id=greeting):
                self._publisher.greet(greeting)
            case SnapshotRequest(instruments=names):
                quotes = [self._latest[name] for name in names or self._latest if name in self._latest]
                return Snapshot(quotes, [bar for bar in self._latest_bars.values() if not names or bar.instrument in names])
            case InstrumentsRequest(ids=names):
                return Instruments([await self._connection.instrument(name) for name in names])
            case Subscribe(instruments=names):
                definitions = [await self._connection.instrument(name) for name in names]
                for one in definitions:
                    self._bars.setdefault(one.id, BarBuilder(one.id, self.settings.watcher.bar_seconds))
                self._subscriber.want(peer, definitions)
        return Done()

    # Ticks

    def _on_tick(self, tick: Quote | Trade) -> None:
        name = tick.instrument
        self._subscriber.on_tick(name, tick.receive_ns)
        if isinstance(tick, Quote):
            self._counts["quotes"] += 1
            self._latest[name] = tick
            if self._subscriber.instruments[name].kind is InstrumentKind.CASH:  # which has no prints to make bars of
                self._put_bars(self._bars[name].on_quote(tick))
        else:
            self._counts["trades"] += 1
            self._put_bars(self._bars[name].on_trade(tick))
        self._outbox.put(tick)
        self._flush_soon()

    def _put_bars(self, bars: Iterable[Bar]) -> None:
        for bar in bars:
            self._counts["bars"] += 1
            self._latest_bars[bar.instrument, bar.end_ns - bar.start_ns] = bar
            self._outbox.put(bar)

    def _flush_soon(self) -> None:
        """Publish at the end of this turn of the loop: all ticks of one packet in one message."""
        if not self._flush_due and self._flushing is None:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        if not self._outbox.flush():
            self._feed.pause()
            self._flushing = self.keep(asyncio.create_task(self._flush_all()))

    async def _flush_all(self) -> None:
        """Wait for the subscribers, the gateway's stream standing still meanwhile."""
        while not self._outbox.flush():
            await self._publisher.writable()
        self._flushing = None
        self._feed.resume()

    async def _close_bars(self) -> None:
        """Every second the gateway's time closes the bars that no tick has closed."""
        while True:
            await asyncio.sleep(_CLOSE_BARS_SECONDS)
            if self._flushing is not None:
                continue
            try:
                market_ns = await self._connection.round_trip()
            except Unavailable:  # which the connection deals with
                continue
            for builder in self._bars.values():
                self._put_bars(builder.advance(market_ns, self.clock.now_ns()))
            self._flush_soon()
