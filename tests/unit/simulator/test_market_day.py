"""The day and the year that streams tell of: what the market did before it was played."""

from datetime import UTC, datetime

import pytest

from atlas.domain import from_datetime
from ib_gateway.simulator.entitlements import Entitlements, Permission
from ib_gateway.simulator.messages import Condition, Ticket, replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.market_desk import (
    AAPL,
    ES,
    EURUSD,
    Desk,
    contract,
    prices,
    sizes,
)

# The day before the market was played


def day_bar(desk, name, *, regular, what="TRADES"):
    """The bar of today, as a historical request gets it."""
    request = r.HistoricalData(
        99, contract(name), include_expired=False, end="", bar_size="1 day", duration="1 D", use_rth=regular, what_to_show=what,
        format_date=1, keep_up_to_date=False,
    )  # fmt: skip
    (reply,) = desk.ask(request)
    return reply.bars[-1]


def told(desk, name=AAPL):
    """High, low, open and volume as a new stream tells them."""
    said = desk.ask(r.MarketData(7, contract(name)))
    desk.ask(r.CancelMarketData(7))
    return [dict(prices(said)).get(kind) for kind in (6, 7, 14)], dict(sizes(said)).get(8)


@pytest.mark.parametrize("looked_at_first", [False, True])
def test_streams_tell_the_same_day_as_the_days_bar_does(looked_at_first):
    desk = Desk(past=True)
    desk.quote(AAPL, 269.98, 270.02, 100, 100)
    if looked_at_first:
        told(desk)
    for price in (269.97, 290.0, 250.0, 270.0):
        desk.later(1)
        desk.trade(AAPL, price, 300)
    spans, volume = told(desk)
    regular, every = (day_bar(desk, AAPL, regular=only) for only in (True, False))
    assert spans == [regular.high, regular.low, regular.open] == [290.0, 250.0, spans[2]]
    assert volume == every.volume > regular.volume > 100_000
    assert told(Desk(past=False)) == ([None] * 3, None)


@pytest.mark.parametrize(("name", "what"), [(ES, "TRADES"), (EURUSD, "BID")])
def test_the_day_of_futures_and_currencies_is_the_bar_of_all_hours(name, what):
    desk = Desk(past=True)
    desk.quote(name, *((6650.0, 6650.25) if name == ES else (1.16, 1.1601)))
    spans, volume = told(desk, name)
    bar = day_bar(desk, name, regular=False, what=what)
    assert spans == [bar.high, bar.low, bar.open]
    assert volume == (bar.volume if name == ES else None)


def test_before_the_opening_a_day_is_what_was_traded_early_and_then_begins_anew_but_for_its_volume():
    desk = Desk(past=True, at_ns=from_datetime(datetime(2026, 6, 5, 13, 29, 50, tzinfo=UTC)))
    desk.quote(AAPL, 269.98, 270.02, 100, 100)
    early, before = told(desk)
    desk.later(20)
    desk.trade(AAPL, 400.0, 300)
    assert early[0] < 400
    assert told(desk) == ([400.0, 400.0, 400.0], before + 300)


def test_after_the_close_only_the_volume_of_the_day_goes_on():
    desk = Desk(past=True, at_ns=from_datetime(datetime(2026, 6, 5, 20, 30, tzinfo=UTC)))
    spans, before = told(desk)
    desk.trade(AAPL, 400.0, 300)
    assert told(desk) == (spans, before + 300)


def test_the_exchange_judges_conditions_by_the_day_and_the_close_that_streams_tell():
    desk = Desk(past=True)
    desk.quote(AAPL, 269.98, 270.02, 100, 100)
    said = desk.ask(r.MarketData(7, contract(AAPL)))
    close, volume = dict(prices(said))[9], dict(sizes(said))[8]

    def status(order_id, *condition):
        ticket = Ticket("BUY", 1.0, "LMT", limit_price=200.0, conditions=(Condition(*condition),))
        reply = [
            reply for reply in desk.ask(r.PlaceOrder(order_id, contract(AAPL), ticket)) if type(reply) is replies.OrderStatus
        ]
        return reply[-1].status

    assert status(1, 6, ("a", "1", f"{volume:.0f}", "265598", "SMART")) == "Submitted"
    assert status(2, 6, ("a", "1", f"{volume + 1:.0f}", "265598", "SMART")) == "PreSubmitted"
    change = (270.0 / close - 1) * 100
    assert status(3, 7, ("a", "1", f"{change - 0.01}", "265598", "SMART")) == "Submitted"
    assert status(4, 7, ("a", "1", f"{change + 0.01}", "265598", "SMART")) == "PreSubmitted"


def test_the_close_of_a_new_day_is_that_of_the_last_regular_session():
    desk = Desk(at_ns=from_datetime(datetime(2026, 6, 4, 19, 59, tzinfo=UTC)))
    desk.trade(AAPL, 270.0)
    desk.later(3600)
    desk.trade(AAPL, 280.0)
    desk.later(20 * 3600)
    assert dict(prices(desk.ask(r.MarketData(7, contract(AAPL)))))[9] == 270.0


def test_delayed_data_of_a_gateway_that_just_began_are_those_of_its_past():
    desk = Desk(past=True, entitlements=Entitlements(kinds={"STK": Permission.DELAYED}))
    desk.quote(AAPL, 269.98, 270.02, 100, 100)
    desk.ask(r.MarketDataType(3))
    ticks = r.HistoricalTicks(
        9, contract(AAPL), include_expired=False, start="", end="20260605 15:45:00 UTC", count=1, what_to_show="BID_ASK",
        use_rth=False, ignore_size=False, options="",
    )  # fmt: skip
    then = desk.ask(ticks)[-1].ticks[-1]
    said = desk.ask(r.MarketData(7, contract(AAPL)))
    first = dict(prices(said))
    assert (first[66], first[67]) == pytest.approx((then.bid, then.ask), abs=0.2)
    assert first[73] <= first[68] <= first[72]
    assert dict(sizes(said))[74] > 100_000
    quoted = set()
    for _ in range(30):
        desk.later(1)
        quoted |= {price for kind, price in prices(desk.heard()) if kind == 66}
    assert len(quoted) > 3  # they move
    desk.later(14 * 60)
    desk.later(60)
    assert dict(prices(desk.heard()))[66] == 269.98  # as the gateway began


def test_delayed_data_of_a_market_that_was_closed_have_no_sides():
    opening = from_datetime(datetime(2026, 6, 5, 8, 5, tzinfo=UTC))  # five past four in New York
    desk = Desk(past=True, at_ns=opening, entitlements=Entitlements(kinds={"STK": Permission.DELAYED}))
    desk.quote(AAPL, 269.98, 270.02, 100, 100)
    desk.ask(r.MarketDataType(3))
    first = dict(prices(desk.ask(r.MarketData(7, contract(AAPL)))))
    assert (first[66], first[67]) == (-1.0, -1.0)


def test_the_year_of_an_instrument_is_looked_up_in_slices():
    desk = Desk(past=True)
    desk.quote(AAPL, 269.98, 270.02, 100, 100)
    rest = desk.broker.answer(1, r.MarketData(7, contract(AAPL), "165"))
    assert rest is not None
    first = len(list(rest))
    desk.later(1)
    assert {kind for kind, _ in prices(desk.heard())} >= {15, 16, 17, 18, 19, 20}
    assert first > 10
