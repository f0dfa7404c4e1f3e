"""Unmodified ib_insync and every order type: how each rests, triggers, follows the market, changes, and what it would cost."""

import ib_insync
import pytest

from tests.contract.conftest import until
from tests.contract.test_orders_hanging_together import AAPL, are, cents, quoted


@pytest.fixture
async def ticker(ib):
    return await quoted(ib, AAPL)


def order(kind, action="BUY", **terms):
    return ib_insync.Order(orderType=kind, action=action, totalQuantity=10, **terms)


def resting(ticker):
    """Orders that the market does not reach, and how IB calls where they are."""
    low, high = cents(ticker.bid - 40), cents(ticker.ask + 40)
    return {
        "LMT": (order("LMT", lmtPrice=low), "Submitted"),
        "STP": (order("STP", auxPrice=high), "PreSubmitted"),
        "STP LMT": (order("STP LMT", auxPrice=high, lmtPrice=high), "PreSubmitted"),
        "TRAIL": (order("TRAIL", "SELL", auxPrice=40), "PreSubmitted"),
        "TRAIL percent": (order("TRAIL", "SELL", trailingPercent=20), "PreSubmitted"),
        "TRAIL LIMIT": (order("TRAIL LIMIT", "SELL", auxPrice=40, trailStopPrice=low, lmtPriceOffset=0.1), "PreSubmitted"),
        "MIT": (order("MIT", auxPrice=low), "PreSubmitted"),
        "LIT": (order("LIT", auxPrice=low, lmtPrice=low), "PreSubmitted"),
        "MOC": (order("MOC"), "PreSubmitted"),
        "LOC": (order("LOC", lmtPrice=low), "PreSubmitted"),
        "MIDPRICE": (order("MIDPRICE", lmtPrice=low), "Submitted"),
        "PEG MID": (order("PEG MID", lmtPrice=low), "Submitted"),
        "REL": (order("REL", lmtPrice=low, auxPrice=0.01), "Submitted"),
        "GTC": (order("LMT", lmtPrice=low, tif="GTC"), "Submitted"),
        "GTD": (order("LMT", lmtPrice=low, tif="GTD", goodTillDate="20260606 10:00:00 UTC"), "Submitted"),
        "good after": (order("LMT", lmtPrice=high, goodAfterTime="20260605 18:00:00 UTC"), "PreSubmitted"),
        "all or none": (order("LMT", lmtPrice=low, allOrNone=True), "Submitted"),
    }


KINDS = tuple(resting(ib_insync.Ticker(bid=100.0, ask=101.0)))


@pytest.mark.parametrize("kind", KINDS)
async def test_it_rests_as_ib_says_it_and_can_be_cancelled(ib, ticker, kind):
    wanted, status = resting(ticker)[kind]
    trade = ib.placeOrder(AAPL, wanted)
    await are(ib, [trade], status)
    ib.cancelOrder(wanted)
    await are(ib, [trade], "Cancelled")
    assert [code for _, code, _ in ib.errors] == [202]


@pytest.mark.parametrize("kind", KINDS)
async def test_it_comes_back_to_another_client_as_it_was_written(gateway, connect, ib, ticker, kind):
    wanted, status = resting(ticker)[kind]
    await are(ib, [ib.placeOrder(AAPL, wanted)], status)
    other = await connect(gateway, client_id=2)
    await other.reqAllOpenOrdersAsync()
    (seen,) = other.openOrders()
    for name in ("orderType", "action", "totalQuantity", "tif", "allOrNone", "goodTillDate", "goodAfterTime"):
        assert getattr(seen, name) == (getattr(wanted, name) or {"tif": "DAY"}.get(name, getattr(wanted, name)))
    for name in ("auxPrice", "trailingPercent"):
        if getattr(wanted, name) < 1e300:
            assert getattr(seen, name) == getattr(wanted, name)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_what_if_says_margin_and_commission_and_places_nothing(ib, ticker, kind):
    wanted, _ = resting(ticker)[kind]
    state = await ib.whatIfOrderAsync(AAPL, wanted)
    assert float(state.initMarginChange) > 0
    assert float(state.initMarginAfter) == pytest.approx(
        float(state.initMarginBefore) + float(state.initMarginChange), abs=0.02
    )
    assert (state.commission, state.commissionCurrency) == (1.0, "USD")
    assert await ib.reqAllOpenOrdersAsync() == []


async def test_a_stop_that_the_market_has_reached_is_elected_and_filled(ib, ticker):
    trade = ib.placeOrder(AAPL, order("STP", auxPrice=cents(ticker.ask + 40)))
    await are(ib, [trade], "PreSubmitted")
    assert trade.orderStatus.whyHeld == "trigger"
    trade.order.auxPrice = cents(ticker.bid - 40)
    ib.placeOrder(AAPL, trade.order)
    await are(ib, [trade], "Filled")
    assert ib.errors == []


async def test_a_trailing_stop_shows_where_it_is(gateway, connect, ib, ticker):
    await are(ib, [ib.placeOrder(AAPL, order("TRAIL", "SELL", auxPrice=40))], "PreSubmitted")
    await until(ib, lambda: ticker.last > 0)
    other = await connect(gateway, client_id=2)
    await other.reqAllOpenOrdersAsync()
    (seen,) = other.openOrders()
    assert abs(seen.trailStopPrice + 40 - ticker.last) < 2


async def test_price_size_and_time_in_force_are_changed_without_an_error(ib, ticker):
    trade = ib.placeOrder(AAPL, order("LMT", lmtPrice=cents(ticker.bid - 40)))
    await are(ib, [trade], "Submitted")
    trade.order.totalQuantity, trade.order.tif = 20, "GTC"
    trade.order.lmtPrice = cents(ticker.bid - 30)
    ib.placeOrder(AAPL, trade.order)
    await until(ib, lambda: trade.orderStatus.remaining == 20)
    assert (ib.errors, trade.orderStatus.status) == ([], "Submitted")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"action": "SELL"}, 105),
        ({"tif": "IOC"}, 105),
        ({"orderType": "MKT"}, 329),
        ({"totalQuantity": 1e7}, 134),
        ({"ocaGroup": "new"}, 10326),
        ({"lmtPrice": 100.001}, 110),
    ],
)
async def test_what_cannot_change_is_said_and_the_order_goes_on(ib, ticker, change, code):
    first = order("LMT", lmtPrice=cents(ticker.bid - 40))
    trade = ib.placeOrder(AAPL, first)
    await are(ib, [trade], "Submitted")
    ib.client.placeOrder(first.orderId, AAPL, ib_insync.Order(**{**ib_insync.util.dataclassNonDefaults(first), **change}))
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][:2] == (first.orderId, code)
    await are(ib, [trade], "Submitted")
    assert (trade.isActive(), trade.remaining(), ib.openTrades()) == (True, first.totalQuantity, [trade])


async def test_an_order_that_cannot_become_smaller_than_what_is_filled_goes_on(ib, ticker):
    trade = ib.placeOrder(AAPL, ib_insync.LimitOrder("BUY", 3_000, cents(ticker.ask)))
    await until(ib, lambda: trade.filled() > 0)
    trade.order.lmtPrice = cents(ticker.bid - 40)
    ib.placeOrder(AAPL, trade.order)
    await until(ib, lambda: trade.log[-1].message == "Modified")
    trade.order.totalQuantity = trade.filled()
    ib.placeOrder(AAPL, trade.order)
    await until(ib, lambda: ib.errors)
    assert ib.errors[-1][:2] == (trade.order.orderId, 134)
    await are(ib, [trade], "Submitted")
    assert (trade.isActive(), ib.openTrades(), trade.remaining()) == (True, [trade], 3_000 - trade.filled())
    trade.order.totalQuantity, trade.order.lmtPrice = 3_000, cents(ticker.ask + 5)
    ib.placeOrder(AAPL, trade.order)
    await are(ib, [trade], "Filled")


async def test_an_order_outside_its_hours_is_warned_of(make_gateway, connect):
    gateway = await make_gateway(start_ns=1_780_696_800_000_000_000)  # Friday 18:00 in New York
    ib = await connect(gateway)
    trade = ib.placeOrder(AAPL, order("LMT", lmtPrice=250.0))
    await until(ib, lambda: ib.errors)
    number, code, text = ib.errors[-1]
    assert (number, code) == (trade.order.orderId, 399)
    assert "will not be placed at the exchange until 2026-06-08 09:30:00 US/Eastern" in text
    await are(ib, [trade], "PreSubmitted")
