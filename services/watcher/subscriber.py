"""Keeps the gateway sending what is wanted: applied by difference, again after every loss, and up only once it ticks.

Between the table of what is wanted (`atlas.market.Subscriptions`) and the gateway. It hears of ticks, losses and recoveries,
and decides nothing that is not in those tables; what people must know of market data it says by alarms.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

import structlog

from atlas.domain import Clock, Instrument, InstrumentKind, Unavailable
from atlas.ib.farms import FarmChange, FarmKind
from atlas.ib.link import Effect
from atlas.market import Expectations, StalenessClock, Subscription, Subscriptions
from atlas.service.alarms import Alarms

log = structlog.get_logger("atlas.watcher")

LINE = "quote"  # one market data line brings quotes, and trades where there are any
COMPETING = "competing-session"
_COMPETING_SESSION = 10197
# Errors after which data comes all the same, or is none of our business: delayed data, parts not subscribed, a stream that we
# ended being unknown. Source: TWS API documentation, "Error codes".
_ADVISORY = frozenset({300, 2137, 2150, 2152, 2168, 10090, 10091, 10167})
# Too many of them, or none for this instrument: then the broker's samples have to do. Source: as above.
_NO_TICK_BY_TICK = frozenset({10187, 10189, 10190})
_LONGEST_WAIT_SECONDS = 600.0
_LOOK_EVERY = 0.5  # of the time that a tick may take


class Lines(Protocol):
    """What the subscriber needs of a feed."""

    async def subscribe(self, instrument: Instrument, *, tick_by_tick: bool) -> None:
        """Ask for it anew."""

    async def cancel(self, instrument: str) -> None:
        """End it."""

    def forget(self) -> None:
        """The gateway has dropped all of it."""


class Subscriber:
    """The subscriptions of one gateway.

    Args:
        lines: market data lines that there are; so many instruments can be watched.
        tick_by_tick_lines: streams of every tick that there are; whoever gets none is sampled by the broker.
        tick_seconds: silence after a subscription, after which it is made again; longer each time.
        stale_seconds: silence of one that has ticked, which is counted.
    """

    def __init__(
        self,
        clock: Clock,
        alarms: Alarms,
        *,
        lines: int,
        tick_by_tick_lines: int,
        tick_seconds: float,
        stale_seconds: float,
    ) -> None:
        self.feed: Lines
        """Where the lines come from; set before anything else."""
        self.table = Subscriptions(limit=lines)
        self.instruments: dict[str, Instrument] = {}
        self.staleness = StalenessClock(stale_seconds)
        self.resubscribed = 0
        self._clock = clock
        self._alarms = alarms
        self._tick_by_tick_lines = tick_by_tick_lines
        self._tick_seconds = tick_seconds
        self._expected = Expectations(tick_seconds, max(tick_seconds, _LONGEST_WAIT_SECONDS))
        self._troubled: set[str] = set()
        self._competed_for: set[str] = set()
        self._every_tick: dict[str, int] = {}  # with the number of its streams
        self._sampled: set[str] = set()
        self._due = asyncio.Event()

    def want(self, owner: str, definitions: Iterable[Instrument]) -> None:
        """`owner` wants these as well.

        Raises:
            Refused: that would take more lines than there are.
        """
        wanted = list(definitions)
        self.table = self.table.want(owner, [Subscription(one.id, LINE) for one in wanted])
        self.instruments.update({one.id: one for one in wanted})
        self._due.set()

    def on_tick(self, instrument: str, receive_ns: int) -> None:
        """A tick came."""
        self.staleness.on_tick(instrument, receive_ns)
        if instrument in self._expected:
            self._expected.met(instrument)
            self.table = self.table.after_tick(Subscription(instrument, LINE))
            self._all_is_well(instrument)

    def on_trouble(self, instrument: str, code: int, text: str) -> None:
        """The gateway gave an error to the subscription."""
        if code in _ADVISORY:
            return
        if code in _NO_TICK_BY_TICK:
            self._take_samples(instrument, f"{text} ({code})")
            return
        if code == _COMPETING_SESSION:
            self._competed_for.add(instrument)
            self._alarms.raise_(
                COMPETING,
                f"another session of the same user has the market data: {text} ({code}); log it out, or give the desk a user "
                "of its own",
            )
        else:
            self._troubled.add(instrument)
            self._alarms.raise_(_key(instrument), f"no market data of {instrument}: {text} ({code})")
        self.table = self.table.after_asking(Subscription(instrument, LINE))  # asked for, and not up
        if instrument not in self._expected:
            self._expected.expect(instrument, self._clock.now_ns())

    def _take_samples(self, instrument: str, reason: str) -> None:
        """Quotes and trades are two requests: of two refusals the second is no news."""
        if instrument not in self._sampled:
            log.warning("no tick-by-tick data, taking samples", instrument=instrument, reason=reason)
            self._every_tick.pop(instrument, None)
            self._sampled.add(instrument)
            self.table = self.table.after_loss([Subscription(instrument, LINE)])
            self._due.set()

    def _all_is_well(self, instrument: str) -> None:
        if instrument in self._troubled:
            self._troubled.discard(instrument)
            self._alarms.clear(_key(instrument))
        if instrument in self._competed_for:  # whoever has the data of one has those of all
            self._competed_for.clear()
            self._alarms.clear(COMPETING)

    def on_lost(self) -> None:
        """The session is gone, and all subscriptions with it."""
        self.feed.forget()
        self._expected.forget()
        self._sampled.clear()
        self.table = self.table.after_loss()

    def on_effect(self, effect: Effect) -> None:
        """The link came up: what it asks for."""
        if effect is Effect.RESUBSCRIBE:
            self._expected.forget()
            self.table = self.table.after_loss()
            self._due.set()
        elif effect is Effect.VERIFY:
            self._verify()

    def on_farm(self, change: FarmChange) -> None:
        """A farm is not what it was: after a recovery its instruments have to tick. Nobody says which those are: so all."""
        if change.recovered and change.farm.kind in (FarmKind.MARKET_DATA, None):
            self._verify()

    def _verify(self) -> None:
        now_ns = self._clock.now_ns()
        for subscription in self.table.asked:
            if subscription.instrument not in self._expected:
                self._expected.expect(subscription.instrument, now_ns)
        self._due.set()

    async def run(self) -> None:
        """Apply what is wanted whenever something changed, and ask again for what does not tick; for good."""
        while True:
            self._due.clear()
            try:
                await self._apply()
            except Unavailable as error:  # the link is gone again: its recovery asks for all of it
                log.info("subscriptions wait for the gateway", reason=str(error))
            try:
                async with asyncio.timeout(self._tick_seconds * _LOOK_EVERY):
                    await self._due.wait()
            except TimeoutError:
                self._ask_again_for_what_is_silent()

    def _ask_again_for_what_is_silent(self) -> None:
        for name in self._expected.overdue(self._clock.now_ns()):
            log.warning("no tick, subscribing again", instrument=name, attempt=self._expected.attempts(name) + 1)
            self.resubscribed += 1
            self.table = self.table.after_loss([Subscription(name, LINE)])

    async def _apply(self) -> None:
        difference = self.table.difference()
        for subscription in difference.cancel:
            await self.feed.cancel(subscription.instrument)
            self._end(subscription)
        for subscription in difference.subscribe:
            await self._subscribe(subscription)

    def _end(self, subscription: Subscription) -> None:
        name = subscription.instrument
        self.table = self.table.after_cancel(subscription)
        self._expected.met(name)
        self.staleness.unwatch(name)
        self._all_is_well(name)
        self._every_tick.pop(name, None)
        self._sampled.discard(name)

    async def _subscribe(self, subscription: Subscription) -> None:
        name, now_ns = subscription.instrument, self._clock.now_ns()
        streams = 1 if self.instruments[name].kind is InstrumentKind.CASH else 2  # quotes, and trades where there are any
        if name not in self._sampled and sum(self._every_tick.values()) + streams <= self._tick_by_tick_lines:
            self._every_tick.setdefault(name, streams)
        # Counted as asked for before it is: a loss or a tick meanwhile is about this request
        self.table = self.table.after_asking(subscription)
        self._expected.expect(name, now_ns)
        self.staleness.watch(name, now_ns)
        try:
            await self.feed.subscribe(self.instruments[name], tick_by_tick=name in self._every_tick)
        except Unavailable:
            self.table = self.table.after_loss([subscription])
            raise
        log.info("subscribed", instrument=name, tick_by_tick=name in self._every_tick)


def _key(instrument: str) -> str:
    return f"market-data:{instrument}"
