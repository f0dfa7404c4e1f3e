"""A change of an order: judged as the order that it makes, and past the limits if it only reduces."""

import pytest
from support.risk import NOW, STOCK, Gatekeeper, buy, changed, holding, sell, working

from atlas.domain import Denial, OcaType, OrderKind
from atlas.trading.trading_state import TradingState, TradingStateChange

STANDING = buy(100, kind=OrderKind.LIMIT, limit_price=100.0)


def passes(keeper, wanted, standing=STANDING):
    return keeper.passes(wanted, holding(0, STOCK, working(standing)), replacing=standing.id)


def test_a_larger_order_is_held_against_the_limits_without_the_old_one():
    keeper = Gatekeeper(max_order_quantity=150, max_position=150)
    assert passes(keeper, changed(STANDING, quantity=150))
    assert not passes(keeper, changed(STANDING, quantity=151))


@pytest.mark.parametrize(
    ("values", "reduces"),
    [
        ({}, True),
        ({"quantity": 99}, True),
        ({"limit_price": 99.99}, True),
        ({"quantity": 1, "limit_price": 1.0}, True),
        ({"quantity": 101}, False),
        ({"limit_price": 100.01}, False),
        ({"quantity": 99, "limit_price": 100.01}, False),
        ({"quantity": 99, "side": sell().side}, False),
        ({"quantity": 99, "outside_rth": True}, False),
        ({"quantity": 99, "kind": OrderKind.MARKET}, False),
        ({"quantity": 99, "kind": OrderKind.MARKET, "limit_price": None}, False),
    ],
)
def test_a_change_that_makes_an_order_smaller_or_harder_to_fill_is_refused_by_no_limit(values, reduces):
    keeper = Gatekeeper(restricted=["*"])
    keeper.gate.blocked[""] = "a break"
    assert passes(keeper, changed(STANDING, **values)) is reduces


def test_for_a_sale_a_higher_limit_is_harder_to_fill():
    keeper, standing = Gatekeeper(restricted=["*"]), changed(STANDING, side=sell().side)
    assert passes(keeper, changed(standing, limit_price=100.01), standing)
    assert not passes(keeper, changed(standing, limit_price=99.99), standing)


def test_an_order_without_a_limit_is_not_made_smaller_by_giving_it_one_nor_by_taking_one_away():
    keeper, midprice = Gatekeeper(restricted=["*"]), buy(100, kind=OrderKind.MIDPRICE)
    assert passes(keeper, changed(midprice, quantity=99), midprice)
    assert not passes(keeper, changed(midprice, limit_price=1.0), midprice)
    capped = changed(midprice, limit_price=1.0)
    assert not passes(keeper, midprice, capped)


def test_a_change_of_the_stop_is_judged_as_an_order():
    standing = buy(100, kind=OrderKind.STOP, stop_price=120.0)
    keeper = Gatekeeper(price_collar_percent=1)
    keeper.quote(100.0, 100.0)
    assert passes(keeper, changed(standing, stop_price=110.0), standing)
    assert not passes(keeper, changed(standing, stop_price=90.0), standing)


def test_a_change_that_only_reduces_must_be_right_all_the_same():
    assert not passes(Gatekeeper(), changed(STANDING, limit_price=99.999))


def test_a_change_of_an_order_that_does_not_work_is_judged_as_a_new_order():
    keeper = Gatekeeper(restricted=["*"])
    assert not keeper.passes(changed(STANDING, quantity=1), replacing=STANDING.id)


def test_while_reducing_a_change_may_reduce_and_while_halted_none_may_be_made():
    keeper = Gatekeeper()
    keeper.gate.set_state(TradingStateChange(TradingState.REDUCING, "ann", "", NOW))
    assert passes(keeper, changed(STANDING, quantity=99))
    assert not passes(keeper, changed(STANDING, quantity=101))
    keeper.gate.set_state(TradingStateChange(TradingState.HALTED, "ann", "", NOW))
    assert not passes(keeper, changed(STANDING, quantity=99))


def test_a_partly_filled_order_leaves_room_for_what_is_left():
    keeper = Gatekeeper(max_position=100)
    account = holding(40, STOCK, working(STANDING, filled=40))
    dearer = changed(STANDING, limit_price=101.0)
    assert keeper.passes(dearer, account, replacing=STANDING.id)
    assert keeper.denial(changed(dearer, quantity=101), account, replacing=STANDING.id).found == 101


def test_the_room_that_is_told_of_is_smaller_than_what_is_left_to_fill():
    standing = sell(100, kind=OrderKind.LIMIT, limit_price=100.0)
    account = holding(30, STOCK, working(standing, filled=60))
    denial = Gatekeeper(restricted=["*"]).denial(changed(standing, limit_price=99.0), account, replacing=standing.id)
    assert denial.text.endswith("; 30 would pass as an exit")
    account = holding(40, STOCK, working(standing, filled=60))
    assert Gatekeeper(restricted=["*"]).passes(changed(standing, limit_price=99.0), account, replacing=standing.id)


def test_of_an_order_that_is_filled_nothing_is_left_to_judge():
    keeper = Gatekeeper(max_order_notional=1)
    keeper.quote(100.0, 100.0)
    account = holding(100, STOCK, working(STANDING, filled=100))
    assert keeper.passes(changed(STANDING, limit_price=101.0), account, replacing=STANDING.id)


# What is attached to an order

PARENT = buy(100, id="sma-1-0", kind=OrderKind.LIMIT, limit_price=100.0)
CHILD = sell(100, id="sma-1-1", parent_id=PARENT.id, kind=OrderKind.STOP, stop_price=90.0)
TEXT = "what is attached to order sma-1-0 would close {} more than it opens; make that smaller first"


def with_child(held=0.0, filled=0.0, child=CHILD):
    return holding(held, STOCK, working(PARENT, filled=filled), working(child))


def test_an_order_is_not_made_smaller_than_what_closes_it():
    keeper = Gatekeeper()
    denial = keeper.denial(changed(PARENT, quantity=60), with_child(), replacing=PARENT.id)
    assert denial == Denial("children", TEXT.format(40), 40, 0.0)
    assert keeper.passes(changed(PARENT, limit_price=99.0), with_child(), replacing=PARENT.id)
    assert keeper.passes(changed(PARENT, quantity=200), with_child(), replacing=PARENT.id)


def test_what_closes_it_is_made_smaller_first():
    keeper = Gatekeeper(restricted=["*"])
    smaller = changed(CHILD, quantity=60)
    assert keeper.passes(smaller, with_child(), replacing=CHILD.id)
    assert keeper.passes(changed(PARENT, quantity=60), with_child(child=smaller), replacing=PARENT.id)
    assert keeper.denial(changed(PARENT, quantity=59), with_child(child=smaller), replacing=PARENT.id).found == 1


def test_what_was_filled_of_it_is_closed_by_them_too():
    keeper = Gatekeeper()
    assert keeper.denial(changed(PARENT, quantity=60), with_child(40, filled=40), replacing=PARENT.id).found == 40
    assert keeper.passes(changed(PARENT, quantity=60), with_child(80, filled=40), replacing=PARENT.id)


def test_a_short_is_not_made_smaller_than_what_covers_it():
    parent, child = changed(PARENT, side=sell().side), changed(CHILD, side=buy().side)
    account = holding(-10, STOCK, working(parent), working(child))
    assert Gatekeeper().denial(changed(parent, quantity=60), account, replacing=parent.id).found == 30


def test_stop_and_target_of_one_group_count_once_when_their_entry_is_made_smaller():
    both = {"oca_group": "exits", "oca_type": OcaType.REDUCE_WITH_BLOCK}
    target = changed(CHILD, id="sma-1-2", kind=OrderKind.LIMIT, limit_price=120.0, stop_price=None)
    account = holding(0, STOCK, working(PARENT), working(changed(CHILD, **both)), working(changed(target, **both)))
    assert Gatekeeper().denial(changed(PARENT, quantity=60), account, replacing=PARENT.id).found == 40


def test_children_that_closed_too_much_before_are_no_reason_against_a_change():
    larger = changed(CHILD, quantity=130)
    assert Gatekeeper().denial(changed(PARENT, quantity=90), with_child(child=larger), replacing=PARENT.id).found == 10
    assert Gatekeeper().passes(changed(PARENT, limit_price=99.0), with_child(child=larger), replacing=PARENT.id)


def test_an_exit_may_be_made_smaller_whatever_is_attached_to_it():
    account = holding(-100, STOCK, working(PARENT), working(CHILD))
    assert Gatekeeper(restricted=["*"]).passes(changed(PARENT, quantity=60), account, replacing=PARENT.id)
