"""Orders that hang together: brackets, transmit, OCA groups, and orders that wait for shares."""

import pytest

from ib_gateway.simulator.messages import Contract
from tests.unit.simulator.desk import AAPL, Desk, codes, kinds, statuses

NAME = "AAPL@SMART"


@pytest.fixture
def desk():
    desk = Desk(hard_to_borrow=frozenset({756733}))
    desk.connect()
    desk.quote(NAME, 270.0, 270.02, 1_000, 1_000)
    return desk


def leg(desk, order_id, action="BUY", *, parent=0, transmit=True, **ticket):
    ticket = {"order_type": "LMT", "quantity": 100.0} | ticket
    return desk.place(order_id, contract=AAPL, action=action, parent_id=parent, transmit=transmit, **ticket)


def bracket(desk, *, entry=265.0):
    """An entry, a profit target and a stop, as clients place them; what was said to the last leg."""
    leg(desk, 1, limit_price=entry, transmit=False)
    leg(desk, 2, "SELL", parent=1, limit_price=280.0, transmit=False)
    return leg(desk, 3, "SELL", parent=1, order_type="STP", aux_price=260.0)


def test_an_untransmitted_order_stands_only_here_and_only_its_client_sees_it(desk):
    said = leg(desk, 1, limit_price=275.0, transmit=False)
    assert (kinds(said), statuses(said)) == (["OpenOrder", "OrderStatus"], [(1, "Inactive")])
    assert desk.exchange.standing("1.1") is None
    assert desk.status(1) == "Inactive"
    desk.connect(2)
    assert desk.status(1, client_id=2) is None


def test_the_last_leg_transmits_the_whole_bracket_parents_first(desk):
    said = bracket(desk)
    assert statuses(said) == [(1, "Submitted"), (2, "PreSubmitted"), (3, "PreSubmitted")]
    held = {reply.order_id: reply.why_held for reply in said if type(reply).__name__ == "OrderStatus"}
    assert held == {1: "", 2: "child", 3: "child,trigger"}


def test_a_parent_sent_again_with_transmit_releases_its_children(desk):
    leg(desk, 1, limit_price=265.0, transmit=False)
    leg(desk, 2, "SELL", parent=1, limit_price=280.0, transmit=False)
    said = leg(desk, 1, limit_price=266.0)
    assert statuses(said) == [(1, "Submitted"), (2, "PreSubmitted")]
    assert desk.exchange.standing("1.1").order.limit_price == 266.0


def test_children_wake_when_the_parent_fills_and_the_filled_one_cancels_the_other(desk):
    bracket(desk)
    desk.said.clear()
    desk.quote(NAME, 264.9, 264.95)
    said = desk.heard_by()
    assert (1, "Filled") in statuses(said)
    assert (2, "Submitted") in statuses(said)
    assert (desk.status(2), desk.status(3)) == ("Submitted", "PreSubmitted")
    desk.quote(NAME, 280.5, 280.6)
    said = desk.heard_by()
    assert statuses(said)[-1] == (3, "Cancelled")
    assert codes(said) == [202]
    assert desk.completed() == {"ref-1": "Filled", "ref-2": "Filled", "ref-3": "Cancelled"}
    assert desk.check_books() == {("DU1", NAME): 0.0}


def test_a_child_of_a_filled_parent_is_changed_without_naming_it(desk):
    bracket(desk)
    assert codes(leg(desk, 3, "SELL", order_type="STP", aux_price=261.0)) == [105]  # the parent stands
    assert codes(leg(desk, 3, "SELL", parent=1, order_type="STP", aux_price=262.0)) == []
    desk.quote(NAME, 264.9, 264.95)
    said = leg(desk, 3, "SELL", parent=1, order_type="STP", aux_price=263.0)
    assert [(error.code, error.text) for error in said[:1]] == [(135, "Can't find order with id =1")]
    assert statuses(said) == [(3, "PreSubmitted")]
    assert desk.exchange.standing("1.3").order.stop_price == 262.0
    assert codes(leg(desk, 3, "SELL", parent=2, order_type="STP", aux_price=263.0)) == [105]
    for price in (263.0, 264.0):
        assert codes(leg(desk, 3, "SELL", order_type="STP", aux_price=price)) == []
        assert desk.exchange.standing("1.3").order.stop_price == price
    again = Desk(records=desk.records)
    again.connect()
    for one in (desk, again):
        one.quote(NAME, 280.5, 280.6)  # the target still takes the stop with it
        assert one.completed() == {"ref-1": "Filled", "ref-2": "Filled", "ref-3": "Cancelled"}


def test_a_leg_that_cannot_be_transmitted_stands_as_it_was_and_says_so_last(desk):
    leg(desk, 1, time_in_force="GTD", good_till_date="20260605 16:30:00 UTC", limit_price=265.0, transmit=False)
    leg(desk, 2, "SELL", parent=1, limit_price=280.0, transmit=False)
    desk.clock.advance(3600 * 10**9)
    said = leg(desk, 3, "SELL", parent=1, order_type="STP", aux_price=260.0)
    assert sorted(codes(said)) == [106, 106, 334]
    for order_id in (1, 2, 3):
        mine = [reply for reply in said if getattr(reply, "req_id", getattr(reply, "order_id", 0)) == order_id]
        assert kinds(mine)[-3:] == ["Error", "OpenOrder", "OrderStatus"]
        assert mine[-1].status == "Inactive"


def test_a_child_that_is_filled_in_part_reduces_its_sibling(desk):
    bracket(desk)
    desk.quote(NAME, 264.9, 264.95)
    desk.quote(NAME, 280.5, 280.6, bid_size=40, ask_size=40)
    assert desk.exchange.standing("1.3").order.quantity == 60.0
    said = [reply for reply in desk.heard_by() if type(reply).__name__ == "OpenOrder" and reply.order_id == 3]
    assert said[-1].ticket.quantity == 60.0


def test_a_parent_that_fills_at_once_leaves_its_children_working(desk):
    said = bracket(desk, entry=271.0)
    assert (1, "Filled") in statuses(said)
    assert (desk.status(2), desk.status(3)) == ("Submitted", "PreSubmitted")
    desk.quote(NAME, 259.0, 259.1)
    assert desk.completed() == {"ref-1": "Filled", "ref-3": "Filled", "ref-2": "Cancelled"}


def test_cancelling_the_parent_cancels_its_children(desk):
    bracket(desk)
    said = desk.cancel(1)
    assert sorted(statuses(said)) == [(1, "Cancelled"), (2, "Cancelled"), (3, "Cancelled")]
    assert codes(said) == [202, 202, 202]


def test_cancelling_an_untransmitted_parent_takes_its_children_along(desk):
    leg(desk, 1, limit_price=265.0, transmit=False)
    leg(desk, 2, "SELL", parent=1, limit_price=280.0, transmit=False)
    assert sorted(statuses(desk.cancel(1))) == [(1, "Cancelled"), (2, "Cancelled")]
    assert codes(leg(desk, 3, "SELL", parent=1, limit_price=280.0)) == [201]


def test_the_client_hears_which_leg_is_wrong_and_nothing_is_transmitted(desk):
    leg(desk, 1, limit_price=265.0, transmit=False)
    said = leg(desk, 2, "SELL", parent=1, limit_price=280.001, transmit=True)
    assert [(reply.req_id, reply.code) for reply in said] == [(2, 110)]
    assert desk.status(1) == "Inactive"


def test_a_bracket_whose_leg_has_become_invalid_is_not_transmitted_and_every_leg_hears_of_it(desk):
    leg(desk, 1, limit_price=265.0, transmit=False)
    soon = {"time_in_force": "GTD", "good_till_date": "20260605-16:00:30"}
    leg(desk, 2, "SELL", parent=1, limit_price=280.0, transmit=False, **soon)
    desk.clock.advance(60 * 10**9)
    said = leg(desk, 3, "SELL", parent=1, order_type="STP", aux_price=260.0)
    assert {(reply.req_id, reply.code) for reply in said if type(reply).__name__ == "Error"} == {(2, 334), (1, 106), (3, 106)}
    assert (desk.status(1), desk.exchange.standing("1.1")) == ("Inactive", None)


def test_children_of_a_rejected_parent_are_cancelled(desk):
    leg(desk, 1, limit_price=265.0, quantity=1e6, transmit=False)
    said = leg(desk, 2, "SELL", parent=1, limit_price=280.0, quantity=1e6)
    assert statuses(said) == [(1, "Inactive"), (2, "Cancelled")]
    assert codes(said) == [201, 202]


def test_a_child_of_a_filled_parent_is_at_the_market_at_once(desk):
    leg(desk, 1, limit_price=271.0)
    assert statuses(leg(desk, 2, "SELL", parent=1, limit_price=280.0)) == [(2, "Submitted")]


def test_one_of_a_group_cancels_the_others(desk):
    for order_id, price in ((1, 265.0), (2, 264.0)):
        leg(desk, order_id, limit_price=price, oca_group="either", oca_type=1)
    desk.said.clear()
    desk.quote(NAME, 264.9, 264.95)
    assert statuses(desk.heard_by())[-1] == (2, "Cancelled")
    assert desk.check_books() == {("DU1", NAME): 100.0}


def test_a_short_sale_waits_until_shares_are_located(desk):
    spy, name = Contract(con_id=756733, exchange="SMART"), "SPY@SMART"
    desk.quote(name, 600.0, 600.02, 1_000, 1_000)
    said = desk.place(1, contract=spy, action="SELL", quantity=100.0, order_type="LMT", limit_price=590.0)
    assert (statuses(said), said[1].why_held, codes(said)) == ([(1, "PreSubmitted")], "locate", [404])
    desk.said.clear()
    desk.broker.locate(name)
    assert statuses(desk.heard_by())[-1] == (1, "Filled")
    assert desk.check_books() == {("DU1", name): -100.0}


def test_shares_are_located_only_for_what_is_sold_beyond_what_is_held(desk):
    spy, name = Contract(con_id=756733, exchange="SMART"), "SPY@SMART"
    desk.quote(name, 600.0, 600.02, 1_000, 1_000)
    desk.place(1, contract=spy, quantity=100.0)
    assert codes(desk.place(2, contract=spy, action="SELL", quantity=101.0)) == [404]
    assert codes(desk.place(3, contract=spy, action="SELL", quantity=100.0)) == []
    assert desk.exchange.position("DU1", name).quantity == 0.0


def test_a_child_on_the_side_of_its_parent_cancels_none_of_the_exits(desk):
    leg(desk, 1, limit_price=271.0, transmit=False)
    leg(desk, 2, "SELL", parent=1, limit_price=280.0, transmit=False)
    leg(desk, 3, parent=1, limit_price=265.0)  # it adds to what the parent has bought
    desk.quote(NAME, 264.9, 264.95)
    assert desk.completed() == {"ref-1": "Filled", "ref-3": "Filled"}
    assert (desk.status(2), desk.exchange.standing("1.2").order.quantity) == ("Submitted", 100.0)
