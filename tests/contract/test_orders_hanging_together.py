"""Unmodified ib_insync and orders that hang together: brackets, transmit, OCA groups, conditions."""

import ib_insync
import pytest

from tests.contract.conftest import until

AAPL = ib_insync.Stock("AAPL", "SMART", "USD", conId=265598)
EURUSD = ib_insync.Forex("EURUSD", conId=12087792, localSymbol="EUR.USD", tradingClass="EUR.USD")


async def quoted(ib, contract):
    """A ticker of `contract` that has a bid and an ask."""
    ticker = ib.reqMktData(contract)
    await until(ib, lambda: ticker.bid > 0 and ticker.ask > 0)
    return ticker


def statuses(*trades):
    return [trade.orderStatus.status for trade in trades]


async def are(ib, trades, *expected):
    """Wait until the orders have these statuses."""
    await until(ib, lambda: statuses(*trades) == list(expected))


@pytest.fixture
async def ticker(ib):
    return await quoted(ib, AAPL)


def cents(price):
    return round(price, 2)


def bracket(ib, ticker, entry):
    """An entry with a target and a stop far away, all placed."""
    orders = ib.bracketOrder("BUY", 100, cents(entry), cents(ticker.ask + 50), cents(ticker.bid - 50))
    return [ib.placeOrder(AAPL, order) for order in orders]


async def test_a_bracket_waits_for_its_entry_and_its_children_for_the_fill(ib, ticker):
    trades = bracket(ib, ticker, ticker.bid - 10)
    await are(ib, trades, "Submitted", "PreSubmitted", "PreSubmitted")
    entry, target, stop = trades
    assert [trade.orderStatus.whyHeld for trade in trades] == ["", "child", "child,trigger"]
    assert {target.orderStatus.parentId, stop.orderStatus.parentId} == {entry.order.orderId}
    entry.order.lmtPrice = cents(ticker.ask + 5)
    ib.placeOrder(AAPL, entry.order)
    await are(ib, trades, "Filled", "Submitted", "PreSubmitted")
    assert stop.orderStatus.whyHeld == "trigger"


async def test_the_target_of_a_bracket_cancels_its_stop(ib, ticker):
    trades = bracket(ib, ticker, ticker.ask + 5)
    await are(ib, trades, "Filled", "Submitted", "PreSubmitted")
    _, target, stop = trades
    target.order.lmtPrice, target.order.parentId = cents(ticker.bid - 5), 0
    ib.placeOrder(AAPL, target.order)
    await are(ib, trades, "Filled", "Filled", "Cancelled")
    assert stop.filled() == 0
    await until(ib, lambda: stop.isDone() and not any(position.position for position in ib.positions()))


async def test_the_stop_of_a_bracket_cancels_its_target(ib, ticker):
    trades = bracket(ib, ticker, ticker.ask + 5)
    await are(ib, trades, "Filled", "Submitted", "PreSubmitted")
    stop = trades[2]
    stop.order.auxPrice, stop.order.parentId = cents(ticker.bid + 20), 0
    ib.placeOrder(AAPL, stop.order)
    await are(ib, trades, "Filled", "Cancelled", "Filled")


@pytest.mark.parametrize("left_out", [0, None])
async def test_the_stop_of_a_filled_bracket_is_changed_without_its_parent(ib, ticker, left_out):
    trades = bracket(ib, ticker, ticker.ask + 5)
    await are(ib, trades, "Filled", "Submitted", "PreSubmitted")
    stop = trades[2]
    parent = stop.order.parentId
    stop.order.auxPrice = cents(ticker.bid - 45)
    ib.placeOrder(AAPL, stop.order)
    await until(ib, lambda: ib.errors)
    assert ib.errors == [(stop.order.orderId, 135, f"Can't find order with id ={parent}")]
    await are(ib, [stop], "PreSubmitted")
    stop.order.parentId = left_out
    ib.placeOrder(AAPL, stop.order)
    await until(ib, lambda: stop.orderStatus.parentId == 0)
    (seen,) = [order for order in await listed(ib) if order.orderId == stop.order.orderId]
    assert (seen.auxPrice, stop.isActive(), len(ib.errors)) == (stop.order.auxPrice, True, 1)


async def test_cancelling_the_entry_cancels_the_whole_bracket(ib, ticker):
    trades = bracket(ib, ticker, ticker.bid - 10)
    await are(ib, trades, "Submitted", "PreSubmitted", "PreSubmitted")
    ib.cancelOrder(trades[0].order)
    await are(ib, trades, "Cancelled", "Cancelled", "Cancelled")


async def test_an_order_that_is_not_transmitted_waits_and_is_listed_to_its_client_alone(gateway, connect, ib, ticker):
    order = ib_insync.LimitOrder("BUY", 10, cents(ticker.ask + 5), transmit=False)
    trade = ib.placeOrder(AAPL, order)
    await are(ib, [trade], "Inactive")
    assert [(o.orderId, trade.remaining()) for o in await listed(ib)] == [(order.orderId, 10)]
    other = await connect(gateway, client_id=2)
    assert await listed(other) == []
    order.transmit = True
    ib.placeOrder(AAPL, order)
    await are(ib, [trade], "Filled")


async def listed(ib):
    """What the gateway lists as this client's open orders."""
    return [trade.order for trade in await ib.reqOpenOrdersAsync()]


async def test_one_of_a_group_cancels_the_others(ib, ticker):
    orders = [ib_insync.LimitOrder("BUY", 10, cents(ticker.bid - away)) for away in (20, 30, 40)]
    trades = [ib.placeOrder(AAPL, order) for order in ib.oneCancelsAll(orders, "one of three", 1)]
    await are(ib, trades, "Submitted", "Submitted", "Submitted")
    orders[1].lmtPrice = cents(ticker.ask + 5)
    ib.placeOrder(AAPL, orders[1])
    await are(ib, trades, "Cancelled", "Filled", "Cancelled")
    await until(ib, lambda: [position.position for position in ib.positions()] == [10])


async def test_a_missing_parent_is_said(ib, ticker):
    trade = ib.placeOrder(AAPL, ib_insync.LimitOrder("BUY", 10, cents(ticker.bid), parentId=4711))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1] == (trade.order.orderId, 135, "Can't find order with id =4711")


CONDITIONS = [
    ib_insync.PriceCondition(condType=1, conjunction="o", isMore=True, price=1.0, conId=265598, exch="SMART", triggerMethod=2),
    ib_insync.TimeCondition(condType=3, conjunction="a", isMore=True, time="20260605-23:00:00"),
    ib_insync.MarginCondition(condType=4, conjunction="a", isMore=False, percent=5),
    ib_insync.ExecutionCondition(condType=5, conjunction="a", secType="STK", exch="SMART", symbol="MSFT"),
    ib_insync.VolumeCondition(condType=6, conjunction="a", isMore=True, volume=2_000_000_000, conId=265598, exch="SMART"),
    ib_insync.PercentChangeCondition(
        condType=7, conjunction="a", isMore=False, changePercent=-50.0, conId=265598, exch="SMART"
    ),
]


@pytest.mark.parametrize("condition", CONDITIONS[1:], ids=lambda c: type(c).__name__)
async def test_a_condition_that_does_not_hold_keeps_an_order_and_comes_back_as_it_went(gateway, connect, ib, ticker, condition):
    order = ib_insync.LimitOrder("BUY", 10, cents(ticker.ask + 5), conditions=[condition], conditionsIgnoreRth=True)
    trade = ib.placeOrder(AAPL, order)
    await are(ib, [trade], "PreSubmitted")
    other = await connect(gateway, client_id=2)
    await other.reqAllOpenOrdersAsync()
    (seen,) = other.openOrders()
    assert seen.conditions == [condition]
    assert seen.conditionsIgnoreRth


async def test_a_price_condition_that_holds_releases_the_order(ib, ticker):
    order = ib_insync.LimitOrder("BUY", 10, cents(ticker.ask + 5), conditions=CONDITIONS[:1])
    await are(ib, [ib.placeOrder(AAPL, order)], "Filled")


async def test_an_execution_elsewhere_releases_the_order(ib, ticker):
    await quoted(ib, EURUSD)
    condition = ib_insync.ExecutionCondition(secType="CASH", exch="IDEALPRO", symbol="EUR")
    trade = ib.placeOrder(AAPL, ib_insync.LimitOrder("BUY", 10, cents(ticker.ask + 5), conditions=[condition]))
    await are(ib, [trade], "PreSubmitted")
    ib.placeOrder(EURUSD, ib_insync.MarketOrder("BUY", 20_000))
    await are(ib, [trade], "Filled")


async def test_a_condition_may_cancel_the_order_instead(ib, ticker):
    order = ib_insync.LimitOrder("BUY", 10, cents(ticker.bid - 20), conditions=CONDITIONS[:1], conditionsCancelOrder=True)
    await are(ib, [ib.placeOrder(AAPL, order)], "Cancelled")


async def test_a_condition_on_nothing_is_named(ib, ticker):
    unknown = ib_insync.PriceCondition(price=1.0, conId=5, exch="SMART")
    ib.placeOrder(AAPL, ib_insync.LimitOrder("BUY", 10, cents(ticker.bid), conditions=[CONDITIONS[0], unknown]))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][1] == 147
    assert "condition 2 (price)" in ib.errors[-1][2]
