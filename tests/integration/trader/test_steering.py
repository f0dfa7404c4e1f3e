"""What people set: halts, limits, the kill switch. It holds at once, outlives restarts, and only operators may."""

import asyncio

import pytest
from msgspec.structs import replace
from support.field import Field
from support.field_trader import AAPL, EURUSD, FieldTrader

from atlas.bus.orders import (
    AccountRequest,
    CancelAll,
    Command,
    Kill,
    LimitsRequest,
    OrdersRequest,
    SetLimit,
    SetTradingState,
    WhatIfRequest,
)
from atlas.domain import BadInput, Cancel, Modify, Order, OrderKind, OrderStatus, Refused, Side, Submit, SubmitGroup
from atlas.trading.outcome import Verdict
from atlas.trading.trading_state import TradingState

HALT = SetTradingState(TradingState.HALTED, "too much noise")


def run(folder, scenario, *, accounts=("DU1000001",), **values):
    async def whole(field):
        trader = FieldTrader(field, folder, **values)
        await trader.begin()
        await scenario(field, trader)
        await trader.end()

    Field(hours="always", accounts=accounts).run(whole)


async def restarted(field, trader, **how):
    """The trader once more, on what the former one left."""
    await trader.end()
    again = FieldTrader(field, trader.folder, trader.store, operators=trader.values.operators)
    again.numbers = trader.numbers + 100
    await again.begin(**how)
    return again


def test_a_halt_holds_for_every_order_and_outlives_a_restart(tmp_path):
    async def scenario(field, trader):
        account = await trader.ask(HALT)
        assert (account.trading_state.state, account.trading_state.who) == (TradingState.HALTED, "cli")
        again = await restarted(field, trader)
        receipt = await again.submit(again.order())
        assert (receipt.verdict, receipt.denial.rule) == (Verdict.DENIED, "trading_state")
        assert "too much noise" in receipt.reason
        await again.ask(SetTradingState(TradingState.ACTIVE, ""))
        receipt = await again.submit(again.order())
        assert receipt.status is OrderStatus.PENDING
        await again.end()
        await trader.begin()

    run(tmp_path, scenario)


def test_a_broker_that_hangs_keeps_nobody_from_seeing_that_a_halt_holds(tmp_path):
    async def scenario(_field, trader):
        known = await trader.ask(AccountRequest())
        asked, real = [], trader.broker.account_values
        hung = asyncio.Event()

        async def hang(account):
            asked.append(account)
            await hung.wait()
            return await real(account)

        trader.broker.account_values = hang
        halted = await trader.ask(HALT)
        assert (asked, halted.trading_state.state, halted.values) == ([], TradingState.HALTED, known.values)
        unknown = await trader.ask(AccountRequest())
        assert (unknown.values, unknown.trading_state.state) == ({}, TradingState.HALTED)
        assert "has not answered within" in unknown.unknown
        await trader.ask(AccountRequest())
        assert len(asked) == 1, "it is asked once at a time"
        hung.set()
        assert (await trader.ask(AccountRequest())).unknown == ""

    run(tmp_path, scenario)


def test_reducing_lets_exits_out_and_nothing_in(tmp_path):
    async def scenario(_field, trader):
        bought = trader.order()
        await trader.submit(bought)
        await trader.until_status(bought, OrderStatus.FILLED)
        await trader.ask(SetTradingState(TradingState.REDUCING, ""))
        assert (await trader.submit(trader.order())).denial.rule == "trading_state"
        sold = trader.order(Side.SELL)
        await trader.submit(sold)
        await trader.until_status(sold, OrderStatus.FILLED)

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    "request_", [HALT, CancelAll(), Kill("x"), SetLimit("", "max_position", 1)], ids=lambda r: type(r).__name__
)
def test_only_operators_may_steer(tmp_path, request_):
    async def scenario(_field, trader):
        for peer in ("strategy", "climber", "127.0.0.1"):
            with pytest.raises(Refused, match=f"{peer} may not do that"):
                await trader.ask(request_, peer)
        assert (await trader.ask(AccountRequest(), "strategy")).trading_state.state is TradingState.ACTIVE
        await trader.ask(request_, "cli-trader")

    run(tmp_path, scenario, operators=("cli", "cli-*", "monitor"))


def test_only_operators_may_give_orders_as_the_operator(tmp_path):
    async def scenario(_field, trader):
        robots, persons = "strategy", "cli-trader"
        of_a_person = replace(trader.resting(), robot="operator")
        group = replace(trader.resting(), robot="operator"), trader.resting()
        for wanted in (Submit(of_a_person), SubmitGroup(group), SubmitGroup(group[::-1])):
            with pytest.raises(Refused, match="strategy may not do that: an order of operator"):
                await trader.ask(Command(wanted), robots)
        assert trader.store.orders == {}
        assert (await trader.ask(Command(Submit(of_a_person)), persons)).verdict is Verdict.ACCEPTED
        await trader.until_status(of_a_person, OrderStatus.WORKING)
        with pytest.raises(Refused, match="may not do that"):
            await trader.ask(Command(Modify("m-1", of_a_person.id, quantity=10_000.0)), robots)
        assert (await trader.ask(Command(Modify("m-2", of_a_person.id, quantity=10_000.0)), persons)).reason == ""
        assert (await trader.ask(Command(Modify("m-3", "nobody", quantity=1.0)), robots)).denial.rule == "order_id"
        assert (await trader.ask(Command(Cancel("c-1", of_a_person.id)), robots)).reason == ""
        await trader.until_status(of_a_person, OrderStatus.CANCELLED)

    run(tmp_path, scenario, operators=("cli", "cli-*", "monitor"))


def test_a_kill_halts_cancels_everything_with_one_message_and_flattens(tmp_path):
    async def scenario(field, trader):
        for instrument, quantity in ((EURUSD, 20_000), (AAPL, 100)):
            bought = trader.order(instrument=instrument, quantity=quantity)
            await trader.submit(bought)
            await trader.until_status(bought, OrderStatus.FILLED)
        resting = [await trader.working() for _ in range(30)]
        stop = await trader.working(side=Side.SELL)
        trader.cancelled.clear()

        answer = await trader.ask(Kill("enough", flatten=True))
        assert {*answer.order_ids} == {order.id for order in (*resting, stop)}
        assert trader.cancelled == [], "one message cancels them all"
        for order in (*resting, stop):
            await trader.until_status(order, OrderStatus.CANCELLED)
        await field.until(lambda: not trader.position(EURUSD) and not trader.position(AAPL))
        assert await trader.at_gateway() == {}
        assert len(answer.closing) == 2
        assert {trader.store.orders[order_id].order.robot for order_id in answer.closing} == {"operator"}
        assert (await trader.submit(trader.order())).denial.rule == "trading_state"

    run(tmp_path, scenario)


def test_orders_that_wait_to_be_sent_do_not_leave_after_a_kill(tmp_path):
    async def scenario(field, trader):
        trader.store.outage = "before"
        waiting = [trader.resting() for _ in range(5)]
        for order in waiting:
            await trader.submit(order)
        answer = await trader.ask(Kill("enough"))
        assert {*answer.order_ids} == {order.id for order in waiting}
        trader.store.outage = ""
        for order in waiting:
            await trader.until_status(order, OrderStatus.DENIED)
        assert trader.placed == []
        await field.until(lambda: trader.store.trading_state is not None)
        assert trader.store.trading_state.state is TradingState.HALTED

    run(tmp_path, scenario)


def test_a_halt_that_cannot_be_written_down_holds_all_the_same_and_says_so(tmp_path):
    async def scenario(field, trader):
        trader.store.outage = "before"
        await trader.submit(trader.resting())
        await field.until(lambda: trader.alarms.is_raised("database-away"))
        await trader.ask(HALT)
        await field.until(lambda: trader.alarms.is_raised("trading-state-unsaved"))
        assert (await trader.submit(trader.order())).verdict is Verdict.DENIED
        trader.store.outage = ""
        await field.until(lambda: not trader.alarms.raised)
        assert trader.store.trading_state.state is TradingState.HALTED

    run(tmp_path, scenario)


def test_a_stored_limit_that_is_none_by_now_is_an_alarm_and_the_others_hold(tmp_path):
    async def scenario(field, trader):
        trader.store.limits = {"": {"max_position": 9e18, "max_order_quantity": 5.0}, "instrument:NOPE": {"max_position": 1}}
        again = await restarted(field, trader, wait=False)
        await field.until(lambda: len(again.alarms.raised) == 2)
        assert {*again.alarms.raised} == {"limit-unusable::max_position", "limit-unusable:instrument:NOPE:max_position"}
        assert (await again.ask(LimitsRequest())).limits == {"": {"max_order_quantity": 5.0}}
        await again.end()
        await trader.begin(wait=False)

    run(tmp_path, scenario)


@pytest.mark.parametrize("name", ["AAPL", "AAPL@SMART@SMART"])
def test_an_order_in_what_is_no_instrument_at_all_is_turned_away_unwritten(tmp_path, name):
    async def scenario(_field, trader):
        with pytest.raises(BadInput, match="is not an instrument id"):
            await trader.submit(trader.order(instrument=name))
        assert trader.store.orders == {}

    run(tmp_path, scenario)


def test_all_orders_of_a_robot_or_an_instrument_can_be_cancelled(tmp_path):
    async def scenario(_field, trader):
        euro, apple = await trader.working(), await trader.working(instrument=AAPL, quantity=10)
        answer = await trader.ask(CancelAll(instrument=AAPL))
        assert answer.order_ids == [apple.id]
        await trader.until_status(apple, OrderStatus.CANCELLED)
        assert trader.status(euro) is OrderStatus.WORKING
        assert (await trader.ask(CancelAll(robot="another"))).order_ids == []
        assert (await trader.ask(CancelAll(robot="robot"))).order_ids == [euro.id]

    run(tmp_path, scenario)


def test_a_limit_that_was_set_holds_outlives_a_restart_and_can_be_ended(tmp_path):
    async def scenario(field, trader):
        limits = await trader.ask(SetLimit("robot:robot", "max_order_quantity", 1_000))
        assert limits.limits["robot:robot"] == {"max_order_quantity": 1_000}
        again = await restarted(field, trader)
        assert (await again.ask(LimitsRequest())).limits["robot:robot"] == {"max_order_quantity": 1_000}
        receipt = await again.submit(again.order())
        denial = receipt.denial
        assert (denial.rule, denial.found, denial.limit) == ("max_order_quantity", 20_000, 1_000)
        await again.ask(SetLimit("robot:robot", "max_order_quantity", None))
        assert (await again.submit(again.order())).status is OrderStatus.PENDING
        assert (await again.ask(SetLimit("robot:robot", "max_position", 1e6))).warning == ""
        for scope in ("robot:nobody", "account:DU9", "instrument:TSLA@SMART"):
            assert "nothing is known of the" in (await again.ask(SetLimit(scope, "max_position", 1))).warning
        with pytest.raises(BadInput, match="no limit 'max_ordr'"):
            await again.ask(SetLimit("", "max_ordr", 1))
        await again.end()
        await trader.begin()

    run(tmp_path, scenario)


def test_orders_and_what_an_order_would_do_are_told(tmp_path):
    async def scenario(_field, trader):
        first, second = await trader.working(), await trader.working()
        await trader.cancel(first)
        await trader.until_status(first, OrderStatus.CANCELLED)
        assert [state.order.id for state in (await trader.ask(OrdersRequest())).orders] == [second.id]
        assert {state.order.id for state in (await trader.ask(OrdersRequest(everything=True))).orders} == {first.id, second.id}
        assert (await trader.ask(OrdersRequest(robot="another"))).orders == []

        answer = await trader.ask(WhatIfRequest(trader.order(instrument=AAPL, quantity=100)))
        assert (answer.denial, answer.unknown) == (None, "")
        assert answer.commission == 1.0
        bare = Order("operator-bare", "operator", AAPL, Side.BUY, 100.0, OrderKind.LIMIT, limit_price=150.003)
        answer = await trader.ask(WhatIfRequest(bare))
        assert (answer.denial, answer.unknown) == (None, "")
        denied = await trader.ask(WhatIfRequest(trader.order(quantity=7.5)))
        assert denied.denial is not None
        account = await trader.ask(AccountRequest())
        assert account.values["net_liquidation"] > 0
        assert (account.unknown, account.blocked) == ("", {})
        await trader.cancel(second)

    run(tmp_path, scenario, accounts=("DU1000001", "DU1000002"))
