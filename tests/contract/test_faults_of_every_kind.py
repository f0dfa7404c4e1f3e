"""Delayed, doubled and dropped: the same for every kind of reply that a robot lives by, as a real ib_insync receives them."""

import ib_insync
import pytest

from ib_gateway.simulator.faults import ConnectivityLost, Delay, Drop, Duplicate, Notice, PortReset
from ib_gateway.simulator.rules import Rules
from tests.contract.conftest import until, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")
UNKNOWN = ib_insync.Stock("NOSUCH", "SMART", "USD")
ACCOUNT = "DU1000001"


def account_updates(client):
    client.reqAccountUpdates(False, ACCOUNT)
    client.reqAccountUpdates(True, ACCOUNT)


def quotes(client):
    client.cancelMktData(901)
    client.reqMktData(901, EURUSD, "", False, False, [])


ASKED = {  # a kind of reply, its number, and what makes the gateway say it
    "OrderStatus": ("3", lambda client: client.reqOpenOrders()),
    "OpenOrder": ("5", lambda client: client.reqOpenOrders()),
    "Execution": ("11", lambda client: client.reqExecutions(900, ib_insync.ExecutionFilter())),
    "CommissionReport": ("59", lambda client: client.reqExecutions(900, ib_insync.ExecutionFilter())),
    "TickPrice": ("1", quotes),
    "Position": ("61", lambda client: client.reqPositions()),
    "AccountValue": ("6", account_updates),
    "HistoricalData": (
        "17",
        lambda client: client.reqHistoricalData(902, EURUSD, "", "60 S", "5 secs", "MIDPOINT", False, 1, False, []),
    ),
    "Error": ("4", lambda client: client.reqContractDetails(903, UNKNOWN)),
    "NextValidId": ("9", lambda client: client.reqIds(1)),
    "ContractDetails": ("10", lambda client: client.reqContractDetails(904, EURUSD)),
    "PositionEnd": ("62", lambda client: client.reqPositions()),
    "OpenOrderEnd": ("53", lambda client: client.reqOpenOrders()),
}


def messages(ib):
    """The fields of every message that comes from now on."""
    seen, interpret = [], ib.client.decoder.interpret

    def listen(fields):
        seen.append(tuple(fields))
        interpret(fields)

    ib.client.decoder.interpret = listen
    return seen


async def answered(ib):
    """Everything that was asked before has been answered, as this is."""
    async with within():
        assert await ib.reqMarketRuleAsync(239)


@pytest.fixture
async def gateway(make_gateway):
    """A gateway without limits."""
    return await make_gateway(rules=Rules.none())


@pytest.fixture
async def trader(gateway, ib):
    """A client that has traded and has an order in the market; time stands."""
    ticker = ib.reqMktData(EURUSD)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    bought = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    await until(ib, lambda: bought.fills and bought.fills[-1].commissionReport.execId)
    rests = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 1000, round(ticker.bid - 0.1, 4)))
    await until(ib, lambda: rests.orderStatus.status == "Submitted")
    ib.cancelMktData(EURUSD)
    gateway.time.pause()
    await answered(ib)
    return ib


@pytest.mark.parametrize("kind", ASKED)
async def test_a_reply_of_every_kind_is_dropped_doubled_and_delayed_and_others_are_not(gateway, trader, kind):
    number, ask = ASKED[kind]
    seen = messages(trader)

    async def said():
        seen.clear()
        ask(trader.client)
        await answered(trader)
        return [fields for fields in seen if fields[0] == number]

    def others():
        return sorted({fields[0] for fields in seen} - {number})

    await said()  # the first time differs: there is no subscription yet to cancel
    usual = await said()
    rest = others()
    assert usual

    drop = gateway.faults.inject(Drop(message=kind))
    assert await said() == []
    assert others() == rest
    gateway.faults.clear(drop)

    double = gateway.faults.inject(Duplicate(message=kind, copies=2))
    thrice = await said()
    assert len(thrice) == 3 * len(usual)
    assert all(thrice[n] == thrice[n + 1] == thrice[n + 2] for n in range(0, len(thrice), 3))
    gateway.faults.clear(double)

    gateway.faults.inject(Delay(message=kind, delay_seconds=2.0))
    assert await said() == []
    assert others() == rest
    await gateway.time.advance(1.9)
    await answered(trader)
    assert not [fields for fields in seen if fields[0] == number]
    await gateway.time.advance(0.2)
    await until(trader, lambda: len([fields for fields in seen if fields[0] == number]) >= len(usual))
    late = [fields for fields in seen if fields[0] == number][: len(usual)]
    assert sorted(late) == sorted(usual)


# What the gateway says itself


async def test_what_the_gateway_says_itself_is_dropped_and_doubled_as_any_error(gateway, connect, ib):
    other = await connect(gateway, 2)
    heard, told = [], []
    for client, codes in ((ib, heard), (other, told)):
        client.errorEvent += lambda _, code, __, ___, codes=codes: codes.append(code)
    drop = gateway.faults.inject(Drop(message="Error", client_id=1))
    lost = gateway.faults.inject(ConnectivityLost())
    gateway.faults.clear(lost)
    gateway.faults.inject(Notice(code=2119))
    ib.client.send(9999)  # a message that there is not: 321
    await answered(ib)
    await answered(other)
    assert (heard, told) == ([], [1100, 1102, 2119])
    gateway.faults.clear(drop)
    gateway.faults.inject(Duplicate(message="Error", client_id=1))
    ib.client.send(9999)
    gateway.faults.inject(PortReset())
    async with within():
        await ib.disconnectedEvent
    assert heard[-2:] == [1300, 1300]
    assert heard.count(321) in (0, 2)  # it was read before the end, or not at all
    assert told[-1] == 1300


async def test_the_first_word_to_a_client_that_is_too_fast_can_be_lost(make_gateway, connect):
    gateway = await make_gateway(rules=Rules())
    ib = await connect(gateway)
    heard = []
    ib.errorEvent += lambda _, code, __, ___: heard.append(code)
    gateway.faults.inject(Drop(message="Error", count=1))
    for _ in range(60):
        ib.client.reqCurrentTime()
    async with within():
        await ib.disconnectedEvent
    assert heard == [100, 100]
