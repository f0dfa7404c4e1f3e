import pytest
from support.risk import OTHER, PUT, STOCK, Gatekeeper, buy, holding, sell

from atlas.domain import Denial


def test_an_instrument_on_the_list_is_not_opened():
    denial = Gatekeeper(restricted=[OTHER.id, STOCK.id]).check(buy())
    assert denial == Denial("restricted", "AAPL@SMART is on the list restricted of the desk, entry 2: AAPL@SMART")


def test_others_are():
    assert Gatekeeper(restricted=[OTHER.id]).passes(buy())


def test_what_is_held_of_it_can_be_sold():
    assert Gatekeeper(restricted=[STOCK.id]).passes(sell(), holding(100))


@pytest.mark.parametrize(
    ("pattern", "stock", "put"), [("AAPL*", False, False), ("AAPL-*", True, False), ("*@SMART", False, False)]
)
def test_a_star_stands_for_anything(pattern, stock, put):
    keeper = Gatekeeper(restricted=[pattern])
    assert (keeper.passes(buy()), keeper.passes(buy(1, PUT))) == (stock, put)


def test_a_list_may_be_a_robots_own():
    keeper = Gatekeeper({"robot:sma": {"restricted": [STOCK.id]}})
    assert keeper.denial(buy()).text.endswith("of the robot sma, entry 1: AAPL@SMART")
    assert keeper.passes(buy(robot="other"))
