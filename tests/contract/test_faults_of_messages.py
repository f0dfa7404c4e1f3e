"""Messages late, twice, out of order or never, and executions and orders that change afterwards: what ib_insync sees of it."""

import asyncio

import ib_insync
import pytest

from atlas.domain import BadInput
from ib_gateway.simulator.faults import (
    AnswerError,
    BustExecution,
    CorrectExecution,
    Delay,
    Drop,
    Duplicate,
    ForkOrder,
    Reorder,
    parse,
)
from tests.contract.conftest import until, within

EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")


def hear(ib):
    heard = []
    ib.errorEvent += lambda _, code, text, __: heard.append((code, text))
    return heard


def messages(ib):
    """The fields of every message that comes from now on."""
    seen, interpret = [], ib.client.decoder.interpret

    def listen(fields):
        seen.append(fields)
        interpret(fields)

    ib.client.decoder.interpret = listen
    return seen


async def quoted(ib, contract=EURUSD):
    ticker = ib.reqMktData(contract)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    return ticker


async def filled(ib, quantity=1000):
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", quantity))
    await until(ib, lambda: trade.orderStatus.status == "Filled" and trade.fills[-1].commissionReport.execId)
    return trade


async def resting(ib, quantity=1000):
    ticker = await quoted(ib)
    trade = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", quantity, round(ticker.bid - 0.1, 4), orderRef="mine"))
    await until(ib, lambda: trade.orderStatus.status == "Submitted")
    return trade


def ids(seen, *wanted):
    return [fields[0] for fields in seen if fields[0] in wanted]


# Late, twice, out of order, never


async def test_a_dropped_status_leaves_an_order_pending_that_is_working(gateway, ib):
    await quoted(ib)
    gateway.faults.inject(Drop(message="OrderStatus", count=2))
    gateway.faults.inject(Drop(message="OpenOrder", count=2))
    trade = ib.placeOrder(EURUSD, ib_insync.LimitOrder("BUY", 1000, 0.5))
    await ib.reqCurrentTimeAsync()
    assert trade.orderStatus.status == "PendingSubmit"
    gateway.faults.clear_all()
    await ib.reqOpenOrdersAsync()
    assert trade.orderStatus.status == "Submitted"


async def test_a_dropped_request_never_reaches_the_broker(gateway, ib):
    await quoted(ib)
    gateway.faults.inject(Drop(message="placeOrder", direction="request", count=1))
    lost = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    kept = await filled(ib)
    assert lost.orderStatus.status == "PendingSubmit"
    assert [fill.execution.orderId for fill in await ib.reqExecutionsAsync()] == [kept.order.orderId]


async def test_an_execution_that_comes_twice_has_one_id(gateway, ib):
    await quoted(ib)
    seen = messages(ib)
    gateway.faults.inject(Duplicate(message="11"))
    trade = await filled(ib)
    twice = [fields for fields in seen if fields[0] == "11"]
    assert len(twice) == 2
    assert twice[0] == twice[1]
    assert len(trade.fills) == 1  # ib_insync knows it by its id


async def test_an_execution_falls_behind_the_status_that_it_explains(gateway, ib):
    await quoted(ib)
    seen = messages(ib)
    gateway.faults.inject(Reorder(message="Execution", behind=2, count=1))
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    await until(ib, lambda: trade.fills and trade.orderStatus.status == "Filled")
    order = ids(seen, "11", "3")
    assert order.index("11") > order.index("3")
    assert [f[0] for f in seen if f[0] == "3" and f[2] == "Filled"]


@pytest.mark.parametrize(
    "fault",
    [
        Reorder(message="CurrentTime", behind=1000, at_most_seconds=2.0),
        Delay(message="CurrentTime", delay_seconds=2.0),
        Delay(message="CurrentTime", direction="request", delay_seconds=1.0, jitter_seconds=1.0),
    ],
)
async def test_a_late_message_is_overtaken_and_comes_when_its_time_is_up(gateway, ib, fault):
    gateway.time.pause()
    gateway.faults.inject(fault)
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    assert await ib.reqMarketRuleAsync(239) is not None
    await gateway.time.advance(0.9)
    assert not asked.done()
    await gateway.time.advance(1.1)
    async with within():
        assert await asked


async def test_a_delay_of_one_client_is_no_other_clients(gateway, connect, ib):
    other = await connect(gateway, 2)
    gateway.faults.inject(Delay(message="any", delay_seconds=60.0, client_id=1))
    asked = asyncio.ensure_future(ib.reqCurrentTimeAsync())
    assert await other.reqCurrentTimeAsync()
    assert not asked.done()
    gateway.faults.clear_all()
    assert not asked.done()  # what is on its way is on its way
    asked.cancel()


async def test_what_was_held_for_a_client_that_left_is_not_told_to_the_next_of_that_id(gateway, connect, ib):
    gateway.faults.inject(Delay(message="CurrentTime", delay_seconds=0.3, count=1))
    ib.client.reqCurrentTime()
    await ib.reqMarketRuleAsync(239)
    ib.disconnect()
    again = await connect(gateway)
    seen = messages(again)
    await asyncio.sleep(0.5)  # nothing can tell that nothing more will come
    assert ids(seen, "49") == []


async def test_requests_are_answered_with_any_error_instead(gateway, ib):
    heard = hear(ib)
    gateway.faults.inject(
        AnswerError(message="ContractDetails", code=200, text="No security definition has been found", count=1)
    )
    assert await ib.reqContractDetailsAsync(EURUSD) == []
    assert heard == [(200, "No security definition has been found")]
    assert len(await ib.reqContractDetailsAsync(EURUSD)) == 1


async def test_an_order_that_is_answered_with_an_error_is_cancelled_for_the_client(gateway, ib):
    gateway.faults.inject(AnswerError(message="PlaceOrder", code=201, text="Order rejected - reason:test"))
    trade = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 1000))
    await until(ib, trade.isDone)
    assert trade.log[-1].errorCode == 201


@pytest.mark.parametrize(
    "fault",
    [Drop(message="Nothing"), Drop(message="PlaceOrder"), Delay(message="9999", delay_seconds=1)],
)
def test_a_message_that_there_is_not_is_refused_with_those_that_there_are(fault):
    from ib_gateway.simulator.faults import Injector
    from ib_gateway.simulator.server.faults import message_kinds

    with pytest.raises(BadInput, match=r"there is no reply .*; there are any, .*OrderStatus"):
        Injector(message_kinds()).inject(fault, 0)


# Executions and orders that change afterwards


async def test_a_correction_is_the_execution_again_under_the_next_id(gateway, ib):
    await quoted(ib)
    seen = messages(ib)
    trade = await filled(ib)
    first = trade.fills[0].execution
    gateway.faults.inject(CorrectExecution(price=round(first.price + 0.001, 5)))
    await until(ib, lambda: len(ids(seen, "11")) == 2)
    base, _, last = first.execId.rpartition(".")
    corrected = [fields for fields in seen if fields[0] == "11"][1]
    assert f"{base}.{int(last) + 1:02d}" in corrected
    (now,) = await ib.reqExecutionsAsync()
    assert (now.execution.execId, now.execution.price) == (f"{base}.{int(last) + 1:02d}", round(first.price + 0.001, 5))


async def test_a_bust_takes_the_execution_and_the_position_back(gateway, ib):
    await quoted(ib)
    trade = await filled(ib)
    await until(ib, lambda: [p.position for p in ib.positions()] == [1000.0])
    gateway.faults.inject(BustExecution(execution_id=trade.fills[0].execution.execId))
    await until(ib, lambda: not [p for p in ib.positions() if p.position])
    assert not [p for p in await ib.reqPositionsAsync() if p.position]


async def test_one_order_forks_into_two_that_live_under_two_perm_ids(gateway, ib):
    trade = await resting(ib)
    first = trade.order.permId
    gateway.faults.inject(ForkOrder())
    open_trades = await ib.reqAllOpenOrdersAsync()
    both = {(t.order.permId, t.order.orderRef) for t in open_trades}
    seen = messages(ib)
    await ib.reqOpenOrdersAsync()
    perm_ids = {fields[25] for fields in seen if fields[0] == "5"}
    assert len(perm_ids) == 2
    assert str(first) in perm_ids
    assert {ref for _, ref in both} == {"mine"}


async def test_without_an_execution_or_an_order_there_is_nothing_to_change(gateway):
    with pytest.raises(BadInput, match="there is no execution yet"):
        gateway.faults.inject(BustExecution())
    with pytest.raises(BadInput, match="no such standing order"):
        gateway.faults.inject(ForkOrder())
    with pytest.raises(BadInput):
        gateway.faults.inject(BustExecution(execution_id="0000.0000.01.01"))


# Scenarios


async def test_a_scenario_changes_the_execution_whose_message_set_it_off(gateway, ib):
    await quoted(ib)
    gateway.faults.play(
        parse("steps:\n- after: {message: Execution, number: 1}\n  fault: {kind: correct-execution, price: 1.5}")
    )
    trade = await filled(ib)
    await until(ib, lambda: len(trade.fills) == 2)
    assert [fill.execution.price for fill in await ib.reqExecutionsAsync()] == [1.5]


async def test_a_modification_in_a_scenario_forks_its_order(gateway, ib):
    gateway.faults.play(
        parse("steps:\n- after: {message: PlaceOrder, direction: request, number: 2}\n  fault: {kind: fork-order}")
    )
    trade = await resting(ib)
    trade.order.lmtPrice = round(trade.order.lmtPrice + 0.01, 4)
    ib.placeOrder(EURUSD, trade.order)
    await ib.reqCurrentTimeAsync()
    seen = messages(ib)
    await ib.reqOpenOrdersAsync()
    assert len({fields[25] for fields in seen if fields[0] == "5"}) == 2


async def test_a_scenario_hangs_up_after_the_nth_request_and_that_request_was_acted_on(gateway, connect, ib):
    await quoted(ib)
    gateway.faults.play(
        parse("steps:\n- after: {message: PlaceOrder, direction: request, number: 2}\n  fault: {kind: disconnect, reset: true}")
    )
    first = await filled(ib)
    second = ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 500))
    async with within():
        await ib.disconnectedEvent
    assert not second.fills
    again = await connect(gateway)
    assert {fill.execution.orderId for fill in again.fills()} == {first.order.orderId, second.order.orderId}


async def test_steps_at_a_time_happen_at_that_time_of_the_gateways_clock(make_gateway, connect):
    gateway = await make_gateway(speed=60.0)
    ib = await connect(gateway)
    heard = hear(ib)
    gateway.faults.play(
        parse(
            'steps:\n- at: "00:00:20"\n  fault: {kind: notice, code: 2107}\n'
            '- at: "15:01 UTC"\n  fault: {kind: notice, code: 2108}\n'  # the gateway began at 15:00
            '- at: "11:02 America/New_York"\n  days: [fri]\n  fault: {kind: connectivity-lost, for_seconds: 10}\n'
            '- at: "11:02 America/New_York"\n  days: [sat]\n  fault: {kind: restart}\n'
        )
    )
    await until(ib, lambda: len(heard) == 4)
    assert [code for code, _ in heard] == [2107, 2108, 1100, 1102]
    assert gateway.time.now_ns - 1_780_671_600_000_000_000 >= 130e9


async def test_the_same_seed_and_requests_meet_the_same_faults(make_gateway, connect):
    async def run(seed):
        gateway = await make_gateway(speed=1.0)
        ib, other = await connect(gateway, 1), await connect(gateway, 2)
        gateway.faults.play(
            parse(
                f"seed: {seed}\nsteps:\n"
                "- each: {message: CurrentTime, probability: 0.2}\n  fault: {kind: notice, code: 2107, client_id: 1}\n"
                '- at: "00:00:00"\n  fault: {kind: duplicate, message: CurrentTime, probability: 0.3}\n'
                '- at: "00:00:00"\n  fault: {kind: drop, message: CurrentTime, direction: request, probability: 0.1}\n'
            )
        )
        seen = messages(ib)
        for _ in range(40):
            ib.client.reqCurrentTime()
            other.client.reqCurrentTime()
            await ib.reqMarketRuleAsync(239)
            await other.reqMarketRuleAsync(239)
        return ids(seen, "49", "4")

    first = await run(7)
    assert await run(7) == first
    assert await run(8) != first
    assert 30 < first.count("49") < 80
    assert "4" in first
