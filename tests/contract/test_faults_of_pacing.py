"""The limits of historical requests, as a real ib_insync runs into them: 60 in ten minutes, BID_ASK twice, 50 open."""

from datetime import UTC, datetime, timedelta

import ib_insync
import pytest

from ib_gateway.simulator.rules import Rules
from tests.contract.conftest import START_NS, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
VIOLATION = (162, "Historical Market Data Service error message:Historical data request pacing violation")
BEGAN = datetime.fromtimestamp(START_NS / 1e9, UTC)


@pytest.fixture
async def gateway(make_gateway):
    """A gateway that paces history and nothing else; time stands."""
    gateway = await make_gateway(rules=Rules(messages_per_second=0), quotes_per_second=1.0)
    gateway.time.pause()
    return gateway


@pytest.fixture
def heard(ib):
    """Every error that is heard."""
    heard = []
    ib.errorEvent += lambda _, code, text, __: heard.append((code, text)) if code < 2000 else None
    return heard


async def asks(ib, number, what="MIDPOINT"):
    """Ask for bars of seconds up to a moment that no other request has; whether there are any."""
    async with within():
        return bool(
            await ib.reqHistoricalDataAsync(EURUSD, BEGAN - timedelta(minutes=number), "60 S", "5 secs", what, useRTH=False)
        )


async def test_sixty_requests_in_ten_minutes_are_answered_and_the_next_one_once_the_first_is_that_old(gateway, ib, heard):
    for number in range(60):
        assert await asks(ib, number)
        await gateway.time.advance(0.5)
    assert heard == []
    assert not await asks(ib, 60)
    assert heard == [VIOLATION]
    await gateway.time.advance(600 - 30 - 1)  # the first was 599 seconds ago
    assert not await asks(ib, 61)
    await gateway.time.advance(1)
    assert await asks(ib, 62)
    assert heard == [VIOLATION] * 2  # what was refused does not count


async def test_requests_for_bids_and_asks_count_twice(gateway, ib, heard):
    for number in range(30):
        assert await asks(ib, number, "BID_ASK")
        await gateway.time.advance(1)
    assert heard == []
    assert not await asks(ib, 30)
    assert heard == [VIOLATION]


async def test_five_of_one_contract_in_two_seconds_are_answered_and_two_of_bids_and_asks(gateway, ib, heard):
    assert [await asks(ib, number) for number in range(6)] == [True] * 5 + [False]
    assert [await asks(ib, number, "BID_ASK") for number in range(10, 13)] == [True, True, False]
    assert heard == [VIOLATION] * 2
    await gateway.time.advance(2)
    assert await asks(ib, 20)


async def test_the_same_request_is_answered_again_after_fifteen_seconds(gateway, ib, heard):
    assert await asks(ib, 0)
    await gateway.time.advance(14.9)
    assert not await asks(ib, 0)
    await gateway.time.advance(0.2)
    assert await asks(ib, 0)
    assert heard == [VIOLATION]


async def test_fifty_requests_may_be_open_and_one_more_once_one_of_them_is_cancelled(ib, heard):
    async def keep():
        async with within():
            return await ib.reqHistoricalDataAsync(EURUSD, "", "1800 S", "1 min", "MIDPOINT", useRTH=False, keepUpToDate=True)

    kept = [await keep() for _ in range(50)]
    assert all(kept)
    assert heard == []
    assert not await keep()
    assert heard == [VIOLATION]
    ib.cancelHistoricalData(kept[0])
    assert await keep()
