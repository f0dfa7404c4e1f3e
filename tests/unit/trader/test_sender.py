"""The last step before the broker."""

import asyncio

import pytest
from support.trading import DeskDriver, new_desk, order

from atlas.domain import AtlasError, Cancel, ManualClock, Modify, OrderKind, OrderStatus, Unavailable
from atlas.trading.effects import CancelEverything
from services.trader.faults import FaultPoints
from services.trader.sender import Sender

S = OrderStatus


class Broker:
    """Writes down what it is asked."""

    def __init__(self, clock):
        self.calls = []
        self.clock = clock
        self.last_heard_ns = clock.now_ns()
        self.answers = True
        self.error = None
        self.turn = asyncio.Event()
        self.turn.set()

    async def round_trip(self):
        self.calls.append("probe")
        if not self.answers:
            raise Unavailable("the gateway did not answer")
        self.last_heard_ns = self.clock.now_ns()
        return 0

    async def place(self, wanted, number, *, parent_id=0, transmit=True):
        await self.turn.wait()
        if self.error:
            raise self.error
        self.calls.append(f"place {wanted.id} {wanted.quantity:g} as {number} under {parent_id}{'' if transmit else ', held'}")

    async def cancel(self, number):
        if self.error:
            raise self.error
        self.calls.append(f"cancel {number}")

    async def cancel_all(self):
        self.calls.append("cancel all")


@pytest.fixture
def clock():
    return ManualClock(10**9)


@pytest.fixture
def driver(clock):
    driver = DeskDriver(clock, new_desk(clock))
    driver.reconcile()
    return driver


@pytest.fixture
async def broker(clock):
    return Broker(clock)


@pytest.fixture
async def sender(driver, broker, clock):
    decisions, objections = [], []
    sender = Sender(
        broker,
        driver.desk,
        clock,
        FaultPoints(),
        take=decisions.append,
        objection=lambda _: objections[0] if objections else "",
        probe_after_seconds=5.0,
    )
    sender.decisions, sender.objections = decisions, objections
    running = asyncio.create_task(sender.run())
    yield sender
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def submitted(driver, *orders):
    decision = driver.decide(*orders)
    assert decision.effects, decision.events
    return decision.effects


def status(driver, wanted):
    return driver.desk.states[wanted.id].status


async def test_an_order_is_placed_once_and_noted_as_sent(sender, driver, broker):
    sender.put(submitted(driver, order()))
    await sender.idle()
    assert broker.calls == ["place robot-1-0 20000 as 1 under 0"]
    assert status(driver, order()) is S.SENT


async def test_a_broker_that_was_silent_is_probed_before_an_order_leaves(sender, driver, broker, clock):
    clock.advance(6 * 10**9)
    sender.put(submitted(driver, order()))
    await sender.idle()
    assert broker.calls == ["probe", "place robot-1-0 20000 as 1 under 0"]


async def test_an_order_does_not_leave_for_a_broker_that_does_not_answer(sender, driver, broker, clock):
    broker.answers = False
    clock.advance(6 * 10**9)
    sender.put(submitted(driver, order()))
    await sender.idle()
    assert broker.calls == ["probe"]
    assert status(driver, order()) is S.DENIED
    assert "not sent: the gateway did not answer" in driver.desk.states[order().id].reason


async def test_an_order_of_which_nobody_knows_whether_it_left_is_unknown_and_not_sent_again(sender, driver, broker):
    broker.error = AtlasError("the socket broke in the middle of it")
    sender.put(submitted(driver, order()))
    await sender.idle()
    broker.error = None
    await sender.idle()
    assert broker.calls == []
    assert status(driver, order()) is S.UNKNOWN


async def test_an_order_does_not_leave_when_there_is_an_objection_by_then(sender, driver, broker):
    sender.objections.append("trading is halted")
    sender.put(submitted(driver, order()))
    await sender.idle()
    assert broker.calls == []
    assert status(driver, order()) is S.DENIED
    assert "trading is halted" in driver.desk.states[order().id].reason


async def test_the_legs_of_a_group_leave_together_and_only_the_last_releases_them(sender, driver, broker):
    parent = order(1, kind=OrderKind.LIMIT, limit_price=1.1)
    child = order(2, side=parent.side.opposite, kind=OrderKind.LIMIT, limit_price=1.2, parent_id=parent.id)
    sender.put(submitted(driver, parent, child))
    await sender.idle()
    assert broker.calls == ["place robot-1-0 20000 as 1 under 0, held", "place robot-2-0 20000 as 2 under 1"]


async def test_a_cancellation_overtakes_the_orders_that_wait(sender, driver, broker):
    working = order(1, kind=OrderKind.LIMIT, limit_price=1.1)
    sender.put(submitted(driver, working))
    await sender.idle()
    broker.turn.clear()
    second, third = (order(n, kind=OrderKind.LIMIT, limit_price=1.1) for n in (2, 3))
    for effects in (submitted(driver, second), submitted(driver, third)):
        sender.put(effects)
    await asyncio.sleep(0)
    sender.put(driver.desk.cancel(Cancel("c", working.id)).effects)
    broker.turn.set()
    await sender.idle()
    assert [call.split(" as")[0] for call in broker.calls[1:]] == ["place robot-2-0 20000", "cancel 1", "place robot-3-0 20000"]


async def test_an_order_that_is_cancelled_while_it_waits_never_leaves(sender, driver, broker):
    effects = submitted(driver, order())
    sender.put(driver.desk.cancel(Cancel("c", order().id)).effects)
    await sender.idle()
    sender.put(effects)
    await sender.idle()
    assert broker.calls == []
    assert status(driver, order()) is S.DENIED


async def test_a_cancellation_that_could_not_leave_is_left_to_the_next_reconciliation(sender, driver, broker):
    sender.put(submitted(driver, order(kind=OrderKind.LIMIT, limit_price=1.1)))
    await sender.idle()
    broker.error = Unavailable("not connected")
    sender.put(driver.desk.cancel(Cancel("c", order().id)).effects)
    await sender.idle()
    assert driver.desk.states[order().id].cancel_requested
    broker.error = None
    sender.put(driver.desk.to_resend().effects)
    await sender.idle()
    assert broker.calls[-1] == "cancel 1"


async def test_a_change_is_sent_under_the_order_s_number(sender, driver, broker):
    wanted = order(kind=OrderKind.LIMIT, limit_price=1.1)
    sender.put(submitted(driver, wanted))
    await sender.idle()
    sender.put(driver.desk.modify(Modify("m", wanted.id, quantity=25_000.0)).effects)
    await sender.idle()
    assert broker.calls[-1] == "place robot-1-0 25000 as 1 under 0"


async def test_everything_is_cancelled_with_one_message(sender, broker):
    sender.put([CancelEverything()])
    await sender.idle()
    assert broker.calls == ["cancel all"]
