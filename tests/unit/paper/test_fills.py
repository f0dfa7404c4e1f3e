"""The plainest rules, which are the default; and what can be switched on."""

import pytest
from support.paper import AAPL, ES, EURUSD, NOON, codes, commissions, fills, order, statuses

from atlas.domain import NS_PER_SECOND, OrderKind, Side, TimeInForce

BUY, SELL = Side.BUY, Side.SELL
TIF = TimeInForce


@pytest.mark.parametrize(("side", "price"), [(BUY, 100.2), (SELL, 100.0)])
async def test_a_market_order_fills_whole_and_at_once_at_the_first_level_whatever_it_displays(desk, side, price):
    desk.quote(AAPL, 100.0, 100.2, 1, 1)
    told = await desk.place(order(AAPL, side, 500))
    assert fills(told) == [(side.value, 500, price)]
    assert statuses(told) == ["working", "filled"]
    assert commissions(told) == [0.0]


@pytest.mark.parametrize(
    ("side", "limit", "quotes"),
    [
        (BUY, 99.5, [(99.4, 99.6), (99.4, 99.51), (99.3, 99.5)]),
        (SELL, 100.5, [(100.4, 100.6), (100.49, 100.7), (100.5, 100.7)]),
    ],
)
async def test_a_limit_order_waits_until_the_first_level_is_at_its_limit(desk, side, limit, quotes):
    desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.place(order(AAPL, side, 10, limit))) == []
    for bid, ask in quotes[:-1]:
        desk.quote(AAPL, bid, ask)
        assert fills(await desk.heard()) == []
    desk.quote(AAPL, *quotes[-1])
    assert fills(await desk.heard()) == [(side.value, 10, limit)]


async def test_a_limit_order_that_the_market_is_beyond_gets_the_better_price(desk):
    desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.place(order(AAPL, BUY, 10, 101.0))) == [("buy", 10, 100.2)]


async def test_a_stop_is_triggered_and_then_is_a_market_order(desk):
    desk.quote(AAPL, 100.0, 100.2)
    await desk.place(order(AAPL, SELL, 10, kind=OrderKind.STOP, stop_price=99.0))
    desk.quote(AAPL, 99.1, 99.3)
    assert fills(await desk.heard()) == []
    desk.quote(AAPL, 98.8, 99.0)
    assert fills(await desk.heard()) == [("sell", 10, 98.8)]


async def test_an_untriggered_stop_limit_and_take_profit_stand_for_days_until_they_are_triggered(desk):
    desk.quote(AAPL, 100.0, 100.2)
    stop = order(AAPL, SELL, 10, 97.0, kind=OrderKind.STOP_LIMIT, stop_price=98.0, time_in_force=TIF.GTC)
    take = order(AAPL, SELL, 10, kind=OrderKind.MARKET_IF_TOUCHED, stop_price=103.0, time_in_force=TIF.GTC)
    take_limit = order(AAPL, SELL, 10, 104.5, kind=OrderKind.LIMIT_IF_TOUCHED, stop_price=104.0, time_in_force=TIF.GTC)
    for one in (stop, take, take_limit):
        await desk.place(one)
    for _ in range(5):
        desk.pass_time(86_400)
        desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.heard()) == []
    assert {one.order_id for one in (await desk.snapshot()).open_orders} == {stop.id, take.id, take_limit.id}
    desk.quote(AAPL, 97.9, 98.0)
    assert fills(await desk.heard()) == [("sell", 10, 97.9)]
    desk.quote(AAPL, 103.2, 103.4)
    assert fills(await desk.heard()) == [("sell", 10, 103.2)]
    desk.quote(AAPL, 104.1, 104.3)
    assert fills(await desk.heard()) == []
    desk.quote(AAPL, 104.6, 104.8)
    assert fills(await desk.heard()) == [("sell", 10, 104.6)]


@pytest.mark.parametrize("tif", [TIF.IOC, TIF.FOK])
async def test_what_must_fill_at_once_and_cannot_is_cancelled(desk, tif):
    desk.quote(AAPL, 100.0, 100.2)
    told = await desk.place(order(AAPL, BUY, 10, 100.1, time_in_force=tif))
    assert (fills(told), statuses(told), codes(told)) == ([], ["working", "cancelled"], [202])


async def test_an_order_good_till_a_date_ends_then(desk):
    desk.quote(AAPL, 100.0, 100.2)
    await desk.place(order(AAPL, BUY, 10, 99.0, time_in_force=TIF.GTD, good_till_ns=NOON + 60 * NS_PER_SECOND))
    desk.pass_time(59)
    assert await desk.heard() == []
    desk.pass_time(2)
    assert statuses(await desk.heard()) == ["expired"]
    desk.quote(AAPL, 98.0, 98.5)
    assert await desk.heard() == []


async def test_a_market_order_without_any_quote_waits_for_the_first(desk):
    assert fills(await desk.place(order(AAPL, BUY, 10))) == []
    desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.heard()) == [("buy", 10, 100.2)]


async def test_partial_fills_when_switched_on_go_by_what_is_displayed(make_desk):
    desk = make_desk(partial_fills=True)
    desk.quote(AAPL, 100.0, 100.2, 30, 40)
    told = await desk.place(order(AAPL, BUY, 100))
    assert (fills(told), statuses(told)) == ([("buy", 40, 100.2)], ["working", "working"])
    desk.quote(AAPL, 100.0, 100.3, 30, 100)
    told = await desk.heard()
    assert (fills(told), statuses(told)) == ([("buy", 60, 100.3)], ["filled"])


async def test_fees_when_switched_on_are_those_of_the_price_list(make_desk):
    desk = make_desk(fees="ib")
    desk.quote(AAPL, 100.0, 100.2)
    desk.quote(ES, 5000.0, 5000.25)
    assert commissions(await desk.place(order(AAPL, BUY, 1000))) == [5.0]
    assert commissions(await desk.place(order(ES, SELL, 2))) == [4.5]


async def test_slippage_when_switched_on_makes_fills_worse(make_desk):
    desk = make_desk(slippage_ticks=2, slippage_percent=0.01)
    desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.place(order(AAPL, BUY, 10))) == [("buy", 10, 100.24)]


async def test_an_order_on_its_way_meets_the_market_that_it_finds_when_it_arrives(make_desk):
    desk = make_desk(latency_ms=200)
    desk.quote(AAPL, 100.0, 100.2)
    told = await desk.place(order(AAPL, BUY, 10))
    assert (fills(told), statuses(told)) == ([], ["received"])
    desk.clock.advance(NS_PER_SECOND // 10)
    desk.quote(AAPL, 100.5, 100.7)
    assert await desk.heard() == []
    desk.clock.advance(NS_PER_SECOND // 5)
    desk.quote(AAPL, 101.0, 101.2)  # it arrived before this, and met the quote before
    assert fills(await desk.heard()) == [("buy", 10, 100.7)]


async def test_a_cancellation_on_its_way_is_no_cancellation_yet(make_desk):
    desk = make_desk(latency_ms=200)
    desk.quote(AAPL, 100.0, 100.2)
    await desk.place(order(AAPL, BUY, 10, 99.0), 1)
    desk.pass_time(1)
    assert statuses(await desk.heard()) == ["working"]
    assert statuses(await desk.cancel(1)) == ["cancelling"]
    desk.quote(AAPL, 98.9, 99.0)
    told = await desk.heard()
    assert fills(told) == [("buy", 10, 99.0)]
    desk.pass_time(1)
    assert codes(await desk.heard()) == [10148]


async def test_a_silent_market_does_not_keep_a_request_from_arriving(make_desk):
    desk = make_desk(latency_ms=200)
    desk.quote(AAPL, 100.0, 100.2)
    await desk.place(order(AAPL, BUY, 10))
    desk.pass_time(0.3)
    assert fills(await desk.heard()) == [("buy", 10, 100.2)]


async def test_after_a_gap_in_the_market_nothing_fills_at_what_was_quoted_before(desk):
    desk.quote(AAPL, 100.0, 100.2)
    desk.broker.on_gap()
    assert fills(await desk.place(order(AAPL, BUY, 10))) == []
    desk.quote(AAPL, 90.0, 90.2)
    assert fills(await desk.heard()) == [("buy", 10, 90.2)]


async def test_the_time_of_an_execution_is_when_the_quote_was_received(desk):
    desk.quote(EURUSD, 1.1, 1.1001)
    await desk.place(order(EURUSD, BUY, 20_000, 1.0999))
    desk.clock.advance(NS_PER_SECOND)
    desk.quote(EURUSD, 1.0998, 1.0999)
    (execution, *_) = await desk.heard()
    assert execution.at_ns == NOON + NS_PER_SECOND
