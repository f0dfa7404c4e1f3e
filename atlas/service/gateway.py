"""The connection to the gateway as the configuration has it, and its troubles as alarms of the service."""

from collections.abc import Callable

from atlas.domain import NS_PER_SECOND, Clock
from atlas.ib import Connection
from atlas.ib.farms import FarmChange
from atlas.ib.limiter import Limiter
from atlas.ib.link import FOR_PEOPLE, Effect, Limits
from atlas.service import client_ids
from atlas.service.alarms import Alarms, Severity
from atlas.service.settings import GatewaySettings

LOST, DOWN, HELP = "gateway-lost", "gateway-down", "gateway-restart-needed"
LINK_ALARMS = frozenset({LOST, DOWN, HELP})
"""The keys of the link's alarms."""

_ALARMS = {
    Effect.RAISE: (LOST, Severity.WARNING),
    Effect.ESCALATE: (DOWN, Severity.CRITICAL),
    Effect.ASK_FOR_HELP: (HELP, Severity.CRITICAL),
}


def gateway_connection(
    settings: GatewaySettings,
    client_id: int,
    message_share: float,
    clock: Clock,
    alarms: Alarms,
    *,
    account: str = "",
    on_lost: Callable[[], None] | None = None,
    on_effect: Callable[[Effect], None] = lambda _: None,
    on_farm: Callable[[FarmChange], None] | None = None,
) -> Connection:
    """The connection of one service; `message_share` is the part of the login's messages per second that is this service's.

    What people have to know of it becomes alarms, the rest goes to `on_effect`; see `Connection` for the others.
    """

    def tell(effect: Effect, text: str) -> None:
        if effect in FOR_PEOPLE:
            sound(alarms, effect, text)
        else:
            on_effect(effect)

    return Connection(
        settings.host,
        settings.port,
        client_id,
        clock,
        request_timeout_seconds=settings.request_timeout_seconds,
        limiter=Limiter(max(1, int(settings.messages_per_second * message_share))),
        schedule=settings.schedule(),
        limits=Limits(
            help_after_attempts=settings.attempts_before_help, deadline_ns=round(settings.deadline_seconds * NS_PER_SECOND)
        ),
        heartbeat_seconds=settings.heartbeat_seconds,
        account=account,
        look_client_id=client_ids.LOOK,
        on_lost=on_lost,
        on_effect=tell,
        on_farm=on_farm,
    )


def sound(alarms: Alarms, effect: Effect, text: str) -> None:
    """Raise the alarm that `effect` stands for, or clear all of the link's."""
    if effect in _ALARMS:
        key, severity = _ALARMS[effect]
        alarms.raise_(key, text, severity)
    elif effect is Effect.CLEAR:
        for key in sorted(LINK_ALARMS):
            alarms.clear(key)
