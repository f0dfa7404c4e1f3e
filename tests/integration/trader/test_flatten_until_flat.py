"""What a kill or a limit wants closed stays wanted until it is flat: whatever is away, however often it is asked."""

import asyncio
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from support.field import Field
from support.field_trader import EURUSD, FieldTrader, Watched

from atlas.bus.orders import CancelAll, Kill, SetLimit, SetTradingState
from atlas.domain import OrderStatus, Quote, Side, Unavailable
from atlas.trading.trading_state import TradingState

FLATTEN = Kill("enough", flatten=True)
RESUME = SetTradingState(TradingState.ACTIVE, "")
ALARM = f"not-closed:{EURUSD}"


def run(folder, scenario, **values):
    async def whole(field):
        trader = FieldTrader(field, folder, **values)
        await trader.begin()
        bought = trader.order()
        await trader.submit(bought)
        await trader.until_status(bought, OrderStatus.FILLED)
        await scenario(field, trader)
        await trader.end()

    Field(hours="always").run(whole)


async def restarted(field, trader, **how):
    await trader.end()
    again = FieldTrader(field, trader.folder, trader.store)
    again.numbers = trader.numbers + 100
    await again.begin(**how)
    return again


def closing(trader):
    return [state for state in trader.store.orders.values() if state.order.id.startswith("operator-closing-")]


@contextmanager
def link_down(trader):
    """The gateway is away for as long as this lasts."""
    with patch.object(Watched, "is_up", new=False):
        trader.engine.on_link_down("the cable is out")
        yield


async def flat(field, trader):
    await field.until(lambda: not trader.position())
    assert await trader.at_gateway() == {}
    assert [state.order.side for state in closing(trader) if state.status is OrderStatus.FILLED] == [Side.SELL]


def test_a_kill_while_the_database_is_away_says_what_is_not_closed_and_closes_when_it_is_back(tmp_path):
    async def scenario(field, trader):
        trader.store.outage = "before"
        await trader.submit(trader.resting())
        await field.until(lambda: trader.alarms.is_raised("database-away"))
        answer = await trader.ask(FLATTEN)
        assert answer.closing == []
        assert "database" in answer.not_closing[EURUSD]
        await field.until(lambda: trader.alarms.is_raised(ALARM))
        await asyncio.sleep(60)
        assert trader.position() == 20_000
        trader.store.outage = ""
        await flat(field, trader)
        await field.until(lambda: not trader.alarms.raised)

    run(tmp_path, scenario)


def test_a_kill_while_the_gateway_is_away_says_what_is_not_closed_and_closes_when_it_is_back(tmp_path):
    async def scenario(field, trader):
        with link_down(trader):
            answer = await trader.ask(FLATTEN)
            assert (answer.closing, answer.not_closing) == ([], {EURUSD: "the cable is out"})
            await field.until(lambda: trader.alarms.is_raised(ALARM))
            assert "the cable is out" in trader.alarms.raised[ALARM].text
            await asyncio.sleep(60)
            assert closing(trader) == [], "no order is made to be denied"
        trader.engine.on_link_up()
        await flat(field, trader)
        await field.until(lambda: not trader.alarms.raised)

    run(tmp_path, scenario)


@pytest.mark.parametrize("again", [FLATTEN, Kill("once more"), CancelAll(), CancelAll(instrument=EURUSD)], ids=repr)
def test_what_cancels_everything_leaves_closing_orders_alone(tmp_path, again):
    async def scenario(field, trader):
        turn, real = asyncio.Event(), trader.broker.place

        async def place(order, number, **how):
            await turn.wait()
            await real(order, number, **how)

        trader.broker.place = place
        [own] = (await trader.ask(FLATTEN)).closing
        await asyncio.sleep(1)
        second = await trader.ask(again)
        assert second.order_ids == []
        turn.set()
        await flat(field, trader)
        assert [state.order.id for state in closing(trader)] == [own]
        assert not trader.store.orders[own].cancel_requested

    run(tmp_path, scenario)


def test_what_is_to_be_closed_is_closed_by_the_next_run_of_the_trader(tmp_path):
    async def scenario(field, trader):
        with link_down(trader):
            await trader.ask(FLATTEN)
            await field.until(lambda: trader.store.trading_state is not None and trader.store.trading_state.flatten)
            await trader.engine.stop()
        again = await restarted(field, trader, wait=False)
        await flat(field, again)
        await field.until(lambda: not again.store.trading_state.flatten)
        assert again.store.trading_state.state is TradingState.HALTED
        await again.end()
        await trader.begin()

    run(tmp_path, scenario)


def test_what_a_limit_of_the_day_is_to_close_is_closed_by_the_next_run_of_the_trader(tmp_path):
    async def scenario(field, trader):
        await trader.ask(SetLimit("", "at_daily_limit", ["close_losers"]))
        await trader.ask(SetLimit("", "max_daily_loss", 50.0))
        with link_down(trader):
            for price in (1.2, 1.1):
                now = field.clock.now_ns()
                trader.engine.on_quote(Quote(EURUSD, price, price, 1e6, 1e6, now, now))
            await field.until(lambda: trader.alarms.is_raised("limit::max_daily_loss"))
            await field.until(lambda: trader.store.session is not None and trader.store.session.closing == [EURUSD])
            await trader.engine.stop()
        again = await restarted(field, trader, wait=False)
        await flat(field, again)
        await field.until(lambda: again.store.session.closing == [])
        await again.end()
        await trader.begin(wait=False)

    run(tmp_path, scenario)


def test_letting_trading_go_on_ends_what_is_to_be_closed(tmp_path):
    async def scenario(field, trader):
        with link_down(trader):
            await trader.ask(FLATTEN)
            await trader.ask(SetTradingState(TradingState.HALTED, "still"))
            await field.until(lambda: trader.alarms.is_raised(ALARM))
            await field.until(lambda: trader.store.trading_state.reason == "still" and trader.store.trading_state.flatten)
            await trader.ask(RESUME)
            assert not trader.alarms.is_raised(ALARM)
        trader.engine.on_link_up()
        await trader.ready()
        await asyncio.sleep(60)
        assert trader.position() == 20_000
        assert closing(trader) == []
        assert not trader.store.trading_state.flatten

    run(tmp_path, scenario)


def test_a_closing_order_that_ends_unfilled_is_followed_by_another_ever_later_until_it_is_flat(tmp_path):
    async def scenario(field, trader):
        real, sent = trader.broker.place, []

        async def place(order, number, **how):
            sent.append(order.id)
            if len(sent) <= 5:
                raise Unavailable("the gateway did not answer")
            await real(order, number, **how)

        trader.broker.place = place
        await trader.ask(FLATTEN)
        await field.until(lambda: trader.alarms.is_raised(ALARM))
        await flat(field, trader)
        assert len(closing(trader)) == 6
        await field.until(lambda: not trader.alarms.is_raised(ALARM))

    run(tmp_path, scenario)
