import pytest
from support.risk import OTHER, STOCK, Account, Gatekeeper, buy, execution, holding, sell, working

from atlas.domain import Denial, OcaType, Position, Side


def test_a_position_of_exactly_the_limit_may_come_about():
    assert Gatekeeper(max_position=500).passes(buy(100), holding(400))


def test_a_larger_position_is_denied_with_what_it_could_become():
    text = "the position could become 501, above max_position 500 of the desk"
    assert Gatekeeper(max_position=500).check(buy(101), holding(400)) == Denial("max_position", text, 501.0, 500.0)


def test_a_short_position_counts_by_its_size():
    assert Gatekeeper(max_position=500).denial(sell(101), holding(-400)).found == 501
    assert Gatekeeper(max_position=500).passes(sell(100), holding(-400))


def test_what_works_on_the_same_side_counts_as_filled():
    account = holding(200, STOCK, working(buy(250, id="a-1-0")), working(buy(100, id="a-2-0"), filled=50))
    assert Gatekeeper(max_position=500).denial(buy(1), account).found == 501


def test_what_works_on_the_other_side_does_not_make_room():
    account = holding(500, STOCK, working(sell(300, id="a-1-0")))
    assert Gatekeeper(max_position=500).denial(buy(1), account).found == 501


def test_orders_in_another_instrument_do_not_count():
    account = Account({OTHER.id: Position(500, 1.0)}, [working(buy(500, OTHER, id="a-1-0"))])
    assert Gatekeeper(max_position=500).passes(buy(500), account)


@pytest.mark.parametrize(
    ("kind", "found"), [(OcaType.CANCEL_WITH_BLOCK, 500), (OcaType.REDUCE_WITH_BLOCK, 500), (OcaType.REDUCE, 900)]
)
def test_orders_of_which_only_one_can_be_filled_count_once(kind, found):
    group = {"oca_group": "entry", "oca_type": kind}
    account = holding(0, STOCK, working(buy(400, id="a-1-0", **group)))
    assert Gatekeeper(max_position=499).denial(buy(500, **group), account).found == found


def test_an_order_that_turns_the_position_round_is_held_against_what_it_leaves():
    assert Gatekeeper(max_position=50).passes(sell(150), holding(100))
    assert Gatekeeper(max_position=49).denial(sell(150), holding(100)).found == 50


def test_a_robot_is_held_against_what_it_holds_itself():
    keeper = Gatekeeper({"robot:sma": {"max_position": 500}})
    keeper.gate.on_execution(execution(450, 100.0), "sma")
    keeper.gate.on_execution(execution(450, 100.0, number=2), "other")
    account = holding(900, STOCK, working(buy(10, id="a-1-0")), working(buy(100, id="a-2-0", robot="other")))
    assert keeper.passes(buy(40), account)
    assert keeper.denial(buy(41), account).text == "the position could become 501, above max_position 500 of the robot sma"


def test_what_a_robot_sold_short_counts_although_the_account_is_flat():
    keeper = Gatekeeper({"robot:sma": {"max_position": 500}})
    keeper.gate.on_execution(execution(-450, 100.0), "sma")
    assert keeper.denial(sell(51), holding(0)).found == 501


@pytest.mark.parametrize("side", list(Side))
def test_no_limit_is_no_limit(side):
    wanted = buy(1e9) if side is Side.BUY else sell(1e9)
    assert Gatekeeper().passes(wanted, holding(1e9))
