"""Two traders on one account: one trades it, and an order that both were given is sent once."""

import asyncio
import random

import pytest
from model.agreement import ACCOUNT
from model.disk import Disk
from model.trader import Trader
from model.world import World

from atlas.bus.orders import Command
from atlas.domain import NS_PER_SECOND, Order, OrderStatus, Refused, Side, Submit
from atlas.trading.lease import LEASE_NS
from services.trader.lease_keeper import LEASE_ALARM

ORDER = Order("robot-1-0", "robot", "AAPL@SMART", Side.BUY, 10.0)


@pytest.fixture
def world():
    world = World(1)
    yield world
    world.end()


@pytest.fixture
def other_disk():
    disk = Disk(random.Random(2))
    yield disk
    disk.remove()


@pytest.fixture
def start(world, other_disk, monkeypatch):
    """Starts a second trader with another journal and client id; its process dies at the end."""
    monkeypatch.setattr("model.trader.CLIENT_ID", 8)
    started = []

    def start():
        started.append(
            Trader(
                world.loop, world.network, world.gateway.port, world.store, other_disk, world.clock,
                lambda _: None, lambda _: None, world.chance, world.watch(),
            )
        )  # fmt: skip
        world._traders.append(started[-1])
        return started[-1]

    yield start
    for trader in started:
        world._dead.append(trader.process)
        world.loop.run(_call(trader.process.kill))


async def _call(what):
    what()


def ask(world, *traders):
    async def ask_all():
        asked = (trader.engine.on_request(Command(Submit(ORDER)), "robot") for trader in traders)
        return await asyncio.gather(*asked, return_exceptions=True)

    return world.loop.run(ask_all())


def test_the_second_is_refused_at_its_start_and_an_order_to_both_is_sent_once(world, start):
    second = start()
    world.pass_time(2.0)
    assert not second.taking
    assert {type(error) for error in second.refusals} == {Refused}
    assert str(world.disk.folder) in str(second.refusals[0])
    receipt, refused = ask(world, world.trader, second)
    assert receipt.status is OrderStatus.PENDING
    assert isinstance(refused, Exception)
    world.pass_time(5.0)
    assert [report.filled for report in world.gateway.terminal.orders()] == [10.0]


def test_after_a_kill_the_same_trader_has_its_lease_back_at_once_while_another_waits(world, start):
    world.kill()
    second = start()
    world.until(lambda: world.ready, "the trader", LEASE_NS / NS_PER_SECOND / 3)
    assert not second.taking


def test_one_that_has_lost_its_lease_sends_nothing_and_says_so(world):
    first = world.trader
    world.store.leases[ACCOUNT] = world.store.leases[ACCOUNT].__class__(ACCOUNT, "another desk", until_ns=2**62, epoch=9)
    world.pass_time(10.0)
    assert LEASE_ALARM in first.engine._alarms.raised
    (receipt,) = ask(world, first)
    assert (receipt.status, receipt.denial.rule) == (OrderStatus.DENIED, "lease")
    assert world.gateway.terminal.orders() == []


def test_what_waits_to_be_sent_when_the_lease_ends_does_not_leave(world):
    trader = world.trader
    world.store.latency = 2.0  # the order is being written when the lease is found to be another's
    world.robot.ask(Submit(ORDER))
    world.pass_time(0.1)
    world.loop.run(_call(trader.engine._lease._lose))
    world.pass_time(10.0)
    assert world.store.orders[ORDER.id].status is OrderStatus.DENIED
    assert world.gateway.terminal.orders() == []
