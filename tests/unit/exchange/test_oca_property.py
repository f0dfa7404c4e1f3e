"""What one event of the market may do to an OCA group, whatever stood in it and however its orders were changed before.

With block: it fills one order of the group. Without: all that it reaches, each up to what it had left, so together they may be
filled beyond one of them. By its end each of the others is reduced by the part that was filled of every one, or cancelled.

Sources: TWS API, Order.ocaType (1 cancel all remaining orders with block, 2 reduce in size with block, 3 reduce in size with no
block) and "One Cancels All": with block, only one order of the group is at an exchange at a time, against overfills.
"""

from decimal import Decimal
from fractions import Fraction
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import OcaType, OrderKind, Quote, Side, TimeInForce, Trade, exact
from atlas.exchange import Accepted, Cancelled, Executed, Expired, Modified
from tests.unit.exchange.flows import flows, new_exchange, play
from tests.unit.exchange.listings import AAPL, order
from tests.unit.exchange.stories import q, stories, t

GROUP = {"oca_group": "g", "account": "DU1", "shares": ()}
BLOCKING = (OcaType.CANCEL_WITH_BLOCK, OcaType.REDUCE_WITH_BLOCK)


def moment_of(step):
    if isinstance(step, (Quote, Trade)):
        return step.exchange_ns
    return step[1] if step[0] == "time" else step[0]


def time_of(event):
    return event.execution.at_ns if isinstance(event, Executed) else event.at_ns


def occasions(found):
    """What followed from each single event: of the clock, one moment; of the market or a client, one step."""
    exchange = new_exchange()
    for step in found:
        for _, events in groupby(exchange.on_time(moment_of(step)), time_of):
            yield list(events)
        yield play(exchange, step)


class Group:
    """What is left of the orders of the group, told from events alone."""

    def __init__(self):
        self.left = {}
        self._filled = {}

    def follow(self, events):
        """Take in what followed from one event; returns fills as (order, quantity, what it had left before)."""
        fills = []
        for event in events:
            if isinstance(event, (Accepted, Modified)):
                self.left[event.order.id] = exact(event.order.quantity) - self._filled.get(event.order.id, Decimal(0))
            elif isinstance(event, Executed):
                name, quantity = event.execution.order_id, exact(event.execution.quantity)
                fills.append((name, quantity, self.left[name]))
                self._filled[name] = self._filled.get(name, Decimal(0)) + quantity
                self.left[name] -= quantity
                if not self.left[name]:
                    del self.left[name]
            elif isinstance(event, (Cancelled, Expired)):
                del self.left[event.order_id]
        return fills

    def at_the_start(self, events):
        """What was left of each once the request itself, if it was one, was acted on."""
        left = dict(self.left)
        if events and isinstance(events[0], (Accepted, Modified)):
            changed = events[0].order
            left[changed.id] = exact(changed.quantity) - self._filled.get(changed.id, Decimal(0))
        return left


@pytest.mark.parametrize("oca_type", list(OcaType))
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_one_event_fills_a_group_no_further_than_its_type_says(oca_type, data):
    group = Group()
    for events in occasions(data.draw(flows(oca_type=oca_type, **GROUP))):
        before = group.at_the_start(events)
        fills = group.follow(events)
        if oca_type in BLOCKING:
            assert len({name for name, _, _ in fills}) <= 1
        for name in {name for name, _, _ in fills}:
            assert sum(quantity for who, quantity, _ in fills if who == name) <= before[name]
        for name, left in group.left.items():
            most = Fraction(before.get(name, 0)) - sum(Fraction(quantity) for who, quantity, _ in fills if who == name)
            for who, quantity, had in fills:
                if who != name:
                    most *= 0 if oca_type is OcaType.CANCEL_WITH_BLOCK else Fraction(had - quantity) / Fraction(had)
            assert left <= most


def both(oca_type, **more):
    """Two orders of a group, both at the market once it comes to 97."""
    return [
        order(AAPL, Side.BUY, 10, 98.0 - n, id=name, oca_group="g", oca_type=oca_type, **more) for n, name in enumerate("ab")
    ]


def test_without_block_one_quote_may_fill_two_orders_and_each_reduces_what_is_left_of_the_other():
    exchange = new_exchange(always=True)
    a, b = both(OcaType.REDUCE)
    stories(exchange, q(99, 100), a, order(AAPL, Side.SELL, 10, 101.0, id="s", oca_group="g", oca_type=OcaType.REDUCE), b)
    # A crossed market: 4 of the first and 5 of the sell are filled by one quote.
    assert stories(exchange, q(101, 96, 5, 4, at=5)) == [
        ("a", "4@96"),
        ("s", "5@101"),
        ("s", "8 in all"),
        ("b", "6 in all"),
        ("a", "7 in all"),
        ("b", "3 in all"),
    ]


@pytest.mark.parametrize("oca_type", BLOCKING)
def test_of_one_group_only_one_order_is_filled_in_an_auction(oca_type):
    exchange = new_exchange()
    closing = both(oca_type, kind=OrderKind.MARKET_ON_CLOSE)
    assert stories(exchange, t(97, at=300), *closing, 700, at=300)[2:] == [
        ("a", "working"),
        ("a", "10@97"),
        ("b", "cancelled"),
    ]


def test_an_order_that_was_filled_in_part_by_the_first_quote_keeps_another_of_its_group_out_of_the_opening_auction():
    exchange = new_exchange()
    day, opening = both(OcaType.REDUCE_WITH_BLOCK)
    opening = order(
        AAPL, Side.BUY, 10, id="b", oca_group="g", oca_type=OcaType.REDUCE_WITH_BLOCK, time_in_force=TimeInForce.OPG
    )
    stories(exchange, day, opening, at=150)
    stories(exchange, 200)
    assert stories(exchange, q(96, 97, 0, 4, at=210)) == [("a", "4@97"), ("b", "6 in all"), ("b", "cancelled")]
    assert exchange.standing("a").remaining == 6
