"""Subscriptions are dead after a restart although the log says "reconnected".

Here what is wanted is a table that outlives every connection; after a loss the difference is everything, and a subscription is
up only after its first tick. One that does not tick in time is made again.
"""

import pytest
from support.field import TICK_SECONDS, Field, Watching

from atlas.market import SubscriptionState
from ib_gateway.simulator.faults import Disconnect, Drop, FarmOutage, PortReset, Restart
from services.watcher.subscriber import LINE

NAMES = ["EUR.USD@IDEALPRO", "GBP.USD@IDEALPRO", "USD.JPY@IDEALPRO", "AAPL@SMART", "MSFT@SMART", "SPY@SMART", "ES-202609@CME"]


@pytest.mark.parametrize(
    "fault",
    [Restart(down_seconds=120), Disconnect(), Disconnect(reset=True), PortReset()],
    ids=["restart", "disconnect", "reset", "port reset"],
)
def test_after_every_loss_all_that_is_wanted_ticks_again(fault):
    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        assert len(watching.subscriber.table.up) == len(NAMES)
        field.inject(fault)
        await field.until(lambda: watching.losses)
        await field.until(lambda: watching.all_up)
        await watching.tick_anew()
        return watching.subscriber.resubscribed

    assert Field().run(scenario) == 0, "the difference was enough"


def test_a_subscription_that_the_gateway_swallows_is_made_again_and_not_up_until_it_ticks():
    async def scenario(field):
        watching = Watching(field, tick_by_tick_lines=0)
        await watching.begin(NAMES)
        field.inject(Drop(message="MarketData", direction="request", count=3))
        field.inject(Restart(down_seconds=30))
        await field.until(lambda: watching.losses)
        await field.until(lambda: len(watching.subscriber.table.up) == len(NAMES) - 3)
        dead = [one for one in watching.subscriber.table.wanted if one not in watching.subscriber.table.up]
        assert [watching.subscriber.table.state(one) for one in dead] == [SubscriptionState.ASKED] * 3
        assert await field.until(lambda: watching.all_up) < 2 * TICK_SECONDS
        return watching.subscriber.resubscribed

    assert Field().run(scenario) == 3


def test_a_farm_that_comes_back_without_our_streams_is_found_out_by_its_silence():
    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        outage = field.inject(FarmOutage(farm="usfarm", data="lost"))
        await field.until(lambda: watching.connection.link.farms.broken == ("usfarm",))
        assert watching.connection.is_up, "orders do not go through it"
        field.gateway.faults.clear(outage)
        await field.until(lambda: not watching.connection.link.farms.broken)
        assert await watching.tick_anew() < 2 * TICK_SECONDS
        return watching.subscriber.resubscribed

    assert Field().run(scenario) == len(NAMES)


def test_a_farm_that_comes_back_with_our_streams_is_left_alone():
    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        outage = field.inject(FarmOutage(farm="usfarm", data="maintained"))
        await field.until(lambda: watching.connection.link.farms.broken)
        field.gateway.faults.clear(outage)
        await watching.tick_anew()
        return watching.subscriber.resubscribed

    assert Field().run(scenario) == 0


def test_what_nobody_wants_any_more_is_ended_at_the_gateway():
    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        table = watching.subscriber.table
        watching.subscriber.table = table.release("robot", [one for one in table.wanted if one.instrument != NAMES[0]])
        await field.until(lambda: {one.instrument for one in watching.subscriber.table.asked} == {NAMES[0]})
        await watching.tick_anew()
        watching.ticks.clear()
        await watching.tick_anew()
        return set(watching.ticks), {one.kind for one in watching.subscriber.table.up}

    assert Field().run(scenario) == ({NAMES[0]}, {LINE})
