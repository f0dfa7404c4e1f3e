"""Read-only API (321), precautions (10311, 451), wrong account or mode: known at the start, not with the first order."""

from collections.abc import AsyncIterator

import pytest
from support.ib_desk import IbDesk, ib_desk

from atlas.domain import ConfigurationError, Order, Side
from atlas.trading.broker import BrokerOrder, Known, Unknown
from atlas.trading.preflight import preflight, smallest
from ib_gateway.simulator.faults import AnswerError, HalfOpen, ReadOnly
from services.trader.account import check_mode

ACCOUNT, EURUSD, AAPL = "DU1000001", "EUR.USD@IDEALPRO", "AAPL@SMART"


@pytest.fixture
async def desk(gateway) -> AsyncIterator[IbDesk]:
    async with ib_desk(gateway, seconds=2.0) as desk:
        await desk.broker.instrument(EURUSD)
        yield desk


async def check(desk, account=ACCOUNT):
    return await preflight(desk.broker, account, desk.instruments[EURUSD])


async def test_a_gateway_that_takes_orders_passes_and_nothing_is_placed(desk):
    assert await check(desk) == ("", 0)
    snapshot = await desk.snapshot()
    assert (snapshot.open_orders, snapshot.completed_orders, snapshot.executions) == ((), (), ())
    assert not [report for report in desk.reports if isinstance(report, BrokerOrder)]


async def test_a_read_only_api_is_found_out_and_the_remedy_named(gateway, desk):
    read_only = gateway.faults.inject(ReadOnly())
    found = await check(desk)
    assert (found.passed, found.code) == (False, 321)
    assert "The API interface is currently in Read-Only mode." in found.problem
    assert "switch off 'Read-Only API'" in found.problem
    gateway.faults.clear(read_only)
    assert (await check(desk)).passed


@pytest.mark.parametrize("code", [10311, 451])
async def test_a_precaution_that_wants_a_person_is_found_out(gateway, desk, code):
    gateway.faults.inject(AnswerError(message="PlaceOrder", code=code, text="Precautionary setting."))
    found = await check(desk)
    assert (found.passed, found.code) == (False, code)
    assert "Bypass Order Precautions for API Orders" in found.problem


async def test_an_order_that_is_refused_for_what_it_is_shows_that_orders_are_taken(gateway, desk):
    gateway.faults.inject(AnswerError(message="PlaceOrder", code=201, text="Order rejected - reason: no margin"))
    assert (await check(desk)).passed


async def test_an_account_that_the_login_does_not_have_is_named_with_those_that_it_has(desk):
    found = await check(desk, account="U7654321")
    assert found.problem == "the login has no account U7654321, only DU1000001"


async def test_a_gateway_that_does_not_answer_has_not_passed(gateway, desk):
    gateway.faults.inject(HalfOpen(sockets="all"))
    found = await check(desk)
    assert not found.passed
    assert "does not say whether it takes orders" in found.problem


@pytest.mark.parametrize(
    ("mode", "account", "port"),
    [("live", "DU1000001", 4001), ("live", "U1000001", 4002), ("paper", "U1000001", 4002), ("paper", "DU1000001", 4001)],
)
def test_account_mode_and_port_must_agree(mode, account, port):
    with pytest.raises(ConfigurationError, match="so that they agree"):
        check_mode(mode, account, port)


async def test_the_smallest_order_is_one_that_the_instrument_takes(desk):
    await desk.broker.instrument(AAPL)
    for instrument in desk.instruments.values():
        answer = await desk.broker.what_if(Order("w-1", "w", instrument.id, Side.BUY, smallest(instrument)))
        assert isinstance(answer, Known)
        assert answer.value.commission is not None


async def test_what_an_order_would_cost_is_said_in_the_accounts_currency(desk):
    await desk.broker.instrument(AAPL)
    answer = await desk.broker.what_if(Order("w-1", "w", AAPL, Side.BUY, 100.0, account=ACCOUNT))
    assert isinstance(answer, Known)
    assert answer.value.initial_margin_change > 0
    assert (answer.value.commission, answer.value.commission_currency) == (1.0, "USD")


async def test_an_order_that_the_broker_would_reject_is_unknown_with_its_words(desk):
    await desk.broker.instrument(AAPL)
    answer = await desk.broker.what_if(Order("w-1", "w", AAPL, Side.BUY, 0.5, account=ACCOUNT))
    assert isinstance(answer, Unknown)
    assert "The size value must be at least" in answer.reason
    assert answer.code == 461
