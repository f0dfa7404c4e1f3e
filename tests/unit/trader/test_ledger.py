"""The order of things: journal, receipt, database, gateway, listeners. Each step is held up in turn, and nothing overtakes."""

import asyncio
import os

import pytest
from support.trading import order

from atlas.domain import Execution, OrderEvent, OrderEventKind, OrderState, OrderStatus, Side
from atlas.journal import Journal
from atlas.store import DatabaseAway
from services.trader.faults import FaultPoints
from services.trader.ledger import Ledger

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
            raise DatabaseAway("the database is away")
        if name in self.open:
            self.calls.append(f"{name} waits")
            await self.open[name].wait()
        self.calls.append(name)

    def hold(self, name):
        self.open[name] = asyncio.Event()

    def release(self, name):
        self.open.pop(name).set()


class Orders:
    def __init__(self, gate):
        self.gate = gate

    async def save(self, _states):
        await self.gate.pass_through("orders")


class Trades(Orders):
    async def save(self, _facts):
        await self.gate.pass_through("trades")


class Events(Orders):
    async def append(self, _events):
        await self.gate.pass_through("events")


class Listeners:
    def __init__(self, gate):
        self.gate = gate

    def publish_numbered(self, _topic, first, events):
        numbers = [event.sequence for event in events]
        assert numbers[0] == first
        self.gate.calls += [f"published {number}" for number in numbers]
        return True

    def heartbeat(self, _topic, _last):
        return True


async def turns():
    for _ in range(30):
        await asyncio.sleep(0)


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
async def ledger(tmp_path, gate):
    journal = Journal.open(tmp_path / "journal", OrderEvent)
    repositories = (Orders(gate), Trades(gate), Events(gate))
    sent = lambda event: gate.calls.append(f"to the gateway {event.sequence}")  # noqa: E731
    ledger = Ledger(journal, repositories, Listeners(gate), sent, FaultPoints(""))
    ledger.journal = journal
    running = asyncio.create_task(ledger.run())
    yield ledger
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    journal.close()


def pending(sequence):
    wanted = order(sequence)
    return OrderEvent(sequence, wanted.id, "robot", K.PENDING, 1, order=wanted), OrderState(wanted, OrderStatus.PENDING, 1)


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


async def test_nothing_is_sent_before_the_database_has_the_order(ledger, gate):
    gate.hold("orders")
    await ledger.enter(*pending(1))
    await turns()
    assert "orders waits" in gate.calls
    assert gate.calls == ["orders waits"]
    gate.release("orders")
    await ledger.drained()
    assert gate.calls == ["orders waits", "orders", "to the gateway 1", "trades", "events", "published 1"]


async def test_nobody_hears_of_an_event_before_the_database_has_it(ledger, gate):
    gate.hold("events")
    await ledger.enter(*pending(1))
    await turns()
    assert "events waits" in gate.calls
    assert "published 1" not in gate.calls
    gate.release("events")
    await ledger.drained()
    assert gate.calls[-1] == "published 1"


async def test_a_database_that_comes_back_gets_everything_in_order_and_the_order_is_sent_once(ledger, gate, monkeypatch):
    monkeypatch.setattr("services.trader.ledger.RETRY_SECONDS", 0.001)
    gate.failures = {"orders": 2, "events": 2}
    await ledger.enter(*pending(1))
    await ledger.enter(*pending(2))
    await ledger.drained()
    assert [call for call in gate.calls if call.startswith("to the gateway")] == ["to the gateway 1", "to the gateway 2"]
    assert [call for call in gate.calls if call.startswith("published")] == ["published 1", "published 2"]
    assert ledger.database_problem == ""


async def test_events_of_an_earlier_run_are_written_and_told_and_not_acted_upon(ledger, gate):
    ledger.reenter([pending(1)])
    await ledger.drained()
    assert gate.calls == ["orders", "trades", "events", "published 1"]


async def test_one_sync_carries_all_events_of_a_turn(ledger, monkeypatch):
    syncs = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (real(handle), syncs.append(True)))
    fill = Execution("e.01", "robot-1-0", "DU1", "EUR.USD@IDEALPRO", Side.BUY, 1.0, 1.1, 1)
    receipts = [
        ledger.enter(*pending(1)),
        ledger.enter(OrderEvent(2, "robot-1-0", "robot", K.EXECUTED, 1, execution=fill), None),
    ]
    await asyncio.gather(*receipts)
    assert len(syncs) == 1
