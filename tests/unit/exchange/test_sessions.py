"""Hours: a day is extended from 100 to 200, regular to 700, extended to 800, then closed; the next begins at 1000.

Sources: TWS API, Order.tif, outsideRth, goodAfterTime, goodTillDate; IBKR order types "Market-on-Close", "Limit-on-Close",
"Market-on-Open", "Limit-on-Open", "Good-Till-Date".
"""

import pytest

from atlas.domain import OrderKind, Side, TimeInForce
from atlas.exchange import Stage
from tests.unit.exchange.flows import new_exchange
from tests.unit.exchange.listings import AAPL, order
from tests.unit.exchange.stories import q, story, t, told

BUY, SELL, K, TIF = Side.BUY, Side.SELL, OrderKind, TimeInForce
OPEN = {"time_in_force": TIF.OPG}
RTH_OFF = {"outside_rth": True}
GTC = {"time_in_force": TIF.GTC}

# (placed at, terms, what comes after, what becomes of it)
WHEN_THE_MARKET_IS_OPEN = [
    (50, {}, [q(99, 100, at=150), q(99, 101, at=210)], "held, working, 10@101"),
    (150, {}, [q(99, 100, at=160), 200, q(99, 101, at=210)], "held, working, 10@101"),
    (150, RTH_OFF, [q(99, 100, at=160)], "working, 10@100"),
    (50, RTH_OFF, [100, q(99, 100, at=160)], "held, working, 10@100"),
    (300, {"limit_price": 98.0}, [q(99, 100, at=310), 700], "working, expired"),
    (300, {"limit_price": 98.0, **RTH_OFF}, [700, 800], "working, expired"),
    (750, {"limit_price": 98.0}, [800, 1200, 1700], "held, working, expired"),
    (750, {"limit_price": 98.0, **RTH_OFF}, [800], "working, expired"),
    (300, {"limit_price": 98.0, **GTC}, [700, q(97, 98, at=750), 1200, q(97, 98, at=1300)], "working, held, working, 10@98"),
    (300, {"limit_price": 98.0, "time_in_force": TIF.GTD, "good_till_ns": 450}, [449, 450], "working, expired"),
    (300, {"good_after_ns": 400}, [q(99, 100, at=310), 400], "held, working, 10@100"),
    (300, {"good_after_ns": 1300, "limit_price": 98.0}, [700, 1300, 1700], "held, working, expired"),
    (150, {"time_in_force": TIF.IOC}, [q(99, 100, at=160), 200, q(99, 101, at=210)], "held, working, 10@101"),
    (150, {"time_in_force": TIF.IOC, "limit_price": 98.0}, [200, q(99, 101, at=210)], "held, working, cancelled"),
]
STOPS_OUTSIDE_HOURS = [
    (300, {"stop_price": 99.0, **GTC}, [700, t(98, at=750), 1200, t(100, at=1210)], "armed, held, armed"),
    (
        300,
        {"stop_price": 99.0, **GTC, **RTH_OFF},
        [t(100, at=310), 700, q(97, 98, at=740), t(98, at=750)],
        "armed, working, 10@97",
    ),
]
AUCTIONS = [
    (K.MARKET, 150, OPEN, [q(99, 100, at=160), q(98, 101, 1, 1, at=205)], "held, working, 10@101"),
    (K.MARKET, 150, OPEN, [t(100.5, at=207)], "held, working, 10@100.5"),
    (K.MARKET, 300, OPEN, [q(99, 100, at=310), 1200, t(97, at=1201)], "held, working, 10@97"),
    (K.LIMIT, 150, OPEN | {"limit_price": 100.0}, [t(100.5, at=207)], "held, working, cancelled"),
    (K.LIMIT, 150, OPEN | {"limit_price": 100.0}, [t(99.5, at=207)], "held, working, 10@99.5"),
    (K.LIMIT, 150, OPEN | {"limit_price": 100.0}, [700], "held, working, cancelled"),
    (K.MARKET_ON_CLOSE, 300, {}, [q(99, 100, at=310), t(99.7, at=600), 700], "held, working, 10@99.7"),
    (K.MARKET_ON_CLOSE, 300, {}, [q(99, 100, 1, 1, at=310), 700], "held, working, 10@100"),
    (K.MARKET_ON_CLOSE, 300, {}, [700], "held, cancelled"),
    (K.MARKET_ON_CLOSE, 750, {}, [t(90, at=760), t(98, at=1500), 1700], "held, working, 10@98"),
    (K.LIMIT_ON_CLOSE, 300, {"limit_price": 99.0}, [t(99.7, at=600), 700], "held, working, cancelled"),
    (K.LIMIT_ON_CLOSE, 300, {"limit_price": 99.7}, [t(99.5, at=600), t(98, at=710)], "held, working, 10@99.5"),
]  # fmt: skip


@pytest.mark.parametrize(("at", "terms", "after", "outcome"), WHEN_THE_MARKET_IS_OPEN)
def test_an_order_works_in_its_hours_and_ends_with_its_session(at, terms, after, outcome):
    kind = K.LIMIT if "limit_price" in terms else K.MARKET
    assert ", ".join(story(new_exchange(), at, order(AAPL, BUY, 10, kind=kind, **terms), *after)) == outcome


@pytest.mark.parametrize(("at", "terms", "after", "outcome"), STOPS_OUTSIDE_HOURS)
def test_stops_do_not_trigger_outside_their_hours(at, terms, after, outcome):
    assert ", ".join(story(new_exchange(), at, order(AAPL, SELL, 10, kind=K.STOP, **terms), *after)) == outcome


@pytest.mark.parametrize(("kind", "at", "terms", "after", "outcome"), AUCTIONS)
def test_auctions_fill_at_one_price_and_cancel_the_rest(kind, at, terms, after, outcome):
    placed = order(AAPL, BUY, 10, kind=kind, **({"limit_price": None} | terms))
    assert ", ".join(story(new_exchange(), at, placed, *after)) == outcome


def test_what_is_due_happens_at_its_own_time_however_late_time_is_told():
    exchange = new_exchange()
    exchange.submit(order(AAPL, BUY, 10, 98.0, id="day"), 300)
    (expired,) = exchange.on_time(5000)
    assert expired.at_ns == 700


def test_time_passes_before_a_new_order_is_looked_at():
    exchange = new_exchange()
    exchange.submit(order(AAPL, BUY, 10, 98.0, id="day"), 300)
    assert [type(event).__name__ for event in exchange.submit(order(AAPL, BUY, 10, 98.0), 720)] == ["Expired", "Accepted"]


def test_the_close_of_a_session_is_what_the_next_ones_changes_are_counted_from():
    exchange = new_exchange()
    exchange.on_events([t(99, at=300), t(98, at=650), t(90, at=750)])
    exchange.on_time(1000)
    assert exchange.state().book.markets[0].close == 98


def test_when_the_clock_is_set_back_phases_are_found_out_anew_and_orders_go_on():
    exchange = new_exchange()
    story(exchange, q(99, 100, at=1300), order(AAPL, BUY, 10, 98.0, id="gtc", **GTC), 1700)
    assert exchange.standing("gtc").stage is Stage.HELD
    assert [told(event) for event in exchange.set_time(300)] == ["working"]
    assert story(exchange, q(97, 98, at=310)) == ["10@98"]
