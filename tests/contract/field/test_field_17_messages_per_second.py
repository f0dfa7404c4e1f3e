"""More than 50 messages in a second are turned away (100), and in the end the client is cut off; orders wait behind data.

Here one bucket stands before the socket writer: never more than the share in a second, orders before everything else, and the
client library's own queue, which would hide them, is off.
"""

import asyncio

import pytest
from support.field import Field

from atlas.ib.contracts import to_contract
from atlas.ib.library import Order
from atlas.ib.limiter import Limiter, Priority
from ib_gateway.simulator.rules import Rules

EURUSD = "EUR.USD@IDEALPRO"


async def instrument_rows(connection, count):
    """So many data requests, all at once."""
    contract = to_contract(await connection.instrument(EURUSD))
    answered = []

    async def request(number):
        await connection.limiter.turn(Priority.DATA)
        await connection.ib.reqContractDetailsAsync(contract)
        answered.append(number)

    return answered, [asyncio.create_task(request(number)) for number in range(count)]


async def place(connection, contract):
    await connection.limiter.turn(Priority.ORDER)
    order = Order(action="BUY", totalQuantity=20_000, orderType="LMT", lmtPrice=0.9, tif="GTC", account="DU1000001")
    connection.ib.client.placeOrder(connection.next_order_id(), contract, order)


def test_two_hundred_requests_at_once_never_reach_the_brokers_limit():
    async def scenario(field):
        connection = await field.connected(limiter=Limiter(45))
        _, requests = await instrument_rows(connection, 200)
        await asyncio.gather(*requests)
        return field.gateway.counters["too_fast"], connection.is_up

    assert Field(rules=Rules(messages_per_second=50)).run(scenario) == (0, True)


def test_without_turns_the_broker_cuts_us_off():
    async def scenario(field):
        connection = await field.connected(limiter=Limiter(0))
        _, requests = await instrument_rows(connection, 200)
        await asyncio.wait(requests, timeout=1.0)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        return field.gateway.counters["too_fast"]

    assert Field(rules=Rules(messages_per_second=50)).run(scenario) > 0


def test_an_order_leaves_before_two_hundred_requests_that_came_first():
    async def scenario(field):
        connection = await field.connected(limiter=Limiter(45))
        contract = to_contract(await connection.instrument(EURUSD))
        placed = asyncio.Event()
        connection.tap("openOrder", lambda *_: placed.set())
        await asyncio.sleep(1.0)
        answered, requests = await instrument_rows(connection, 200)
        await asyncio.sleep(0.1)
        await place(connection, contract)
        await placed.wait()
        before = len(answered)
        await asyncio.gather(*requests)
        return before, len(answered), field.gateway.counters["too_fast"]

    before, total, too_fast = Field(rules=Rules(messages_per_second=50)).run(scenario)
    assert before <= 45 + 2, "the burst that was on its way, and what went in the same moment"
    assert (total, too_fast) == (200, 0)


def test_what_was_written_is_what_the_socket_has():
    async def scenario(field):
        connection = await field.connected(limiter=Limiter(45))
        client = connection.ib.client
        sent = client.conn.numMsgSent
        contract = to_contract(await connection.instrument(EURUSD))
        for _ in range(60):
            await place(connection, contract)
        assert not client._msgQ, "no queue behind our back"
        return client.conn.numMsgSent - sent

    assert Field(rules=Rules(messages_per_second=0)).run(scenario) >= 60


@pytest.mark.parametrize("shares", [(30, 15), (22, 22)])
def test_clients_that_share_a_login_stay_within_one_limit_together(shares):
    async def scenario(field):
        written = []
        connections = [await field.connected(number, limiter=Limiter(share)) for number, share in enumerate(shares, 1)]
        for connection in connections:
            note(connection, field.loop, written)
        await asyncio.sleep(1.0)
        waiting = [(await instrument_rows(connection, 60))[1] for connection in connections]
        await asyncio.gather(*waiting[0], *waiting[1])
        return max(sum(1 for other in written if time <= other < time + 1.0) for time in written)

    assert Field(rules=Rules(messages_per_second=50)).run(scenario) <= 50


def note(connection, loop, written):
    """Keep when each message is written."""
    write = connection.ib.client.conn.sendMsg

    def noted(message):
        written.append(loop.time())
        write(message)

    connection.ib.client.conn.sendMsg = noted
