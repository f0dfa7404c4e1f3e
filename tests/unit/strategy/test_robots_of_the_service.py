"""The strategy service's own part: what is on disk before an action leaves, and what a loop does about missing events."""

import msgspec
import pytest

from atlas.bus import Bus, Delivery, Mailbox
from atlas.bus.orders import Events, EventsSince, OrderAnswer, OrderQuery
from atlas.domain import (
    BadInput,
    Bar,
    Cancel,
    Execution,
    Instrument,
    InstrumentKind,
    ManualClock,
    MarketEvent,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderKind,
    Side,
    Submit,
    SubmitGroup,
    Unavailable,
    orders_of,
)
from atlas.robot import Control, Decided
from atlas.service.settings import RobotSettings
from services.strategy.host import RobotHost
from services.strategy.link import DirectLink, OrderEvents
from services.strategy.loop import RobotLoop

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


@pytest.fixture
def host(tmp_path):
    (tmp_path / "buyer.py").write_text(BUYER)
    settings = RobotSettings(id="r1", strategy="buyer", instruments=(EURUSD.id,))
    host = RobotHost(settings, tmp_path, tmp_path / "journals")
    host.recover()
    host.begin((EURUSD,), ManualClock(1))
    yield host
    host.close()


def test_no_action_leaves_before_its_decision_is_on_disk(host):
    host.handle(bar(10))
    journal = host._journal
    decided = journal.last_sequence
    assert journal.synced_sequence < decided
    [action] = host.take()
    assert isinstance(action, Submit)
    assert journal.synced_sequence == decided
    assert isinstance(dict(journal.read())[decided], Decided)
    assert host.take() == []


class Trader:
    """Stands where the requester to the trader stands: answers from a list of events, in pages."""

    def __init__(self, events, page):
        self.events, self.page = events, page
        self.asked = []
        self.connected = True
        self.posted = []
        self.answers = []

    def ask(self, body, _timeout, _key=""):
        self.asked.append(body)
        if not self.connected:
            raise Unavailable("the trader is not there")
        if isinstance(body, OrderQuery):
            found = [event for event in self.events if event.order_id == body.order_id]
            return OrderAnswer(bool(found), found)
        assert isinstance(body, EventsSince)
        after = [event for event in self.events if event.sequence > body.sequence]
        return Events(after[: self.page], self.events[-1].sequence if self.events else 0)

    def post(self, body, _key=""):
        self.posted.append(body)
        return len(self.posted)

    def receive(self):
        answers, self.answers = self.answers, []
        return answers


@pytest.fixture
def loop_with(host):
    made = []

    def make(trader):
        bus = Bus("strategy", None)
        made.append(bus)
        mailbox = Mailbox(bus, "inproc://robots", MarketEvent | OrderEvent, Control | OrderEvents)
        return RobotLoop([host], mailbox, DirectLink(trader), ManualClock(10**9))

    yield make
    for bus in made:
        bus.close()


def fills(count):
    """`count` fills of one order that the robot placed in an earlier life."""
    return [
        OrderEvent(
            n,
            "r1-1-0",
            "r1",
            K.EXECUTED,
            n,
            execution=Execution(f"e{n}.01", "r1-1-0", "DU1", EURUSD.id, Side.BUY, 1.0, 1.1, n),
        )
        for n in range(1, count + 1)
    ]


def test_all_pages_of_missed_events_are_fetched(loop_with, host):
    trader = Trader(fills(25), page=10)
    loop_with(trader).catch_up()
    assert [body.sequence for body in trader.asked] == [0, 10, 20]
    assert host.runtime.last_trader_sequence == 25


def test_nothing_behind_a_gap_is_applied_before_the_gap_is_filled(loop_with, host):
    events = fills(5)
    trader = Trader(events[:2], page=10)
    loop = loop_with(trader)
    loop.catch_up()
    trader.connected = False
    news = Delivery(1, "trader", 1, sequence=4, sent_ns=0, durable=True, events=tuple(events[3:4]), topic="orders", missed=1)
    loop._work([news])
    assert host.runtime.last_trader_sequence == 2
    trader.connected, trader.events = True, events
    loop._fetched_at = 0.0
    loop._work([])
    assert host.runtime.last_trader_sequence == 5


def test_an_action_that_the_trader_cannot_read_is_given_up_at_once(loop_with, host):
    trader = Trader([], page=10)
    loop = loop_with(trader)
    host.handle(bar(10))
    loop._work([])
    assert len(trader.posted) == 1
    trader.answers = [(1, BadInput("the quantity is not a number"))]
    loop._work([])
    assert loop.waiting == 0
    assert host.runtime.unanswered == []


# What became of an action whose receipt never came


ORDER = Order("r1-1-0", "r1", EURUSD.id, Side.BUY, 1_000.0, OrderKind.LIMIT, 1.1)
BRACKET = SubmitGroup((ORDER, msgspec.structs.replace(ORDER, id="r1-1-1", side=Side.SELL, parent_id=ORDER.id)))
LOWER = Modify("r1-2-0", ORDER.id, limit_price=1.05)
CANCEL = Cancel("r1-3-0", ORDER.id)
PLACED = OrderEvent(1, ORDER.id, "r1", K.PENDING, 1, order=ORDER)
LOWERED = OrderEvent(2, ORDER.id, "r1", K.MODIFY_REQUESTED, 2, order=LOWER.changed(ORDER), action_id=LOWER.id)


@pytest.mark.parametrize(
    ("action", "happened", "has"),
    [
        (Submit(ORDER), [], False),
        (Submit(ORDER), [PLACED], True),
        (BRACKET, [], False),
        (BRACKET, [PLACED], True),
        (CANCEL, [PLACED], False),
        (CANCEL, [PLACED, OrderEvent(2, ORDER.id, "r1", K.CANCEL_REQUESTED, 2)], False),
        (CANCEL, [PLACED, OrderEvent(2, ORDER.id, "r1", K.CANCEL_REQUESTED, 2, action_id=CANCEL.id)], True),
        (LOWER, [], False),
        (LOWER, [PLACED], False),
        (LOWER, [PLACED, LOWERED], True),
        (LOWER, [PLACED, LOWERED, OrderEvent(3, ORDER.id, "r1", K.MODIFY_REQUESTED, 3, order=ORDER, action_id="r1-4-0")], True),
        (
            LOWER,
            [PLACED, OrderEvent(2, ORDER.id, "r1", K.MODIFY_REQUESTED, 2, order=LOWER.changed(ORDER), action_id="r1-4-0")],
            False,
        ),
    ],
)
def test_the_trader_is_asked_what_became_of_the_order_and_not_of_hope(action, happened, has):
    assert DirectLink(Trader(happened, page=10)).settle("r1", action) is has


def test_a_receipt_that_comes_after_it_was_settled_still_counts(loop_with, host):
    trader = Trader([], page=10)
    loop = loop_with(trader)
    host.handle(bar(10))
    loop._work([])
    (order,) = orders_of(trader.posted[0].action)
    trader.answers = [(1, Unavailable("no answer came"))]
    trader.events = [OrderEvent(1, order.id, "r1", K.PENDING, 1, order=order)]
    loop._clock.advance(11 * 10**9)
    loop._work([])  # too old to be sent again: the trader is asked, and has it
    assert (loop.waiting, len(trader.posted)) == (0, 1)
    assert order.id in host.runtime._ledger.working
