"""What the broker knows, asked for: whole, or unknown; never half, never empty for want of an answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.ib_desk import IbDesk, ib_desk

from atlas.domain import (
    Commission,
    Execution,
    Order,
    OrderKind,
    Side,
    TimeInForce,
    Unavailable,
    UnknownInstrument,
    execution_base,
    execution_revision,
)
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus, Known, Unknown
from ib_gateway.simulator.broker.orders import OrderRules
from ib_gateway.simulator.faults import ConnectivityLost, CorrectExecution, Disconnect, Drop, Freeze
from ib_gateway.simulator.messages import Contract, Ticket
from tests.contract.conftest import eventually

EURUSD, AAPL, ES = "EUR.USD@IDEALPRO", "AAPL@SMART", "ES-202609@CME"
ACCOUNT = "DU1000001"
HALVES = """<?xml version="1.0" encoding="UTF-8"?>
<ListOfGroups>
  <Group>
    <name>Halves</name>
    <ListOfAccts varName="list"><String>DU1000011</String><String>DU1000012</String></ListOfAccts>
    <defaultMethod>Equal</defaultMethod>
  </Group>
</ListOfGroups>"""


@pytest.fixture
async def desk(gateway) -> AsyncIterator[IbDesk]:
    async with ib_desk(gateway, seconds=2.0) as desk:
        for one in (EURUSD, AAPL):
            await desk.broker.instrument(one)
        yield desk


def buy(number: int, quantity: float = 10.0, **values: object) -> Order:
    return Order(f"robot-{number}-0", "robot", AAPL, Side.BUY, quantity, account=ACCOUNT, **values)  # type: ignore[arg-type]


def resting(number: int) -> Order:
    return buy(number, kind=OrderKind.LIMIT, limit_price=20.0)


def said(desk, kind):
    return [report for report in desk.reports if isinstance(report, kind)]


async def filled(desk, order):
    await desk.place(order)
    await desk.until(lambda: said(desk, Commission))


async def test_nothing_is_known_as_nothing(desk):
    snapshot = await desk.snapshot()
    assert (snapshot.open_orders, snapshot.completed_orders, snapshot.executions, snapshot.positions) == ((), (), (), {})


async def test_orders_executions_commissions_and_positions_are_in_it(desk):
    await filled(desk, buy(1))
    number = await desk.place(resting(2))
    await desk.shown(resting(2))
    snapshot = await desk.snapshot()
    (standing,) = snapshot.open_orders
    assert (standing.order_id, standing.broker_order_id, standing.status) == ("robot-2-0", number, BrokerStatus.WORKING)
    (done,) = snapshot.completed_orders
    assert (done.order_id, done.status, done.reason) == ("robot-1-0", BrokerStatus.FILLED, "Filled Size: 10")
    assert done.terms.account == ACCOUNT
    executions = snapshot.executions
    assert {one.order_id for one in executions} == {"robot-1-0"}
    assert sum(one.quantity for one in executions) == 10.0
    assert {one.execution_id for one in snapshot.commissions} == {one.id for one in executions}
    assert snapshot.positions == {ACCOUNT: {AAPL: 10.0}}
    assert set(executions) == set(said(desk, Execution))
    assert set(snapshot.commissions) == set(said(desk, Commission))


async def test_a_fresh_connection_knows_as_much_as_one_that_saw_it_happen(gateway, desk):
    await filled(desk, buy(1))
    await desk.place(resting(2))
    await desk.shown(resting(2))
    seen = await desk.snapshot()
    async with ib_desk(gateway, client_id=1 + 1) as other:
        await other.broker.instrument(AAPL)
        found = await other.snapshot()
    assert (found.executions, found.commissions, found.positions) == (seen.executions, seen.commissions, seen.positions)
    assert [(one.order_id, one.perm_id, one.terms) for one in found.open_orders] == [
        (one.order_id, one.perm_id, one.terms) for one in seen.open_orders
    ]
    assert [one.ours for one in (*found.open_orders, *seen.open_orders)] == [False, True]


async def test_orders_by_hand_are_there_with_their_full_terms(gateway, desk):
    ticket = Ticket(action="SELL", quantity=7.0, order_type="STP", aux_price=20.0, time_in_force="GTC", account=ACCOUNT)
    perm_id = gateway.terminal.enter_order(Contract(con_id=265598, exchange="SMART"), ticket)
    (found,) = (await desk.snapshot()).open_orders
    assert (found.order_id, found.broker_order_id, found.perm_id, found.ours) == ("", 0, perm_id, False)
    assert found.terms == Order(
        "", "", AAPL, Side.SELL, 7.0, OrderKind.STOP, stop_price=20.0, account=ACCOUNT, time_in_force=found.terms.time_in_force
    )


async def test_an_instrument_that_only_others_trade_is_learned_and_has_our_name(gateway, desk):
    async with ib_desk(gateway, client_id=2) as other:
        await other.broker.instrument(ES)
        await other.place(Order("other-1-0", "other", ES, Side.BUY, 1.0, account=ACCOUNT))
        await other.until(lambda: said(other, Commission))
    snapshot = await desk.snapshot()
    assert snapshot.positions == {ACCOUNT: {ES: 1.0}}
    assert {one.instrument for one in snapshot.executions} == {ES}
    assert snapshot.instruments == {ES: await other.broker.instrument(ES)}
    assert {one.order_id for one in snapshot.executions} == {"other-1-0"}, "the reference travels with the execution"


@pytest.mark.parametrize("end", ["OpenOrderEnd", "CompletedOrdersEnd", "ExecutionsEnd", "PositionEnd"])
async def test_a_list_whose_end_does_not_come_is_unknown_and_not_what_came_of_it(gateway, desk, end):
    await filled(desk, buy(1))
    await desk.place(resting(2))
    await desk.shown(resting(2))
    gateway.faults.inject(Drop(message=end, count=1))
    answer = await desk.broker.snapshot()
    assert isinstance(answer, Unknown)
    assert "did not answer" in answer.reason
    assert len((await desk.snapshot()).open_orders) == 1, "and the next question is answered"


async def test_a_late_end_of_a_question_that_was_given_up_does_not_cut_the_next_answer_short(gateway, desk):
    for number in (1, 2, 3):
        await desk.place(resting(number))
        await desk.shown(resting(number))
    stopped = gateway.faults.inject(Freeze())
    assert isinstance(await desk.broker.snapshot(), Unknown)
    gateway.faults.clear(stopped)
    await eventually(lambda: desk.broker.is_up)
    assert len((await desk.snapshot()).open_orders) == 3


async def test_a_connection_that_breaks_while_it_is_asked_makes_the_answer_unknown(gateway, desk):
    gateway.faults.inject(Drop(message="ExecutionsEnd", count=1))
    asking = asyncio.create_task(desk.broker.snapshot())
    await eventually(lambda: not gateway.faults.active())
    gateway.faults.inject(Disconnect())
    assert isinstance(await asking, Unknown)


async def test_a_broker_that_is_lost_while_it_is_asked_makes_the_answer_unknown(gateway, desk):
    """The gateway goes on answering, from what it remembers."""
    asking = asyncio.create_task(desk.broker.snapshot())
    lost = gateway.faults.inject(ConnectivityLost())
    assert isinstance(await asking, Unknown)
    gateway.faults.clear(lost)


async def test_an_order_is_not_sent_where_nobody_listens(desk):
    desk.connection.close()
    for refused in (desk.broker.place(buy(1), 1), desk.broker.cancel(1), desk.broker.cancel_all()):
        with pytest.raises(Unavailable, match="was not sent"):
            await refused
    assert isinstance(await desk.broker.snapshot(), Unknown)
    assert isinstance(await desk.broker.what_if(buy(1)), Unknown)


# Reports


async def test_a_cancel_is_on_its_way_until_the_broker_says_that_it_is_done(desk):
    number = await desk.place(resting(1))
    await desk.shown(resting(1))
    await desk.broker.cancel(number)
    await desk.until(lambda: desk.said_of("robot-1-0")[-1].status is BrokerStatus.CANCELLED)
    await desk.until(lambda: said(desk, BrokerError))
    assert [(error.broker_order_id, error.code) for error in said(desk, BrokerError)] == [(number, 202)]


async def test_cancelling_what_the_broker_does_not_know_is_answered_for_that_number(desk):
    await desk.broker.cancel(4711)
    (error,) = await desk.until(lambda: said(desk, BrokerError))
    assert (error.broker_order_id, error.code) == (4711, 10147)


async def test_requests_do_not_get_the_numbers_of_orders(desk):
    await desk.broker.place(resting(1), 1_000)
    assert desk.broker.next_order_id() > 1_000


async def test_the_error_of_a_question_is_not_taken_for_that_of_an_order_of_the_same_number(desk):
    number = desk.broker.next_order_id() + 1
    asking = asyncio.create_task(desk.broker.instrument("NOSUCH@SMART"))
    await eventually(lambda: desk.connection.ib.client._reqIdSeq > number)
    await desk.broker.place(resting(1), number)
    with pytest.raises(UnknownInstrument):
        await asking
    await desk.shown(resting(1))
    assert said(desk, BrokerError) == []


async def test_all_orders_of_the_login_can_be_cancelled_at_once(gateway, desk):
    async with ib_desk(gateway, client_id=2) as other:
        await other.broker.instrument(AAPL)
        for one, number in ((desk, 1), (other, 2)):
            await one.place(resting(number))
            await one.shown(resting(number))
        await desk.broker.cancel_all()
        for one, name in ((desk, "robot-1-0"), (other, "robot-2-0")):
            await one.until(lambda one=one, name=name: one.said_of(name)[-1].status is BrokerStatus.CANCELLED)
    assert (await desk.snapshot()).open_orders == ()


async def test_a_correction_comes_as_the_same_execution_with_a_higher_last_part(gateway, desk):
    await filled(desk, buy(1))
    execution = said(desk, Execution)[0]
    gateway.faults.inject(CorrectExecution(execution_id=execution.id, price=1.0))
    corrected = await desk.until(lambda: next((one for one in said(desk, Execution) if one.price == 1.0), None))
    assert (corrected.quantity, corrected.order_id, corrected.perm_id) == (execution.quantity, "robot-1-0", execution.perm_id)
    assert execution_base(corrected.id) == execution_base(execution.id)
    assert execution_revision(corrected.id) == execution_revision(execution.id) + 1
    assert corrected in (await desk.snapshot()).executions


async def test_a_modification_goes_out_under_the_same_number(desk):
    number = await desk.place(resting(1))
    await desk.shown(resting(1))
    await desk.broker.place(buy(1, quantity=20.0, kind=OrderKind.LIMIT, limit_price=21.0), number)
    changed = await desk.until(lambda: [one for one in desk.said_of("robot-1-0") if one.terms and one.quantity == 20.0])
    assert (changed[0].limit_price, changed[0].broker_order_id) == (21.0, number)
    assert len((await desk.snapshot()).open_orders) == 1


async def test_a_bracket_waits_at_the_broker_for_its_last_leg_and_its_legs_name_their_parent(desk):
    entry = resting(1)
    stop = Order(
        "robot-1-1", "robot", AAPL, Side.SELL, 10.0, OrderKind.STOP, stop_price=10.0, account=ACCOUNT, parent_id=entry.id
    )
    number = await desk.place(entry, transmit=False)
    await desk.place(stop, parent_id=number)
    await desk.until(lambda: desk.said_of(entry.id) and desk.said_of(entry.id)[-1].status is BrokerStatus.WORKING)
    found = {one.order_id: one for one in (await desk.snapshot()).open_orders}
    assert found[stop.id].terms.parent_id == entry.id
    assert found[entry.id].status is BrokerStatus.WORKING


async def test_an_order_whose_time_is_over_has_expired(gateway, desk):
    end = (gateway.time.now_ns // 10**9 + 2) * 10**9
    order = buy(1, kind=OrderKind.LIMIT, limit_price=20.0, time_in_force=TimeInForce.GTD, good_till_ns=end)
    await desk.place(order)
    await desk.until(lambda: desk.said_of(order.id) and desk.said_of(order.id)[-1].status is BrokerStatus.EXPIRED)
    (done,) = (await desk.snapshot()).completed_orders
    assert done.status is BrokerStatus.EXPIRED


async def test_a_number_of_an_order_of_another_client_is_not_taken_for_ours(make_gateway):
    gateway = await make_gateway(orders=OrderRules(master_client_id=1))
    async with ib_desk(gateway, client_id=1) as master, ib_desk(gateway, client_id=2) as other:
        for one in (master, other):
            await one.broker.instrument(AAPL)
        await master.broker.place(resting(1), 100)
        await master.shown(resting(1))
        await other.broker.place(buy(2), 100)
        await master.until(lambda: [one for one in said(master, Execution) if one.order_id == "robot-2-0"])
        assert {one.order_id for one in said(master, Execution)} == {"robot-2-0"}
        foreign = [one for one in said(master, BrokerOrder) if one.client_id == 2]
        assert {one.order_id for one in foreign} == {"robot-2-0"}
        assert {one.ours for one in foreign} == {False}


# Accounts


async def test_an_account_is_told_in_its_base_currency_with_its_cash(desk):
    answer = await desk.broker.account_values(ACCOUNT)
    assert isinstance(answer, Known)
    values = answer.value
    assert (values.account, values.currency, values.net_liquidation) == (ACCOUNT, "USD", 1_000_000.0)
    assert values.cash == {"USD": 1_000_000}
    assert values.buying_power > 0
    assert values.excess_liquidity == 1_000_000.0


async def test_an_account_that_is_not_of_the_login_is_unknown_and_not_poor(desk):
    assert isinstance(await desk.broker.account_values("DU9"), Unknown)


async def test_asking_for_an_account_leaves_no_subscription_behind(desk):
    heard: list[int] = []
    desk.connection.tap("accountUpdateMulti", lambda number, *_: heard.append(number))
    for _ in range(3):
        await desk.broker.account_values(ACCOUNT)
    client = desk.connection.ib.client
    mine = client.getReqId()
    client.reqAccountUpdatesMulti(mine, ACCOUNT, "", False)
    await desk.broker.round_trip()
    heard.clear()
    await filled(desk, buy(1))
    await eventually(lambda: heard)
    await desk.broker.round_trip()
    assert set(heard) == {mine}, "only the one that was not cancelled is kept up"


# Advisors


async def test_an_order_for_a_group_of_an_advisors_accounts_comes_back_and_its_parts_go_to_their_accounts(make_gateway):
    gateway = await make_gateway(accounts=("DF1000001", "DU1000011", "DU1000012"))
    async with ib_desk(gateway) as desk:
        await desk.broker.instrument(AAPL)
        desk.connection.ib.client.replaceFA(desk.connection.ib.client.getReqId(), 1, HALVES)
        order = Order("robot-1-0", "robot", AAPL, Side.BUY, 100.0, advisor_group="Halves", advisor_method="Equal")
        await desk.place(order)
        shown = await desk.shown(order)
        assert (shown.terms.advisor_group, shown.terms.advisor_method, shown.terms.account) == ("Halves", "Equal", "")
        await desk.until(lambda: sum(one.quantity for one in said(desk, Execution)) == 100.0)
        parts = (await desk.snapshot()).positions
    assert parts == {"DU1000011": {AAPL: 50.0}, "DU1000012": {AAPL: 50.0}}
    assert {(one.account, one.order_id) for one in said(desk, Execution)} == {
        ("DU1000011", "robot-1-0"),
        ("DU1000012", "robot-1-0"),
    }
