"""The order of things: journal, receipt, store, broker, listeners. Each step is held up in turn, and nothing overtakes."""

import asyncio
import os

import pytest

from atlas.domain import (
    Execution,
    ManualClock,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderState,
    OrderStatus,
    Refused,
    Side,
    Unavailable,
)
from atlas.journal import Journal
from atlas.service.alarms import Alarms
from atlas.trading.effects import CancelOrder, PlaceOrder
from services.trader.faults import FaultPoints
from services.trader.ledger import DISK_ALARM, STORE_ALARM, Ledger

K = OrderEventKind


class Gate:
    """Writes down what is called, in order, and can hold a call up or let it fail."""

    def __init__(self):
        self.calls = []
        self.open = {}
        self.failures = {}

    async def pass_through(self, name):
        if self.failures.get(name):
            self.failures[name] -= 1
            self.calls.append(f"{name} failed")
            raise Unavailable("the database is away")
        if name in self.open:
            self.calls.append(f"{name} waits")
            await self.open[name].wait()
        self.calls.append(name)

    def hold(self, name):
        self.open[name] = asyncio.Event()

    def release(self, name):
        self.open.pop(name).set()


class Store:
    def __init__(self, gate):
        self.gate = gate

    async def save_orders(self, _states):
        await self.gate.pass_through("orders")

    async def save_trades(self, facts):
        if facts:
            await self.gate.pass_through("trades")

    async def append_events(self, _events):
        await self.gate.pass_through("events")


class Listeners:
    def __init__(self, gate):
        self.gate = gate

    def publish(self, events):
        self.gate.calls += [f"published {event.sequence}" for event in events]

    def heartbeat(self, _last):
        pass


class FullDisk(Journal):
    """A journal on a disk that may be full."""

    full = False

    def append(self, event):
        if self.full:
            raise Unavailable("no space left on the disk")
        return super().append(event)

    def sync(self):
        if self.full:
            raise Unavailable("no space left on the disk")
        return super().sync()


async def turns():
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def alarms():
    said = []
    all_clear = asyncio.Event()

    def hear(alarm):
        said.append(alarm)
        if alarm.cleared_ns:
            all_clear.set()

    alarms = Alarms("trader", ManualClock(1), hear)
    alarms.said, alarms.all_clear = said, all_clear
    return alarms


@pytest.fixture
async def ledger(tmp_path, gate, alarms):
    journal = FullDisk.open(tmp_path / "journal", OrderEvent)

    def leave(sendings):
        gate.calls += [f"{type(one).__name__} {one.order_id}" for one in sendings]

    ledger = Ledger(journal, Store(gate), Listeners(gate), alarms, FaultPoints(), leave, retry_seconds=0.001)
    ledger.journal = journal
    running = [asyncio.create_task(ledger.run()), asyncio.create_task(ledger.run_journal())]
    yield ledger
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    journal.full = False
    ledger.close()


def order(number):
    return Order(f"robot-{number}-0", "robot", "EUR.USD@IDEALPRO", Side.BUY, 20_000.0)


def pending(number):
    wanted = order(number)
    event = OrderEvent(number, wanted.id, "robot", K.PENDING, 1, order=wanted)
    return [(event, OrderState(wanted, OrderStatus.PENDING, 1))], (PlaceOrder(wanted, number),)


def cancel_requested(number):
    event = OrderEvent(number, "robot-1-0", "robot", K.CANCEL_REQUESTED, 1)
    return [(event, OrderState(order(1), OrderStatus.WORKING, 1))], (CancelOrder("robot-1-0", 1),)


def executed(number):
    fill = Execution("e.01", "robot-1-0", "DU1", "EUR.USD@IDEALPRO", Side.BUY, 1.0, 1.1, 1)
    return [(OrderEvent(number, "robot-1-0", "robot", K.EXECUTED, 1, execution=fill), None)]


def sequences(journal):
    return [event.sequence for _, event in journal.read()]


async def test_the_receipt_waits_for_the_disk(ledger, monkeypatch):
    synced = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (real(handle), synced.append(True)))
    receipt = ledger.enter(*pending(1))
    assert not receipt.done()
    assert not synced
    await receipt
    assert synced
    assert ledger.journal.synced_sequence == 1


async def test_nothing_is_sent_before_the_store_has_the_order(ledger, gate):
    gate.hold("orders")
    await ledger.enter(*pending(1))
    await turns()
    assert gate.calls == ["events", "orders waits"]
    gate.release("orders")
    await ledger.drained()
    assert gate.calls == ["events", "orders waits", "orders", "PlaceOrder robot-1-0", "published 1"]


async def test_nothing_is_sent_before_the_number_of_its_event_is_the_stores(ledger, gate):
    gate.hold("events")
    await ledger.enter(*pending(1))
    await turns()
    assert gate.calls == ["events waits", "orders"]
    gate.release("events")
    await ledger.drained()
    assert gate.calls == ["events waits", "orders", "events", "PlaceOrder robot-1-0", "published 1"]


async def test_a_journal_that_has_parted_ways_with_the_store_sends_nothing(tmp_path, gate, alarms):
    class Parted(Store):
        async def append_events(self, _events):
            raise Refused("another event has this number")

    journal, left = Journal.open(tmp_path / "parted", OrderEvent), []
    ledger = Ledger(journal, Parted(gate), Listeners(gate), alarms, FaultPoints(), left.extend)
    running = asyncio.create_task(ledger.run())
    await ledger.enter(*pending(1))
    with pytest.raises(Refused):
        await running
    assert left == []
    ledger.close()


async def test_a_cancellation_leaves_as_soon_as_the_journal_has_it(ledger, gate):
    gate.hold("orders")
    await ledger.enter(*cancel_requested(1))
    await turns()
    assert gate.calls == ["CancelOrder robot-1-0", "events", "orders waits"]
    gate.release("orders")
    await ledger.drained()
    assert gate.calls.count("CancelOrder robot-1-0") == 1


async def test_what_needs_no_event_leaves_at_once(ledger, gate):
    ledger.enter([], (CancelOrder("robot-1-0", 1),))
    assert gate.calls == ["CancelOrder robot-1-0"]


async def test_nobody_hears_of_an_event_before_the_store_has_it(ledger, gate):
    gate.hold("events")
    await ledger.enter(*pending(1))
    await turns()
    assert "events waits" in gate.calls
    assert "published 1" not in gate.calls
    gate.release("events")
    await ledger.drained()
    assert gate.calls[-1] == "published 1"


async def test_a_store_that_comes_back_gets_everything_in_order_and_the_order_is_sent_once(ledger, gate, alarms):
    gate.failures = {"orders": 2, "events": 2}
    await ledger.enter(*pending(1))
    await ledger.enter(*pending(2))
    await ledger.drained()
    assert [call for call in gate.calls if call.startswith("Place")] == ["PlaceOrder robot-1-0", "PlaceOrder robot-2-0"]
    assert [call for call in gate.calls if call.startswith("published")] == ["published 1", "published 2"]
    assert ledger.store_problem == ""
    assert [(alarm.key, bool(alarm.cleared_ns)) for alarm in alarms.said] == [(STORE_ALARM, False), (STORE_ALARM, True)]
    assert not alarms.raised


async def test_events_of_an_earlier_run_are_written_and_told_and_not_acted_upon(ledger, gate):
    ledger.reenter(pending(1)[0])
    await ledger.drained()
    assert gate.calls == ["events", "orders", "published 1"]


async def test_one_sync_carries_all_events_of_a_turn(ledger, monkeypatch):
    syncs = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (real(handle), syncs.append(True)))
    await asyncio.gather(ledger.enter(*pending(1)), ledger.enter(executed(2)))
    assert len(syncs) == 1


async def test_on_a_full_disk_events_become_durable_in_the_store_and_only_then_is_anything_sent(ledger, gate, alarms):
    ledger.journal.full = True
    gate.hold("orders")
    receipt = ledger.enter(*cancel_requested(1))
    await turns()
    assert not receipt.done()
    assert gate.calls == ["events", "orders waits"]
    assert alarms.is_raised(DISK_ALARM)
    gate.release("orders")
    await receipt
    await ledger.drained()
    assert gate.calls == ["events", "orders waits", "orders", "CancelOrder robot-1-0", "published 1"]


async def test_what_a_full_disk_did_not_take_is_journaled_in_order_once_there_is_room(ledger, alarms):
    await ledger.enter(*pending(1))
    ledger.journal.full = True
    for number in (2, 3):
        await ledger.enter(executed(number))
    assert sequences(ledger.journal) == [1]
    ledger.journal.full = False
    await alarms.all_clear.wait()
    await ledger.enter(executed(4))
    assert sequences(ledger.journal) == [1, 2, 3, 4]
    assert [(alarm.key, bool(alarm.cleared_ns)) for alarm in alarms.said] == [(DISK_ALARM, False), (DISK_ALARM, True)]
    assert ledger.disk_problem == ""


async def test_when_neither_takes_anything_events_wait_in_order_and_nothing_leaves(ledger, gate, alarms):
    ledger.journal.full = True
    gate.failures = {"events": 1_000_000}
    receipts = [ledger.enter(*cancel_requested(1)), ledger.enter(executed(2))]
    await turns()
    assert {*alarms.raised} == {DISK_ALARM, STORE_ALARM}
    assert not any(receipt.done() for receipt in receipts)
    assert "CancelOrder robot-1-0" not in gate.calls
    gate.failures = {}
    await asyncio.gather(*receipts)
    await ledger.drained()
    assert [call for call in gate.calls if call.startswith("published")] == ["published 1", "published 2"]


class Broken(FullDisk):
    """A journal whose last sync failed: it has to be opened again."""

    def break_(self):
        self._failure = "the disk lost what it was given"


async def test_a_journal_that_broke_is_opened_again_and_misses_nothing(tmp_path, gate, alarms):
    opened = []

    def reopen():
        opened.append(FullDisk.open(tmp_path / "journal", OrderEvent))
        return opened[-1]

    journal = Broken.open(tmp_path / "journal", OrderEvent)
    ledger = Ledger(journal, Store(gate), Listeners(gate), alarms, FaultPoints(), lambda _: None, reopen=reopen)
    running = asyncio.create_task(ledger.run())
    await ledger.enter(*pending(1))
    journal.break_()
    await ledger.enter(*pending(2))
    await ledger.enter(*pending(3))
    assert sequences(opened[-1]) == [1, 2, 3]
    assert not alarms.raised
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    ledger.close()


async def test_what_the_store_has_leaves_the_journal_in_time_and_what_it_has_not_never(tmp_path, gate, alarms):
    journal = Journal.open(tmp_path / "short", OrderEvent)
    ledger = Ledger(journal, Store(gate), Listeners(gate), alarms, FaultPoints(), lambda _: None, kept_events=10)
    running = asyncio.create_task(ledger.run())
    for number in range(1, 36):
        await ledger.enter(*pending(number))
        await ledger.drained()
    assert sequences(journal) == list(range(21, 36))
    gate.hold("orders")
    for number in range(36, 76):
        await ledger.enter(*pending(number))
    assert sequences(journal) == list(range(21, 76))
    gate.release("orders")
    await ledger.drained()
    assert sequences(journal) == list(range(31, 76))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    ledger.close()
