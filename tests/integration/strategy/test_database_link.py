"""A robot that has nothing but the database: its orders get to the trader, and what happens to them gets back, once."""

import asyncio

import pytest
from support.desks import until
from support.route_peers import ACCOUNT, RecordingTrader
from support.servers import DatabaseServer

from atlas.bus import Bus, Mailbox
from atlas.bus.orders import Receipt
from atlas.domain import (
    AtlasError,
    Bar,
    Cancel,
    ConfigurationError,
    Instrument,
    InstrumentKind,
    ManualClock,
    MarketEvent,
    OrderEvent,
    OrderEventKind,
    OrderStatus,
    Unavailable,
    orders_of,
)
from atlas.robot import Control
from atlas.service.alarms import Alarms
from atlas.service.clock import WallClock
from atlas.service.settings import RobotSettings
from atlas.store import Database, OrderEventRepository, RequestRepository, TraderRepository
from services.strategy import database_link
from services.strategy.database_link import DatabaseLink, trader_account
from services.strategy.host import RobotHost
from services.strategy.link import OrderEvents
from services.strategy.loop import RobotLoop
from services.trader.database_route import DatabaseRoute

K = OrderEventKind
EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
BUYER = """
from atlas import Bar, Context, Strategy


class Buyer(Strategy):
    def on_bar(self, ctx: Context, bar: Bar) -> None:
        ctx.buy(bar.instrument, 1_000)
"""


def bar(number):
    return Bar(EURUSD.id, number, number + 1, 1.0, 1.0, 1.0, 1.0, 0.0, 1, number)


class Trader(RecordingTrader):
    """Takes requests, and writes an event of each new order as the trader does."""

    def __init__(self, database):
        super().__init__()
        self._events = OrderEventRepository(database, ACCOUNT)
        self._number = 0
        self.orders = set()

    async def write(self, *events):
        await self._events.append(events)
        self._number = events[-1].sequence

    async def carry(self, command, peer):
        receipt = await super().carry(command, peer)
        fresh = [order for order in orders_of(command.action) if order.id not in self.orders]
        self.orders |= {order.id for order in fresh}
        if fresh:
            first = self._number + 1
            await self.write(*(OrderEvent(n, o.id, o.robot, K.PENDING, 1, order=o) for n, o in enumerate(fresh, first)))
        return receipt


@pytest.fixture
async def world(database, tmp_path):
    made = World(database, tmp_path)
    await OrderEventRepository(database, ACCOUNT).prepare()
    yield made
    await made.end()


class World:
    """A robot on the database route, and the trader's end of it. The robot can end and begin again."""

    def __init__(self, database, folder):
        self.database = database
        self.trader = Trader(database)
        self._folder = folder
        (folder / "buyer.py").write_text(BUYER)
        self._route = None
        self.failures = []
        self.link = self.host = self.loop = self._bus = None

    async def begin_trader(self):
        self._route = DatabaseRoute(
            self.database, ACCOUNT, self.trader.carry, WallClock(), Alarms("trader", WallClock()), self.failures.append
        )
        await self._route.start()

    async def begin_robot(self, database=None):
        self._bus = Bus("strategy", None)
        mailbox = Mailbox(self._bus, "inproc://robots", MarketEvent | OrderEvent, Control | OrderEvents)
        settings = RobotSettings(id="r1", strategy="buyer", instruments=(EURUSD.id,))
        self.host = RobotHost(settings, self._folder, self._folder / "journals")
        self.host.recover()
        self.host.begin((EURUSD,), ManualClock(1))
        self.link = DatabaseLink(
            database or self.database, ACCOUNT, ["r1"], WallClock(), mailbox.sender().try_send, self.failures.append
        )
        await self.link.start()
        self.loop = RobotLoop([self.host], mailbox, self.link, WallClock())
        await asyncio.to_thread(self.loop.catch_up)
        self.link.follow(self.loop.trader_sequence)
        self.loop.start()

    def decide(self, number):
        """Have the robot see a bar, in its own thread's stead."""
        with self.loop._lock:
            self.host.handle(bar(number))

    async def heard(self, order_id):
        """Wait until the robot has been told of an order by the trader."""

        async def told():
            with self.loop._lock:
                ledger = self.host.runtime._ledger
                return order_id in ledger.orders and order_id not in ledger._unheard and not ledger.unanswered

        await until(told)

    def states(self):
        with self.loop._lock:
            return {key: state.status for key, state in self.host.runtime._ledger.orders.items()}

    async def end_robot(self):
        await asyncio.to_thread(self.loop.stop)
        assert self.loop.failure is None
        await self.link.stop()
        self.host.close()
        self._bus.close()
        self.loop = None

    async def end(self):
        if self.loop is not None:
            await self.end_robot()
        if self._route is not None:
            await self._route.stop()
        assert self.failures == []


async def test_an_order_gets_to_the_trader_and_what_happens_to_it_gets_back(world):
    await world.begin_trader()
    await world.begin_robot()
    world.decide(10)
    world.decide(20)
    await until(lambda: asyncio.sleep(0, len(world.trader.carried) == 2))
    first, second = world.trader.carried
    await world.heard(second)
    assert world.states() == {first: OrderStatus.PENDING, second: OrderStatus.PENDING}
    await until(lambda: asyncio.sleep(0, world.loop.waiting == 0))
    document = await world.database.collection("orders").find_one({"_id": first})
    assert (document["n"], document["request"], document["outcome"]["verdict"]) == (1, "answered", "accepted")


async def test_events_of_other_robots_leave_no_gap(world):
    await world.begin_trader()
    await world.begin_robot()
    await world.trader.write(*(OrderEvent(n, f"x-{n}-0", "x", K.WORKING, 1) for n in (1, 2, 3)))
    world.decide(10)
    await until(lambda: asyncio.sleep(0, world.trader.carried))
    await world.heard(world.trader.carried[0])
    assert world.host.runtime.last_trader_sequence == 4


async def test_events_that_no_stream_tells_of_are_found_by_looking(world, monkeypatch):
    monkeypatch.setattr(database_link, "POLL_SECONDS", 0.05)
    await world.begin_trader()
    await world.begin_robot()
    world.link._tasks[3].cancel()  # the change stream
    world.decide(10)
    await until(lambda: asyncio.sleep(0, world.trader.carried))
    await world.heard(world.trader.carried[0])


async def test_what_happened_while_the_robot_was_away_is_told_at_its_start(world):
    await world.begin_trader()
    await world.begin_robot()
    world.decide(10)
    await until(lambda: asyncio.sleep(0, world.trader.carried))
    order_id = world.trader.carried[0]
    await world.heard(order_id)
    await world.end_robot()
    await world.trader.write(OrderEvent(2, order_id, "r1", K.SENT, 2), OrderEvent(3, order_id, "r1", K.WORKING, 3))
    await world.begin_robot()
    assert world.states() == {order_id: OrderStatus.WORKING}
    assert world.trader.carried == [order_id]


async def test_an_order_that_was_decided_and_never_written_is_withdrawn_at_the_next_start(world):
    await TraderRepository(world.database).register(ACCOUNT, 1)
    await world.begin_robot()
    await asyncio.to_thread(world.loop.stop)
    world.host.handle(bar(10))  # decided, and the process ends
    world.host.sync()
    (order_id,) = world.host.runtime._ledger.orders
    await world.end_robot()
    await world.begin_robot()
    assert world.states() == {order_id: OrderStatus.DENIED}
    await world.begin_trader()
    world.decide(20)
    await until(lambda: asyncio.sleep(0, world.trader.carried))
    assert order_id not in world.trader.carried


async def test_an_order_that_was_written_before_a_restart_is_taken_once_and_told(world):
    await TraderRepository(world.database).register(ACCOUNT, 1)
    await world.begin_robot()
    world.decide(10)

    async def written():
        return await world.database.collection("orders").find_one({"robot": "r1"})

    order_id = (await until(written))["_id"]
    await world.end_robot()
    await world.begin_robot()
    assert world.states() == {order_id: OrderStatus.PENDING}
    await world.begin_trader()
    await world.heard(order_id)
    await until(lambda: asyncio.sleep(0, not world.link._unanswered))
    assert world.trader.carried == [order_id]


async def test_what_the_route_refuses_the_robot_is_told_of(world, monkeypatch):
    monkeypatch.setattr(database_link, "GIVE_UP_SECONDS", -1.0)
    await world.begin_trader()
    await world.begin_robot()
    world.decide(10)
    await until(lambda: asyncio.sleep(0, OrderStatus.DENIED in world.states().values()))
    assert world.trader.carried == []
    (state,) = world.host.runtime._ledger.orders.values()
    assert "the trader saw it later" in state.reason


async def test_without_a_trader_nothing_is_sent(world, monkeypatch):
    monkeypatch.setattr(database_link, "TRADER_SILENT_SECONDS", 0.1)
    await TraderRepository(world.database).register(ACCOUNT, 1)
    await world.begin_robot()
    await until(lambda: asyncio.sleep(0, not world.link.connected))
    with pytest.raises(Unavailable, match="has not been seen"):
        world.link.post("r1", Cancel("r1-1-0", "r1-0-0"))
    world.decide(10)
    await until(lambda: asyncio.sleep(0, world.loop.waiting == 1))
    assert await RequestRepository(world.database, ACCOUNT).last_number("r1") == 0


async def test_requests_are_numbered_without_gaps_through_an_outage_of_the_database(world, tmp_path):
    server = DatabaseServer(tmp_path / "own")
    server.start()
    own = await Database.connect(server.url, "own")
    try:
        world.database, world.trader = own, Trader(own)
        await OrderEventRepository(own, ACCOUNT).prepare()
        await world.begin_trader()
        await world.begin_robot()
        world.decide(10)
        await until(lambda: asyncio.sleep(0, len(world.trader.carried) == 1))
        server.kill()
        await asyncio.to_thread(world.decide, 20)
        await asyncio.to_thread(world.decide, 30)
        await until(lambda: asyncio.sleep(0, not world.link.connected), 30.0)
        server.start()
        await until(lambda: asyncio.sleep(0, len(world.trader.carried) == 3), 30.0)
        world.decide(40)
        await until(lambda: asyncio.sleep(0, len(world.trader.carried) == 4), 30.0)
        assert len(set(world.trader.carried)) == 4
        rows = [row async for row in own.collection("orders").find({"robot": "r1"})]
        assert sorted(row["n"] for row in rows) == [1, 2, 3, 4]
        await world.end()
        world._route = None
    finally:
        await own.close()
        server.kill()


# Whose trader


async def test_the_only_trader_of_a_database_is_found_and_of_several_one_must_be_named(database, monkeypatch):
    monkeypatch.setattr(database_link, "_FIND_TRADER_SECONDS", 0.0)
    with pytest.raises(Unavailable, match="no trader has ever"):
        await trader_account(database, "")
    traders = TraderRepository(database)
    await traders.register("DU1", 1)
    assert await trader_account(database, "") == "DU1"
    with pytest.raises(Unavailable, match=r"trader of DU9 has ever .* strategy\.account"):
        await trader_account(database, "DU9")
    await traders.register("DU2", 1)
    assert await trader_account(database, "DU2") == "DU2"
    with pytest.raises(ConfigurationError, match=r"DU1, DU2.*strategy\.account"):
        await trader_account(database, "")


# The link by itself


async def test_a_robots_thread_that_waits_for_a_silent_database_is_told(database, monkeypatch):
    monkeypatch.setattr(database_link, "REQUEST_SECONDS", 0.05)
    link = DatabaseLink(database, ACCOUNT, ["r1"], WallClock(), lambda _news: True, [].append)
    with pytest.raises(Unavailable, match="not answer in time"):  # nothing writes: the link was not started
        await asyncio.to_thread(link.settle, "r1", Cancel("r1-1-0", "r1-0-0"))
    await link.stop()
    with pytest.raises(Unavailable, match="closed"):
        await asyncio.to_thread(link.events_since, 0)


async def test_a_robot_that_runs_twice_is_told_that_its_number_is_taken(database):
    await TraderRepository(database).register(ACCOUNT, 1)
    requests = RequestRepository(database, ACCOUNT)
    await requests.prepare()
    link = DatabaseLink(database, ACCOUNT, ["r1"], WallClock(), lambda _news: True, [].append)
    await link.start()
    await requests.ask("r1", 1, Cancel("other", "x"), at_ns=1, until_ns=0)  # the twin was quicker
    link.post("r1", Cancel("r1-1-0", "r1-0-0"))
    results: list[tuple[str, Receipt | AtlasError]] = []

    async def result():
        results.extend(link.receive())
        return results

    await until(result)
    assert results[0][0] == "r1-1-0"
    assert "run twice" in str(results[0][1])
    await link.stop()
