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

    `play` hears each batch; `drained` is awaited after each at speed 0, and returns when all readers have kept up.
    `quotes_played` and `finished` say how far it is; `wait_finished` waits for the end.
    """

    def __init__(
        self,
        source: Source,
        clock: VirtualClock,
        speed: float,
        play: Callable[[Sequence[Quote | Trade]], None],
        drained: Callable[[], Awaitable[None]],
    ) -> None:
        self._source = source
        self._clock = clock
        self._speed = speed
        self._play = play
        self._drained = drained
        self._started = asyncio.Event()
        self._woken = asyncio.Event()
        self._finished = asyncio.Event()
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

    async def run(self) -> None:
        """Play until the source ends."""
        await self._started.wait()
        while (due := self._source.next_ns()) is not None:
            wait = self._clock.seconds_until(due)
            if wait > 0:
                self._woken.clear()
                await self._sleep(min(wait, _IDLE_SECONDS))
                continue
            events = self._source.take(self._clock.now_ns() if self._speed else None, _BATCH)
            if events:
                self._clock.reach(events[-1].exchange_ns)
                self._play(events)
                self.quotes_played += sum(type(event) is Quote for event in events)
            if self._speed:
                await asyncio.sleep(0)
            else:
                await self._drained()
        self._finished.set()

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            pass
