"""Conditions really trigger: by quotes, trades, time, margin, executions and volume.

Source: TWS API, "Order Conditioning": conditionsIgnoreRth, conditionsCancelOrder, isConjunctionConnection.
"""

import pytest

from atlas.domain import (
    ExecutionCondition,
    InstrumentKind,
    Join,
    MarginCondition,
    OrderKind,
    PercentChangeCondition,
    PriceCondition,
    Share,
    Side,
    TimeCondition,
    TimeInForce,
    TriggerMethod,
    VolumeCondition,
)
from tests.unit.exchange.flows import OTHER, new_exchange
from tests.unit.exchange.listings import AAPL, ACCOUNT, ES, order
from tests.unit.exchange.stories import q, stories, story, t

BUY, AND, OR, GTC = Side.BUY, Join.AND, Join.OR, TimeInForce.GTC
M = TriggerMethod
ABOVE = PriceCondition(ES.id, 5000.0, True)
LATER = TimeCondition(400)
FREED = "held, working, 10@100"

# (conditions, what happens, what becomes of a market order; a quote of 99 to 100 stands since 300)
TABLE = [
    ((ABOVE,), [q(4999, 5000, of=ES, at=310), q(5000, 5001, of=ES, at=320)], FREED),
    ((PriceCondition(ES.id, 5000.0, False),), [q(4999, 5001, of=ES, at=310), q(4999, 5000, of=ES, at=320)], FREED),
    ((PriceCondition(ES.id, 5000.0, True, M.LAST),), [q(5001, 5002, of=ES, at=310), t(5000, of=ES, at=320)], FREED),
    ((PriceCondition(ES.id, 5000.0, True, M.DOUBLE_LAST),), [t(5000, of=ES, at=310)], "held"),
    ((LATER,), [399], "held"),
    ((LATER,), [400], FREED),
    ((TimeCondition(400, after=False),), [], "working, 10@100"),
    ((VolumeCondition(AAPL.id, 100, True),), [t(100, 60, at=310), t(100, 40, at=320)], FREED),
    ((VolumeCondition(AAPL.id, 100, True),), [t(100, 60, at=310), t(100, 39, at=320)], "held"),
    ((PercentChangeCondition(AAPL.id, -1.0, False),), [t(99.1, at=310)], "held"),
    ((PercentChangeCondition(AAPL.id, -1.0, False),), [t(99.0, at=310)], FREED),
    ((ABOVE, LATER), [q(5000, 5001, of=ES, at=310), 400], FREED),
    ((ABOVE, LATER), [q(5000, 5001, of=ES, at=310), q(4990, 4991, of=ES, at=320), 400], "held"),
    ((PriceCondition(ES.id, 5000.0, True, M.DEFAULT, OR), LATER), [400], FREED),
    ((TimeCondition(400, True, OR), TimeCondition(410, True, AND), TimeCondition(420)), [410], "held"),
    ((TimeCondition(400, True, AND), TimeCondition(410, True, OR), TimeCondition(405)), [405], FREED),
]


@pytest.mark.parametrize(("conditions", "after", "outcome"), TABLE)
def test_an_order_is_held_until_its_conditions_are_met(conditions, after, outcome):
    exchange = new_exchange()
    exchange.note_close(AAPL.id, 100.0)
    story(exchange, q(99, 100, at=300))
    assert ", ".join(story(exchange, order(AAPL, BUY, 10, conditions=conditions), *after, at=300)) == outcome


def test_conditions_can_cancel_instead():
    exchange = new_exchange()
    placed = order(AAPL, BUY, 10, 98.0, conditions=(LATER,), conditions_cancel=True)
    assert story(exchange, q(99, 100, at=300), placed, 400, at=300) == ["working", "cancelled"]


@pytest.mark.parametrize(("ignore", "outcome"), [(True, ["held", "working", "10@100"]), (False, ["held"])])
def test_conditions_are_looked_at_outside_regular_hours_only_if_they_say_so(ignore, outcome):
    placed = order(AAPL, BUY, 10, conditions=(TimeCondition(160),), conditions_outside_rth=ignore, outside_rth=True)
    assert story(new_exchange(), q(99, 100, at=120), placed, 160, at=130) == outcome


def test_an_execution_after_the_order_was_placed_releases_it():
    exchange = new_exchange()
    waits = order(AAPL, BUY, 10, id="waits", conditions=(ExecutionCondition("ES", InstrumentKind.FUTURE),))
    told = stories(exchange, q(99, 100, at=300), q(5000, 5000, of=ES, at=300), order(ES, BUY, 1, id="before"), waits)
    assert told[-1] == ("waits", "held")
    told = stories(exchange, order(ES, BUY, 1, id="after"), at=310)
    assert told == [("after", "working"), ("after", "1@5000"), ("waits", "working"), ("waits", "10@100")]


@pytest.mark.parametrize(("venue", "outcome"), [("CME", "working"), ("SMART", "working"), ("CBOT", "held")])
def test_an_execution_condition_that_names_an_exchange_counts_what_is_executed_there(venue, outcome):
    exchange = new_exchange()
    waits = order(AAPL, BUY, 10, 98.0, id="waits", conditions=(ExecutionCondition("ES", InstrumentKind.FUTURE, venue),))
    stories(exchange, q(99, 100, at=300), q(5000, 5000, of=ES, at=300), waits, order(ES, BUY, 1), at=300)
    assert exchange.standing("waits").stage.value == outcome


def test_an_order_that_an_execution_cancels_counts_its_own():
    placed = order(AAPL, BUY, 10, 98.0, conditions=(ExecutionCondition("AAPL", InstrumentKind.STOCK),), conditions_cancel=True)
    told = story(new_exchange(), q(99, 100, at=300), placed, q(97, 98, 0, 4, at=310), at=300)
    assert told == ["working", "4@98", "cancelled"]


VOLUME = VolumeCondition(AAPL.id, 100, True)


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([t(98.5, 60, at=150), t(98.5, 40, at=250)], "working"),  # before the opening and after it
        ([t(98.5, 60, at=650), t(98.5, 40, at=750), 1250], "working"),  # before the close and after it
        ([t(98.5, 60, at=650), t(98.5, 40, at=1250)], "held"),  # on two days
    ],
)
def test_volume_is_counted_from_one_night_to_the_next(steps, outcome):
    exchange = new_exchange()
    always = {"conditions_outside_rth": True, "outside_rth": True, "time_in_force": GTC}
    story(exchange, order(AAPL, BUY, 10, 98.0, id="waits", conditions=(VOLUME,), **always), *steps)
    assert exchange.standing("waits").stage.value == outcome


def test_when_the_clock_is_set_back_the_days_volume_begins_anew():
    exchange = new_exchange()
    story(exchange, order(AAPL, BUY, 10, 98.0, id="waits", conditions=(VOLUME,), time_in_force=GTC), t(98.5, 60, at=650))
    exchange.set_time(300)
    story(exchange, t(98.5, 60, at=310))
    assert exchange.standing("waits").stage.value == "held"


def test_of_an_order_for_several_accounts_the_first_ones_cushion_counts():
    exchange = new_exchange()
    several = {"account": "", "shares": (Share(ACCOUNT, 6.0), Share(OTHER, 4.0))}
    full = {"conditions": (MarginCondition(99.0, above=True),)}
    stories(exchange, q(100, 100, at=300), q(5000, 5000, of=ES, at=300), order(ES, BUY, 1, account=OTHER))
    assert stories(exchange, order(AAPL, BUY, 10, 98.0, id="first is full", **several, **full)) == [
        ("first is full", "working")
    ]
    other_way = several | {"shares": several["shares"][::-1]}
    assert stories(exchange, order(AAPL, BUY, 10, 98.0, id="is not", **other_way, **full)) == [("is not", "held")]


def test_the_margin_cushion_is_looked_at_with_every_quote_of_anything_held():
    exchange = new_exchange(cash=20_000.0)
    waits = order(AAPL, BUY, 1, id="waits", conditions=(MarginCondition(25.0, above=False),))
    stories(exchange, q(100, 100, at=300), q(5000, 5000, of=ES, at=300), order(ES, BUY, 1), waits)
    assert stories(exchange, q(4950, 4950, of=ES, at=310)) == []
    assert stories(exchange, q(4940, 4940, of=ES, at=320), q(4900, 4900, of=ES, at=330)) == [
        ("waits", "working"),
        ("waits", "1@100"),
    ]


def test_what_was_released_stays_so_over_night():
    exchange = new_exchange()
    placed = order(AAPL, BUY, 10, 98.0, conditions=(ABOVE,), time_in_force=GTC)
    told = story(exchange, q(99, 100, at=300), placed, q(5000, 5001, of=ES, at=310), q(10, 11, of=ES, at=320), 700, 1200)
    assert told == ["held", "working", "held", "working"]


def test_a_condition_on_what_is_not_listed_is_turned_down():
    placed = order(AAPL, BUY, 10, conditions=(PriceCondition("NO@SMART", 1.0, True),))
    assert story(new_exchange(), placed) == ["bad_condition"]


def test_a_conditional_stop_is_watched_once_its_conditions_are_met():
    placed = order(AAPL, Side.SELL, 10, kind=OrderKind.STOP, stop_price=99.0, conditions=(LATER,))
    told = story(new_exchange(), q(98, 98.5, at=300), t(98, at=300), placed, 400, at=300)
    assert told == ["held", "armed", "working", "10@98"]
