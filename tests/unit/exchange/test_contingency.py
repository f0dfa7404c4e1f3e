"""Brackets and OCA groups, told as (order, what happened).

Sources: TWS API, "Bracket Orders", "One Cancels All", Order.ocaType, Order.parentId; TWS Users' Guide, "One Cancels Other".
"""

import pytest

from atlas.domain import OcaType, OrderKind, PriceCondition, Side, TimeInForce
from tests.unit.exchange.flows import new_exchange
from tests.unit.exchange.listings import AAPL, ES, order
from tests.unit.exchange.stories import q, stories, t

BUY, SELL, K = Side.BUY, Side.SELL, OrderKind
QUOTE = q(99, 100, at=300)


def bracket(quantity=10.0, **more):
    """A buy at 99.5 with a profit taker at 105 and a stop loss at 95."""
    group = {"parent_id": "entry", "oca_group": "exit", "oca_type": OcaType.REDUCE_WITH_BLOCK} | more
    return (
        order(AAPL, BUY, quantity, 99.5, id="entry"),
        order(AAPL, SELL, quantity, 105.0, id="profit", **group),
        order(AAPL, SELL, quantity, id="loss", kind=K.STOP, stop_price=95.0, **group),
    )


HELD = [("entry", "working"), ("profit", "held"), ("loss", "held")]


BRACKETS = [
    ("children wait for the whole fill", [q(99, 99.5, 0, 4, at=310)], [("entry", "4@99.5")]),
    (
        "the fill releases them",
        [q(99, 99.5, at=310)],
        [("entry", "10@99.5"), ("profit", "working"), ("loss", "armed")],
    ),
    (
        "one filled cancels the other",
        [q(99, 99.5, at=310), q(105, 106, at=320)],
        [("entry", "10@99.5"), ("profit", "working"), ("loss", "armed"), ("profit", "10@105"), ("loss", "cancelled")],
    ),
    (
        "one filled in part reduces the other",
        [q(99, 99.5, at=310), q(105, 106, 4, 4, at=320)],
        [("entry", "10@99.5"), ("profit", "working"), ("loss", "armed"), ("profit", "4@105"), ("loss", "6 in all")],
    ),
    (
        "with the parent they go",
        [("cancel", "entry")],
        [("entry", "cancelled"), ("profit", "cancelled"), ("loss", "cancelled")],
    ),
    ("also when its session ends", [700], [("entry", "expired"), ("profit", "cancelled"), ("loss", "cancelled")]),
    (
        "also when it was filled in part",
        [q(99, 99.5, 0, 4, at=310), ("cancel", "entry")],
        [("entry", "4@99.5"), ("entry", "cancelled"), ("profit", "cancelled"), ("loss", "cancelled")],
    ),
    (
        "one cancelled by its user takes the other along",
        [("cancel", "profit")],
        [("profit", "cancelled"), ("loss", "cancelled")],
    ),
]


@pytest.mark.parametrize(("after", "outcome"), [row[1:] for row in BRACKETS], ids=[row[0] for row in BRACKETS])
def test_brackets(after, outcome):
    exchange = new_exchange()
    assert stories(exchange, QUOTE, *bracket(), at=300) == HELD
    assert stories(exchange, *after, at=305) == outcome


def test_children_of_an_order_that_was_filled_before_they_came_are_free():
    exchange = new_exchange()
    entry, profit, loss = bracket()
    assert stories(exchange, q(99, 99.5, at=300), entry, profit, loss) == [
        ("entry", "working"),
        ("entry", "10@99.5"),
        ("profit", "working"),
        ("loss", "armed"),
    ]


def test_a_trailing_child_begins_to_trail_when_its_parent_is_filled():
    exchange = new_exchange()
    entry = order(AAPL, BUY, 10, 99.5, id="entry")
    trail = order(AAPL, SELL, 10, id="trail", kind=K.TRAILING_STOP, trail_amount=1.0, parent_id="entry")
    told = stories(exchange, t(100, at=300), entry, trail, t(110, at=301), q(99, 99.5, at=302), t(101, at=303), at=300)
    assert told == [
        ("entry", "working"),
        ("trail", "held"),
        ("entry", "10@99.5"),
        ("trail", "armed"),
        ("trail", "stop 109"),
        ("trail", "working"),
        ("trail", "10@99"),
    ]


def two(oca_type, first=10.0, second=10.0, **more):
    group = {"oca_group": "g", "oca_type": oca_type} | more
    return order(AAPL, BUY, first, 98.0, id="a", **group), order(AAPL, BUY, second, 97.0, id="b", **group)


# The market comes to 96.9, to both orders, and shows a size.
OCA = [
    (OcaType.CANCEL_WITH_BLOCK, 10, 10, 0, [("a", "10@96.9"), ("b", "cancelled")]),
    (OcaType.CANCEL_WITH_BLOCK, 10, 10, 4, [("a", "4@96.9"), ("b", "cancelled")]),
    (OcaType.REDUCE_WITH_BLOCK, 10, 10, 0, [("a", "10@96.9"), ("b", "cancelled")]),
    (OcaType.REDUCE_WITH_BLOCK, 10, 10, 4, [("a", "4@96.9"), ("b", "6 in all")]),
    (OcaType.REDUCE_WITH_BLOCK, 10, 25, 4, [("a", "4@96.9"), ("b", "15 in all")]),
    (OcaType.REDUCE_WITH_BLOCK, 10, 1, 4, [("a", "4@96.9"), ("b", "cancelled")]),
    (OcaType.REDUCE, 10, 10, 0, [("a", "10@96.9"), ("b", "10@96.9")]),
    (OcaType.REDUCE, 10, 10, 4, [("a", "4@96.9"), ("b", "6 in all")]),
]


@pytest.mark.parametrize(("oca_type", "first", "second", "size", "outcome"), OCA)
def test_oca_groups(oca_type, first, second, size, outcome):
    exchange = new_exchange()
    stories(exchange, QUOTE, *two(oca_type, float(first), float(second)), at=300)
    assert stories(exchange, q(96, 96.9, 0, float(size), at=310)) == outcome


def test_a_group_may_reach_over_instruments():
    exchange = new_exchange()
    group = {"oca_group": "g", "oca_type": OcaType.CANCEL_WITH_BLOCK}
    stories(exchange, QUOTE, order(AAPL, BUY, 10, 98.0, id="a", **group), order(ES, BUY, 1, 5000.0, id="e", **group), at=300)
    assert stories(exchange, q(4999, 5000, of=ES, at=310)) == [("e", "1@5000"), ("a", "cancelled")]


def test_groups_of_the_same_name_in_two_accounts_are_two_groups():
    exchange = new_exchange()
    mine, _ = two(OcaType.CANCEL_WITH_BLOCK)
    theirs = order(AAPL, BUY, 10, 97.0, id="theirs", oca_group="g", account="DU2")
    stories(exchange, QUOTE, mine, theirs, at=300)
    assert stories(exchange, q(97, 98, at=310)) == [("a", "10@98")]
    assert exchange.standing("theirs") is not None


def test_a_pegged_order_that_its_group_reduces_keeps_its_price_and_its_place():
    exchange = new_exchange(always=True)
    group = {"oca_group": "g", "oca_type": OcaType.REDUCE, "id": "peg", "kind": K.PEGGED_TO_MIDPOINT, "limit_price": 99.0}
    stories(exchange, q(100, 100.1, 100, 100), order(AAPL, BUY, 100, **group))
    stories(exchange, order(AAPL, BUY, 100, 99.95, id="limit", oca_group="g", oca_type=OcaType.REDUCE))
    assert stories(exchange, q(99.9, 99.95, 100, 30, at=4)) == [("limit", "30@99.95"), ("peg", "70 in all")]
    assert exchange.standing("peg").limit_price == 99.0
    assert stories(exchange, t(98.9, 1000, at=6)) == [("peg", "70@99"), ("limit", "cancelled")]


def test_a_relative_order_that_its_group_reduces_does_not_fall_back_behind_the_price_it_had():
    exchange = new_exchange(always=True)
    group = {"oca_group": "g", "oca_type": OcaType.REDUCE_WITH_BLOCK}
    stories(exchange, q(100, 100.1, 100, 100), order(AAPL, BUY, 10, id="relative", kind=K.RELATIVE, limit_offset=0.01, **group))
    stories(exchange, order(ES, BUY, 10, 5000.0, id="other", **group))
    stories(exchange, q(99, 100.1, 100, 100, at=2), q(4999, 5000, 0, 4, of=ES, at=3))
    relative = exchange.standing("relative")
    assert (float(relative.remaining), relative.limit_price) == (6, 100.01)


def test_a_whole_order_that_its_group_reduces_takes_what_is_displayed_once_that_is_enough():
    exchange = new_exchange(always=True)
    group = {"oca_group": "g", "oca_type": OcaType.REDUCE}
    stories(exchange, q(99, 101), q(4999, 5000, 0, 6, of=ES), order(AAPL, BUY, 10, 98.0, id="a", **group))
    assert stories(exchange, order(ES, BUY, 10, 5000.0, id="whole", all_or_none=True, **group)) == [("whole", "working")]
    assert stories(exchange, q(97, 98, 0, 4, at=5)) == [
        ("a", "4@98"),
        ("whole", "6 in all"),
        ("whole", "6@5000"),
        ("a", "cancelled"),
    ]


def test_a_moment_that_nothing_stands_for_any_more_changes_nothing():
    exchange = new_exchange()
    gtd = {"time_in_force": TimeInForce.GTD, "good_till_ns": 450, "id": "gtd"}
    group = {"oca_group": "g", "oca_type": OcaType.REDUCE_WITH_BLOCK}
    stories(
        exchange,
        QUOTE,
        order(AAPL, BUY, 10, 90.0, **gtd),
        ("cancel", "gtd"),
        order(AAPL, BUY, 10, 98.0, id="a", **group),
        at=300,
    )
    stories(exchange, order(AAPL, SELL, 10, id="b", conditions=(PriceCondition(AAPL.id, 97.0, False),), **group), at=300)
    assert stories(exchange, q(96, 96.9, 0, 6, at=310)) == [("b", "working"), ("a", "6@96.9"), ("b", "4 in all")]
    assert stories(exchange, 460) == []
    assert stories(exchange, q(96, 97, at=470)) == [("a", "4@97"), ("b", "cancelled")]
