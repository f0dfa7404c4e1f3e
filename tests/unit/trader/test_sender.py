"""The last step before the gateway."""

import asyncio

import pytest
from support.trading import ACCOUNT, DeskDriver, new_desk, order

from atlas.domain import Cancel, ManualClock, OrderEventKind, OrderKind, OrderStatus, Unavailable
from atlas.trading.broker import BrokerStatus
from services.trader.faults import FaultPoints
from services.trader.sender import Sender

K, S = OrderEventKind, OrderStatus


class Gateway:
    """A connection and a broker that write down what they are asked."""

    def __init__(self, clock):
        self.calls = []
        self.clock = clock
        self.last_heard_ns = clock.now_ns()
        self.answers = True
        self.takes_orders = True

    async def round_trip(self):
        self.calls.append("probe")
        if not self.answers:
            raise Unavailable("the gateway did not answer")
        self.last_heard_ns = self.clock.now_ns()
        return 0

    def place(self, wanted, number):
        if not self.takes_orders:
            raise Unavailable("the gateway is not connected")
        self.calls.append(f"place {wanted.id} as {number}")

    def cancel(self, number):
        self.calls.append(f"cancel {number}")


@pytest.fixture
def clock():
    return ManualClock(10**9)


@pytest.fixture
def driver(clock):
    return DeskDriver(clock, new_desk(clock))


@pytest.fixture
async def gateway(clock):
    return Gateway(clock)


@pytest.fixture
async def sender(driver, gateway, clock):
    written = []
    sender = Sender(gateway, gateway, driver.desk, clock, enter=written.extend, faults=FaultPoints(""), probe_after_seconds=5.0)
    sender.written = written
    running = asyncio.create_task(sender.run())
    yield sender
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def turns():
    for _ in range(10):
        await asyncio.sleep(0)


async def test_an_order_is_placed_and_written_as_sent(sender, driver, gateway):
    sender.put(driver.submit(order()))
    await turns()
    assert gateway.calls == ["place robot-1-0 as 1"]
    assert [event.kind for event in sender.written] == [K.SENT]
    assert driver.status(order()) is S.SENT


async def test_a_gateway_that_was_silent_is_probed_before_an_order_leaves(sender, driver, gateway, clock):
    clock.advance(6 * 10**9)
    sender.put(driver.submit(order()))
    await turns()
    assert gateway.calls == ["probe", "place robot-1-0 as 1"]


async def test_an_order_does_not_leave_for_a_gateway_that_does_not_answer(sender, driver, gateway, clock):
    gateway.answers = False
    clock.advance(6 * 10**9)
    sender.put(driver.submit(order()))
    await turns()
    assert gateway.calls == ["probe"]
    assert driver.status(order()) is S.DENIED
    assert "not sent: the gateway did not answer" in sender.written[-1].reason


async def test_an_order_that_cannot_be_placed_is_denied_with_the_reason(sender, driver, gateway):
    gateway.takes_orders = False
    sender.put(driver.submit(order()))
    await turns()
    assert driver.status(order()) is S.DENIED
    assert "not sent: the gateway is not connected" in sender.written[-1].reason


async def test_an_order_that_is_over_meanwhile_is_not_sent(sender, driver, gateway):
    event = driver.submit(order())
    driver.desk.note(K.DENIED, order().id, "over")
    sender.put(event)
    await turns()
    assert gateway.calls == []


async def test_a_cancellation_goes_out_under_the_broker_s_number(sender, driver, gateway):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    driver.working(wanted)
    sender.put(driver.desk.cancel(Cancel("c-1", wanted.id)))
    await turns()
    assert gateway.calls == ["cancel 1"]
    driver.report(driver.broker_order(wanted, BrokerStatus.CANCELLED))
    assert driver.status(wanted) is S.CANCELLED
    assert driver.desk.books.positions().get(ACCOUNT) is None
