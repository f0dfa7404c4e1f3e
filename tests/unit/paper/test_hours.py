"""A paper exchange keeps the hours of its instruments, if it is told to."""

import pytest
from msgspec.structs import replace
from support.paper import AAPL, ES, fills, kill, order, statuses

from atlas.domain import NS_PER_SECOND, Side, TimeInForce
from atlas.exchange import NEVER_NS, Phase
from atlas.paper.hours import InstrumentHours

HOUR = 3600
BUY, SELL = Side.BUY, Side.SELL
LISTED = replace(
    AAPL,
    time_zone="US/Eastern",
    trading_hours="20260605:0400-20260605:2000;20260606:CLOSED;20260607:CLOSED;20260608:0400-20260608:2000",
    liquid_hours="20260605:0930-20260605:1600;20260606:CLOSED;20260607:CLOSED;20260608:0930-20260608:1600",
)
EXPIRING = replace(
    ES,
    time_zone="US/Central",
    expiry="20260605",
    trading_hours="20260604:1700-20260605:1600;20260606:CLOSED;20260607:1700-20260608:1600",
)


@pytest.fixture
def desk(make_desk):
    return make_desk(LISTED, EXPIRING, hours="real")  # it is 13:00 in New York, a Friday


async def test_a_day_order_ends_with_its_session_and_others_go_on_with_the_next(desk):
    desk.quote(LISTED, 100.0, 100.2)
    day = order(LISTED, BUY, 10, 99.0)
    lasting = order(LISTED, BUY, 10, 98.0, time_in_force=TimeInForce.GTC)
    for one in (day, lasting):
        await desk.place(one)
    desk.pass_time(3 * HOUR - 1)
    assert await desk.heard() == []
    desk.pass_time(1)
    assert [(one.order_id, one.status.value) for one in await desk.heard()] == [(day.id, "expired")]
    desk.quote(LISTED, 97.0, 97.5)  # it is extended hours: nothing that does not want them
    assert await desk.heard() == []
    desk.pass_time(2 * 24 * HOUR + 18 * HOUR)
    desk.quote(LISTED, 97.0, 97.5)
    assert fills(await desk.heard()) == [("buy", 10, 97.5)]


async def test_an_order_that_wants_extended_hours_is_filled_in_them(desk):
    desk.pass_time(4 * HOUR)
    desk.quote(LISTED, 100.0, 100.2)
    assert fills(await desk.place(order(LISTED, BUY, 10, outside_rth=True))) == [("buy", 10, 100.2)]
    assert fills(await desk.place(order(LISTED, BUY, 10))) == []


async def test_a_position_in_what_expires_is_settled_and_its_orders_end(desk):
    desk.quote(EXPIRING, 5000.0, 5000.5)
    await desk.place(order(EXPIRING, BUY, 2))
    await desk.place(order(EXPIRING, SELL, 2, 6000.0, time_in_force=TimeInForce.GTC))
    desk.quote(EXPIRING, 5010.0, 5010.5)
    desk.pass_time(5 * HOUR)
    told = await desk.heard()
    assert fills(told) == [("sell", 2, 5010.25)]
    assert statuses(told) == ["expired"]
    assert (await desk.snapshot()).positions == {}


async def test_sessions_end_while_the_account_is_away(make_desk, desk):
    desk.quote(LISTED, 100.0, 100.2)
    await desk.place(order(LISTED, BUY, 10, 99.0))
    kill(desk)
    desk.clock.advance(24 * HOUR * NS_PER_SECOND)
    desk = make_desk(LISTED, hours="real")
    desk.broker.on_time()
    assert statuses(await desk.heard()) == ["expired"]
    assert (await desk.snapshot()).open_orders == ()


def test_phases_follow_the_liquid_and_the_trading_hours(clock):
    hours = InstrumentHours()
    hours.note(LISTED)
    now, found = clock.now_ns(), []
    for _ in range(5):
        found.append(hours.phase(LISTED.id, now))
        now = hours.next_change(LISTED.id, now)
    assert found == [Phase.REGULAR, Phase.EXTENDED, Phase.CLOSED, Phase.EXTENDED, Phase.REGULAR]


def test_what_has_no_hours_or_none_that_can_be_read_always_trades(clock):
    hours = InstrumentHours()
    hours.note(AAPL)
    hours.note(replace(LISTED, id="odd", trading_hours="whenever"))
    for name in (AAPL.id, "odd", "never heard of"):
        assert hours.phase(name, clock.now_ns()) is Phase.REGULAR
        assert hours.next_change(name, clock.now_ns()) == NEVER_NS
    assert list(hours.unreadable) == ["odd"]


def test_a_contract_is_closed_for_good_after_its_last_day(clock):
    hours = InstrumentHours()
    hours.note(EXPIRING)
    closes = hours.next_change(EXPIRING.id, clock.now_ns())
    assert hours.phase(EXPIRING.id, closes) is Phase.CLOSED
    assert hours.next_change(EXPIRING.id, closes) == NEVER_NS
