"""Changing and cancelling: what sending an order again may change, what may be cancelled and by whom, and in which words."""

from datetime import UTC, datetime

import pytest

from atlas.domain import from_datetime
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.desk import AAPL, Desk, codes, kinds, statuses

NAME = "AAPL@SMART"


@pytest.fixture
def desk():
    desk = Desk()
    desk.connect()
    desk.quote(NAME, 270.0, 270.02, 1_000, 1_000)
    return desk


def limit(desk, order_id=1, client_id=1, **ticket):
    values = {"order_type": "LMT", "limit_price": 260.0, "quantity": 100.0} | ticket
    return desk.place(order_id, client_id, contract=AAPL, **values)


@pytest.mark.parametrize(
    ("first", "second", "terms"),
    [
        ({}, {"limit_price": 261.0}, {"limit_price": 261.0}),
        ({}, {"quantity": 50.0}, {"quantity": 50.0}),
        ({}, {"outside_rth": True}, {"outside_rth": True}),
        ({}, {"time_in_force": "GTC"}, {}),
        ({"order_type": "STP", "aux_price": 280.0}, {"order_type": "STP", "aux_price": 281.0}, {"stop_price": 281.0}),
        (
            {"order_type": "STP LMT", "aux_price": 280.0},
            {"order_type": "STP LMT", "aux_price": 281.0, "limit_price": 282.0},
            {"stop_price": 281.0, "limit_price": 282.0},
        ),
        (
            {"order_type": "TRAIL", "aux_price": 2.0, "action": "SELL"},
            {"order_type": "TRAIL", "aux_price": 3.0, "action": "SELL"},
            {"trail_amount": 3.0},
        ),
    ],
)
def test_prices_size_and_times_change_by_sending_the_order_again(desk, first, second, terms):
    limit(desk, **first)
    said = limit(desk, **first | second)
    assert codes(said) == []
    assert "OpenOrder" in kinds(said)
    order = desk.exchange.standing("1.1").order
    assert {name: getattr(order, name) for name in terms} == terms
    written = next(reply.ticket for reply in said if type(reply).__name__ == "OpenOrder")
    assert {name: getattr(written, name) for name in second} == second


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"action": "SELL", "limit_price": 280.0}, 105),
        ({"order_type": "MKT"}, 329),
        ({"oca_group": "new"}, 10326),
        ({"parent_id": 4}, 105),
        ({"account": "DU2"}, 105),
        ({"time_in_force": "IOC"}, 105),
        ({"time_in_force": "FOK"}, 105),
        ({"quantity": 1e6}, 134),  # more than the account can carry
        ({"limit_price": 260.001}, 110),
        ({"quantity": 0.0}, 434),
    ],
)
def test_what_cannot_be_changed_is_said_and_the_order_stands_as_it_was(change, code):
    desk = Desk(accounts=("DU1", "DU2"))
    desk.connect()
    limit(desk, account="DU1")
    said = limit(desk, **{"account": "DU1"} | change)
    assert (codes(said), kinds(said)) == ([code], ["Error", "OpenOrder", "OrderStatus"])
    assert desk.exchange.standing("1.1").order.limit_price == 260.0


def test_another_contract_under_the_same_number_is_a_mismatch(desk):
    limit(desk)
    assert codes(desk.place(1, order_type="LMT", limit_price=1.1)) == [105]


def test_a_change_that_the_exchange_refuses_leaves_nothing_behind(desk):
    desk.quote(NAME, 259.0, 259.02, 40, 40)
    limit(desk)
    said = limit(desk, quantity=30.0)
    assert (codes(said), kinds(said)[1:]) == ([134], ["OpenOrder", "OrderStatus"])
    assert said[0].text == "Modify order failed. 40 are filled already"
    assert (said[2].status, said[2].filled, said[2].remaining) == ("Submitted", 40.0, 60.0)
    limit(desk, quantity=60.0)
    desk.quote(NAME, 259.0, 259.02, 40, 40)
    assert desk.check_books() == {("DU1", NAME): 60.0}
    assert desk.completed() == {"ref-1": "Filled"}


def test_a_filled_order_cannot_be_changed_nor_a_cancelled_number_used_again(desk):
    limit(desk, limit_price=271.0)
    assert codes(limit(desk, limit_price=272.0)) == [104]
    limit(desk, 2)
    desk.cancel(2)
    assert codes(limit(desk, 2)) == [103]


def test_a_trailing_stop_keeps_where_it_is_when_something_else_changes(desk):
    limit(desk, order_type="TRAIL", aux_price=2.0, action="SELL")
    desk.trade(NAME, 275.0)
    desk.quote(NAME, 275.0, 275.02)
    stop = desk.exchange.standing("1.1").stop_price
    assert stop == 273.0
    listed = desk.ask(r.OpenOrders())[0]
    assert listed.ticket.trail_stop_price == stop
    desk.trade(NAME, 274.0)
    limit(desk, order_type="TRAIL", aux_price=2.0, action="SELL", quantity=50.0)
    assert desk.exchange.standing("1.1").stop_price == stop


def trailing(desk, **ticket):
    """A sell whose stop trails by 5, placed or changed."""
    return limit(desk, **{"order_type": "TRAIL", "aux_price": 5.0, "action": "SELL"} | ticket)


def told_stop(desk):
    """The stop that an open order tells, and the one that is so."""
    (order,) = [reply for reply in desk.ask(r.OpenOrders()) if type(reply).__name__ == "OpenOrder"]
    return order.ticket.trail_stop_price, desk.exchange.standing("1.1").stop_price


@pytest.mark.parametrize(
    ("sent_back", "stop"),
    [
        (None, 285.0),
        (260.0, 285.0),  # what the client wrote at first
        (275.0, 285.0),  # what it was told last
        (283.0, 283.0),  # tighter than the trail from the market, wider than it was: a price of its own
        (270.0, 281.0),  # a price of its own, from which the market's trail is tighter
    ],
)
def test_a_trailing_stop_is_set_anew_only_by_a_price_that_its_client_does_not_know(desk, sent_back, stop):
    trailing(desk, trail_stop_price=260.0)
    desk.trade(NAME, 280.0)
    assert told_stop(desk) == (275.0, 275.0)
    desk.trade(NAME, 290.0)
    desk.trade(NAME, 286.0)
    said = trailing(desk, trail_stop_price=sent_back, quantity=90.0)
    assert codes(said) == []
    assert {reply.ticket.trail_stop_price for reply in said if type(reply).__name__ == "OpenOrder"} == {stop}
    assert told_stop(desk) == (stop, stop)
    trailing(desk, trail_stop_price=sent_back, quantity=80.0)  # what it wrote before, now
    assert told_stop(desk) == (stop, stop)
    again = Desk(records=desk.records)
    again.connect()
    assert told_stop(again) == (stop, stop)
    desk.cancel(1)
    (done,) = [reply for reply in desk.ask(r.CompletedOrders(False)) if type(reply).__name__ == "CompletedOrder"]
    assert done.ticket.trail_stop_price == stop


def test_only_the_owner_cancels_but_anybody_cancels_all(desk):
    desk.connect(2)
    limit(desk)
    assert [(reply.code, reply.text) for reply in desk.cancel(1, client_id=2)] == [
        (10147, "OrderId 1 that needs to be cancelled is not found.")
    ]
    desk.ask(r.GlobalCancel(), client_id=2)
    assert desk.completed() == {"ref-1": "Cancelled"}
    assert codes(desk.cancel(1)) == [10148]


def test_stages_are_told_as_statuses_with_what_an_order_waits_for(desk):
    said = limit(desk, order_type="STP", aux_price=280.0)
    assert (statuses(said), said[1].why_held) == ([(1, "PreSubmitted")], "trigger")
    desk.said.clear()
    desk.trade(NAME, 280.0)
    desk.quote(NAME, 280.0, 280.02)
    said = desk.heard_by()
    assert statuses(said)[0] == (1, "Submitted")
    assert statuses(said)[-1] == (1, "Filled")


def test_a_status_tells_the_price_of_the_last_fill_beside_the_average_and_its_parent(desk):
    limit(desk, limit_price=269.0, transmit=False)
    limit(desk, 2, action="SELL", parent_id=1, limit_price=280.0)
    desk.said.clear()
    desk.quote(NAME, 268.9, 269.0, 60, 60)
    desk.quote(NAME, 267.9, 268.0, 60, 60)
    told = [reply for reply in desk.heard_by() if type(reply).__name__ == "OrderStatus"]
    mine = [(one.filled, one.remaining, one.last_price, one.average_price) for one in told if one.order_id == 1]
    assert mine == [(60.0, 40.0, 269.0, 269.0), (100.0, 0.0, 268.0, 268.6)]
    assert {(one.order_id, one.parent_id) for one in told} == {(1, 0), (2, 1)}


def test_nothing_remains_of_an_order_that_is_rejected(desk):
    said = limit(desk, quantity=1e6)
    (status,) = [reply for reply in said if type(reply).__name__ == "OrderStatus"]
    assert (codes(said), status.status, status.filled, status.remaining) == ([201], "Inactive", 0.0, 0.0)


def test_an_order_outside_its_hours_waits_and_says_until_when(desk):
    desk.clock.set(from_datetime(datetime(2026, 6, 5, 21, 30, tzinfo=UTC)))  # Friday 17:30 in New York
    said = limit(desk)
    assert kinds(said) == ["OpenOrder", "OrderStatus", "Error", "OrderStatus"]
    assert (codes(said), statuses(said)[-1]) == ([399], (1, "PreSubmitted"))
    assert said[2].text == (
        "Order Message:\nBUY 100 AAPL NASDAQ.NMS\n"
        "Warning: your order will not be placed at the exchange until 2026-06-08 09:30:00 US/Eastern"
    )
    assert 399 not in codes(limit(desk, 2, outside_rth=True))


def test_outside_rth_is_ignored_where_it_means_nothing_and_said_so(desk):
    said = limit(desk, order_type="MKT", outside_rth=True)
    assert codes(said) == [2109]
    assert desk.check_books() == {("DU1", NAME): 100.0}


def test_a_read_only_api_answers_nothing_about_orders(desk):
    limit(desk)
    desk.broker.read_only = True
    asked = (
        r.CancelOrder(1),
        r.GlobalCancel(),
        r.OpenOrders(),
        r.AllOpenOrders(),
        r.CompletedOrders(False),
        r.AutoOpenOrders(True),
    )
    for request in asked:
        (error,) = desk.ask(request)
        assert error.code == 321
        assert error.text.endswith("The API interface is currently in Read-Only mode.")
    assert codes(limit(desk, 2)) == [321]
    assert kinds(desk.ask(r.Executions(8))) == ["ExecutionsEnd"]
    desk.broker.read_only = False
    assert desk.status() == "Submitted"
