"""The connection as the configuration has it, and its troubles as alarms."""

import pytest

from atlas.domain import ConfigurationError, ManualClock
from atlas.ib.link import Effect
from atlas.service.alarms import Alarms, Severity
from atlas.service.config import load
from atlas.service.gateway import DOWN, HELP, LOST, gateway_connection, sound


@pytest.fixture
def alarms():
    return Alarms("watcher", ManualClock())


def test_each_trouble_is_an_alarm_of_its_own_and_one_all_clear_ends_them(alarms):
    sound(alarms, Effect.RAISE, "lost")
    sound(alarms, Effect.ESCALATE, "for long")
    sound(alarms, Effect.ASK_FOR_HELP, "restart it")
    found = {key: (alarm.severity, alarm.text) for key, alarm in alarms.raised.items()}
    assert found == {
        LOST: (Severity.WARNING, "lost"),
        DOWN: (Severity.CRITICAL, "for long"),
        HELP: (Severity.CRITICAL, "restart it"),
    }
    sound(alarms, Effect.CLEAR, "")
    assert alarms.raised == {}


def test_what_is_for_users_raises_nothing(alarms):
    for effect in set(Effect) - {Effect.RAISE, Effect.ESCALATE, Effect.ASK_FOR_HELP}:
        sound(alarms, effect, "")
    assert alarms.raised == {}


async def test_the_settings_of_the_gateway_are_those_of_its_connection(alarms):
    overrides = ["gateway.restart_time=23:45", "gateway.reset_region=europe", "gateway.messages_per_second=40"]
    settings = load([*overrides, "gateway.deadline_seconds=60"], environment={}).settings
    connection = gateway_connection(settings.gateway, 5, 0.5, ManualClock(), alarms)
    assert connection.client_id == 5
    assert connection.limiter.messages_per_second == 20
    assert connection.link.limits.deadline_ns == 60 * 10**9
    assert {one.name for one in connection.schedule.recurring} == {
        "the gateway's nightly restart",
        "the broker's daily reset",
        "the broker's weekend reset",
    }


def test_the_shares_of_the_services_stay_within_the_limit_of_one_connection():
    settings = load(environment={}).settings
    assert settings.watcher.message_share + settings.trader.message_share <= 1
    assert settings.gateway.messages_per_second <= 50


@pytest.mark.parametrize(
    "override",
    ["gateway.restart_time=25:00", "gateway.time_zone=Mars", "gateway.login_time=00:30", "gateway.interruptions=[x]"],
)
def test_a_time_that_is_none_is_refused_when_the_configuration_is_read(override):
    with pytest.raises(ConfigurationError, match="gateway"):
        load([override], environment={})
