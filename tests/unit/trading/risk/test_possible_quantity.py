import math

import msgspec
import pytest
from support.risk import FLAT, STOCK, Gatekeeper, buy, holding, sell

from atlas.domain import Denial


@pytest.mark.parametrize("quantity", [0.0, -1.0, math.nan, math.inf])
def test_a_quantity_is_a_positive_number(quantity):
    denial = Gatekeeper().denial(buy(quantity))
    assert (denial.rule, denial.temporary) == ("quantity", False)
    assert denial.text == f"the quantity {quantity:g} is not a positive number"
    assert denial.found == pytest.approx(quantity, nan_ok=True)


def test_a_quantity_is_a_multiple_of_the_step():
    assert Gatekeeper().check(buy(1.5)) == Denial("quantity", "the quantity 1.5 is not a multiple of 1", 1.5, 1.0)


def test_steps_are_exact():
    fractional = msgspec.structs.replace(STOCK, size_step=0.1)
    assert Gatekeeper().gate.check(buy(0.3), fractional, FLAT, 0) is None
    assert Gatekeeper().gate.check(buy(0.35), fractional, FLAT, 0).limit == 0.1


def test_an_exit_that_cannot_be_right_is_denied_like_any_order():
    assert Gatekeeper().denial(sell(1.5), holding(100)).rule == "quantity"
