from support.risk import NOW, OTHER, SECOND, Gatekeeper, buy

from atlas.domain import Denial


def test_a_quote_of_exactly_the_limit_is_fresh_enough():
    keeper = Gatekeeper(max_quote_age_seconds=3)
    keeper.quote(99.0, 100.0)
    assert keeper.passes(buy(), now_ns=NOW + 3 * SECOND)


def test_an_older_quote_refuses_to_open_until_the_next_one():
    keeper = Gatekeeper(max_quote_age_seconds=3)
    keeper.quote(99.0, 100.0)
    text = "the age of the last quote of AAPL@SMART in seconds is 3.5, above max_quote_age_seconds 3 of the desk"
    denial = keeper.check(buy(), now_ns=NOW + 7 * SECOND // 2)
    assert denial == Denial("max_quote_age_seconds", text, 3.5, 3.0, temporary=True)
    keeper.quote(99.0, 100.0, at_ns=NOW + 3 * SECOND)
    assert keeper.passes(buy(), now_ns=NOW + 7 * SECOND // 2)


def test_a_quote_that_seems_to_come_from_the_future_is_fresh():
    keeper = Gatekeeper(max_quote_age_seconds=3)
    keeper.quote(99.0, 100.0, at_ns=NOW + 10 * SECOND)
    assert keeper.passes(buy())


def test_without_a_quote_nothing_is_opened():
    keeper = Gatekeeper(max_quote_age_seconds=3)
    keeper.quote(99.0, 100.0, OTHER)
    denial = keeper.denial(buy())
    assert (denial.rule, denial.found, denial.limit, denial.temporary) == ("max_quote_age_seconds", None, 3.0, True)
    assert denial.text.startswith("there is no quote of AAPL@SMART, so max_quote_age_seconds 3 of the desk")


def test_without_the_rule_no_quote_is_needed():
    assert Gatekeeper().passes(buy())


def test_a_price_below_one_is_a_price():
    keeper = Gatekeeper(max_quote_age_seconds=1)
    keeper.quote(0.01, 0.02)
    assert keeper.passes(buy())
