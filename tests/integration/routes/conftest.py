"""A trader's end of the database route, and robots that have nothing but the database."""

import pytest
from support.route_peers import ACCOUNT, RecordingTrader

from atlas.service.alarms import Alarms
from atlas.service.clock import WallClock
from atlas.store import RequestRepository
from services.trader.database_route import DatabaseRoute


@pytest.fixture
def trader():
    return RecordingTrader()


@pytest.fixture
def alarms():
    return Alarms("trader", WallClock())


@pytest.fixture
async def requests(database):
    repository = RequestRepository(database, ACCOUNT)
    await repository.prepare()
    return repository


@pytest.fixture
async def route_on(trader, alarms):
    """Starts routes on a database; they end with the test."""
    started, failures = [], []

    async def start(database, lose=lambda: None):
        route = DatabaseRoute(database, ACCOUNT, trader.carry, WallClock(), alarms, failures.append)
        await route.start()
        lose()  # the streams have been proven, and not been opened yet
        started.append(route)
        return route

    yield start
    for route in started:
        await route.stop()
    assert failures == []
