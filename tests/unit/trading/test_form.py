"""Commands that are turned away before anything is written down, and those that are not."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import replace
from support.valid_orders import valid_orders

from atlas.domain import (
    Cancel,
    ExecutionCondition,
    Instrument,
    InstrumentKind,
    MarginCondition,
    Modify,
    OcaType,
    Order,
    OrderKind,
    PercentChangeCondition,
    PriceCondition,
    Share,
    Side,
    Submit,
    SubmitGroup,
    TimeCondition,
    TimeInForce,
    TriggerMethod,
    VolumeCondition,
)
from atlas.trading.form import malformed

SECOND = 1_000_000_000
AAPL = "AAPL@SMART"
NAN, INF = float("nan"), float("inf")
STOCK = Instrument(AAPL, InstrumentKind.STOCK, "AAPL", "SMART", "USD", 265598, 0.01)

PRICES: Mapping[OrderKind, Mapping[str, float]] = {
    OrderKind.MARKET: {},
    OrderKind.LIMIT: {"limit_price": 10.0},
    OrderKind.STOP: {"stop_price": 9.0},
    OrderKind.STOP_LIMIT: {"limit_price": 8.9, "stop_price": 9.0},
    OrderKind.MARKET_IF_TOUCHED: {"stop_price": 9.0},
    OrderKind.LIMIT_IF_TOUCHED: {"limit_price": 9.0, "stop_price": 9.0},
    OrderKind.TRAILING_STOP: {"trail_percent": 2.0},
    OrderKind.TRAILING_STOP_LIMIT: {"trail_amount": 0.5, "limit_offset": 0.1},
    OrderKind.MARKET_ON_CLOSE: {},
    OrderKind.LIMIT_ON_CLOSE: {"limit_price": 10.0},
    OrderKind.MIDPRICE: {},
    OrderKind.PEGGED_TO_MIDPOINT: {},
    OrderKind.RELATIVE: {},
}
"""For each kind an order that makes sense."""


def order(order_id: str = "robot-1-0", **values: Any) -> Order:
    kind = values.get("kind", OrderKind.MARKET)
    return Order(order_id, "robot", AAPL, **{"side": Side.BUY, "quantity": 10.0, **PRICES[kind], **values})


def wrong(**values: Any) -> str:
    return malformed(Submit(order(**values)))


@given(wanted=valid_orders((STOCK,)))
@settings(max_examples=100)
def test_whatever_the_broker_can_be_told_passes(wanted):
    assert malformed(Submit(replace(wanted, parent_id=""))) == ""


@pytest.mark.parametrize("kind", OrderKind)
def test_each_kind_passes_with_its_own_prices(kind):
    assert wrong(kind=kind) == ""


@pytest.mark.parametrize("kind", [kind for kind, prices in PRICES.items() if prices])
def test_each_kind_is_turned_away_without_one_of_its_prices(kind):
    for missing in PRICES[kind]:
        assert f"a {kind.value.replace('_', ' ')} order needs" in wrong(kind=kind, **{missing: None})


@pytest.mark.parametrize(
    ("kind", "meaningless"),
    [
        (OrderKind.MARKET, "limit_price"),
        (OrderKind.MARKET, "stop_price"),
        (OrderKind.LIMIT, "stop_price"),
        (OrderKind.LIMIT, "trail_amount"),
        (OrderKind.STOP, "limit_price"),
        (OrderKind.STOP, "trail_percent"),
        (OrderKind.TRAILING_STOP, "limit_offset"),
        (OrderKind.TRAILING_STOP, "limit_price"),
        (OrderKind.MARKET_ON_CLOSE, "limit_price"),
        (OrderKind.MIDPRICE, "limit_offset"),
        (OrderKind.RELATIVE, "stop_price"),
    ],
)
def test_a_price_that_the_kind_does_not_have_is_turned_away_and_not_ignored(kind, meaningless):
    assert f"has no {meaningless.replace('_', ' ')}" in wrong(kind=kind, **{meaningless: 1.0})


def test_a_stop_trails_by_an_amount_or_by_a_percentage_and_not_by_both():
    assert "either a trail amount or a trail percent" in wrong(kind=OrderKind.TRAILING_STOP, trail_amount=1.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"kind": OrderKind.TRAILING_STOP, "trail_percent": 0.0}, "more than nothing"),
        ({"kind": OrderKind.TRAILING_STOP, "trail_percent": 100.0}, "less than 100"),
        ({"kind": OrderKind.TRAILING_STOP, "stop_price": 0.0}, "none to the broker"),
        ({"kind": OrderKind.TRAILING_STOP_LIMIT, "trail_amount": -1.0}, "more than nothing"),
        ({"kind": OrderKind.TRAILING_STOP_LIMIT, "limit_offset": -0.1}, "more than nothing"),
        ({"kind": OrderKind.RELATIVE, "limit_offset": 0.0}, "leave it out"),
        ({"kind": OrderKind.MIDPRICE, "limit_price": 0.0}, "none to the broker"),
    ],
)
def test_a_distance_that_is_none_is_turned_away(values, words):
    assert words in wrong(**values)


def test_prices_may_be_negative_as_those_of_spreads_and_energy_are():
    assert wrong(kind=OrderKind.LIMIT, limit_price=-37.63) == ""
    assert wrong(kind=OrderKind.STOP, stop_price=-2.0) == ""


@pytest.mark.parametrize("action", [Submit(order()), Modify("m-1", "robot-1-0", 5.0, 1.1), Cancel("c-1", "robot-1-0")])
def test_an_ordinary_command_passes(action):
    assert malformed(action) == ""


@pytest.mark.parametrize("text", ["", "é", "a\0DU9\0", "a b", "x" * 65, "a\n"])
def test_an_id_that_could_not_travel_is_turned_away(text):
    assert "must be 1 to 64 letters" in malformed(Submit(order(text)))
    assert "must be 1 to 64 letters" in malformed(Cancel("c-1", text))
    assert "must be 1 to 64 letters" in malformed(Modify(text, "robot-1-0"))


@pytest.mark.parametrize("number", [NAN, INF, -INF, 1e308])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (OrderKind.MARKET, "quantity"),
        (OrderKind.MARKET, "min_quantity"),
        (OrderKind.LIMIT, "limit_price"),
        (OrderKind.STOP, "stop_price"),
        (OrderKind.TRAILING_STOP, "trail_percent"),
        (OrderKind.TRAILING_STOP_LIMIT, "trail_amount"),
        (OrderKind.TRAILING_STOP_LIMIT, "limit_offset"),
    ],
)
def test_a_number_that_could_not_be_written_is_turned_away(kind, name, number):
    assert "is not a number up to 1e+12" in wrong(kind=kind, **{name: number})
    if name != "min_quantity":
        assert "is not a number up to 1e+12" in malformed(Modify("m-1", "robot-1-0", **{name: number}))


@pytest.mark.parametrize("quantity", [0.0, -1.0])
def test_nothing_and_less_than_nothing_cannot_be_ordered(quantity):
    assert "cannot be ordered" in wrong(quantity=quantity)
    assert "cannot be ordered" in malformed(Modify("m-1", "robot-1-0", quantity=quantity))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cause_ns": 2**63}, "is no time"),
        ({"cause_ns": -1}, "is no time"),
        ({"account": "DU1\0"}, "is no account"),
        ({"account": "x" * 33}, "is no account"),
        ({"oca_group": "a\0b"}, "is no OCA group"),
        ({"parent_id": "a b"}, "is no parent id"),
        ({"min_quantity": 11.0}, "no whole number up to the quantity"),
        ({"min_quantity": 0.5}, "no whole number up to the quantity"),
        ({"oca_type": OcaType.REDUCE}, "needs an OCA group"),
        ({"parent_id": "robot-1-0"}, "its own parent"),
        ({"trigger_method": TriggerMethod.LAST}, "waits for no trigger"),
        ({"shares": (Share("DU1", 10.0),)}, "name one as advisor_group"),
        ({"advisor_group": "all", "account": "DU1"}, "either for an account or for an advisor group"),
        ({"advisor_method": "NetLiq"}, "needs an advisor group"),
        ({"conditions_cancel": True}, "and has none"),
        ({"conditions": (TimeCondition(SECOND),) * 21}, "too many"),
    ],
)
def test_what_makes_no_sense_is_turned_away(values, words):
    assert words in wrong(**values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"time_in_force": TimeInForce.GTD}, "gtd needs it"),
        ({"good_till_ns": SECOND}, "belongs to time in force gtd"),
        ({"time_in_force": TimeInForce.GTD, "good_till_ns": SECOND + 1}, "no whole second"),
        ({"good_after_ns": -SECOND}, "is no time"),
        (
            {"time_in_force": TimeInForce.GTD, "good_till_ns": SECOND, "good_after_ns": SECOND},
            "would end before it begins",
        ),
        ({"kind": OrderKind.STOP, "time_in_force": TimeInForce.OPG}, "opg does not go with stop"),
        ({"kind": OrderKind.MARKET_ON_CLOSE, "time_in_force": TimeInForce.GTC}, "gtc does not go with market on close"),
        ({"kind": OrderKind.TRAILING_STOP, "time_in_force": TimeInForce.IOC}, "ioc does not go with trailing stop"),
    ],
)
def test_times_that_do_not_go_with_the_order_are_turned_away(values, words):
    assert words in wrong(**values)


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (PriceCondition("", 1.0, above=True), "is no instrument"),
        (PriceCondition(AAPL, NAN, above=True), "is not a number"),
        (TimeCondition(0), "is no time"),
        (TimeCondition(SECOND + 1), "no time between two seconds"),
        (MarginCondition(12.5, above=True), "no whole number from 0 to 100"),
        (MarginCondition(INF, above=True), "no whole number from 0 to 100"),
        (ExecutionCondition("", InstrumentKind.STOCK), "is no symbol"),
        (ExecutionCondition("AAPL", InstrumentKind.STOCK, "smart?"), "is no exchange"),
        (ExecutionCondition("SPX", InstrumentKind.INDEX), "nobody trades an index"),
        (VolumeCondition(AAPL, 0.5, above=True), "no whole number"),
        (VolumeCondition(AAPL, 2.0**31, above=True), "no whole number"),
        (PercentChangeCondition(AAPL, INF, above=True), "is not a number"),
    ],
    ids=str,
)
def test_a_condition_that_the_broker_cannot_be_told_is_turned_away_by_its_number(condition, words):
    said = wrong(conditions=(TimeCondition(SECOND), condition))
    assert "condition 2" in said
    assert words in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"algo": "Adaptiv"}, "no algorithm 'Adaptiv'"),
        ({"algo": "Adaptive", "algo_parameters": (("priority", "Urgent"),)}, "has no parameter 'priority'"),
        ({"algo": "Adaptive", "algo_parameters": (("adaptivePriority", "Fast"),)}, "cannot be 'Fast'"),
        ({"algo": "Vwap", "algo_parameters": (("maxPctVol", "0.9"),)}, "cannot be '0.9'"),
        ({"algo": "Twap", "algo_parameters": (("startTime", "noon"),)}, "cannot be 'noon'"),
        ({"algo": "Vwap", "algo_parameters": (("speedUp", "1"), ("speedUp", "1"))}, "given twice"),
        ({"algo": "Vwap", "kind": OrderKind.STOP}, "works market and limit orders, not stop"),
        ({"algo_parameters": (("speedUp", "1"),)}, "names none"),
    ],
)
def test_an_algorithm_that_the_broker_does_not_have_is_turned_away(values, words):
    assert words in wrong(**values)


# Groups


def bracket(**legs: Any) -> tuple[Order, ...]:
    entry = order("robot-1-0", kind=OrderKind.LIMIT)
    stop = order("robot-1-1", kind=OrderKind.STOP, side=Side.SELL, parent_id="robot-1-0")
    target = order("robot-1-2", kind=OrderKind.LIMIT, limit_price=12.0, side=Side.SELL, parent_id="robot-1-0")
    named = {"entry": entry, "stop": stop, "target": target}
    return tuple(replace(leg, **legs.get(name, {})) for name, leg in named.items())


def wrong_group(*orders: Order, known: tuple[str, ...] = ()) -> str:
    return malformed(SubmitGroup(orders), known)


def test_a_bracket_passes():
    assert wrong_group(*bracket()) == ""


def test_orders_of_one_oca_group_may_go_together_without_a_parent():
    legs = [replace(leg, parent_id="", oca_group="exits", side=Side.SELL) for leg in bracket()[1:]]
    assert wrong_group(*legs) == ""
    assert "hangs together with none" in wrong_group(legs[0], replace(legs[1], oca_group="others"))


def test_legs_may_hang_on_an_order_that_there_is():
    stop, target = bracket()[1:]
    assert wrong_group(stop, target, known=("robot-1-0",)) == ""
    assert "neither comes before it" in wrong_group(stop, target)


def test_a_single_order_may_only_be_attached_to_one_that_there_is():
    stop = bracket()[1]
    assert "there is no order robot-1-0" in malformed(Submit(stop), known=())
    assert malformed(Submit(stop), known={"robot-1-0"}) == ""


@pytest.mark.parametrize(
    ("orders", "words"),
    [
        ((), "two orders at least"),
        (bracket()[:1], "two orders at least"),
        ((bracket()[1], bracket()[0]), "does not come before it"),
        (bracket(stop={"id": "robot-1-0", "parent_id": ""}), "twice"),
        (bracket(stop={"side": Side.BUY}), "same side as its parent"),
        (bracket(stop={"quantity": 11.0}), "would close 11.0"),
        (bracket(target={"parent_id": ""}), "hangs together with none"),
        (bracket(target={"account": "DU2"}), "one account"),
        (bracket(target={"robot": "other"}), "one robot"),
        (bracket(target={"limit_price": NAN}), "is not a number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_group_that_does_not_hang_together_is_turned_away_whole(orders, words):
    assert words in wrong_group(*orders)
