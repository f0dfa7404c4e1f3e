"""How values travel: as arrays, told apart by tags, equal on the other side."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from atlas.domain import (
    Action,
    Bar,
    Cancel,
    Commission,
    Execution,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderKind,
    PriceCondition,
    Quote,
    Share,
    Side,
    Submit,
    TimeCondition,
    Trade,
    action_id,
    from_plain,
    plain,
    topic,
)

ANY = Order | Quote | Trade | Bar | OrderEvent | Submit | Modify | Cancel
ORDER = Order("r-1-0", "r", "AAPL@SMART", Side.SELL, 3.0, OrderKind.LIMIT, 190.5)
EXECUTION = Execution("e.01", "r-1-0", "DU1", "AAPL@SMART", Side.SELL, 3.0, 190.5, 7)
VALUES: list[Any] = [
    Quote("AAPL@SMART", 1.0, 2.0, 3.0, 4.0, 5, 6),
    Trade("AAPL@SMART", 1.0, 2.0, 5, 6),
    Bar("AAPL@SMART", 0, 60, 1.0, 2.0, 0.5, 1.5, 100.0, 7, 61),
    OrderEvent(1, "r-1-0", "r", OrderEventKind.PENDING, 5, order=ORDER),
    OrderEvent(2, "r-1-0", "r", OrderEventKind.EXECUTED, 6, execution=EXECUTION, perm_id=9),
    OrderEvent(3, "r-1-0", "r", OrderEventKind.COMMISSIONED, 6, commission=Commission("e.01", 0.35, "USD", -1.0)),
    Submit(ORDER),
    replace(ORDER, conditions=(PriceCondition("AAPL@SMART", 190.5, above=True), TimeCondition(7)), shares=(Share("DU1", 3.0),)),
    Modify("r-2-0", "r-1-0", limit_price=191.0),
    Cancel("r-3-0", "r-1-0"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_equal_on_the_other_side_of_the_wire(value):
    wire = msgspec.msgpack.encode(value)
    assert msgspec.msgpack.decode(wire, type=ANY) == value
    assert isinstance(msgspec.msgpack.decode(wire), list)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_as_a_document(value):
    document = plain(value)
    assert isinstance(document, dict)
    assert from_plain(document, type(value)) == value


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_cannot_be_changed(value):
    field = value.__struct_fields__[0]
    with pytest.raises(AttributeError):
        setattr(value, field, None)


@given(st.binary(max_size=60))
def test_random_bytes_are_a_value_or_refused_and_nothing_else(data):
    try:
        decoded = msgspec.msgpack.decode(data, type=ANY)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    assert isinstance(decoded, ANY)


def test_a_repeated_request_is_recognised_by_its_id():
    assert [action_id(action) for action in VALUES if isinstance(action, Action)] == ["r-1-0", "r-2-0", "r-3-0"]


def test_a_topic_names_instrument_and_kind():
    assert topic("EUR.USD@IDEALPRO", "bar") == "EUR.USD@IDEALPRO|bar"


def test_a_side_has_a_sign_and_an_opposite():
    assert (Side.BUY.sign, Side.SELL.sign) == (1, -1)
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
