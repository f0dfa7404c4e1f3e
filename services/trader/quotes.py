"""The market of the instruments that are traded, from the watcher: for the risk rules, and for the paper broker.

Without a watcher, quotes are just old.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

from atlas.bus import AsyncSubscriber, Bus, Requester, market
from atlas.domain import AtlasError, Instrument, MarketEvent, Unavailable, UnknownInstrument, topic
from atlas.service.settings import Settings

_REFRESH_SECONDS = 2.0
_ASK_SECONDS = 2.0

log = structlog.get_logger("atlas.trader")


class Quotes:
    """A subscription to the watcher that grows. It may come later than the trader, and go and come again.

    Args:
        on_event: gets every event.
        kinds: of these kinds ("quote", "trade").
    """

    def __init__(
        self, bus: Bus, settings: Settings, on_event: Callable[[MarketEvent], None], kinds: Sequence[str] = ("quote",)
    ) -> None:
        self._bus = bus
        self._watcher = settings.watcher
        self._on_event = on_event
        self._kinds = list(kinds)
        self._wanted: set[str] = set()
        self._subscriber: AsyncSubscriber[MarketEvent] | None = None
        self._requester: Requester[market.Reply] | None = None
        self._asked = asyncio.Event()

    def want(self, instrument: str) -> None:
        """Have the quotes of `instrument`, too."""
        if instrument in self._wanted:
            return
        self._wanted.add(instrument)
        self._asked.set()
        if self._subscriber is not None:
            for name in self._topics(instrument):
                self._subscriber.subscribe(name)

    @property
    def is_heard(self) -> bool:
        """Whether the watcher is there, as far as is known."""
        return self._subscriber is not None and self._subscriber.connected

    def _topics(self, instrument: str) -> list[str]:
        return [topic(instrument, kind) for kind in self._kinds]

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run for good."""
        return [self._listen()]

    async def find(self, instrument: str) -> Instrument:
        """The definition of an instrument, from the watcher.

        Raises:
            UnknownInstrument: the broker behind the watcher has none.
            Unavailable: the watcher does not answer.
        """
        if self._requester is None:
            raise Unavailable("the watcher is not there yet")
        answer = await self._requester.ask(market.InstrumentsRequest([instrument]), _ASK_SECONDS)
        if not isinstance(answer, market.Instruments) or not answer.instruments:
            raise UnknownInstrument(f"the watcher knows no instrument {instrument}")
        return answer.instruments[0]

    async def _listen(self) -> None:
        await self._until_key_is_there()
        where = f"tcp://{self._watcher.host}"
        self._requester = Requester(self._bus, f"{where}:{self._watcher.request_port}", "watcher", market.Reply)
        topics = [one for name in sorted(self._wanted) for one in self._topics(name)]
        self._subscriber = AsyncSubscriber(self._bus, f"{where}:{self._watcher.data_port}", "watcher", topics, MarketEvent)
        for name in self._wanted:  # wanted while the key was looked for
            for one in self._topics(name):
                if one not in topics:
                    self._subscriber.subscribe(one)
        refreshing = asyncio.create_task(self._refresh(self._requester))
        try:
            while True:
                for delivery in await self._subscriber.receive():
                    for event in delivery.events:
                        self._on_event(event)
        finally:
            refreshing.cancel()
            await asyncio.gather(refreshing, return_exceptions=True)

    async def _refresh(self, requester: Requester[market.Reply]) -> None:
        """Say again and again what is wanted: a watcher that was restarted has forgotten it."""
        while True:
            self._asked.clear()
            if self._wanted:
                with contextlib.suppress(AtlasError):
                    await requester.ask(market.Subscribe(sorted(self._wanted), self._kinds), _ASK_SECONDS)
            with contextlib.suppress(TimeoutError):  # another one is wanted: at once
                await asyncio.wait_for(self._asked.wait(), _REFRESH_SECONDS)

    async def _until_key_is_there(self) -> None:
        """Wait for the watcher's public key: services start in any order, and a desk may have no watcher."""
        while self._bus.keys is not None:
            try:
                self._bus.keys.public_key_of("watcher", timeout_seconds=0.0)
            except Unavailable:
                await asyncio.sleep(_REFRESH_SECONDS)
            else:
                return
