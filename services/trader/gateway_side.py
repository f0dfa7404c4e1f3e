"""The gateway behind the trader: the connection, the broker on it, and what the link's ups and downs mean for the engine."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from atlas.domain import Clock
from atlas.ib import Broker, Connection
from atlas.ib.link import Effect
from atlas.service.alarms import Alarms, Severity
from atlas.service.settings import Settings
from atlas.trading.broker import BrokerReport
from services.trader.account import check_mode, choose_account

ALARM = "gateway-link"
_SEVERITIES = {Effect.RAISE: Severity.WARNING, Effect.ESCALATE: Severity.CRITICAL, Effect.ASK_FOR_HELP: Severity.CRITICAL}


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
        gateway = settings.gateway
        self._settings = settings
        self._alarms = alarms
        self._on_down, self._on_up = on_down, on_up
        self.connection = Connection(
            gateway.host,
            gateway.port,
            settings.trader.client_id,
            clock,
            request_timeout_seconds=gateway.request_timeout_seconds,
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

    def _on_effect(self, effect: Effect, text: str) -> None:
        match effect:
            case Effect.RECONCILE:
                self._on_up()
            case Effect.CLEAR:
                self._alarms.clear(ALARM)
            case Effect.RAISE | Effect.ESCALATE | Effect.ASK_FOR_HELP:
                if effect is not Effect.RAISE:  # it is more serious now: the person is told once more
                    self._alarms.clear(ALARM)
                self._alarms.raise_(ALARM, text, _SEVERITIES[effect])
            case _:
                pass
