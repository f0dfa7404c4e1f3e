"""The connection is lost at a restart, nothing says so, and the desk trades blind for days.

Here the heartbeat runs because of the loss: a connection that is not there is a failed beat, unless a named window explains it;
one alarm per loss, and a critical one past the deadline.
"""

import pytest
from support.field import START_NS, Field

from atlas.domain import NS_PER_SECOND, Unavailable, to_datetime
from atlas.ib.link import Limits, LinkState
from atlas.market.windows import Schedule, interruption
from atlas.service.gateway import DOWN, HELP, LOST
from ib_gateway.simulator.faults import Restart, TwoFactor

LIMITS = Limits(help_after_attempts=10**6, deadline_ns=300 * NS_PER_SECOND)


def window(first: float, last: float) -> Schedule:
    """A known interruption, so many minutes after the start."""
    start, end = (to_datetime(START_NS + round(minutes * 60) * NS_PER_SECOND) for minutes in (first, last))
    return Schedule((interruption(f"{start:%H:%M}-{end:%H:%M}", "UTC"),))


def test_a_loss_that_nothing_explains_is_one_alarm_and_past_the_deadline_a_critical_one():
    async def scenario(field):
        connection = await field.connected(limits=LIMITS)
        field.inject(Restart(down_seconds=600))
        assert await field.until(lambda: LOST in field.alarms.raised) < 6, "the first beat says so"
        assert not connection.is_up
        assert "is not connected" in connection.problem
        with pytest.raises(Unavailable):
            await connection.round_trip()
        assert 295 < await field.until(lambda: DOWN in field.alarms.raised) < 310
        await field.until(lambda: connection.is_up)
        return field.history

    assert Field().run(scenario) == [("raised", LOST), ("raised", DOWN), ("cleared", DOWN), ("cleared", LOST)]


def test_a_restart_in_its_window_is_no_alarm():
    async def scenario(field):
        connection = await field.connected(limits=LIMITS, schedule=window(0, 5))
        field.inject(Restart(down_seconds=200))
        await field.until(lambda: connection.state is LinkState.IN_WINDOW)
        assert "as expected: a known interruption" in connection.problem
        assert not connection.is_up
        await field.until(lambda: connection.is_up)
        return field.history

    assert Field().run(scenario) == []


def test_a_restart_that_outlives_its_window_is_an_alarm_when_the_window_ends():
    async def scenario(field):
        connection = await field.connected(limits=LIMITS, schedule=window(0, 5))
        field.inject(Restart(down_seconds=700))
        await field.until(lambda: LOST in field.alarms.raised)
        assert 300 <= field.loop.time() < 310
        await field.until(lambda: DOWN in field.alarms.raised)
        assert 600 <= field.loop.time() < 615
        await field.until(lambda: connection.is_up)
        return field.history

    assert Field().run(scenario)[:2] == [("raised", LOST), ("raised", DOWN)]


def test_every_loss_has_an_alarm_of_its_own():
    async def scenario(field):
        connection = await field.connected(limits=LIMITS)
        for _ in range(3):
            field.inject(Restart(down_seconds=60))
            await field.until(lambda: LOST in field.alarms.raised)
            await field.until(lambda: connection.is_up)
        return field.history

    assert Field().run(scenario) == [("raised", LOST), ("cleared", LOST)] * 3


def test_a_gateway_that_stays_away_is_asked_to_be_restarted_once():
    async def scenario(field):
        connection = await field.connected(limits=Limits(help_after_attempts=5))
        field.inject(Restart(down_seconds=300))
        await field.until(lambda: HELP in field.alarms.raised)
        await field.until(lambda: connection.is_up)
        return [key for what, key in field.history if what == "raised"]

    assert Field().run(scenario).count(HELP) == 1


def test_a_login_that_waits_for_a_person_is_shown_and_never_restarted():
    async def scenario(field):
        connection = await field.connected(limits=Limits(help_after_attempts=5))
        field.inject(TwoFactor(for_seconds=300))
        connection.login_waits(True)  # as whoever sees the gateway's screen says
        await field.until(lambda: LOST in field.alarms.raised)
        assert connection.state is LinkState.WAITING_FOR_LOGIN
        assert "approve" in field.alarms.raised[LOST].text
        await field.until(lambda: connection.is_up)
        return [key for what, key in field.history if what == "raised"]

    assert HELP not in Field().run(scenario)


def test_a_weekly_login_that_is_known_in_advance_is_waited_for():
    async def scenario(field):
        sunday = window(0, 60).recurring[0]
        schedule = Schedule((type(sunday)("the weekly login", sunday.start, sunday.end, "UTC", needs_login=True),))
        connection = await field.connected(schedule=schedule)
        field.inject(TwoFactor(for_seconds=300))
        await field.until(lambda: connection.state is LinkState.WAITING_FOR_LOGIN)
        await field.until(lambda: connection.is_up)
        return field.history

    assert Field().run(scenario) == []
