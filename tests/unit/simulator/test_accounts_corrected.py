"""Accounts after an execution was corrected or busted, without any wire."""

import pytest

from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.account_desk import AAPL, ES, Desk, of, over_night, quoted


@pytest.fixture
def desk():
    return quoted()


# Corrections


def correct(desk, execution_id, **right):
    """A correction, or a bust if nothing is right; returns the id that says so."""
    number = desk.broker.correct_execution(execution_id, **right) if right else desk.broker.bust_execution(execution_id)
    desk.broker.settle()
    return number


def test_profit_is_right_after_an_execution_is_corrected_and_after_it_is_busted(desk):
    desk.trade(AAPL, 100)
    bought = desk.pnl()
    sold = of(replies.Execution, desk.trade(AAPL, -100))[-1]
    before = desk.pnl()
    corrected = correct(desk, sold.execution_id, price=sold.price + 1.0)
    assert desk.pnl().daily == desk.pnl_of(AAPL).daily == pytest.approx(before.daily + 100.0)
    assert desk.pnl().realized == desk.pnl_of(AAPL).realized == pytest.approx(before.realized + 100.0)
    correct(desk, corrected)
    assert desk.pnl() == bought
    assert (desk.pnl_of(AAPL).position, desk.pnl_of(AAPL).realized) == (100.0, 0.0)
    assert desk.values()["RealizedPnL", "USD"] == "0.00"


@pytest.mark.parametrize(("contract", "step"), [(AAPL, 1.0), (ES, 2.5)])
def test_correcting_what_was_bought_corrects_what_was_sold_afterwards(desk, contract, step):
    """Bought, sold, turned short: with the first price right from the start everything had come out as it does now."""
    name = "AAPL@SMART" if contract is AAPL else "ES-202609@CME"
    held = Desk(records=desk.records)
    for one in (desk, held):
        one.quote("AAPL@SMART", 199.99, 200.01)
        one.quote("ES-202609@CME", 6000.0, 6000.25)
    bought = of(replies.Execution, desk.trade(contract, 10))[-1]
    quote = held.exchange.quote(name)
    held.quote(name, quote.bid - step, quote.ask - step)
    held.trade(contract, 10)
    for one in (desk, held):
        one.quote(name, quote.bid, quote.ask)
        one.trade(contract, -15)
        one.trade(contract, 2)
    correct(desk, bought.execution_id, price=bought.price - step)
    assert desk.pnl_of(contract) == held.pnl_of(contract)
    assert desk.values() == held.values()
    again = Desk(records=desk.records)
    again.quote(name, quote.bid, quote.ask)
    assert again.pnl_of(contract) == held.pnl_of(contract)


def test_a_correction_of_today_leaves_what_was_held_before_at_its_cost(desk):
    over_night(desk)
    bought = of(replies.Execution, desk.trade(AAPL, 100))[-1]
    correct(desk, bought.execution_id, price=209.01)
    (item,) = of(replies.PositionMulti, desk.ask(r.PositionsMulti(2, "DU1", "")))
    assert item.average_cost == pytest.approx((200.01 + 209.01 + 0.02) / 2)
    correct(desk, bought.execution_id[:-2] + "02")
    (item,) = of(replies.PositionMulti, desk.ask(r.PositionsMulti(2, "DU1", "")))
    assert (item.position, item.average_cost) == (100.0, pytest.approx(200.02))
