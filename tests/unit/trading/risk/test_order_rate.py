import pytest
from support.risk import NOW, OTHER, SECOND, Gatekeeper, buy, holding, sell

from atlas.domain import Denial

HOUR = 3600 * SECOND


def noted(keeper, *orders, at_ns=NOW):
    for one in orders:
        keeper.gate.note_submitted(one, at_ns)


@pytest.mark.parametrize(
    ("name", "span", "length"), [("max_orders_per_second", "second", SECOND), ("max_orders_per_hour", "hour", HOUR)]
)
def test_more_orders_than_that_in_the_window_are_denied_until_it_has_slid_on(name, span, length):
    keeper = Gatekeeper(**{name: 2})
    noted(keeper, buy(), at_ns=NOW)
    assert keeper.passes(buy(), now_ns=NOW + 1)
    noted(keeper, buy(), at_ns=NOW + length // 2)
    text = f"the orders within a {span} would be 3, above {name} 2 of the desk"
    assert keeper.check(buy(), now_ns=NOW + length - 1) == Denial(name, text, 3, 2, temporary=True)
    assert keeper.passes(buy(), now_ns=NOW + length)
    noted(keeper, buy(), at_ns=NOW + length)
    assert not keeper.passes(buy(), now_ns=NOW + length)
    assert keeper.passes(buy(), now_ns=NOW + 2 * length)


def test_exits_count_and_pass():
    keeper = Gatekeeper(max_orders_per_second=1, max_orders_per_hour=1)
    noted(keeper, sell())
    assert not keeper.passes(buy())
    assert keeper.passes(sell(), holding(100))


def test_each_robot_instrument_and_account_has_its_own_rate():
    keeper = Gatekeeper({"robot:sma": {"max_orders_per_second": 1}, f"instrument:{OTHER.id}": {"max_orders_per_second": 2}})
    noted(keeper, buy(one=OTHER, robot="a"), buy(one=OTHER, robot="b"), buy(robot="c"))
    assert keeper.passes(buy())
    assert keeper.denial(buy(one=OTHER)).text.endswith("above max_orders_per_second 2 of the instrument MSFT@SMART")
    noted(keeper, buy())
    assert keeper.denial(buy()).text.endswith("above max_orders_per_second 1 of the robot sma")
    keeper = Gatekeeper({"account:DU1": {"max_orders_per_second": 1}})
    noted(keeper, buy())
    assert not keeper.passes(buy())


def test_many_windows_later_nothing_is_left():
    keeper = Gatekeeper(max_orders_per_hour=10)
    for number in range(100):
        noted(keeper, buy(), at_ns=NOW + number * HOUR)
    assert keeper.gate._flow.by_hour.count("", NOW + 99 * HOUR) == 1
    assert len(keeper.gate._flow.by_hour) == 1
