"""Which account is traded, and that real money needs three that say so."""

import pytest

from atlas.domain import ConfigurationError
from services.trader.account import check_mode, choose_account

LOGIN = ["DU1000001", "DU1000002"]


@pytest.mark.parametrize(
    ("wanted", "chosen"), [("", "DU1000001"), ("0", "DU1000001"), ("1", "DU1000002"), ("DU1000002", "DU1000002")]
)
def test_an_account_is_named_by_its_id_or_by_its_place(wanted, chosen):
    assert choose_account(wanted, LOGIN) == chosen


@pytest.mark.parametrize("wanted", ["2", "DU1000003", "-1", "first"])
def test_an_account_that_the_login_has_not_is_refused_with_the_list_of_those_that_it_has(wanted):
    with pytest.raises(ConfigurationError) as error:
        choose_account(wanted, LOGIN)
    assert wanted in str(error.value)
    assert "0: DU1000001, 1: DU1000002" in str(error.value)


def test_a_login_without_accounts_is_refused():
    with pytest.raises(ConfigurationError, match="none"):
        choose_account("", [])


@pytest.mark.parametrize(
    ("mode", "account", "port"),
    [
        ("paper", "DU1000001", 4002),
        ("paper", "DF1000001", 7497),
        ("paper", "DU1000001", 4004),
        ("paper", "DU1000001", 45123),
        ("live", "U1000001", 4001),
        ("live", "F1000001", 7496),
        ("live", "U1000001", 4003),
    ],
)
def test_what_agrees_may_trade(mode, account, port):
    check_mode(mode, account, port)


@pytest.mark.parametrize(
    ("mode", "account", "port"),
    [
        ("paper", "U1000001", 4002),
        ("paper", "U1000001", 45123),
        ("paper", "DU1000001", 4001),
        ("paper", "U1000001", 4001),
        ("live", "DU1000001", 4001),
        ("live", "U1000001", 4002),
        ("live", "U1000001", 45123),
        ("live", "DU1000001", 4002),
        ("live", "X1", 4001),
        ("live", "u1", 4001),
        ("paper", "X123", 5000),
        ("paper", "du1000001", 4002),
    ],
)
def test_what_contradicts_does_not_and_all_three_are_named(mode, account, port):
    with pytest.raises(ConfigurationError) as error:
        check_mode(mode, account, port)
    for named in (mode, account, str(port)):
        assert named in str(error.value)
