"""The accounts of a financial advisor's login, without any wire."""

import pytest

from ib_gateway.simulator.messages import replies
from ib_gateway.simulator.messages import requests as r
from tests.unit.simulator.account_desk import AAPL, Desk, of, quoted, summary


@pytest.fixture
def desk():
    return quoted()


# An advisor's login


@pytest.fixture
def advised():
    desk = Desk("DF10", "DU11", "DU12")
    desk.quote("AAPL@SMART", 199.99, 200.01)
    return desk


GROUPS = """<?xml version="1.0" encoding="UTF-8"?>
<ListOfGroups>
	<Group>
		<name>Half</name>
		<ListOfAccts varName="list">
			<String>DU11</String>
		</ListOfAccts>
		<defaultMethod>NetLiq</defaultMethod>
	</Group>
</ListOfGroups>
"""


def test_an_advisor_sees_its_clients_accounts_and_its_family(advised):
    (managed,) = advised.ask(r.ManagedAccounts())
    assert managed.accounts == "DF10,DU11,DU12,"
    (families,) = advised.ask(r.FamilyCodes())
    assert families.codes == [("DF10", "DF10A"), ("DU11", "DF10A"), ("DU12", "DF10A")]
    kinds = summary(advised.ask(r.AccountSummary(1, "All", "AccountType")))
    assert kinds == {("DU11", "AccountType", ""): "INDIVIDUAL", ("DU12", "AccountType", ""): "INDIVIDUAL"}
    assert advised.values("DF10")["NetLiquidation", "USD"] == "0.00"


def test_what_an_advisor_sets_up_is_given_back_and_survives_a_restart(advised):
    assert advised.ask(r.ReplaceFaData(3, 1, GROUPS)) == [replies.ReplaceFaEnd(3, "success")]
    assert advised.ask(r.FaData(1)) == [replies.FaData(1, GROUPS)]
    for records in (advised.records, [advised.broker.snapshot()]):
        again = Desk("DF10", "DU11", "DU12", records=records)
        assert again.ask(r.FaData(1)) == [replies.FaData(1, GROUPS)]


def test_a_group_stands_for_its_accounts_in_summaries_updates_and_positions(advised):
    advised.ask(r.ReplaceFaData(3, 1, GROUPS))
    advised.trade(AAPL, 100, "DU11")
    advised.trade(AAPL, 50, "DU12")
    assert {account for account, _, _ in summary(advised.ask(r.AccountSummary(1, "Half", "NetLiquidation")))} == {"DU11"}
    held = of(replies.PositionMulti, advised.ask(r.PositionsMulti(2, "Half", "")))
    assert [(one.account, one.position) for one in held] == [("DU11", 100.0)]
    assert advised.pnl_of(AAPL, "DF10A").position == 150.0
    assert advised.pnl("Half").unrealized == advised.pnl("DU11").unrealized


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (r.FaData(4), 321),
        (r.ReplaceFaData(3, 9, GROUPS), 321),
        (r.ReplaceFaData(3, 1, "nonsense"), 321),
        (r.ReplaceFaData(3, 1, GROUPS.replace("DU11", "DU99")), 10231),
    ],
)
def test_what_cannot_be_set_up_leaves_everything_as_it_was(advised, request_, code):
    advised.ask(r.ReplaceFaData(3, 1, GROUPS))
    assert [reply.code for reply in advised.ask(request_)] == [code]
    assert advised.ask(r.FaData(1)) == [replies.FaData(1, GROUPS)]


def test_a_login_without_advisor_has_nothing_to_set_up(desk):
    for request in (r.FaData(1), r.ReplaceFaData(3, 1, GROUPS)):
        (reply,) = desk.ask(request)
        assert (reply.code, "non FA customers" in reply.text) == (321, True)
