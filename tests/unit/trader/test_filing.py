"""Documents beside the way of an order: one that cannot be written holds up no other, and decisions are never dropped."""

import asyncio

import pytest

from atlas.domain import ManualClock, Refused, Unavailable
from atlas.service.alarms import Alarms
from services.trader import filing as module
from services.trader.filing import UNSAVED_ALARM, Filing


class Shelf:
    """Where documents go."""

    def __init__(self):
        self.there = asyncio.Event()
        self.there.set()
        self.tried = asyncio.Event()
        self.documents = []

    def write(self, name, error=None):
        async def write():
            self.tried.set()
            if not self.there.is_set():
                raise Unavailable("away")
            if error is not None:
                raise error
            self.documents.append(name)

        return write


@pytest.fixture
async def shelf():
    return Shelf()


@pytest.fixture
def alarms():
    return Alarms("trader", ManualClock(1))


@pytest.fixture
async def filing(alarms):
    filing = Filing(0.001, alarms, most_waiting=3)
    running = asyncio.create_task(filing.run())
    yield filing
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until_raised(alarms, key):
    raised = asyncio.Event()
    alarms.sink = lambda alarm: raised.set() if alarm.key == key and not alarm.cleared_ns else None
    if not alarms.is_raised(key):
        async with asyncio.timeout(10):
            await raised.wait()


@pytest.mark.parametrize(
    "error", [OverflowError("8 byte ints"), Refused("no"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")]
)
async def test_a_document_that_the_store_never_takes_is_an_alarm_and_the_next_is_written(shelf, alarms, filing, error):
    bad = filing.put(shelf.write("bad", error), "limits", is_decision=True)
    await filing.put(shelf.write("good"), "the session day")
    await filing.empty()
    assert shelf.documents == ["good"]
    assert bad.cancelled()
    assert str(error) in alarms.raised["not-written:limits"].text
    await filing.put(shelf.write("better"), "limits")
    await filing.empty()
    assert not alarms.raised


async def test_an_alarm_whose_document_the_store_never_takes_does_not_make_ever_more_of_them(shelf, alarms, filing):
    told = []

    def sink(alarm):
        told.append(alarm.key)
        filing.put(shelf.write("alarm", OverflowError("8 byte ints")), "alarms")

    alarms.sink = sink
    alarms.raise_("x", "x")
    await filing.empty()
    assert told == ["x", "not-written:alarms"]


async def test_what_a_person_has_decided_is_kept_when_too_much_waits_and_the_oldest_of_the_rest_goes(shelf, filing):
    shelf.there.clear()
    filing.put(shelf.write("being written"), "alarms")
    await shelf.tried.wait()
    for number in range(4):
        filing.put(shelf.write(f"halt {number}"), "the trading state", is_decision=True)
        filing.put(shelf.write(f"alarm {number}"), "alarms")
    shelf.there.set()
    await filing.empty()
    assert shelf.documents == ["being written", "halt 0", "halt 1", "halt 2", "halt 3"]


async def test_a_decision_that_is_not_confirmed_is_an_alarm_until_it_is_although_nothing_else_waits(
    shelf, alarms, filing, monkeypatch
):
    monkeypatch.setattr(module, "CONFIRMED_SECONDS", 0.001)
    shelf.there.clear()
    written = filing.put(shelf.write("halt"), "the trading state", is_decision=True)
    await until_raised(alarms, UNSAVED_ALARM)
    assert filing.waiting == 1
    shelf.there.set()
    await written
    await filing.empty()
    assert not alarms.raised
