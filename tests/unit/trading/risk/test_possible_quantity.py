import math

import msgspec
import pytest
from support.risk import FLAT, STOCK, Gatekeeper, buy, holding, sell

from atlas.domain import Denial, Share


@pytest.mark.parametrize("quantity", [0.0, -1.0, math.nan, math.inf])
def test_a_quantity_is_a_positive_number(quantity):
    denial = Gatekeeper().denial(buy(quantity))
    assert (denial.rule, denial.temporary) == ("quantity", False)
    assert denial.text == f"the quantity {quantity:g} is not a positive number"


def test_a_quantity_is_a_multiple_of_the_step():
    assert Gatekeeper().check(buy(1.5)) == Denial("quantity", "the quantity 1.5 is not a multiple of 1", 1.5, 1.0)


def test_steps_are_exact():
    fractional = msgspec.structs.replace(STOCK, size_step=0.1)
    assert Gatekeeper().gate.check(buy(0.3), fractional, FLAT, 0) is None
    assert Gatekeeper().gate.check(buy(0.35), fractional, FLAT, 0).limit == 0.1


def test_an_exit_that_cannot_be_right_is_denied_like_any_order():
    assert Gatekeeper().denial(sell(1.5), holding(100)).rule == "quantity"


@pytest.mark.parametrize(("least", "passes"), [(0.0, True), (100.0, True), (-1.0, False), (101.0, False)])
def test_the_least_fill_lies_within_the_quantity(least, passes):
    denial = Gatekeeper().check(buy(100, min_quantity=least))
    assert (denial is None) is passes
    if denial is not None:
        assert denial.text == f"the min_quantity {least:g} is not within the quantity 100"
        assert (denial.rule, denial.found, denial.limit) == ("quantity", least, 100.0)


@pytest.mark.parametrize(
    ("parts", "passes"), [((100,), True), ((60, 40), True), ((60, 41), False), ((101, -1), False), ((100, 0), False)]
)
def test_shares_are_positive_and_add_up(parts, passes):
    denial = Gatekeeper().check(buy(100, shares=tuple(Share("DU1", part) for part in parts)))
    assert (denial is None) is passes
    if denial is not None:
        assert (denial.rule, denial.found, denial.limit) == ("quantity", sum(parts), 100.0)
        assert denial.text.startswith(f"the shares add up to {sum(parts)}")
