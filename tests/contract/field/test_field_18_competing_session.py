"""10197: somebody is logged in as the same user elsewhere, and has the market data.

Here one alarm names the cause, however many streams hear it and however often; subscriptions are tried again more and more
rarely, and the first tick is the all-clear.
"""

from support.field import Field, Watching

from ib_gateway.simulator.faults import CompetingSession
from services.watcher.subscriber import COMPETING

NAMES = ["EUR.USD@IDEALPRO", "AAPL@SMART", "MSFT@SMART", "SPY@SMART"]


def test_a_competing_session_is_one_alarm_that_names_the_cause_and_the_first_tick_clears_it():
    async def scenario(field):
        watching = Watching(field)
        await watching.begin(NAMES)
        field.history.clear()
        other = field.inject(CompetingSession())
        await field.until(lambda: COMPETING in field.alarms.raised)
        text = field.alarms.raised[COMPETING].text
        await field.until(lambda: watching.subscriber.resubscribed >= 2 * len(NAMES))
        assert not watching.subscriber.table.up
        assert watching.connection.is_up, "orders are not concerned"
        field.gateway.faults.clear(other)
        await field.until(lambda: watching.all_up)
        return text, field.history

    text, history = Field().run(scenario)
    assert "another session of the same user has the market data" in text
    assert history == [("raised", COMPETING), ("cleared", COMPETING)]
