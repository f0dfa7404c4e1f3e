from support.risk import OTHER, STOCK, Gatekeeper, buy, holding, sell, working

from atlas.domain import Denial

THREE = [working(buy(1, id=f"a-{n}-0", robot="sma" if n else "other")) for n in range(3)]


def test_one_order_fewer_than_the_limit_leaves_room_for_one():
    assert Gatekeeper(max_working_orders=4).passes(buy(), holding(0, STOCK, *THREE))


def test_at_the_limit_another_order_is_denied_for_now():
    text = "the orders working would be 4, above max_working_orders 3 of the desk"
    denial = Gatekeeper(max_working_orders=3).check(buy(), holding(0, STOCK, *THREE))
    assert denial == Denial("max_working_orders", text, 4, 3, temporary=True)


def test_a_robot_counts_its_own_orders():
    assert Gatekeeper({"robot:sma": {"max_working_orders": 3}}).passes(buy(), holding(0, STOCK, *THREE))
    assert not Gatekeeper({"robot:sma": {"max_working_orders": 2}}).passes(buy(), holding(0, STOCK, *THREE))


def test_an_instrument_counts_its_own_orders():
    account = holding(0, STOCK, *THREE, working(sell(1, OTHER, id="b-1-0")))
    assert Gatekeeper({f"instrument:{OTHER.id}": {"max_working_orders": 2}}).passes(buy(1, OTHER), account)
    assert not Gatekeeper({f"instrument:{OTHER.id}": {"max_working_orders": 1}}).passes(buy(1, OTHER), account)


def test_an_account_counts_all_its_orders():
    assert Gatekeeper({"account:DU1": {"max_working_orders": 4}}).passes(buy(), holding(0, STOCK, *THREE))
    assert not Gatekeeper({"account:DU1": {"max_working_orders": 3}}).passes(buy(), holding(0, STOCK, *THREE))


def test_an_order_that_is_changed_does_not_count_beside_itself():
    account = holding(0, STOCK, *THREE)
    assert Gatekeeper(max_working_orders=3).passes(buy(2, id="a-1-0"), account, replacing="a-1-0")
