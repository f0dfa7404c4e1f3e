"""Our own connection against the gateway: how it begins, asks, is turned away, and ends. In virtual time and in memory."""

import asyncio

import pytest
from support.field import Field

from atlas.domain import Refused, Unavailable, UnknownInstrument
from atlas.ib.contracts import to_contract
from atlas.ib.library import Order
from atlas.ib.link import Effect, LinkState
from atlas.ib.session import RequestFailed
from ib_gateway.simulator.faults import (
    AnswerError,
    ConnectivityLost,
    Delay,
    Disconnect,
    Drop,
    FarmOutage,
    Notice,
    PortReset,
    Restart,
)

EURUSD = "EUR.USD@IDEALPRO"


async def trade(connection):
    """Buy a little at the market."""
    contract = to_contract(await connection.instrument(EURUSD))
    order = Order(action="BUY", totalQuantity=20_000, orderType="MKT", tif="DAY", account="DU1000001")
    connection.ib.client.placeOrder(connection.next_order_id(), contract, order)


def test_a_session_begins_proven_and_knows_its_accounts_farms_and_next_order_id():
    async def scenario(field):
        connection = field.connection()
        assert connection.state is LinkState.CLOSED
        await connection.open(orders=True)
        farms = {name: farm.state.value for name, farm in connection.link.farms.by_name.items()}
        return connection.is_up, connection.accounts, connection.next_order_id(), farms, connection.problem

    connected = dict.fromkeys(("usfarm", "ushmds", "secdefil"), "connected")
    assert Field(accounts=("DU1", "DU2")).run(scenario) == (True, ["DU1", "DU2"], 1, connected, "")


def test_a_login_without_our_account_is_refused_with_those_that_it_has():
    async def scenario(field):
        connection = field.connection(account="U7654321")
        with pytest.raises(Refused, match="no account U7654321, only DU1000001"):
            await connection.open(orders=True)
        return connection.state

    assert Field().run(scenario) is LinkState.REFUSED


def test_nobody_at_the_port_is_said_so_and_tried_again_until_the_time_is_over():
    async def scenario(field):
        field.inject(Restart(down_seconds=30))
        connection = field.connection()
        with pytest.raises(Unavailable, match="nothing listens"):
            await connection.open_within(10, orders=False)
        assert field.loop.time() == pytest.approx(10)
        assert connection.state is LinkState.CLOSED
        await connection.open_within(60, orders=False)
        return connection.is_up

    assert Field().run(scenario)


def test_round_trips_at_the_same_time_are_one():
    async def scenario(field):
        connection = await field.connected()
        sent = connection.ib.client.conn.numMsgSent
        times = await asyncio.gather(*(connection.round_trip() for _ in range(20)))
        return len(set(times)), connection.ib.client.conn.numMsgSent - sent

    assert Field().run(scenario) == (1, 1)


def test_what_comes_is_heard_in_every_state_of_the_link():
    async def scenario(field):
        connection = await field.connected()
        executions = []
        connection.tap("execDetails", lambda _, __, execution: executions.append((connection.state, execution.execId)))
        field.inject(Delay(message="Execution", delay_seconds=17.0))
        await trade(connection)
        field.inject(Drop(message="CurrentTime", direction="request"))
        await field.until(lambda: executions, 60)
        return executions

    ((state, _),) = Field().run(scenario)
    assert state is LinkState.HALF_OPEN


def test_an_error_in_place_of_an_answer_is_no_empty_answer():
    async def scenario(field):
        connection = await field.connected()
        field.inject(AnswerError(message="ContractDetails", code=322, text="Error processing request", count=1))
        with pytest.raises(RequestFailed, match="322"):
            await connection.instrument(EURUSD)
        assert (await connection.instrument(EURUSD)).con_id == 12087792
        with pytest.raises(UnknownInstrument):
            await connection.instrument("NOSUCHTHING@SMART")

    Field().run(scenario)


def test_without_the_broker_a_question_is_unknown_at_once_and_the_gateway_answers_for_itself():
    async def scenario(field):
        connection = await field.connected()
        field.inject(ConnectivityLost())
        await field.until(lambda: connection.state is LinkState.BROKER_LOST)
        begun = field.loop.time()
        with pytest.raises(Unavailable, match="has lost the broker"):
            await connection.ask(connection.ib.reqPositionsAsync, "positions")
        assert field.loop.time() == begun
        return await connection.round_trip()

    assert Field().run(scenario) > 0


@pytest.mark.parametrize("code", [2103, 2105, 2157])
def test_a_broken_farm_is_known_by_name_and_the_link_stays_up(code):
    async def scenario(field):
        changes = []
        connection = await field.connected(on_farm=changes.append)
        field.inject(Notice(code=code, farm="cashfarm"))
        await field.until(lambda: connection.link.farms.broken)
        return connection.link.farms.broken, connection.is_up, changes[-1].farm.name

    assert Field().run(scenario) == (("cashfarm",), True, "cashfarm")


def test_the_recovery_of_a_farm_is_told():
    async def scenario(field):
        changes = []
        await field.connected(on_farm=changes.append)
        field.inject(FarmOutage(farm="ushmds", for_seconds=30))
        await field.until(lambda: any(change.recovered for change in changes))
        return [(change.farm.name, change.farm.state.value) for change in changes[-2:]]

    assert Field().run(scenario) == [("ushmds", "broken"), ("ushmds", "connected")]


def test_a_port_reset_is_a_state_and_then_a_loss_like_any_other():
    async def scenario(field):
        states = []
        connection = await field.connected()
        connection.tap("error", lambda _, code, *__: states.append((code, connection.state)))
        field.inject(PortReset())
        await field.until(lambda: Effect.RECONCILE in field.effects)
        return dict(states)[1300], connection.is_up

    # the tap that came last is called first: at that moment the link has not heard of it
    assert Field().run(scenario) == (LinkState.UP, True)


def test_it_can_be_told_to_stay_open_before_it_ever_was():
    async def scenario(field):
        opened = []

        async def on_open():
            opened.append(connection.is_up)

        connection = field.connection()
        field.keep(connection.stay_open(orders=False, on_open=on_open))
        await field.until(lambda: opened)
        field.inject(Disconnect())
        await field.until(lambda: len(opened) == 2)
        return opened

    assert Field().run(scenario) == [True, True]


def test_closing_is_no_loss():
    async def scenario(field):
        lost = []
        connection = field.connection(on_lost=lambda: lost.append("lost"))
        await connection.open(orders=False)
        connection.close()
        await asyncio.sleep(60)
        with pytest.raises(Unavailable):
            await connection.round_trip()
        return lost, connection.state, field.history

    assert Field().run(scenario) == ([], LinkState.CLOSED, [])


def test_the_same_seed_and_the_same_faults_give_the_same_run():
    async def scenario(field):
        connection = await field.connected()
        field.inject(Restart(down_seconds=100))
        await field.until(lambda: not connection.is_up)
        await field.until(lambda: connection.is_up)
        return field.loop.time(), field.history

    assert Field().run(scenario) == Field().run(scenario)
