from support.risk import Gatekeeper, buy, sell

from atlas.domain import Denial


def test_an_order_of_the_largest_size_passes():
    assert Gatekeeper(max_order_quantity=100).passes(buy(100))


def test_a_larger_order_is_denied_with_its_quantity_and_the_limit():
    text = "the quantity is 101, above max_order_quantity 100 of the desk"
    assert Gatekeeper(max_order_quantity=100).check(buy(101)) == Denial("max_order_quantity", text, 101.0, 100.0)


def test_a_sale_that_opens_is_held_against_the_same_limit():
    assert not Gatekeeper(max_order_quantity=100).passes(sell(101))


def test_without_a_limit_any_size_passes():
    assert Gatekeeper().passes(buy(1e9))
