"""Orders in the broker's words, and back: nothing that an order says is lost on the way."""

import copy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.valid_orders import valid_orders

from atlas.domain import (
    Instrument,
    InstrumentKind,
    Order,
    OrderKind,
    PriceCondition,
    Side,
    TimeCondition,
    TimeInForce,
    from_plain,
    plain,
)
from atlas.ib.conditions import NoWords
from atlas.ib.library import UNSET_DOUBLE, library
from atlas.ib.orders import Place, from_ib, number, to_ib

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 265598, 0.01)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 495512563, 0.25, multiplier=50.0)
CALL = Instrument("AAPL-20261218-250C@SMART", InstrumentKind.OPTION, "AAPL", "SMART", "USD", 700, 0.05, multiplier=100.0)
ALL = (EURUSD, AAPL, ES, CALL)
NAMED = {one.id: one for one in ALL}
NAMES = {one.con_id: one.id for one in ALL}
PLACE = Place(7)


def there_and_back(order, place=PLACE):
    theirs = to_ib(order, place, NAMED.__getitem__)
    return from_ib(theirs, order.instrument, NAMES.__getitem__, {41: "robot-1-0"}.__getitem__)


def travelling(order):
    """What the broker is told: everything but who thought of it."""
    return replace(order, robot="", cause_ns=0)


def example(**values):
    return Order("robot-1-1", "robot", AAPL.id, Side.BUY, 10.0, **values)


@given(order=valid_orders(ALL))
@settings(max_examples=500)
def test_any_order_comes_back_from_the_brokers_words_as_it_went(order):
    assert there_and_back(order) == travelling(order)


@given(order=valid_orders(ALL))
@settings(max_examples=300)
def test_any_order_comes_back_from_a_document_and_from_the_wire_as_it_went(order):
    document = plain(order)
    assert from_plain(document, Order) == order
    assert from_plain(msgspec.json.decode(msgspec.json.encode(document)), Order) == order
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(order), type=Order) == order


def test_the_parent_is_a_number_at_the_broker_and_an_id_with_us():
    child = example(parent_id="robot-1-0", kind=OrderKind.STOP, stop_price=9.0)
    theirs = to_ib(child, Place(42, parent_id=41, transmit=False), NAMED.__getitem__)
    assert (theirs.orderId, theirs.parentId, theirs.transmit) == (42, 41, False)
    assert there_and_back(child, Place(42, parent_id=41)) == travelling(child)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, {"orderType": "MKT", "lmtPrice": UNSET_DOUBLE, "auxPrice": UNSET_DOUBLE, "tif": "DAY"}),
        ({"kind": OrderKind.LIMIT, "limit_price": -0.35}, {"orderType": "LMT", "lmtPrice": -0.35}),
        ({"kind": OrderKind.STOP, "stop_price": 9.5}, {"orderType": "STP", "auxPrice": 9.5, "lmtPrice": UNSET_DOUBLE}),
        (
            {"kind": OrderKind.TRAILING_STOP_LIMIT, "trail_percent": 1.5, "limit_offset": 0.1, "stop_price": 9.0},
            {"orderType": "TRAIL LIMIT", "trailingPercent": 1.5, "lmtPriceOffset": 0.1, "trailStopPrice": 9.0,
             "auxPrice": UNSET_DOUBLE, "lmtPrice": UNSET_DOUBLE},
        ),
        ({"kind": OrderKind.PEGGED_TO_MIDPOINT, "limit_offset": 0.02}, {"orderType": "PEG MID", "auxPrice": 0.02}),
        (
            {"time_in_force": TimeInForce.GTD, "good_till_ns": 1_780_671_600_000_000_000},
            {"tif": "GTD", "goodTillDate": "20260605-15:00:00"},
        ),
        ({"min_quantity": 3.0}, {"minQty": 3}),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_an_order_is_written_in_the_brokers_own_fields(values, expected):
    theirs = to_ib(example(**values), PLACE, NAMED.__getitem__)
    assert {name: getattr(theirs, name) for name in expected} == expected


def test_conditions_are_written_by_contract_id_and_utc_time():
    order = example(
        conditions=(PriceCondition(ES.id, 5000.25, above=True), TimeCondition(1_780_671_600_000_000_000, after=False)),
        conditions_cancel=True,
    )
    price, time = to_ib(order, PLACE, NAMED.__getitem__).conditions
    assert (price.conId, price.exch, price.price, price.isMore, price.conjunction) == (ES.con_id, "CME", 5000.25, True, "a")
    assert (time.time, time.isMore) == ("20260605-15:00:00", False)


def test_a_condition_on_an_instrument_that_nobody_defined_is_an_error_and_not_another_condition():
    order = example(conditions=(PriceCondition("GC-202612@COMEX", 2000.0, above=True),))
    with pytest.raises(KeyError):
        to_ib(order, PLACE, NAMED.__getitem__)


@pytest.mark.parametrize(
    "values",
    [
        {"orderType": "VOL"},
        {"action": "HOLD"},
        {"tif": "AUC"},
        {"triggerMethod": 5},
        {"goodAfterTime": "tomorrow"},
        {"conditions": [library.TimeCondition(time="20260605 15:00:00")]},
    ],
)
def test_what_we_have_no_words_for_is_said_so_and_not_guessed(values):
    theirs = to_ib(example(), PLACE, NAMED.__getitem__)
    for name, value in values.items():
        setattr(theirs, name, value)
    with pytest.raises(NoWords):
        from_ib(theirs, AAPL.id, NAMES.__getitem__, str)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("20260605-15:00:00", 1_780_671_600),
        ("20260605 11:00:00 US/Eastern", 1_780_671_600),
        ("20260605 17:00:00 MET", 1_780_671_600),
        ("20260605  11:00:00 EDT", 1_780_671_600),
        ("20260605 11:00:00 America/New_York", 1_780_671_600),
    ],
)
def test_times_are_read_in_every_form_that_says_its_zone(text, seconds):
    theirs = to_ib(example(), PLACE, NAMED.__getitem__)
    theirs.goodAfterTime = text
    assert from_ib(theirs, AAPL.id, NAMES.__getitem__, str).good_after_ns == seconds * 10**9


@pytest.mark.parametrize("text", ["20260605 15:00:00", "20260605", "20261305-15:00:00", "20260605 15:00:00 Mars/Phobos"])
def test_a_time_without_a_zone_that_can_be_known_is_not_guessed(text):
    theirs = to_ib(example(), PLACE, NAMED.__getitem__)
    theirs.goodTillDate = text
    with pytest.raises(NoWords):
        from_ib(theirs, AAPL.id, NAMES.__getitem__, str)


def test_zeros_that_the_broker_writes_for_nothing_are_nothing():
    theirs = to_ib(example(kind=OrderKind.RELATIVE), PLACE, NAMED.__getitem__)
    theirs.lmtPrice = theirs.auxPrice = 0.0
    read = from_ib(theirs, AAPL.id, NAMES.__getitem__, str)
    assert (read.limit_price, read.limit_offset) == (None, None)


def test_the_amount_that_a_trailing_percentage_comes_to_is_not_another_wish():
    theirs = to_ib(example(kind=OrderKind.TRAILING_STOP, trail_percent=2.0), PLACE, NAMED.__getitem__)
    theirs.auxPrice = 3.71
    assert from_ib(theirs, AAPL.id, NAMES.__getitem__, str).trail_amount is None


@given(value=st.sampled_from([UNSET_DOUBLE, float("nan"), float("inf"), float("-inf"), None, ""]))
def test_the_brokers_ways_to_say_that_there_is_no_number_are_none(value):
    assert number(value) is None


def test_writing_an_order_leaves_it_as_it_was():
    order = example(kind=OrderKind.LIMIT, limit_price=1.0)
    before = copy.deepcopy(order)
    to_ib(order, PLACE, NAMED.__getitem__)
    assert order == before
