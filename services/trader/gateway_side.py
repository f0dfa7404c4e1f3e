"""The gateway behind the trader: the connection, the broker on it, and what the link's ups and downs mean for the engine."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from atlas.domain import BadInput, Clock, Refused, Unavailable
from atlas.ib import Broker
from atlas.ib.link import Effect
from atlas.service.alarms import Alarms
from atlas.service.gateway import gateway_connection
from atlas.service.settings import Settings
from atlas.trading.broker import BrokerReport
from atlas.trading.preflight import preflight
from services.trader.account import check_mode, choose_account

log = structlog.get_logger("atlas.trader")


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

    @property
    def login(self) -> str:
        """The login whose messages per second all traders of its accounts share: the accounts that it has."""
        return ",".join(sorted(self.connection.accounts))

    async def open(self) -> str:
        """Open the session, and choose the account.

        Raises:
            AtlasError: there is no session in time.
            ConfigurationError: account, mode and port do not agree.
            Refused: the broker would take no order at all; the remedy is named.
        """
        await self.connection.open_within(self._settings.gateway.start_timeout_seconds, orders=True)
        account = choose_account(self._settings.trader.account, self.connection.accounts)
        check_mode(self._settings.trader.mode, account, self._settings.gateway.port)
        if self._settings.trader.preflight:
            await self._see_that_orders_are_taken(account)
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

    async def _see_that_orders_are_taken(self, account: str) -> None:
        """Ask what one order would do. Only a broker who says no keeps us from starting: one who is silent may answer later."""
        name = self._settings.trader.preflight_instrument
        try:
            found = await preflight(self.broker, account, await self.broker.instrument(name))
        except (BadInput, Unavailable) as error:
            log.warning("whether orders are taken is not known", reason=str(error))
            return
        if found.code:
            raise Refused(found.problem)
        if found.problem:
            log.warning("whether orders are taken is not known", reason=found.problem)

    def _on_effect(self, effect: Effect) -> None:
        if effect is Effect.RECONCILE:
            self._on_up()
