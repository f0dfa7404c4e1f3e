"""Trading states, changed limits and alarms: the newest holds, and nothing is forgotten."""

import pytest

from atlas.domain.alarm import Alarm, Severity
from atlas.store.alarms import AlarmRepository
from atlas.store.limits import LimitRepository
from atlas.store.trading_state import TradingStateRepository
from atlas.trading.trading_state import TradingState, TradingStateChange

HALT = TradingStateChange(TradingState.HALTED, "cli", "too much noise", 20, 90)
RESUME = TradingStateChange(TradingState.ACTIVE, "monitor", "", 30)


@pytest.fixture
async def states(database):
    repository = TradingStateRepository(database, "DU1")
    await repository.prepare()
    return repository


async def test_there_is_no_trading_state_before_one_was_set(states):
    assert await states.newest() is None


async def test_the_newest_trading_state_of_the_account_holds_and_comes_back_with_every_field(states, database):
    await states.save(HALT)
    await TradingStateRepository(database, "DU2").save(RESUME)
    await states.save(HALT)
    assert await states.newest() == HALT
    await states.save(RESUME)
    assert await states.newest() == RESUME
    assert await database.collection("trading_state").count_documents({"account": "DU1"}) == 2


async def test_the_newest_value_of_each_limit_holds_and_an_ended_one_is_told_as_such(database):
    limits = LimitRepository(database, "DU1")
    await limits.prepare()
    await limits.save("", "max_position", 5, "cli", 1)
    await limits.save("robot:sma", "restricted", ["AAPL@SMART"], "cli", 2)
    await limits.save("", "max_position", 7.5, "monitor", 3)
    await limits.save("robot:sma", "max_position", 2, "cli", 4)
    await limits.save("robot:sma", "max_position", None, "cli", 5)
    await LimitRepository(database, "DU2").save("", "max_position", 1, "cli", 6)
    assert await limits.changed() == {
        "": {"max_position": 7.5},
        "robot:sma": {"restricted": ["AAPL@SMART"], "max_position": None},
    }
    assert await database.collection("limits").count_documents({"account": "DU1"}) == 5


async def test_an_alarm_is_one_document_from_when_it_was_raised_to_when_it_was_cleared(database):
    alarms = AlarmRepository(database)
    await alarms.prepare()
    raised = Alarm("database-away", "trader", Severity.CRITICAL, "start it", 10)
    cleared = Alarm("database-away", "trader", Severity.CRITICAL, "start it", 10, 15)
    again = Alarm("database-away", "trader", Severity.CRITICAL, "start it", 20)
    for one in (raised, cleared, again):
        await alarms.save(one)
    assert await alarms.newest(9) == [again, cleared]
    assert await alarms.newest(1) == [again]


async def test_what_an_earlier_run_had_raised_does_not_stay_raised_for_good_and_nobody_elses_is_touched(database):
    alarms = AlarmRepository(database)
    left, over, of_another = (
        Alarm("gateway-lost", "trader", Severity.WARNING, "", 10),
        Alarm("reconciliation", "trader", Severity.WARNING, "", 11, 12),
        Alarm("gateway-lost", "trader-2", Severity.WARNING, "", 13),
    )
    for one in (left, over, of_another):
        await alarms.save(one)
    await alarms.clear_earlier("trader", 20)
    assert [(one.source, one.cleared_ns) for one in await alarms.newest(9)] == [("trader-2", 0), ("trader", 12), ("trader", 20)]
