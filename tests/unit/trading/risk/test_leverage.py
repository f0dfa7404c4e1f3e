import math

import pytest
from support.risk import OTHER, Gatekeeper, buy, holding, worth

from atlas.domain import Denial
from atlas.trading.broker import Unknown


@pytest.fixture
def keeper():
    keeper = Gatekeeper(max_leverage=2)
    keeper.gate.on_account(worth(10_000))
    keeper.quote(100.0, 100.0)
    keeper.quote(50.0, 50.0, OTHER)
    return keeper


def test_exposure_may_be_the_multiple_of_what_the_account_is_worth(keeper):
    assert keeper.passes(buy(150), holding(-100, OTHER))


def test_more_than_that_is_denied(keeper):
    text = "the leverage could become 2.01, above max_leverage 2 of the desk"
    assert keeper.check(buy(151), holding(-100, OTHER)) == Denial("max_leverage", text, 2.01, 2.0)


@pytest.mark.parametrize("net", [0.0, -5.0])
def test_an_account_that_is_worth_nothing_carries_nothing(keeper, net):
    keeper.gate.on_account(worth(net))
    assert keeper.denial(buy(1)).found == math.inf


def test_an_account_that_is_worth_a_little_carries_a_little(keeper):
    keeper.gate.on_account(worth(0.5))
    assert keeper.denial(buy(1)).found == 200


def test_while_the_account_is_unknown_nothing_is_opened(keeper):
    keeper.gate.on_account(Unknown("no answer"))
    denial = keeper.denial(buy(1))
    assert (denial.rule, denial.limit, denial.temporary) == ("max_leverage", 2.0, True)
    assert "the account's values are not known (no answer)" in denial.text


def test_without_a_quote_nothing_is_opened():
    assert "there is no quote of" in Gatekeeper(max_leverage=2).denial(buy(1)).text


def test_an_exposure_that_cannot_be_read_is_told_by_this_limit():
    assert Gatekeeper(max_leverage=1).denial(buy()).rule == "max_leverage"
