"""The gateway behind the trader: the connection, the broker on it, and what the link's ups and downs mean for the engine."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from atlas.domain import Clock
from atlas.ib import Broker
from atlas.ib.link import Effect
from atlas.service.alarms import Alarms
from atlas.service.gateway import gateway_connection
from atlas.service.settings import Settings
from atlas.trading.broker import BrokerReport
from services.trader.account import check_mode, choose_account


class GatewaySide:
    """The orders' end of a gateway.

    Args:
        on_report: gets what the broker says.
        on_down, on_up: told when orders cannot be sent any more, and when everything has to be reconciled.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        alarms: Alarms,
        *,
        on_report: Callable[[BrokerReport], None],
        on_down: Callable[[str], None],
        on_up: Callable[[], None],
    ) -> None:
        own = settings.trader
        self._settings = settings
        self._on_down, self._on_up = on_down, on_up
        self.connection = gateway_connection(
            settings.gateway,
            own.client_id,
            own.message_share,
            clock,
            alarms,
            on_lost=lambda: self._on_down(self.connection.problem),
            on_effect=self._on_effect,
        )
        self.broker = Broker(self.connection, {}, on_report)

    async def open(self) -> str:
        """Open the session, and choose the account.

        Raises:
            AtlasError: there is no session in time.
            ConfigurationError: account, mode and port do not agree.
        """
        await self.connection.open_within(self._settings.gateway.start_timeout_seconds, orders=True)
        account = choose_account(self._settings.trader.account, self.connection.accounts)
        check_mode(self._settings.trader.mode, account, self._settings.gateway.port)
        return account

    def jobs(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run for good."""
        return [self.connection.stay_open(orders=True)]

    def closing(self, now_ns: int) -> str:
        """Why nothing may be sent now: the link is about to go away, or is expected to be."""
        return self.connection.schedule.gate(now_ns, self._settings.trader.restart_gate_seconds)

    def want(self, instrument: str) -> None:
        """The gateway needs no quotes of ours."""

    async def close(self) -> None:
        """End the session."""
        self.connection.close()
        await asyncio.sleep(0)

    def _on_effect(self, effect: Effect) -> None:
        if effect is Effect.RECONCILE:
            self._on_up()
