"""The journal's disk takes no more: nothing is opened, reports and exits go on through the database, nothing is torn."""

import asyncio
import errno
import resource
from contextlib import contextmanager

import pytest
from support.field import Field
from support.field_trader import FieldTrader

from atlas.bus.orders import Kill
from atlas.domain import OrderEvent, OrderEventKind, OrderStatus, Side, Unavailable
from atlas.journal import Journal, read, verify
from services.trader.ledger import DISK_ALARM
from services.trader.ports import TraderRecord

LARGE = OrderEvent(0, "before", "robot", OrderEventKind.ANOMALY, 0, reason="x" * 800_000)


@contextmanager
def kernel_refuses_large_files(_monkeypatch):
    """No file may grow beyond what the journal has already, and other files have not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def no_space_left(monkeypatch):
    """Every write of a journal fails as on a disk without room."""

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("atlas.journal._segment.os.pwrite", refuse)
        patch.setattr("atlas.journal._segment.os.posix_fallocate", refuse)
        yield


def run(folder, scenario):
    with Journal.open(folder / "journal", TraderRecord) as journal:
        journal.append(LARGE)

    async def whole(field):
        trader = FieldTrader(field, folder)
        await trader.begin()
        await scenario(field, trader)
        await trader.end()

    Field(hours="always").run(whole)


def journaled(trader):
    records = [record for _, record in read(trader.folder / "journal", TraderRecord)]
    return [one.sequence for one in records if isinstance(one, OrderEvent) and one.sequence]


@pytest.mark.parametrize("full_disk", [kernel_refuses_large_files, no_space_left])
def test_a_full_disk_stops_what_opens_and_nothing_else_and_is_made_up_for(tmp_path, monkeypatch, full_disk):
    async def scenario(_field, trader):
        bought = trader.order()
        await trader.submit(bought)
        await trader.until_status(bought, OrderStatus.FILLED)
        resting = await trader.working()

        with full_disk(monkeypatch):
            cancel = await trader.cancel(resting)
            assert cancel.reason == ""
            assert trader.alarms.is_raised(DISK_ALARM)
            await trader.until_status(resting, OrderStatus.CANCELLED)
            opening = await trader.submit(trader.order())
            assert (opening.status, opening.denial.rule, opening.denial.temporary) == (OrderStatus.DENIED, "journal", True)
            assert any("journal" in problem for problem in trader.engine.problems())
            exit_ = trader.order(Side.SELL)
            assert (await trader.submit(exit_)).status is OrderStatus.PENDING
            await trader.until_status(exit_, OrderStatus.FILLED)
            assert trader.unwritten == []
            assert verify(tmp_path / "journal", TraderRecord).damage == ""
            behind = len(trader.store.events)
            assert len(journaled(trader)) < behind

        await trader.ready()
        assert not trader.alarms.raised
        assert [bool(alarm.cleared_ns) for alarm in trader.store.alarms if alarm.key == DISK_ALARM] == [False, True]
        again = trader.order()
        assert (await trader.submit(again)).status is OrderStatus.PENDING
        await trader.until_status(again, OrderStatus.FILLED)
        await trader.engine.settled()
        assert journaled(trader) == sorted(trader.store.events)
        assert [event.sequence for event in trader.published] == sorted(trader.store.events)
        assert trader.position() == 20_000

    run(tmp_path, scenario)


def test_a_trader_that_ends_with_a_full_disk_goes_on_from_the_database(tmp_path, monkeypatch):
    async def scenario(_field, trader):
        resting = await trader.working()
        with no_space_left(monkeypatch):
            await trader.cancel(resting)
            await trader.until_status(resting, OrderStatus.CANCELLED)
            await trader.engine.settled()
            events = sorted(trader.store.events)
            await trader.end()
        assert journaled(trader) != events
        again = FieldTrader(trader.field, trader.folder, trader.store)
        again.numbers = trader.numbers
        await again.begin()
        order = again.order()
        await again.submit(order)
        await again.until_status(order, OrderStatus.FILLED)
        assert sorted(again.store.events) == list(range(1, len(again.store.events) + 1))
        assert again.published[0].sequence == events[-1] + 1
        await again.end()
        await trader.begin()

    run(tmp_path, scenario)


def test_when_the_database_is_away_too_nothing_is_taken_and_a_kill_still_cancels(tmp_path, monkeypatch):
    async def scenario(field, trader):
        resting = await trader.working()
        with no_space_left(monkeypatch):
            trader.store.outage = "before"
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await trader.cancel(resting)
            await field.until(trader.engine.nothing_durable)
            for ask in (trader.submit(trader.order()), trader.cancel(resting)):
                with pytest.raises(Unavailable, match="nothing can be written down"):
                    await ask
            assert trader.cancelled == []
            answer = await trader.ask(Kill("nothing works"))
            assert answer.order_ids == [resting.id]
            await field.until(lambda: trader.cancelled)
            trader.store.outage = ""
        await trader.until_status(resting, OrderStatus.CANCELLED)
        await field.until(lambda: not trader.alarms.raised)
        assert journaled(trader) == sorted(trader.store.events)

    run(tmp_path, scenario)
