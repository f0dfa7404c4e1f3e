import pytest
from msgspec.structs import replace
from support.trading import order

from atlas.domain import Cancel, Modify, OrderKind, Submit, TimeCondition, TimeInForce
from atlas.trading.form import malformed


def with_id(text):
    return Submit(type(order())(**{**{f: getattr(order(), f) for f in order().__struct_fields__}, "id": text}))


@pytest.mark.parametrize("action", [Submit(order()), Modify("m-1", "robot-1-0", 5.0, 1.1), Cancel("c-1", "robot-1-0")])
def test_an_ordinary_command_passes(action):
    assert malformed(action) == ""


@pytest.mark.parametrize("text", ["", "é", "a\0DU9\0", "a b", "x" * 65, "a\n"])
def test_an_id_that_could_not_travel_is_turned_away(text):
    assert "must be 1 to 64 letters" in malformed(with_id(text))
    assert "must be 1 to 64 letters" in malformed(Cancel("c-1", text))
    assert "must be 1 to 64 letters" in malformed(Modify(text, "robot-1-0"))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e308])
def test_a_number_that_could_not_be_written_is_turned_away(number):
    assert "is not a number up to 1e+12" in malformed(Submit(order(quantity=number)))
    assert "is not a number up to 1e+12" in malformed(Submit(order(kind=OrderKind.LIMIT, limit_price=number)))
    assert "is not a number up to 1e+12" in malformed(Modify("m-1", "robot-1-0", quantity=number))
    assert "is not a number up to 1e+12" in malformed(Modify("m-1", "robot-1-0", limit_price=number))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cause_ns": 2**63}, "is no time"),
        ({"cause_ns": -1}, "is no time"),
        ({"account": "DU1\0"}, "is no account"),
        ({"account": "x" * 33}, "is no account"),
    ],
)
def test_a_field_that_could_not_be_written_is_turned_away(values, words):
    assert words in malformed(Submit(order(**values)))


@pytest.mark.parametrize(
    "values",
    [
        {"kind": OrderKind.STOP, "stop_price": 1.1},
        {"time_in_force": TimeInForce.FOK},
        {"oca_group": "one"},
        {"parent_id": "robot-1-0"},
        {"outside_rth": True},
        {"conditions": (TimeCondition(1),)},
    ],
)
def test_what_the_way_to_the_broker_does_not_carry_is_turned_away(values):
    assert "sen" in malformed(Submit(replace(order(), **values)))
