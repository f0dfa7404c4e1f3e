"""The broker's own terminal and who hears of what: manual orders, the master client, forks, corrections, and the restart."""

import pytest

from ib_gateway.simulator.broker import Turned
from ib_gateway.simulator.messages import Condition, Contract, Ticket, replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.desk import AAPL, CATALOGUE, NOON, Desk, codes, kinds, statuses

NAME = "AAPL@SMART"
LIMIT = Ticket(action="BUY", quantity=100.0, order_type="LMT", limit_price=260.0, order_ref="by hand")


@pytest.fixture
def desk():
    desk = Desk(master_client_id=9)
    desk.connect()
    desk.quote(NAME, 270.0, 270.02, 1_000, 1_000)
    return desk


def limit(desk, order_id=1, client_id=1, **ticket):
    values = {"order_type": "LMT", "limit_price": 260.0, "quantity": 100.0} | ticket
    return desk.place(order_id, client_id, contract=AAPL, **values)


# Who hears of what


def test_the_master_client_hears_of_everybodys_orders_and_fills(desk):
    desk.connect(9)
    limit(desk)
    desk.quote(NAME, 259.0, 259.02)
    heard = desk.heard()
    assert [kind for client, reply in heard if client == 9 for kind in kinds([reply])][:2] == ["OpenOrder", "OrderStatus"]
    fills = [(client, reply.execution_id) for client, reply in heard if isinstance(reply, replies.Execution)]
    assert {client for client, _ in fills} == {1, 9}
    assert {reply.client_id for client, reply in heard if isinstance(reply, replies.OpenOrder)} == {1}


def test_errors_are_the_owners_alone(desk):
    desk.connect(9)
    desk.said.clear()
    limit(desk)
    desk.ask(r.CancelOrder(1))
    assert {client for client, reply in desk.said if isinstance(reply, replies.Error)} == {1}


# By hand


def test_an_order_entered_by_hand_is_seen_by_all_who_ask_for_all_and_told_to_nobody(desk):
    desk.said.clear()
    perm_id = desk.broker.enter_order(AAPL, LIMIT)
    assert desk.heard() == []
    (order,) = [reply for reply in desk.ask(r.AllOpenOrders()) if isinstance(reply, replies.OpenOrder)]
    assert (order.order_id, order.client_id, order.perm_id) == (0, 0, perm_id)
    assert kinds(desk.ask(r.OpenOrders())) == ["OpenOrderEnd"]
    desk.broker.cancel_order(perm_id)
    assert desk.completed() == {"by hand": "Cancelled"}
    assert kinds(desk.ask(r.CompletedOrders(True))) == ["CompletedOrdersEnd"]


def test_client_zero_binds_manual_orders_with_numbers_below_zero(desk):
    first = desk.broker.enter_order(AAPL, LIMIT)
    desk.connect(0)
    said = desk.ask(r.AutoOpenOrders(True), client_id=0)
    assert kinds(said) == ["OrderBound", "OpenOrder", "OrderStatus"]
    assert (said[0].perm_id, said[0].client_id, said[0].order_id) == (first, 0, -1)
    desk.said.clear()
    second = desk.broker.enter_order(AAPL, LIMIT)
    bound = [reply for reply in desk.heard_by(0) if isinstance(reply, replies.OrderBound)]
    assert [(reply.perm_id, reply.order_id) for reply in bound] == [(second, -2)]
    said = desk.place(-1, client_id=0, contract=AAPL, order_type="LMT", limit_price=261.0, quantity=100.0)
    assert codes(said) == []
    assert statuses(desk.cancel(-2, client_id=0)) == [(-2, "Cancelled")]
    desk.quote(NAME, 259.0, 259.02)
    fills = [reply for reply in desk.heard_by(0) if isinstance(reply, replies.Execution)]
    assert [(reply.order_id, reply.client_id, reply.price) for reply in fills] == [(-1, 0, 259.02)]


def test_what_cannot_be_entered_by_hand_is_said_with_its_code(desk):
    with pytest.raises(Turned, match="not conform to the minimum price") as turned:
        desk.broker.enter_order(AAPL, Ticket(action="BUY", quantity=1.0, order_type="LMT", limit_price=1.001))
    assert turned.value.objection.code == 110
    with pytest.raises(Turned, match="No security definition"):
        desk.broker.enter_order(Contract(symbol="NOSUCH"), LIMIT)
    with pytest.raises(Turned, match="Can't find order"):
        desk.broker.cancel_order(4711)
    limit(desk)
    desk.cancel()
    with pytest.raises(Turned, match="not in a cancellable state"):
        desk.broker.cancel_order(desk.ask(r.CompletedOrders(False))[0].perm_id)


# Forks and corrections


def test_a_forked_order_goes_on_under_two_numbers_for_good_and_fills_once_in_all(desk):
    limit(desk)
    desk.said.clear()
    perm_id = desk.broker.fork_order(1, 1)
    said = desk.heard_by()
    orders = [(reply.order_id, reply.perm_id, reply.ticket.quantity) for reply in said if isinstance(reply, replies.OpenOrder)]
    assert [(order_id, quantity) for order_id, _, quantity in orders] == [(1, 50.0), (1, 50.0)]
    assert orders[1][1] == perm_id != orders[0][1]
    assert {reply.ticket.order_ref for reply in said if isinstance(reply, replies.OpenOrder)} == {"ref-1"}
    desk.quote(NAME, 259.0, 259.02)
    fills = [reply for reply in desk.heard_by() if isinstance(reply, replies.Execution)]
    assert sorted(reply.perm_id for reply in fills) == sorted([orders[0][1], perm_id])
    assert desk.check_books() == {("DU1", NAME): 100.0}


def test_cancelling_a_forked_order_cancels_both(desk):
    limit(desk)
    desk.broker.fork_order(1, 1)
    assert statuses(desk.cancel()) == [(1, "Cancelled"), (1, "Cancelled")]
    with pytest.raises(Turned, match="Can't find order"):
        desk.broker.fork_order(1, 1)


def filled(desk):
    said = limit(desk, limit_price=271.0)
    return next(reply.execution_id for reply in said if isinstance(reply, replies.Execution))


def test_a_corrected_execution_comes_again_with_its_last_part_counted_up(desk):
    execution_id = filled(desk)
    cash = desk.exchange.ledger.cash("DU1")["USD"]
    desk.said.clear()
    corrected = desk.broker.correct_execution(execution_id, price=269.02)
    assert (execution_id[-3:], corrected) == (".01", execution_id[:-2] + "02")
    execution, report, status = desk.heard_by()
    assert (execution.req_id, execution.execution_id, execution.price, execution.shares) == (-1, corrected, 269.02, 100.0)
    assert (status.status, status.filled, status.average_price) == ("Filled", 100.0, 269.02)
    assert (execution.average_price, report.execution_id) == (269.02, corrected)
    assert desk.exchange.ledger.cash("DU1")["USD"] == cash + 100
    assert desk.exchange.position("DU1", NAME).average_price == 269.02
    listed = [reply for reply in desk.ask(r.Executions(8)) if isinstance(reply, replies.Execution)]
    assert [reply.execution_id for reply in listed] == [corrected]
    again = desk.broker.correct_execution(execution_id, quantity=90.0)
    assert again.endswith(".03")
    assert desk.check_books() == {("DU1", NAME): 90.0}


def test_a_bust_takes_the_execution_and_its_commission_back(desk):
    cash = desk.exchange.ledger.cash("DU1")["USD"]
    execution_id = filled(desk)
    desk.said.clear()
    bust = desk.broker.bust_execution(execution_id)
    execution, report, status = desk.heard_by()
    assert (execution.execution_id, execution.shares, report.commission) == (bust, 0.0, 0.0)
    assert (status.status, status.filled, status.remaining, status.average_price) == ("Cancelled", 0.0, 100.0, 0.0)
    assert desk.completed() == {"ref-1": "Cancelled"}
    assert desk.exchange.ledger.cash("DU1")["USD"] == cash
    assert desk.check_books() == {("DU1", NAME): 0.0}
    with pytest.raises(Turned, match="no execution"):
        desk.broker.bust_execution(execution_id)


def bought(desk, *parts):
    """Executions of one order, filled in parts, and the cash before."""
    cash = desk.exchange.ledger.cash("DU1")["USD"]
    desk.quote(NAME, 269.0, 269.02, parts[0], parts[0])
    said = limit(desk, quantity=float(sum(parts)), limit_price=270.0)
    desk.said.clear()
    for part in parts[1:]:
        desk.quote(NAME, 269.0, 269.02, part, part)
    fills = [reply for reply in said + desk.heard_by() if isinstance(reply, replies.Execution)]
    assert [reply.shares for reply in fills] == list(parts)
    return [reply.execution_id for reply in fills], cash


def commissions(desk):
    return [reply.commission for reply in desk.ask(r.Executions(8)) if isinstance(reply, replies.CommissionReport)]


@pytest.mark.parametrize(("quantity", "commission"), [(40.0, 1.0), (60.0, 1.0), (200.0, 1.0), (600.0, 3.0), (1_000.0, 5.0)])
def test_a_corrected_execution_costs_what_it_would_have_cost(desk, quantity, commission):
    (execution_id,), cash = bought(desk, 60)
    for again in (quantity, 75.0, quantity):
        execution_id = desk.broker.correct_execution(execution_id, quantity=again)
    report = [reply for reply in desk.heard_by() if isinstance(reply, replies.CommissionReport)][-1]
    assert (report.execution_id, report.commission) == (execution_id, commission)
    assert commissions(desk) == [commission]
    paid = cash - desk.exchange.ledger.cash("DU1")["USD"]
    assert float(paid) == pytest.approx(quantity * 269.02 + commission)


def test_cash_is_right_also_where_the_beginning_of_the_day_is_not_known(desk):
    (first, _), cash = bought(desk, 300, 100)
    desk.broker._floor.opening = None
    desk.broker.bust_execution(desk.broker.correct_execution(first, quantity=100.0))
    assert commissions(desk) == [0.0, 1.0]
    assert float(cash - desk.exchange.ledger.cash("DU1")["USD"]) == pytest.approx(100 * 269.02 + 1.0)
    again = Desk(records=desk.records)
    assert again.exchange.ledger.cash("DU1") == desk.exchange.ledger.cash("DU1")


def test_the_later_executions_of_a_corrected_order_cost_what_is_left_of_its_commission(desk):
    (first, second), cash = bought(desk, 300, 100)
    assert commissions(desk) == [1.5, 0.5]
    desk.said.clear()
    corrected = desk.broker.correct_execution(first, quantity=100.0)
    said = desk.heard_by()
    assert kinds(said) == ["Execution", "CommissionReport", "OrderStatus", "CommissionReport"]
    reports = {reply.execution_id: reply.commission for reply in said if isinstance(reply, replies.CommissionReport)}
    assert reports == {corrected: 1.0, second: 0.0}
    desk.broker.bust_execution(corrected)
    assert commissions(desk) == [0.0, 1.0]
    assert float(cash - desk.exchange.ledger.cash("DU1")["USD"]) == pytest.approx(100 * 269.02 + 1.0)
    again = Desk(records=desk.records)
    again.connect()
    assert again.exchange.ledger.state() == desk.exchange.ledger.state()
    assert commissions(again) == [0.0, 1.0]
    assert again.ask(r.CompletedOrders(False)) == desk.ask(r.CompletedOrders(False))


def test_a_correction_tells_the_profit_of_later_executions_anew(desk):
    (first,), _ = bought(desk, 100)
    desk.quote(NAME, 272.0, 272.02)
    said = limit(desk, 2, action="SELL", limit_price=272.0)
    (before,) = [reply for reply in said if isinstance(reply, replies.CommissionReport)]
    assert before.realized == pytest.approx(100 * (272.0 - 269.02) - 2.0)
    desk.said.clear()
    corrected = desk.broker.correct_execution(first, price=270.02)
    reports = [reply for reply in desk.heard_by() if isinstance(reply, replies.CommissionReport)]
    assert [reply.execution_id for reply in reports] == [corrected, before.execution_id]
    assert reports[1].realized == pytest.approx(before.realized - 100.0)


def test_an_order_of_which_a_part_is_busted_stays_filled_until_all_of_it_is(desk):
    (first, second), _ = bought(desk, 60, 40)
    desk.said.clear()
    desk.broker.bust_execution(first)
    desk.broker.bust_execution(second)
    told = [(one.status, one.filled, one.remaining) for one in desk.heard_by() if isinstance(one, replies.OrderStatus)]
    assert told == [("Filled", 40.0, 0.0), ("Cancelled", 0.0, 100.0)]


def test_an_order_that_stands_costs_what_its_corrected_executions_cost(desk):
    desk.quote(NAME, 269.0, 269.02, 60, 60)
    said = limit(desk, quantity=1_000.0, limit_price=270.0)
    (execution_id,) = [reply.execution_id for reply in said if isinstance(reply, replies.Execution)]
    for quantity, commission in ((400.0, 2.0), (40.0, 1.0)):
        execution_id = desk.broker.correct_execution(execution_id, quantity=quantity)
        (order,) = [reply for reply in desk.ask(r.OpenOrders()) if isinstance(reply, replies.OpenOrder)]
        assert (order.state.commission, order.state.status) == (commission, "Submitted")


def test_a_correction_that_cannot_be_changes_nothing(desk):
    execution_id = filled(desk)
    for wrong in ({"price": 269.001}, {"price": -1.0}, {"quantity": 0.0}, {"quantity": 1.5}):
        with pytest.raises(Turned):
            desk.broker.correct_execution(execution_id, **wrong)
    assert desk.broker.newest_execution() == execution_id


def test_correcting_a_part_of_a_standing_order_does_not_fill_it_twice(desk):
    desk.quote(NAME, 259.0, 259.02, 40, 40)
    said = limit(desk)
    execution_id = next(reply.execution_id for reply in said if isinstance(reply, replies.Execution))
    desk.broker.correct_execution(execution_id, quantity=30.0)
    (status,) = [reply for reply in desk.ask(r.OpenOrders()) if isinstance(reply, replies.OrderStatus)]
    assert (status.filled, status.remaining) == (30.0, 60.0)
    desk.quote(NAME, 259.0, 259.02, 400, 400)
    assert desk.completed() == {"ref-1": "Filled"}
    assert desk.check_books() == {("DU1", NAME): 90.0}


# The restart


def test_everything_is_restored_equal_after_a_restart_from_records_and_from_a_snapshot(desk):
    execution_id = filled(desk)
    desk.broker.correct_execution(execution_id, price=269.02)
    limit(desk, 2, transmit=False)
    limit(desk, 3, action="SELL", limit_price=280.0, parent_id=2, transmit=False)
    limit(desk, 4, conditions=(Condition(4, ("a", "0", "20")),), time_in_force="GTC")
    limit(desk, 5, action="SELL", order_type="TRAIL", aux_price=2.0)
    desk.trade(NAME, 275.0)
    limit(desk, 6)
    limit(desk, 6, limit_price=261.0)
    desk.broker.fork_order(1, 6)
    desk.broker.enter_order(AAPL, LIMIT)
    desk.connect(0)
    desk.ask(r.AutoOpenOrders(True), client_id=0)
    questions = (r.AllOpenOrders(), r.Executions(8), r.CompletedOrders(False), r.Positions(), r.Ids())
    before = [desk.ask(question) for question in questions]
    for records in (desk.records, [desk.broker.snapshot()]):
        again = Desk(records=records)
        again.connect()
        assert [again.ask(question) for question in questions] == before
        said = limit(again, 3, action="SELL", limit_price=280.0, parent_id=2)
        assert [order_id for order_id, _ in statuses(said)] == [2, 3]
        assert again.broker.enter_order(AAPL, LIMIT) not in (0, desk.broker.newest_order())


def test_killed_after_any_record_every_order_can_still_be_cancelled(desk):
    limit(desk, 1, limit_price=265.0, transmit=False)
    limit(desk, 2, action="SELL", limit_price=280.0, parent_id=1)
    limit(desk, 3)
    limit(desk, 3, limit_price=261.0)
    desk.broker.fork_order(1, 3)
    desk.broker.enter_order(AAPL, LIMIT)
    desk.quote(NAME, 259.0, 259.02)
    for count in range(len(desk.records) + 1):
        again = Desk(records=desk.records[:count])
        again.connect()
        again.ask(r.GlobalCancel())
        assert kinds(again.ask(r.AllOpenOrders())) == ["OpenOrderEnd"]
        again.check_books()


# Options


def option(desk):
    """A call that an account holds two of, its strike, and its underlying."""
    listing = next(
        listing for listing in CATALOGUE if listing.sec_type == "OPT" and listing.instrument.underlying == NAME
        and listing.instrument.right.value == "C" and listing.instrument.strike < 260 and listing.instrument.expiry > "202607"
    )  # fmt: skip
    name = listing.instrument.id
    desk.quote(name, 12.0, 12.05, 100, 100)
    desk.place(1, contract=Contract(con_id=listing.instrument.con_id), quantity=2.0, order_type="LMT", limit_price=13.0)
    assert desk.exchange.position("DU1", name).quantity == 2.0
    return listing.instrument


def exercise(desk, instrument, action=1, quantity=1, account="DU1", *, override=False):
    contract = Contract(con_id=instrument.con_id)
    return desk.ask(r.ExerciseOptions(5, contract, action, quantity, account, override))


def test_exercising_a_call_brings_the_underlying_at_the_strike(desk):
    call = option(desk)
    said = exercise(desk, call)
    fills = [reply for reply in said if isinstance(reply, replies.Execution)]
    assert [(reply.side, reply.shares, reply.price) for reply in fills] == [("SLD", 1.0, 0.0), ("BOT", 100.0, call.strike)]
    assert desk.check_books() == {("DU1", call.id): 1.0, ("DU1", NAME): 100.0}
    again = Desk(records=desk.records)
    assert again.exchange.ledger.cash("DU1") == desk.exchange.ledger.cash("DU1")


def test_what_has_lapsed_is_not_exercised(desk):
    call = option(desk)
    assert codes(exercise(desk, call, action=2)) == [321]  # in the money
    assert exercise(desk, call, action=2, override=True) == []
    assert codes(exercise(desk, call, quantity=2)) == [321]
    assert codes(exercise(desk, call)) == []


def test_what_cannot_be_exercised_is_said(desk):
    call = option(desk)
    assert codes(exercise(desk, call, quantity=3)) == [321]
    assert codes(exercise(desk, call, action=3)) == [321]
    assert codes(exercise(desk, call, account="DU9")) == [321]
    assert codes(exercise(desk, CATALOGUE.by_con_id(265598).instrument)) == [321]
    desk.clock.set(NOON)
    desk.quote(NAME, call.strike - 20, call.strike - 19.98)
    assert codes(exercise(desk, call)) == [321]
    assert codes(exercise(desk, call, override=True)) == []


# An advisor's login


def test_an_advisors_order_is_filled_for_every_account_of_its_group_exact_in_total():
    desk = Desk(accounts=("DF1", "DU1", "DU2", "DU3"))
    desk.connect()
    desk.quote(NAME, 270.0, 270.02, 1_000, 1_000)
    said = limit(desk, limit_price=271.0, fa_group="All", fa_method="EqualQuantity")
    fills = {reply.account: reply.shares for reply in said if isinstance(reply, replies.Execution)}
    assert fills == {"DU1": 34.0, "DU2": 33.0, "DU3": 33.0}
    assert statuses(said)[-1] == (1, "Filled")
    assert desk.check_books() == {(account, NAME): shares for account, shares in fills.items()}
    assert codes(limit(desk, 2)) == [435]
    assert codes(limit(desk, 2, fa_group="Nobody")) == [321]
    assert codes(limit(desk, 2, account="DU2")) == []
    again = Desk(accounts=("DF1", "DU1", "DU2", "DU3"), records=desk.records)
    assert again.exchange.ledger.state() == desk.exchange.ledger.state()
