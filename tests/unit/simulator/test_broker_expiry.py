"""What clients hear and the books show when an instrument expires, live and after a restart."""

from datetime import UTC, datetime

import msgspec
import pytest

from atlas.domain import from_datetime
from ib_gateway.simulator.broker.records import Record
from ib_gateway.simulator.messages import Contract, replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.desk import CATALOGUE, Desk, codes, statuses

NAME = "AAPL@SMART"
WEEK_LATER = from_datetime(datetime(2026, 6, 26, 16, tzinfo=UTC))


def listed(sec_type, wanted):
    """The first listing of June that is wanted."""
    june = (one for one in CATALOGUE if one.sec_type == sec_type and one.instrument.expiry.startswith("202606"))
    return min((one for one in june if wanted(one.instrument)), key=lambda one: (one.instrument.expiry, one.instrument.strike))


CALL = listed("OPT", lambda i: i.underlying == NAME and i.right.value == "C" and i.strike >= 250.0)
FUTURE = listed("FUT", lambda i: i.symbol == "ES")


@pytest.fixture
def desk():
    """Two calls and one future held, a good-till-cancelled order for another future."""
    desk = Desk(master_client_id=9)
    for client_id in (1, 0, 9):
        desk.connect(client_id)
    desk.quote(NAME, 270.0, 270.02, 1_000, 1_000)
    desk.quote(CALL.instrument.id, 20.0, 20.05, 100, 100)
    desk.quote(FUTURE.instrument.id, 6000.0, 6000.25, 100, 100)
    desk.place(1, contract=Contract(con_id=CALL.instrument.con_id), quantity=2.0, order_type="LMT", limit_price=21.0)
    desk.place(2, contract=Contract(con_id=FUTURE.instrument.con_id, exchange="CME"), quantity=1.0)
    later = {"order_type": "LMT", "limit_price": 5000.0, "time_in_force": "GTC"}
    desk.place(3, contract=Contract(con_id=FUTURE.instrument.con_id, exchange="CME"), quantity=1.0, **later)
    desk.quote(NAME, 280.0, 280.02, 1_000, 1_000)
    desk.ask(r.AccountUpdates(subscribe=True, account="DU1"))
    desk.heard()
    return desk


def expire(desk):
    desk.clock.set(WEEK_LATER)
    desk.broker.on_time()
    desk.broker.settle()


def test_an_expired_position_is_told_as_an_execution_and_its_portfolio_line_goes_to_zero(desk):
    expire(desk)
    heard = desk.heard()
    fills = {(client, one.contract.con_id): one for client, one in heard if isinstance(one, replies.Execution)}
    worth = round(280.01 - CALL.instrument.strike, 2)
    for client in (0, 9):
        option, future = fills[client, CALL.instrument.con_id], fills[client, FUTURE.instrument.con_id]
        assert (option.side, option.shares, option.price, option.order_id) == ("SLD", 2.0, pytest.approx(worth), 0)
        assert (future.side, future.shares, future.price) == ("SLD", 1.0, 6000.125)
    assert not [client for client, _ in fills if client == 1]  # the others hear of it when they ask
    lines = {one.contract.con_id: one.position for client, one in heard if isinstance(one, replies.PortfolioValue)}
    assert (lines[CALL.instrument.con_id], lines[FUTURE.instrument.con_id]) == (0.0, 0.0)
    assert desk.exchange.ledger.positions("DU1") == {}


def test_an_order_for_what_has_expired_is_cancelled_and_none_is_taken_any_more(desk):
    expire(desk)
    said = [reply for client, reply in desk.heard() if client == 1]
    assert (3, "Cancelled") in statuses(said)
    assert codes(said) == [202]
    said = desk.place(4, contract=Contract(con_id=FUTURE.instrument.con_id, exchange="CME"), quantity=1.0)
    assert codes(said) in ([200], [201])


def test_a_restart_finds_what_was_settled(desk):
    expire(desk)
    written = [msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Record) for record in desk.records]
    again = Desk(records=written)
    assert again.exchange.ledger.state() == desk.exchange.ledger.state()
    assert again.exchange.ledger.positions("DU1") == {}
    assert [fill.executed.execution.order_id for fill in again.broker.executions_of_the_day()] == ["1.1", "1.2", "", ""]


def test_what_expires_while_the_gateway_is_down_is_settled_when_it_is_back(desk):
    snapshot = desk.broker.snapshot()
    again = Desk(records=[snapshot])
    expire(again)
    expire(desk)
    assert again.exchange.ledger.state() == desk.exchange.ledger.state()
    assert again.exchange.ledger.positions("DU1") == {}


def test_both_sides_of_a_us_option_are_turned_down_with_201(desk):
    contract = Contract(con_id=CALL.instrument.con_id)
    assert codes(desk.place(5, contract=contract, quantity=1.0, order_type="LMT", limit_price=1.0)) == []
    said = desk.place(6, contract=contract, action="SELL", quantity=1.0, order_type="LMT", limit_price=90.0)
    (error,) = [reply for reply in said if isinstance(reply, replies.Error)]
    assert (error.code, error.text) == (
        201,
        "Order rejected - reason:Cannot have open orders on both sides of the same US Option contract in the same account.",
    )
