"""1101 and 1102 are two things: after one all subscriptions are gone, after the other they are there; neither is said twice.

Here 1101 subscribes all again and backfills, 1102 looks whether all ticks and backfills, and both reconcile; and the link can
take no order until a round trip has proven it.
"""

from support.field import TICK_SECONDS, Field, Watching

from atlas.ib.link import Effect, LinkState
from ib_gateway.simulator.faults import ConnectivityLost, ConnectivityRestored

NAMES = ["EUR.USD@IDEALPRO", "AAPL@SMART", "SPY@SMART"]


def lose(data):
    """Lose the broker and get it back; returns what was asked of users, and how many subscriptions were made again."""

    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        connection = watching.connection
        field.effects.clear()
        loss = field.inject(ConnectivityLost(data=data))
        await field.until(lambda: connection.state is LinkState.BROKER_LOST)
        assert not connection.is_up, "the socket stands, and no order could go out"
        assert connection.link.has_session
        assert (await connection.round_trip()) > 0, "the gateway itself answers all the time"
        assert not connection.is_up
        field.gateway.faults.clear(loss)
        await field.until(lambda: connection.is_up)
        await watching.tick_anew()
        return field.effects, watching.subscriber.resubscribed

    return Field().run(scenario)


def test_1101_subscribes_all_again_and_backfills_and_reconciles():
    effects, resubscribed = lose("lost")
    assert effects == [Effect.RESUBSCRIBE, Effect.RECONCILE, Effect.BACKFILL]
    assert resubscribed == 0, "without waiting for a silence"


def test_1102_verifies_backfills_and_reconciles_and_touches_no_subscription_that_ticks():
    effects, resubscribed = lose("maintained")
    assert effects == [Effect.VERIFY, Effect.RECONCILE, Effect.BACKFILL]
    assert resubscribed == 0


def test_1102_that_lies_is_found_out_by_the_silence():
    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        silent = {NAMES[0]}
        await watching.subscriber.feed.cancel(NAMES[0])  # the gateway has lost it; nobody told the table
        field.inject(ConnectivityRestored(data="maintained"))
        await field.until(lambda: Effect.VERIFY in field.effects)
        watching.ticks.clear()
        assert await field.until(lambda: silent <= watching.ticks.keys()) < 2 * TICK_SECONDS
        return watching.subscriber.resubscribed

    assert Field().run(scenario) == 1


def test_1101_out_of_the_blue_is_taken_at_its_word():
    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        field.effects.clear()
        field.inject(ConnectivityRestored(data="lost"))
        await field.until(lambda: Effect.RESUBSCRIBE in field.effects)
        await watching.tick_anew()
        return field.effects

    assert Field().run(scenario) == [Effect.RESUBSCRIBE, Effect.RECONCILE, Effect.BACKFILL]


def test_who_connects_while_the_broker_is_lost_is_not_up_before_it_is_back():
    async def scenario(field):
        loss = field.inject(ConnectivityLost())
        connection = field.connection()
        await connection.open(orders=True)
        assert connection.state is LinkState.BROKER_LOST
        assert field.effects == []
        field.gateway.faults.clear(loss)
        await field.until(lambda: connection.is_up)
        return field.effects

    assert Effect.RECONCILE in Field().run(scenario)


def test_a_loss_of_the_broker_is_an_alarm_like_any_other_loss():
    async def scenario(field):
        connection = await field.connected()
        loss = field.inject(ConnectivityLost(repeat_seconds=5))
        await field.until(lambda: field.alarms.raised)
        field.gateway.faults.clear(loss)
        await field.until(lambda: connection.is_up)
        return field.history

    assert Field().run(scenario) == [("raised", "gateway-lost"), ("cleared", "gateway-lost")]
