"""The shell of the watcher: the gateway's ticks onto the bus, and the subscriptions that others want, kept alive."""

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from atlas.bus import Bus, Publisher, RequestServer
from atlas.bus import market as messages
from atlas.bus.market import Done, Greet, Instruments, InstrumentsRequest, Snapshot, SnapshotRequest, Subscribe
from atlas.domain import AtlasError, Bar, Clock, Instrument, InstrumentKind, Quote, Trade
from atlas.ib import Connection, Feed
from atlas.market import BarBuilder, StalenessClock, Subscription, Subscriptions
from atlas.service.metrics import Figures
from atlas.service.service import Service
from atlas.service.settings import Settings
from services.watcher.outbox import Outbox

_PROVE_SECONDS = 1.0
_LINE = "quote"  # one market data line brings quotes, and trades where there are any


class Watcher(Service):
    """Watches the instruments that others ask for."""

    name: ClassVar[str] = "watcher"

    def __init__(self, settings: Settings, bus: Bus, clock: Clock) -> None:
        super().__init__(settings, bus, clock)
        gateway, own = settings.gateway, settings.watcher
        self._connection = Connection(
            gateway.host,
            gateway.port,
            own.client_id,
            clock,
            request_timeout_seconds=gateway.request_timeout_seconds,
            on_lost=self._on_lost,
        )
        self._feed = Feed(self._connection, self._on_tick)
        self._instruments: dict[str, Instrument] = {}
        self._subscriptions = Subscriptions(limit=own.market_data_lines)
        self._staleness = StalenessClock(own.stale_seconds)
        self._ticking: set[str] = set()
        self._latest: dict[str, Quote] = {}
        self._latest_bars: dict[tuple[str, int], Bar] = {}
        self._bars: dict[str, BarBuilder] = {}
        self._counts = {"quotes": 0, "trades": 0, "bars": 0}
        self._flushing: asyncio.Task[None] | None = None
        self._flush_due = False
        self._gateway_problem = ""
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
        staying = self._connection.stay_open(orders=False, on_problem=self._on_problem, on_open=self._on_open)
        self.keep(asyncio.create_task(staying))
        self.keep(asyncio.create_task(self._prove_loop()))

    async def stop(self) -> None:
        """Take no more requests, close the session, publish what is left."""
        if self._server is not None:
            self._server.close()
        self._connection.close()
        await self.cancel_tasks()
        if self.started:
            self._outbox.flush()

    def problems(self) -> list[str]:
        """A gateway that is away or does not answer."""
        result = [self._gateway_problem] if self._gateway_problem else []
        if not self._connection.is_up:
            result.append("the gateway is not connected")
        return result

    def figures(self) -> Figures:
        """Counts of what was seen and built."""
        return {
            **self._counts,
            "instruments_wanted": len(self._subscriptions.wanted),
            "instruments_ticking": len(self._subscriptions.up),
            "instruments_silent": len(self._staleness.stale(self.clock.now_ns())),
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
                self._instruments.update({one.id: one for one in definitions})
                self._subscriptions = self._subscriptions.want(peer, [Subscription(name, _LINE) for name in names])
                self._apply()
        return Done()

    def _apply(self) -> None:
        """Subscribe at the gateway to what is wanted and not applied yet."""
        if not self._connection.is_up:
            return
        own = self.settings.watcher
        for subscription in self._subscriptions.difference().subscribe:
            instrument = self._instruments[subscription.instrument]
            tick_by_tick = len(self._subscriptions.asked) < own.tick_by_tick_lines
            self._bars.setdefault(instrument.id, BarBuilder(instrument.id, own.bar_seconds))
            self._feed.subscribe(instrument, tick_by_tick=tick_by_tick)
            self._subscriptions = self._subscriptions.after_asking(subscription)
            self._staleness.watch(instrument.id, self.clock.now_ns())
            self.log.info("subscribed", instrument=instrument.id, tick_by_tick=tick_by_tick)

    # Ticks

    def _on_tick(self, tick: Quote | Trade) -> None:
        name = tick.instrument
        self._staleness.on_tick(name, tick.receive_ns)
        if name not in self._ticking:
            self._ticking.add(name)
            self._subscriptions = self._subscriptions.after_tick(Subscription(name, _LINE))
        if isinstance(tick, Quote):
            self._counts["quotes"] += 1
            self._latest[name] = tick
            if self._instruments[name].kind is InstrumentKind.CASH:  # which has no prints to make bars of
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
        if self._connection.is_up:
            self._feed.resume()

    # Connection

    def _on_lost(self) -> None:
        self._feed.forget()
        self._subscriptions = self._subscriptions.after_loss()
        self._ticking.clear()

    def _on_problem(self, reason: str) -> None:
        self._gateway_problem = reason

    async def _on_open(self) -> None:
        self._gateway_problem = ""
        self._apply()

    async def _prove_loop(self) -> None:
        """Every second a round trip: it proves the gateway, and its time closes the bars that no tick has closed."""
        while True:
            await asyncio.sleep(_PROVE_SECONDS)
            if not self._connection.is_up or self._flushing is not None:
                continue
            try:
                market_ns = await self._connection.round_trip()
            except AtlasError as error:
                self._gateway_problem = str(error)
                continue
            self._gateway_problem = ""
            for builder in self._bars.values():
                self._put_bars(builder.advance(market_ns, self.clock.now_ns()))
            self._flush_soon()
