"""One table per order type: the market before the order, the order, the market after it, and what becomes of the order.

Each table names the page that says so. Outcomes are written as in stories.told: held, armed, working, quantity@price, ...
"""

import pytest
from msgspec.structs import replace

from atlas.domain import OrderKind, Side, TimeInForce, TriggerMethod
from tests.unit.exchange.flows import new_exchange
from tests.unit.exchange.listings import AAPL, EURUSD, order
from tests.unit.exchange.stories import q, story, t

BUY, SELL, K, M = Side.BUY, Side.SELL, OrderKind, TriggerMethod
IOC, FOK = TimeInForce.IOC, TimeInForce.FOK
QUOTE, SIZED = q(99.0, 100.0), q(99.0, 100.0, 50, 60)


def w(**terms):
    """With these terms, under short names."""
    return {_TERMS[name]: value for name, value in terms.items()}


_TERMS = {
    "stop": "stop_price",
    "limit": "limit_price",
    "offset": "limit_offset",
    "amount": "trail_amount",
    "percent": "trail_percent",
    "by": "trigger_method",
    "quantity": "quantity",
    "least": "min_quantity",
    "whole": "all_or_none",
    "tif": "time_in_force",
}

# IBKR order types, "Market Orders", "Limit Orders": a limit is filled at its price or better.
MARKET_AND_LIMIT = [
    (QUOTE, (BUY, w()), [], "working, 10@100"),
    (QUOTE, (SELL, w()), [], "working, 10@99"),
    (q(0, 100.0), (SELL, w()), [q(98.0, 100.0)], "working, 10@98"),
    (QUOTE, (BUY, w(limit=99.5)), [q(99.0, 99.5)], "working, 10@99.5"),
    (QUOTE, (BUY, w(limit=101.0)), [], "working, 10@100"),
    (QUOTE, (SELL, w(limit=99.5)), [t(100.0), q(99.8, 100.0)], "working, 10@99.8"),
]

# TWS API, Order.tif, allOrNone, minQty; IBKR order types "IOC", "Fill-or-Kill", "All-or-None", "Minimum Quantity".
AT_ONCE_AND_WHOLE = [
    (SIZED, (BUY, w(quantity=100.0)), [q(99.0, 100.0, 50, 25), q(99.0, 100.5)], "working, 60@100, 25@100, 15@100.5"),
    (SIZED, (BUY, w(quantity=100.0, tif=IOC)), [], "working, 60@100, cancelled"),
    (SIZED, (BUY, w(limit=99.5, tif=IOC)), [], "working, cancelled"),
    (SIZED, (BUY, w(quantity=100.0, tif=FOK)), [], "working, cancelled"),
    (SIZED, (BUY, w(quantity=60.0, tif=FOK)), [], "working, 60@100"),
    (SIZED, (BUY, w(quantity=100.0, whole=True)), [q(99.0, 99.9, 0, 99), q(99.0, 100.0, 0, 100)], "working, 100@100"),
    (SIZED, (BUY, w(quantity=100.0, least=70.0)), [q(99.0, 100.0, 0, 80)], "working, 80@100"),
    (SIZED, (BUY, w(quantity=100.0, least=50.0)), [q(99.0, 100.0, 0, 5)], "working, 60@100, 5@100"),
]

# TWS Users' Guide, "Modify the Stop Trigger Method"; IBKR order types "Stop Orders", "Stop-Limit Orders".
STOPS = [
    (t(100.0), (SELL, w(stop=99.0)), [q(98.8, 99.2), t(99.01), t(99.0)], "armed, working, 10@98.8"),
    (t(100.0), (BUY, w(stop=101.0)), [q(101.0, 101.2), t(100.99), t(101.5)], "armed, working, 10@101.2"),
    (q(99.0, 99.5), (SELL, w(stop=99.0)), [q(98.0, 99.1), q(98.0, 99.0)], "armed, working, 10@98"),
    (q(99.0, 99.5), (BUY, w(stop=100.0)), [q(99.9, 100.5), q(100.0, 100.5)], "armed, working, 10@100.5"),
    (t(98.5), (SELL, w(stop=99.0)), [q(98.0, 98.6)], "armed, working, 10@98"),
]
STOP_LIMITS = [
    (t(100.0), (SELL, w(stop=99.0, limit=98.5)), [t(99.0), q(98.4, 98.6), q(98.5, 98.6)], "armed, working, 10@98.5"),
    (t(100.0), (BUY, w(stop=101.0, limit=101.5)), [q(101.0, 101.2), t(101.0)], "armed, working, 10@101.2"),
]

# TWS Users' Guide, "Modify the Stop Trigger Method": what each method compares.
TRIGGER_METHODS = [
    (t(100.0), (SELL, w(stop=99.0, by=M.LAST)), [q(98.0, 98.5), t(99.0)], "armed, working, 10@98"),
    (t(100.0), (SELL, w(stop=99.0, by=M.DOUBLE_LAST)), [q(98.0, 99.5), t(99.0), t(99.5), t(99.0)], "armed"),
    (t(100.0), (SELL, w(stop=99.0, by=M.DOUBLE_LAST)), [t(99.0), t(98.5)], "armed, working"),
    (t(98.0), (SELL, w(stop=99.0, by=M.BID_ASK)), [q(98.0, 99.5), q(98.0, 99.0)], "armed, working, 10@98"),
    (t(98.0), (SELL, w(stop=99.0, by=M.DOUBLE_BID_ASK)), [q(98.0, 99.0, 5, 5), q(98.0, 99.0, 5, 5)], "armed"),
    (t(98.0), (SELL, w(stop=99.0, by=M.DOUBLE_BID_ASK)), [q(98.0, 99.0, 5, 5), q(98.0, 99.0, 20, 6)], "armed, working, 10@98"),
    (t(98.0), (SELL, w(stop=99.0, by=M.DOUBLE_BID_ASK)), [q(98.0, 99.0), q(97.9, 98.9)], "armed, working, 10@97.9"),
    (t(98.0), (SELL, w(stop=99.0, by=M.DOUBLE_BID_ASK)), [q(98.0, 99.0), q(98.0, 99.0)], "armed, working, 10@98"),
    (t(98.0), (SELL, w(stop=99.0, by=M.MIDPOINT)), [q(98.6, 99.5), q(98.5, 99.5)], "armed, working, 10@98.5"),
    (t(100.0), (SELL, w(stop=99.0, by=M.LAST_OR_BID_ASK)), [q(98.0, 99.0)], "armed, working, 10@98"),
    (t(100.0), (SELL, w(stop=99.0, by=M.LAST_OR_BID_ASK)), [q(98.9, 99.5), t(99.0)], "armed, working, 10@98.9"),
]

# IBKR order types, "Market-if-Touched", "Limit-if-Touched": a stop the other way round.
IF_TOUCHED = [
    (t(100.0), (BUY, w(stop=99.0)), [q(98.8, 99.2), t(99.1), t(99.0)], "armed, working, 10@99.2"),
    (t(100.0), (SELL, w(stop=101.0)), [q(100.8, 101.2), t(101.0)], "armed, working, 10@100.8"),
]
LIMIT_IF_TOUCHED = [
    (t(100.0), (BUY, w(stop=99.0, limit=98.9)), [q(98.8, 99.2), t(99.0), q(98.8, 98.9)], "armed, working, 10@98.9"),
]

# IBKR order types, "Trailing Stop Orders", "Trailing Stop Limit Orders"; both limit rows are the example of the latter.
TRAILING = [
    (
        t(100.0),
        (SELL, w(amount=1.0)),
        [t(101.0), t(100.5), q(99.8, 100.2), t(100.0)],
        "armed, stop 99, stop 100, working, 10@99.8",
    ),
    (
        t(100.0),
        (BUY, w(percent=2.0)),
        [t(98.0), t(99.0), q(99.5, 100.0), t(99.96)],
        "armed, stop 102, stop 99.96, working, 10@100",
    ),
    (t(100.0), (SELL, w(amount=1.0, stop=98.0)), [], "armed, stop 99"),
    (t(100.0), (SELL, w(amount=1.0, stop=99.5)), [t(100.4), t(100.6)], "armed, stop 99.6"),
    (t(100.13), (SELL, w(percent=0.2)), [], "armed, stop 99.92"),
    (t(100.13), (BUY, w(percent=0.2)), [], "armed, stop 100.34"),
    (None, (SELL, w(amount=1.0)), [q(100.0, 100.1), q(100.9, 101.0)], "armed, stop 99.1, stop 100"),
]
TRAILING_LIMITS = [
    (
        t(10.0),
        (SELL, w(amount=0.15, stop=9.85, offset=0.1)),
        [t(12.0), t(11.9), t(11.8), q(11.74, 11.9), q(11.75, 11.9)],
        "armed, stop 11.85 limit 11.75, working, 10@11.75",
    ),
    (t(10.0), (SELL, w(amount=0.15, stop=9.85, limit=9.75)), [t(12.0)], "armed, stop 11.85 limit 11.75"),
]

# IBKR order types, "Midprice", "Pegged-to-Midpoint", "Relative/Pegged-to-Primary"; IBKR ATS: the offset is less aggressive.
MIDPRICES = [
    (q(99.0, 100.0), (BUY, w()), [t(99.6), t(99.4, 4), q(99.0, 99.4)], "working, limit 99.5, 4@99.5, 6@99.4"),
    (q(99.0, 100.0), (BUY, w(limit=99.3)), [q(99.2, 99.4)], "working, limit 99.3"),
    (q(99.0, 100.0), (SELL, w(limit=99.7)), [q(99.6, 100.0), q(99.9, 100.1)], "working, limit 99.7, limit 99.8, 10@99.9"),
    (None, (BUY, w()), [q(99.0, 100.0), q(0, 100.0)], "working, limit 99.5"),
]
PEGS = [
    (q(99.0, 100.0), (BUY, w(offset=0.1)), [q(99.2, 100.2), t(99.6)], "working, limit 99.4, limit 99.6, 10@99.6"),
    (q(99.0, 100.0), (SELL, w(offset=0.1)), [q(99.7, 100.2)], "working, limit 99.6, 10@99.7"),
]
RELATIVES = [
    (q(99.0, 100.0), (BUY, w(offset=0.02)), [q(99.1, 100.0), q(98.0, 99.1)], "working, limit 99.02, limit 99.12, 10@99.1"),
    (q(99.0, 100.0), (BUY, w(offset=0.02, limit=99.0)), [q(99.5, 100.0)], "working, limit 99"),
    (q(99.0, 100.0), (BUY, w(offset=0.025)), [], "working, limit 99.02"),
    (q(99.0, 100.0), (SELL, w(offset=0.025)), [], "working, limit 99.98"),
    (q(99.0, 100.0), (SELL, w(offset=1.0)), [], "working, limit 99, 10@99"),
    (q(99.0, 100.0), (BUY, w(offset=0.02)), [q(98.5, 99.5), q(98.9, 99.01)], "working, limit 99.02, 10@99.01"),
]

TABLES = [
    (K.STOP, STOPS),
    (K.STOP_LIMIT, STOP_LIMITS),
    (K.STOP, TRIGGER_METHODS),
    (K.MARKET_IF_TOUCHED, IF_TOUCHED),
    (K.LIMIT_IF_TOUCHED, LIMIT_IF_TOUCHED),
    (K.TRAILING_STOP, TRAILING),
    (K.TRAILING_STOP_LIMIT, TRAILING_LIMITS),
    (K.MIDPRICE, MIDPRICES),
    (K.PEGGED_TO_MIDPOINT, PEGS),
    (K.RELATIVE, RELATIVES),
]
ROWS = [(kind, *row) for kind, table in TABLES for row in table]
PLAIN = [(K.LIMIT if "limit_price" in row[1][1] else K.MARKET, *row) for row in (*MARKET_AND_LIMIT, *AT_ONCE_AND_WHOLE)]


@pytest.mark.parametrize(("kind", "before", "placed", "after", "outcome"), PLAIN + ROWS)
def test_given_the_market_this_becomes_of_the_order(kind, before, placed, after, outcome):
    side, terms = placed
    made = replace(order(AAPL, side, 10.0), **{"kind": kind, **terms})
    steps = [before, made] if before else [made]
    assert ", ".join(story(new_exchange(always=True), *steps, *after)) == outcome


WRONG = [
    (K.STOP, {}, "no_stop_price"),
    (K.STOP, {"stop_price": 99.005}, "off_tick"),
    (K.STOP_LIMIT, {"stop_price": 99.0}, "no_limit_price"),
    (K.LIMIT_IF_TOUCHED, {"limit_price": 99.0}, "no_stop_price"),
    (K.TRAILING_STOP, {}, "no_trail"),
    (K.TRAILING_STOP, {"trail_amount": 1.0, "trail_percent": 1.0}, "no_trail"),
    (K.TRAILING_STOP, {"trail_percent": 100.0}, "no_trail"),
    (K.TRAILING_STOP_LIMIT, {"trail_amount": 1.0}, "no_limit_price"),
    (K.RELATIVE, {"limit_price": 99.001}, "off_tick"),
    (K.STOP, {"stop_price": 99.0, "time_in_force": TimeInForce.OPG}, "bad_time_in_force"),
    (K.MARKET_ON_CLOSE, {"time_in_force": TimeInForce.IOC}, "bad_time_in_force"),
    (K.MARKET, {"time_in_force": TimeInForce.GTD}, "bad_time"),
    (K.MARKET, {"min_quantity": 11.0}, "bad_quantity"),
    (K.MARKET, {"parent_id": "nobody"}, "unknown_parent"),
]


@pytest.mark.parametrize(("kind", "terms", "reason"), WRONG)
def test_an_order_without_what_its_type_needs_is_rejected(kind, terms, reason):
    assert story(new_exchange(always=True), QUOTE, order(AAPL, BUY, 10, **{"kind": kind, **terms})) == [reason]


def test_what_has_only_quotes_triggers_by_bid_and_ask_by_default():
    placed = order(EURUSD, SELL, 20_000, kind=K.STOP, stop_price=1.1)
    steps = (q(1.101, 1.1011, of=EURUSD), placed, q(1.0995, 1.1001, of=EURUSD), q(1.0995, 1.1, of=EURUSD))
    assert story(new_exchange(always=True), *steps) == ["armed", "working", "20000@1.0995"]


def test_a_modified_stop_is_watched_at_its_new_price_and_keeps_what_it_is():
    exchange = new_exchange(always=True)
    placed = order(AAPL, SELL, 10, kind=K.STOP, stop_price=99.0, id="s")
    story(exchange, QUOTE, t(100.0), placed)
    exchange.modify(order(AAPL, SELL, 10, kind=K.STOP, stop_price=99.5, id="s"), 2)
    assert story(exchange, t(99.5)) == ["working", "10@99"]
    again = order(AAPL, SELL, 10, kind=K.STOP, stop_price=90.0, id="again")
    story(exchange, again)
    refused = exchange.modify(order(AAPL, BUY, 10, kind=K.STOP, stop_price=90.0, id="again"), 3)
    assert [event.reason.value for event in refused] == ["bad_change"]
