"""The feed: plays a source under the virtual clock, in batches, and never faster than its listeners can take it."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol

from atlas.domain import Quote, Trade
from ib_gateway.simulator.market.clock import VirtualClock

_BATCH = 256
_IDLE_SECONDS = 0.5


class Source(Protocol):
    """Where ticks come from, in order of time."""

    @property
    def instruments(self) -> Collection[str]:
        """Ids of the instruments that it plays."""
        ...

    def next_ns(self) -> int | None:
        """When the next tick is due; None at the end."""
        ...

    def take(self, until_ns: int | None, limit: int) -> Sequence[Quote | Trade]:
        """The next ticks, about `limit`, none later than `until_ns` (None: whatever their time)."""
        ...

    def activate(self, instrument: str, now_ns: int) -> None:
        """Somebody wants an instrument."""
        ...


class Feed:
    """Plays a source to one listener.

    `play` hears each batch; where time follows the ticks, `drained` is awaited after each and returns when all readers have
    kept up. There, `horizon` says at which moment something besides the market is due next, and `arrive` is called then, before
    any later tick. `quotes_played` and `finished` say how far it is; `wait_finished` waits for the end.
    """

    def __init__(
        self,
        source: Source,
        clock: VirtualClock,
        play: Callable[[Sequence[Quote | Trade]], None],
        drained: Callable[[], Awaitable[None]],
        horizon: Callable[[], int | None] = lambda: None,
        arrive: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._clock = clock
        self._play = play
        self._drained = drained
        self._horizon = horizon
        self._arrive = arrive
        self._started = asyncio.Event()
        self._woken = asyncio.Event()
        self._stood = asyncio.Event()
        self._finished = asyncio.Event()
        self._stood_ns: int | None = None
        self.quotes_played = 0

    @property
    def started(self) -> bool:
        """Whether playing has begun."""
        return self._started.is_set()

    @property
    def finished(self) -> bool:
        """Whether everything has been played."""
        return self._finished.is_set()

    async def wait_finished(self) -> None:
        """Return when everything has been played."""
        await self._finished.wait()

    def start(self) -> None:
        """Begin to play."""
        if not self._started.is_set():
            self._clock.start()
            self._started.set()

    def want(self, instrument: str) -> None:
        """Somebody wants an instrument: a source that can will quote it."""
        self._source.activate(instrument, self._clock.now_ns())
        self._woken.set()

    def wake(self) -> None:
        """The clock was changed."""
        self._woken.set()

    async def wait_reached(self, ns: int) -> None:
        """Return when everything up to a moment has been played, or there is nothing more to play."""
        while self._clock.now_ns() < ns and not self.finished:
            self._stood.clear()
            await self._stood.wait()

    async def run(self) -> None:
        """Play until the source ends."""
        await self._started.wait()
        while (due := self._source.next_ns()) is not None:
            if self._clock.follows_ticks:
                await self._lead(due)
            else:
                await self._keep_up(due)
        self._finished.set()
        self._stood.set()

    async def _keep_up(self, due: int) -> None:
        """Time passes by itself: play what is due."""
        wait = self._clock.seconds_until(due)
        if wait > 0:
            await self._sleep(min(wait, _IDLE_SECONDS))
            return
        self._give(self._source.take(self._clock.now_ns(), _BATCH))
        await asyncio.sleep(0)

    async def _lead(self, due: int) -> None:
        """Time follows the ticks: play the next ones, but none beyond where time is to stand or something else is due."""
        stop, horizon = self._clock.stop_ns, self._horizon()
        bound = stop if horizon is None else horizon if stop is None else min(stop, horizon)
        standing = stop is not None and self._clock.now_ns() >= stop  # what is due this very moment comes once time passes
        if bound is None or (due <= bound and not standing):
            self._give(self._source.take(bound, _BATCH))
            await self._drained()
            return
        self._clock.reach(bound)
        if bound == horizon or bound != self._stood_ns:  # once is enough: a client must not see when we look again
            self._arrive()
        if bound == stop:
            self._stood_ns = bound
            self._stood.set()
            await self._sleep(_IDLE_SECONDS)
        else:
            await self._drained()

    def _give(self, events: Sequence[Quote | Trade]) -> None:
        if events:
            self._clock.reach(events[-1].exchange_ns)
            self._play(events)
            self.quotes_played += list(map(type, events)).count(Quote)

    async def _sleep(self, seconds: float) -> None:
        self._woken.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
