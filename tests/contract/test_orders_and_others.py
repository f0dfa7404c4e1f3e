"""Unmodified ib_insync and orders that others see, enter, change and keep: clients, the terminal, the broker, a restart."""

import ib_insync
import pytest

from ib_gateway.simulator import OrderRules
from ib_gateway.simulator.faults import BustExecution, CorrectExecution, ForkOrder
from ib_gateway.simulator.messages import Contract, Ticket
from tests.contract.conftest import until
from tests.contract.test_orders_hanging_together import AAPL, are, bracket, cents, listed, quoted

BY_HAND = Ticket(action="BUY", quantity=10.0, order_type="LMT", limit_price=100.0, order_ref="by hand")


@pytest.fixture
async def ticker(ib):
    return await quoted(ib, AAPL)


def limit(action, quantity, price):
    return ib_insync.LimitOrder(action, quantity, cents(price))


# Other clients


async def test_the_master_client_hears_of_all_orders_and_fills(make_gateway, connect):
    gateway = await make_gateway(orders=OrderRules(master_client_id=9))
    master, ib = await connect(gateway, client_id=9), await connect(gateway)
    ticker = await quoted(ib, AAPL)
    placed = ib.placeOrder(AAPL, limit("BUY", 10, ticker.ask + 5))
    await are(ib, [placed], "Filled")
    await until(master, lambda: master.fills() and master.trades()[0].isDone())
    (trade,) = master.trades()
    assert (trade.order.clientId, trade.order.orderId) == (1, placed.order.orderId)
    await until(master, lambda: sum(fill.commissionReport.commission for fill in trade.fills) == 1.0)
    assert [fill.execution.execId for fill in trade.fills] == [fill.execution.execId for fill in placed.fills]


async def test_clients_see_each_others_orders_only_if_they_ask_for_all(gateway, connect, ib, ticker):
    trade = ib.placeOrder(AAPL, limit("BUY", 10, ticker.bid - 20))
    await are(ib, [trade], "Submitted")
    other = await connect(gateway, client_id=2)
    assert await listed(other) == []
    assert len(await other.reqAllOpenOrdersAsync()) == 1
    other.client.cancelOrder(trade.order.orderId)
    await until(other, lambda: other.errors)
    assert other.errors[-1][:2] == (trade.order.orderId, 10147)
    other.reqGlobalCancel()
    await are(ib, [trade], "Cancelled")


async def test_a_read_only_api_says_so(make_gateway, connect):
    gateway = await make_gateway(orders=OrderRules(read_only=True))
    ib = await connect(gateway, readonly=True)
    trade = ib.placeOrder(AAPL, limit("BUY", 10, 100))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][:2] == (trade.order.orderId, 321)
    assert ib.errors[-1][2].endswith("The API interface is currently in Read-Only mode.")
    assert trade.orderStatus.status == "Cancelled"


# By hand


async def test_client_zero_gets_orders_entered_by_hand_and_may_change_and_cancel_them(gateway, connect):
    zero = await connect(gateway, client_id=0)
    perm_id = gateway.terminal.enter_order(Contract(con_id=265598, exchange="SMART"), BY_HAND)
    await until(zero, lambda: zero.openTrades() and zero.openTrades()[0].order.permId == perm_id)
    (trade,) = zero.openTrades()
    await until(zero, lambda: trade.orderStatus.status == "Submitted")
    (order,) = [trade.order for trade in await zero.reqOpenOrdersAsync()]
    zero.client.cancelOrder(-1)
    await until(zero, trade.isDone)
    assert order.orderRef == "by hand"


async def test_an_order_may_be_cancelled_by_hand(gateway, ib, ticker):
    trade = ib.placeOrder(AAPL, limit("BUY", 10, ticker.bid - 20))
    await are(ib, [trade], "Submitted")
    gateway.terminal.cancel_order(trade.order.permId)
    await are(ib, [trade], "Cancelled")


async def test_only_client_zero_binds_orders(ib):
    ib.reqAutoOpenOrders(True)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 327


# What the broker does later


async def test_a_correction_comes_as_an_execution_with_the_next_id(gateway, ib, ticker):
    wanted = limit("BUY", 10, ticker.ask + 5)
    wanted.allOrNone = True  # in one execution
    trade = ib.placeOrder(AAPL, wanted)
    await are(ib, [trade], "Filled")
    (first,) = [fill.execution for fill in trade.fills]
    await until(ib, lambda: [position.position for position in ib.positions()] == [10])
    gateway.faults.inject(CorrectExecution(execution_id=first.execId, quantity=8.0))
    await until(ib, lambda: len(trade.fills) == 2)
    corrected = trade.fills[1].execution
    assert (first.execId[-3:], corrected.execId) == (".01", first.execId[:-2] + "02")
    assert (corrected.shares, corrected.orderId) == (8.0, first.orderId)
    assert [fill.execution.execId for fill in await ib.reqExecutionsAsync()] == [corrected.execId]
    await until(ib, lambda: [position.position for position in ib.positions()] == [8])
    gateway.faults.inject(BustExecution(execution_id=corrected.execId))
    await until(ib, lambda: len(trade.fills) == 3)
    assert trade.fills[2].execution.shares == 0
    await until(ib, lambda: trade.orderStatus.status == "Cancelled")
    assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (0, 10)


async def test_a_forked_order_is_one_order_with_two_numbers_for_good(gateway, ib, ticker):
    trade = ib.placeOrder(AAPL, limit("BUY", 10, ticker.bid - 20))
    await are(ib, [trade], "Submitted")
    seen = {trade.order.permId}
    ib.openOrderEvent += lambda one: seen.add(one.order.permId)
    gateway.faults.inject(ForkOrder(client_id=1, order_id=trade.order.orderId))
    await until(ib, lambda: len(seen) == 2)
    assert len(await ib.reqAllOpenOrdersAsync()) == 2
    ib.reqGlobalCancel()
    await until(ib, trade.isDone)


# A restart


async def test_a_restart_keeps_brackets_conditions_and_what_was_not_transmitted(make_gateway, connect, tmp_path):
    state = tmp_path / "gateway.state"
    gateway = await make_gateway(state=state)
    ib = await connect(gateway)
    ticker = await quoted(ib, AAPL)
    trades = bracket(ib, ticker, ticker.bid - 20)
    await are(ib, trades, "Submitted", "PreSubmitted", "PreSubmitted")
    condition = ib_insync.MarginCondition(condType=4, isMore=False, percent=5)
    ib.placeOrder(AAPL, ib_insync.LimitOrder("BUY", 10, cents(ticker.bid), conditions=[condition]))
    ib.placeOrder(AAPL, ib_insync.LimitOrder("BUY", 10, cents(ticker.ask + 5), transmit=False))
    done = ib.placeOrder(AAPL, limit("BUY", 3, ticker.ask + 5))
    await are(ib, [done], "Filled")
    before = sorted((order.orderId, order.permId, order.lmtPrice, order.parentId) for order in await listed(ib))
    highest = done.order.orderId
    ib.disconnect()
    await gateway.__aexit__(None, None, None)

    again = await connect(await make_gateway(state=state, start_ns=1_780_671_900_000_000_000))
    assert sorted((order.orderId, order.permId, order.lmtPrice, order.parentId) for order in again.openOrders()) == before
    assert [fill.execution.execId for fill in again.fills()] == [fill.execution.execId for fill in done.fills]
    assert again.client.getReqId() > highest
    kept = {trade.order.orderId: trade for trade in again.openTrades()}
    assert kept[highest - 1].orderStatus.status == "Inactive"
    assert kept[highest - 2].order.conditions == [condition]
    await quoted(again, AAPL)
    waiting = kept[highest - 1].order
    waiting.transmit = True
    trade = again.placeOrder(AAPL, waiting)
    await are(again, [trade], "Filled")
    entry = kept[trades[0].order.orderId]
    again.cancelOrder(entry.order)
    await until(again, lambda: all(kept[trade.order.orderId].isDone() for trade in trades))


# Options


async def test_exercising_an_option_brings_its_underlying_at_the_strike(ib):
    await quoted(ib, AAPL)
    option = ib_insync.Option("AAPL", "20260918", 200, "C", "SMART", currency="USD")
    await ib.qualifyContractsAsync(option)
    premium = await quoted(ib, option)
    await are(ib, [ib.placeOrder(option, ib_insync.LimitOrder("BUY", 1, cents(premium.ask + 20)))], "Filled")
    ib.exerciseOptions(option, 1, 1, "DU1000001", 0)
    await until(ib, lambda: {(p.contract.conId, p.position) for p in ib.positions()} >= {(265598, 100)})
    (fill,) = [fill for fill in ib.fills() if fill.contract.conId == 265598]  # what is exercised comes as one
    assert (fill.execution.side, fill.execution.shares, fill.execution.price) == ("BOT", 100, 200)
