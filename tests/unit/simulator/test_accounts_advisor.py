"""A financial advisor's groups: how orders are divided, and what the XML says."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import BadInput, Commission, Execution, Share, Side
from atlas.exchange import Exchange
from ib_gateway.simulator.broker.accounts import fa_xml
from ib_gateway.simulator.broker.accounts.advisor import (
    Advisor,
    Group,
    Member,
    Structure,
    Unallocatable,
    checked,
    divide,
    is_advisor,
)
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.messages import Ticket

CATALOGUE = load()
AAPL = "AAPL@SMART"
CLIENTS = ("DU11", "DU12", "DU13")
METHODS = {
    "equal": Group("equal", "EqualQuantity", tuple(map(Member, CLIENTS))),
    "rich": Group("rich", "NetLiq", tuple(map(Member, CLIENTS))),
    "free": Group("free", "AvailableEquity", tuple(map(Member, CLIENTS))),
    "change": Group("change", "PctChange", tuple(map(Member, CLIENTS))),
    "percent": Group("percent", "Percent", (Member("DU11", 60.0), Member("DU12", 40.0))),
    "ratio": Group("ratio", "Ratio", (Member("DU11", 2.0), Member("DU13", 1.0))),
    "units": Group("units", "ContractsOrShares", (Member("DU11", 7.0), Member("DU12", 5.0))),
    "money": Group("money", "MonetaryAmount", (Member("DU11", 1_000.0), Member("DU12", 250.0))),
}


@pytest.fixture
def exchange():
    cash = {"DF10": {}, "DU11": {"USD": 600_000.0}, "DU12": {"USD": 300_000.0}, "DU13": {"USD": 100_000.0}}
    return Exchange(CATALOGUE.instruments(), cash)


@pytest.fixture
def advisor(exchange):
    advisor = Advisor(exchange)
    advisor.structure = Structure(tuple(METHODS.values()))
    return advisor


def hold(exchange, account, quantity, price=100.0):
    side = Side.BUY if quantity > 0 else Side.SELL
    name = f"{account}-{quantity}"
    exchange.ledger.apply(
        Execution(name, "1", account, AAPL, side, abs(quantity), price, 0, 1), Commission(name, 0.0, "USD", None)
    )


def to(group, quantity=10.0, action="BUY", **more):
    return Ticket(action=action, quantity=quantity, order_type="MKT", fa_group=group, **more)


@pytest.mark.parametrize(
    ("group", "shares"),
    [
        ("equal", (4, 3, 3)),
        ("rich", (6, 3, 1)),
        ("free", (6, 3, 1)),
        ("percent", (6, 4, 0)),
        ("ratio", (7, 0, 3)),
        ("units", (7, 5, 0)),
        ("All", (6, 3, 1)),
    ],
)
def test_each_method_divides_an_order_in_its_own_way(advisor, group, shares):
    expected = tuple(Share(account, float(size)) for account, size in zip(CLIENTS, shares, strict=True) if size)
    assert advisor.allocate(to(group), 10.0, AAPL) == expected


def test_a_ticket_may_name_another_method_than_the_groups_own(advisor):
    assert [share.quantity for share in advisor.allocate(to("rich", fa_method="EqualQuantity"), 9.0, AAPL)] == [3, 3, 3]
    with pytest.raises(Unallocatable, match="no amounts"):
        advisor.allocate(to("rich", fa_method="Percent"), 9.0, AAPL)
    with pytest.raises(Unallocatable, match="Invalid FA method 'Luck'"):
        advisor.allocate(to("rich", fa_method="Luck"), 9.0, AAPL)


def test_available_equity_leaves_out_what_margin_has_taken(exchange, advisor):
    hold(exchange, "DU11", 9_000.0)  # half of 900000 in margin: 150000 are left
    shares = advisor.allocate(to("free"), 55.0, AAPL)
    assert shares == (Share("DU11", 15.0), Share("DU12", 30.0), Share("DU13", 10.0))


@pytest.mark.parametrize(
    ("action", "percent", "expected"),
    [
        ("BUY", "50", {"DU11": 50.0}),  # adds to long positions
        ("BUY", "-50", {"DU12": 20.0}),  # takes from short ones
        ("SELL", "-50", {"DU11": 50.0}),  # takes from long positions
        ("SELL", "50", {"DU12": 20.0}),  # adds to short ones
    ],
)
def test_a_change_by_percentage_looks_at_what_is_held(exchange, advisor, action, percent, expected):
    hold(exchange, "DU11", 100.0)
    hold(exchange, "DU12", -40.0)
    shares = advisor.allocate(to("change", 0.0, action, fa_percentage=percent), 0.0, AAPL)
    assert {share.account: share.quantity for share in shares} == expected


@pytest.mark.parametrize("percentage", ["", "0", "many", "NaN", "inf"])
def test_a_change_needs_a_percentage(advisor, percentage):
    with pytest.raises(Unallocatable, match="percentage"):
        advisor.allocate(to("change", fa_percentage=percentage), 10.0, AAPL)


def test_money_buys_whole_units_at_the_limit(advisor):
    shares = advisor.allocate(to("money", limit_price=99.0), 1.0, AAPL)
    assert shares == (Share("DU11", 10.0), Share("DU12", 2.0))
    with pytest.raises(Unallocatable, match="no price"):
        advisor.allocate(to("money"), 1.0, AAPL)


def test_an_order_of_one_account_has_no_shares(advisor):
    assert advisor.allocate(Ticket(account="DU12", quantity=5.0), 5.0, AAPL) == ()


@pytest.mark.parametrize(
    ("ticket", "code"),
    [
        (Ticket(quantity=5.0), 435),
        (Ticket(quantity=5.0, account="DF10"), 201),
        (Ticket(quantity=5.0, fa_group="nobody"), 321),
        (Ticket(quantity=5.0, fa_profile="equal"), 321),  # a group, but no profile
        (Ticket(quantity=5.0, fa_group="change", fa_percentage="10", action="BUY"), 201),  # nobody holds anything
    ],
)
def test_an_advisors_order_that_nobody_would_get_is_refused(advisor, ticket, code):
    with pytest.raises(Unallocatable) as refused:
        advisor.allocate(ticket, 5.0, AAPL)
    assert refused.value.code == code


def test_a_login_without_advisor_knows_no_groups():
    advisor = Advisor(Exchange(CATALOGUE.instruments(), {"DU11": {}, "DU12": {}}))
    assert advisor.allocate(Ticket(account="DU11"), 5.0) == ()
    assert advisor.members("All") == ("DU11", "DU12")
    assert advisor.members("rich") is None
    with pytest.raises(Unallocatable, match="non FA"):
        advisor.allocate(to("rich"), 5.0)


def test_what_a_client_calls_an_account_may_be_several(advisor):
    assert advisor.meant("DU12") == ("DU12",)
    assert advisor.meant("DF10A") == advisor.meant("All") == CLIENTS
    assert advisor.meant("ratio") == ("DU11", "DU13")
    assert advisor.meant("") is None
    assert advisor.meant("DU99") is None


@pytest.mark.parametrize(
    ("account", "so"), [("F123", True), ("DF1000000", True), ("DU1", False), ("DFX", False), ("U1", False)]
)
def test_an_advisors_account_is_known_by_its_name(account, so):
    assert is_advisor(account) is so


@pytest.mark.parametrize("accounts", [("DU11", "DF10"), ("DF10", "F20", "DU11"), ("DF10",)])
def test_a_login_has_one_advisor_at_most_who_comes_first_and_has_clients(accounts):
    with pytest.raises(BadInput, match="comes first"):
        Advisor(Exchange(CATALOGUE.instruments(), {account: {} for account in accounts}))


_WEIGHTS = st.lists(st.decimals(0, 1_000_000, places=2), min_size=1, max_size=12)


@given(st.decimals("0.1", 1_000_000, places=1), st.sampled_from([Decimal(1), Decimal("0.1"), Decimal(100)]), _WEIGHTS)
def test_parts_add_up_exactly_and_are_as_close_to_their_weights_as_steps_allow(quantity, step, weights):
    parts = divide(quantity, step, weights)
    total = sum(weights)
    if not total:
        assert not any(parts)
        return
    assert sum(parts) == quantity
    assert all(part >= 0 for part in parts)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - quantity * weight / total) <= 2 * step
        assert weight or not part


# The XML.

_NAMES = st.text("abcXYZ <>&\"'é", min_size=1, max_size=8).map(str.strip).filter(bool)
_AMOUNTS = st.floats(0, 1e6, allow_nan=False)
_GROUPS = st.one_of(
    st.builds(
        Group,
        _NAMES,
        st.sampled_from(["AvailableEquity", "EqualQuantity", "NetLiq", "PctChange"]),
        st.just(tuple(map(Member, CLIENTS))),
    ),
    st.builds(
        Group,
        _NAMES,
        st.sampled_from(["Ratio", "ContractsOrShares", "MonetaryAmount"]),
        st.tuples(st.builds(Member, st.just("DU11"), _AMOUNTS), st.builds(Member, st.just("DU12"), _AMOUNTS)),
    ),
)


@given(st.lists(_GROUPS, max_size=4, unique_by=lambda group: group.name), st.dictionaries(st.sampled_from(CLIENTS), _NAMES))
def test_what_is_written_is_read_again(groups, aliases):
    structure = Structure(tuple(groups), aliases)
    assert fa_xml.read(Structure(), 1, fa_xml.write(structure, 1, CLIENTS)).groups == structure.groups
    named = {account: aliases.get(account, account) for account in CLIENTS}
    assert fa_xml.read(Structure(), 3, fa_xml.write(structure, 3, CLIENTS)).aliases == named
    profiles = fa_xml.read(structure, 2, fa_xml.write(structure, 2, CLIENTS)).groups
    assert set(profiles) == set(structure.groups)


def test_old_documents_of_clients_are_understood():
    text = """<?xml version="1.0" encoding="UTF-8"?>
    <ListOfGroups><Group><name>Mine</name>
      <ListOfAccts varName="list"><String>DU11</String><String>DU12</String></ListOfAccts>
      <defaultMethod>Equal</defaultMethod>
    </Group></ListOfGroups>"""
    groups = fa_xml.read(Structure(), 1, text).groups
    assert groups == (Group("Mine", "EqualQuantity", (Member("DU11"), Member("DU12"))),)
    profile = """<ListOfAllocationProfiles><AllocationProfile><name>60_40</name><type>1</type>
      <ListOfAllocations varName="listOfAllocations">
        <Allocation><acct>DU11</acct><amount>60.0</amount><posEff>O</posEff></Allocation>
        <Allocation><acct>DU12</acct><amount>40.0</amount></Allocation>
      </ListOfAllocations></AllocationProfile></ListOfAllocationProfiles>"""
    both = fa_xml.read(Structure(groups), 2, profile).groups
    assert both == (*groups, Group("60_40", "Percent", (Member("DU11", 60.0), Member("DU12", 40.0))))


_MUCH = "<ListOfAccts><Account><acct>DU11</acct><amount>much</amount></Account></ListOfAccts>"


def _list(tag, inside):
    return f"<ListOf{tag}s><{tag}><name>x</name>{inside}</{tag}></ListOf{tag}s>"


@pytest.mark.parametrize(
    ("kind", "text", "why"),
    [
        (1, "", "Invalid XML"),
        (1, "<ListOfGroups>", "Invalid XML"),
        (1, "<ListOfAccountAliases/>", "must be a ListOfGroups"),
        (1, "<ListOfGroups><Group><name>x</name></Group></ListOfGroups>", "no defaultMethod"),
        (1, "<!DOCTYPE x [<!ENTITY a 'b'>]><ListOfGroups/>", "no DTD"),
        (2, _list("AllocationProfile", "<type>9</type>"), "type 9"),
        (1, _list("Group", "<defaultMethod>Ratio</defaultMethod><ListOfAccts><Odd/></ListOfAccts>"), "has a Odd"),
        (1, _list("Group", f"<defaultMethod>Ratio</defaultMethod>{_MUCH}"), "Invalid amount 'much'"),
    ],
)
def test_a_document_that_is_none_is_refused_in_words(kind, text, why):
    with pytest.raises(ValueError, match=why):
        fa_xml.read(Structure(), kind, text)


@pytest.mark.parametrize(
    ("structure", "code", "why"),
    [
        (Structure((Group("g", "NetLiq", (Member("DU99"),)),)), 10231, "invalid accounts: g"),
        (Structure((Group("g", "NetLiq", (Member("DF10"),)),)), 10231, "invalid accounts: g"),
        (Structure((Group("g", "NetLiq", ()),)), 321, "one or more different"),
        (Structure((Group("g", "NetLiq", (Member("DU11"), Member("DU11"))),)), 321, "different accounts"),
        (Structure((Group("All", "NetLiq", (Member("DU11"),)),)), 321, "duplicate FA group name"),
        (Structure((Group("g", "NetLiq", (Member("DU11"),)), Group("g", "NetLiq", (Member("DU11"),)))), 321, "duplicate"),
        (Structure((Group("g", "Luck", (Member("DU11"),)),)), 321, "Invalid FA method"),
        (Structure((Group("g", "Ratio", (Member("DU11"),)),)), 321, "amount of 0 or more"),
        (Structure((Group("g", "Ratio", (Member("DU11", float("nan")),)),)), 321, "amount of 0 or more"),
        (Structure((Group("g", "Percent", (Member("DU11", 60.0), Member("DU12", 39.0))),)), 321, "add up to 100"),
        (Structure((), {"DU99": "x"}), 321, "Invalid account code"),
    ],
)
def test_a_structure_that_cannot_be_is_refused(structure, code, why):
    with pytest.raises(Unallocatable, match=why) as refused:
        checked(structure, CLIENTS, ("DF10", *CLIENTS))
    assert refused.value.code == code
