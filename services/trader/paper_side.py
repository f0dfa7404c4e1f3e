"""The paper broker behind the trader: no gateway of its own; the market and the instruments come from the watcher."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from atlas.domain import Clock, ConfigurationError, Instrument, MarketEvent
from atlas.paper import PaperBroker, PaperTerms
from atlas.service.settings import Settings
from atlas.trading.broker import BrokerReport
from services.trader.account import PAPER

_PULSE_SECONDS = 0.25


class PaperSide:
    """The orders' end of a paper account, in the place of a gateway's.

    Args:
        on_report: gets what the broker says.
        find: gives the definition of an instrument.
        want: told the id of each instrument whose market is needed.
        is_heard: whether the market is heard just now.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        *,
        on_report: Callable[[BrokerReport], None],
        find: Callable[[str], Awaitable[Instrument]],
        want: Callable[[str], None],
        is_heard: Callable[[], bool],
    ) -> None:
        own = settings.paper
        self._mode, self._is_heard = settings.trader.mode, is_heard
        self._account = own.account
        terms = PaperTerms(client_id=settings.trader.client_id, **own.model_dump())
        self.broker = PaperBroker(settings.state_dir / "paper" / own.account, terms, clock, on_report, find=find, want=want)

    @property
    def login(self) -> str:
        """None: nobody else sends to it."""
        return ""

    async def open(self) -> str:
        """Open the account, or go on with it; returns its name.

        Raises:
            ConfigurationError: real money is meant.
            AtlasError: what was written down cannot be read, or another process trades the account.
        """
        if self._mode != PAPER:
            raise ConfigurationError(f"trader.mode is {self._mode}, but trader.broker is paper; set one of them otherwise")
        self.broker.open()
        return self._account

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run for good."""
        return [self._keep_time()]

    def closing(self, _now_ns: int) -> str:
        """Nothing interrupts it."""
        return ""

    def on_event(self, event: MarketEvent) -> None:
        """What the market says."""
        self.broker.on_market(event)

    async def close(self) -> None:
        """Write the account down, and let go."""
        self.broker.close()

    async def _keep_time(self) -> None:
        was_heard = False
        while True:
            is_heard = self._is_heard()
            if was_heard and not is_heard:
                self.broker.on_gap()  # what was quoted before fills nothing
            was_heard = is_heard
            self.broker.on_time()
            await asyncio.sleep(_PULSE_SECONDS)
