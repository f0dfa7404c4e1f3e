"""The audit agrees with itself, and names every kind of disagreement."""

from dataclasses import replace
from decimal import Decimal

import pytest

from atlas.bus.robots import RobotReport
from atlas.domain import Execution, Side
from atlas.session.audit import DatabaseBooks, audit, sum_robots
from atlas.trading.broker import BrokerSnapshot

ACCOUNT, EURUSD, AAPL = "DU1", "EUR.USD@IDEALPRO", "AAPL@SMART"


def robot(name, positions):
    return RobotReport(name, "s", "running", "", [EURUSD], 1, 1, 1, 0, positions, 5, 5)


def execution(name, account=ACCOUNT):
    return Execution(name, "o-1-0", account, EURUSD, Side.BUY, 20_000, 1.1, 5)


ROBOTS = [robot("a", {ACCOUNT: {EURUSD: 30_000.0}}), robot("b", {ACCOUNT: {EURUSD: -10_000.0, AAPL: 5.0}})]
HELD = {ACCOUNT: {EURUSD: 20_000.0, AAPL: 5.0}}
DATABASE = DatabaseBooks(
    orders=3,
    rejected=0,
    executions={ACCOUNT: frozenset({"e1", "e2"})},
    uncharged=0,
    positions=HELD,
    cash_changes={ACCOUNT: {"EUR": Decimal(20_000), "USD": Decimal("-22004.00")}},
)
GATEWAY = BrokerSnapshot((), (), (execution("e1"), execution("e2")), (), HELD)
BEFORE = {"USD": Decimal("1000000.00")}
AFTER = {"USD": Decimal("977996.00"), "EUR": Decimal("20000.00")}


def audited(robots=ROBOTS, database=DATABASE, gateway=GATEWAY, before=BEFORE, after=AFTER):
    return audit(robots, database, gateway, ACCOUNT, before, after)


def test_books_that_say_the_same_agree():
    result = audited()
    assert result.differences == []
    assert result.agree
    assert result.robot == result.database == result.gateway == HELD
    assert result.cash == {
        "EUR": {"gateway": "20000.00", "trades": "20000"},
        "USD": {"gateway": "-22004.00", "trades": "-22004.00"},
    }


def test_desks_that_did_nothing_agree():
    nothing = DatabaseBooks(0, 0, {}, 0, {}, {})
    result = audited([], nothing, BrokerSnapshot((), (), (), (), {}), BEFORE, BEFORE)
    assert result.agree
    assert result.cash == {"USD": {"gateway": "0.00", "trades": "0"}}


def test_what_people_traded_by_hand_is_no_difference_to_what_the_robots_hold():
    by_hand = {ACCOUNT: {EURUSD: -20_000.0, "GBP.USD@IDEALPRO": 5.0}}
    held = {ACCOUNT: {AAPL: 5.0, "GBP.USD@IDEALPRO": 5.0}}
    database = replace(DATABASE, positions=held, by_hand=by_hand)
    assert audited(database=database, gateway=replace(GATEWAY, positions=held)).differences == []
    assert len(audited(database=replace(database, by_hand={}), gateway=replace(GATEWAY, positions=held)).differences) == 2


@pytest.mark.parametrize(
    ("changed", "differences"),
    [
        (
            {"robots": [ROBOTS[0]]},
            [f"DU1 {AAPL}: robots 0, database 5", f"DU1 {EURUSD}: robots 30000, database 20000"],
        ),
        (
            {"database": replace(DATABASE, positions={ACCOUNT: {EURUSD: 20_000.0}})},
            [f"DU1 {AAPL}: robots 5, database 0", f"DU1 {AAPL}: database 0, gateway 5"],
        ),
        (
            {"gateway": BrokerSnapshot((), (), GATEWAY.executions, (), {ACCOUNT: HELD[ACCOUNT] | {EURUSD: -20_000.0}})},
            [f"DU1 {EURUSD}: database 20000, gateway -20000"],
        ),
        (
            {"gateway": BrokerSnapshot((), (), GATEWAY.executions, (), {**HELD, "DU2": {AAPL: 1.0}})},
            [f"DU2 {AAPL}: database 0, gateway 1"],
        ),
        (
            {"database": replace(DATABASE, executions={ACCOUNT: frozenset({"e1"})})},
            ["execution e2 is at the gateway and not in the database"],
        ),
        (
            {"gateway": BrokerSnapshot((), (), (execution("e1"), execution("e3")), (), HELD)},
            [
                "execution e2 is in the database and not at the gateway",
                "execution e3 is at the gateway and not in the database",
            ],
        ),
        ({"database": replace(DATABASE, uncharged=2)}, ["2 executions have no commission"]),
        (
            {"after": AFTER | {"USD": Decimal("977996.02")}},
            ["USD: cash moved by -22003.98 at the gateway, the trades make -22004.00"],
        ),
        (
            {"after": {"USD": AFTER["USD"]}},
            ["EUR: cash moved by 0 at the gateway, the trades make 20000"],
        ),
        (
            {"after": AFTER | {"CHF": Decimal(7)}},
            ["CHF: cash moved by 7 at the gateway, the trades make 0"],
        ),
        (
            {"before": {}},
            ["USD: cash moved by 977996.00 at the gateway, the trades make -22004.00"],
        ),
    ],
)
def test_each_disagreement_is_named(changed, differences):
    result = audited(**changed)
    assert result.differences == differences
    assert not result.agree


def test_a_cent_is_within_what_the_gateway_rounds_away():
    assert audited(after=AFTER | {"USD": Decimal("977996.01")}).agree


def test_executions_of_other_accounts_of_the_login_are_not_ours():
    others = (*GATEWAY.executions, execution("e9", "DU2"))
    assert audited(gateway=BrokerSnapshot((), (), others, (), HELD)).agree


def test_positions_of_robots_are_summed_exactly_and_flat_ones_left_out():
    tenth = robot("a", {ACCOUNT: {EURUSD: 0.1, AAPL: 5.0}})
    assert sum_robots([tenth, tenth, tenth]) == {ACCOUNT: {EURUSD: 0.3, AAPL: 15.0}}
    assert sum_robots([tenth, robot("b", {ACCOUNT: {EURUSD: -0.1, AAPL: -5.0}})]) == {}
