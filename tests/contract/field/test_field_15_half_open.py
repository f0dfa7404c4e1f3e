"""The gateway accepts, and never answers: a half-open socket, a wedged API, a process that stands still.

Here a round trip is the proof of life. One that is missed makes the link unable to take orders, two hang up in an orderly way;
and if connecting again does not help, people are asked to restart the gateway, once.
"""

import pytest
from support.field import Field

from atlas.domain import Unavailable
from atlas.ib.link import Effect, Limits, LinkState
from atlas.service.gateway import HELP, LOST
from ib_gateway.simulator.faults import Drop, Freeze, HalfOpen

LIMITS = Limits(help_after_attempts=4)


@pytest.mark.parametrize(
    "fault",
    [HalfOpen(sockets="existing"), HalfOpen(sockets="all"), Freeze()],
    ids=["this socket", "every socket", "stands still"],
)
def test_a_gateway_that_falls_silent_is_found_out_and_hung_up_on(fault):
    async def scenario(field):
        connection = await field.connected()
        silence = field.inject(fault)
        assert connection.is_up, "the socket says nothing"
        assert await field.until(lambda: connection.state is LinkState.HALF_OPEN) < 16
        assert not connection.is_up
        with pytest.raises(Unavailable):
            await connection.round_trip()
        assert await field.until(lambda: connection.state is not LinkState.HALF_OPEN) < 12, "hung up on"
        field.gateway.faults.clear(silence)
        await field.until(lambda: connection.is_up)
        return field.history, field.effects

    history, effects = Field().run(scenario)
    assert history == [("raised", LOST), ("cleared", LOST)]
    assert effects == [Effect.RESUBSCRIBE, Effect.RECONCILE, Effect.BACKFILL]


def test_a_stall_that_passes_costs_no_session_and_is_looked_through_afterwards():
    async def scenario(field):
        connection = await field.connected()
        silence = field.inject(Freeze())
        await field.until(lambda: connection.state is LinkState.HALF_OPEN)
        field.gateway.faults.clear(silence)
        await field.until(lambda: connection.is_up)
        return field.effects, connection.next_order_id()

    effects, _ = Field().run(scenario)
    assert effects == [Effect.VERIFY, Effect.RECONCILE], "no new session: nothing to subscribe again"


def test_a_gateway_that_greets_nobody_is_asked_to_be_restarted_once_and_has_no_sockets_of_ours_left():
    async def scenario(field):
        connection = await field.connected(limits=LIMITS)
        silence = field.inject(HalfOpen(sockets="all"))
        await field.until(lambda: HELP in field.alarms.raised)
        assert "restart the gateway" in field.alarms.raised[HELP].text
        assert not connection.is_up
        field.gateway.faults.clear(silence)
        await field.until(lambda: connection.is_up)
        assert len([end for end in field.network.ends if not end.is_closing()]) == 2, "one connection, with two ends"
        return field.history

    history = Field().run(scenario)
    assert history.count(("raised", HELP)) == history.count(("cleared", HELP)) == 1


def test_a_gateway_that_greets_and_answers_no_round_trip_never_counts_as_up():
    async def scenario(field):
        swallowed = field.inject(Drop(message="CurrentTime", direction="request"))
        connection = field.connection(limits=LIMITS, request_timeout_seconds=2.0)
        with pytest.raises(Unavailable):
            await connection.open(orders=True)
        assert connection.state is LinkState.DISCONNECTED
        assert field.effects == [], "nobody was told that it is up"
        field.gateway.faults.clear(swallowed)
        await connection.open(orders=True)
        assert connection.is_up

    Field().run(scenario)


def test_requests_that_wait_when_the_link_breaks_fail_at_once_and_are_not_taken_for_empty():
    async def scenario(field):
        connection = await field.connected(request_timeout_seconds=3600.0)
        field.inject(HalfOpen(sockets="existing"))
        begun = field.loop.time()
        field.loop.call_later(5.0, field.network.reset)
        with pytest.raises(Unavailable, match="open orders"):
            await connection.ask(connection.ib.reqAllOpenOrdersAsync, "open orders")
        return field.loop.time() - begun

    assert Field().run(scenario) < 6
