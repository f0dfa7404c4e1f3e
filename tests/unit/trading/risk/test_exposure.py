import pytest
from support.risk import (
    EURUSD,
    FUTURE,
    GERMAN,
    OTHER,
    PUT,
    STOCK,
    Account,
    Gatekeeper,
    buy,
    execution,
    holding,
    sell,
    working,
)

from atlas.domain import Denial, Position


@pytest.fixture
def keeper():
    keeper = Gatekeeper(max_exposure=10_000)
    keeper.quote(99.0, 101.0)
    keeper.quote(49.0, 51.0, OTHER)
    return keeper


def test_positions_and_the_order_may_add_up_to_the_limit(keeper):
    assert keeper.passes(buy(50), holding(100, OTHER))


def test_more_than_that_is_denied(keeper):
    text = "the exposure could become 10100, above max_exposure 10000 of the desk"
    assert keeper.check(buy(51), holding(100, OTHER)) == Denial("max_exposure", text, 10_100.0, 10_000.0)


def test_short_positions_add_to_long_ones(keeper):
    assert keeper.passes(buy(50), holding(-100, OTHER))
    assert not keeper.passes(buy(51), holding(-100, OTHER))
    assert not keeper.passes(sell(51), holding(100, OTHER))


def test_what_works_counts_with_the_worse_of_its_two_sides(keeper):
    both = [working(buy(60, id="a-1-0")), working(sell(90, id="a-2-0"))]
    assert keeper.denial(buy(1000, OTHER), holding(0, STOCK, *both)).found == 1000 * 50 + 90 * 100
    assert keeper.denial(buy(1000, OTHER), holding(40, STOCK, *both)).found == 1000 * 50 + 100 * 100


def test_futures_count_with_their_multiplier_and_foreign_stocks_in_base_currency(keeper):
    keeper.quote(6000.0, 6000.0, FUTURE)
    keeper.quote(80.0, 80.0, GERMAN)
    keeper.quote(1.1, 1.1, EURUSD)
    account = Account({FUTURE.id: Position(-2, 1.0), GERMAN.id: Position(10, 1.0)})
    assert keeper.denial(buy(1), account).found == pytest.approx(600_000 + 880 + 100)


def test_a_short_option_counts_with_its_strike_and_a_long_one_with_its_price(keeper):
    keeper.quote(2.0, 2.0, PUT)
    assert keeper.denial(buy(1000), holding(3, PUT)).found == 100_000 + 3 * 200
    assert keeper.denial(buy(1000), holding(-3, PUT)).found == 100_000 + 3 * 9000
    keeper.quote(120.0, 120.0, PUT)
    assert keeper.denial(buy(1000), holding(-3, PUT)).found == 100_000 + 3 * 12_000


@pytest.mark.parametrize(
    ("account", "missing"),
    [
        (holding(10, FUTURE), "there is no quote of ES-202612@CME"),
        (Account(states=[working(buy(1, FUTURE, id="a-1-0"))]), "there is no quote of ES-202612@CME"),
        (Account({"GONE@SMART": Position(1, 1.0)}), "GONE@SMART, which is held, is not an instrument of this desk"),
    ],
)
def test_what_cannot_be_valued_refuses_and_is_named(keeper, account, missing):
    denial = keeper.denial(buy(1), account)
    assert denial.temporary
    assert denial.text.startswith(f"{missing}, so max_exposure 10000 of the desk cannot be judged")


def test_a_position_without_a_rate_refuses(keeper):
    keeper.quote(80.0, 80.0, GERMAN)
    assert "there is no rate of EUR in USD" in keeper.denial(buy(1), holding(1, GERMAN)).text


def test_the_exposure_of_a_robot_is_its_own(keeper):
    keeper.gate.set_limit("robot:sma", "max_exposure", 1000)
    keeper.gate.set_limit("", "max_exposure", None)
    keeper.gate.on_execution(execution(5, 100.0), "sma")
    keeper.gate.on_execution(execution(500, 100.0, number=2), "other")
    account = holding(505, STOCK, working(buy(4, id="a-1-0")), working(buy(40, id="a-2-0", robot="other")))
    assert keeper.passes(buy(1), account)
    assert keeper.denial(buy(2), account).found == 1100


def test_the_exposure_of_an_instrument_is_its_own(keeper):
    keeper.gate.set_limit("", "max_exposure", None)
    keeper.gate.set_limit(f"instrument:{STOCK.id}", "max_exposure", 1000)
    account = Account({STOCK.id: Position(5, 1.0), OTHER.id: Position(500, 1.0)}, [working(buy(4, id="a-1-0"))])
    assert keeper.passes(buy(1), account)
    assert keeper.denial(buy(2), account).found == 1100
    assert keeper.passes(buy(1000, OTHER), account)
