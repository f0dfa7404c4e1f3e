"""Messages to bytes and back, in every version."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import Quote, Trade
from ib_gateway.simulator.codec import Codec, ProtocolError, tables
from ib_gateway.simulator.codec.kinds import WHOLE, number
from ib_gateway.simulator.codec.layout import Field, Kinds, Last, Many, compile_reader, compile_writer
from ib_gateway.simulator.codec.tables.tickets import OPEN_ORDER, PLACE_ORDER
from ib_gateway.simulator.messages import Condition, Contract, TagValue, Ticket, replies, requests
from ib_gateway.simulator.wire import CURRENT, OLDEST

VERSIONS = [version for version in range(OLDEST, CURRENT + 1) if version != 158]
LAYOUTS = [*tables.REQUESTS, *tables.REPLIES]
TIMES = ("date", "time", "start", "end", "completed_time")

_SAMPLES = {int: 7, float: 1.25, str: "text", bool: True}


def sample(struct):
    """A value of `struct` in which every field that the layout carries says something."""
    hints = msgspec.structs.fields(struct)
    values = {}
    for field in hints:
        kind = field.type
        if field.name in TIMES:
            values[field.name] = "20260605"
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            values[field.name] = sample(kind)
        elif kind in _SAMPLES:
            values[field.name] = _SAMPLES[kind]
        elif "Sequence" in str(kind) or "tuple" in str(kind):
            values[field.name] = ()
        else:
            values[field.name] = next(_SAMPLES[k] for k in _SAMPLES if k.__name__ in str(kind))
    return struct(**values)


def carried(items, version):
    """Names of the fields that a layout always carries in a version, and whether as whole numbers only."""
    for item in items:
        if isinstance(item, (Many, Kinds, Last)):
            yield item.name, False
        elif isinstance(item, Field) and item.since <= version <= item.until:
            yield item.name, item.kind is WHOLE


def value_of(message, name):
    for part in name.split("."):
        message = getattr(message, part)
    return message


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.struct.__name__)
def test_what_is_written_is_read_back_in_every_version(layout):
    for version in VERSIONS:
        assert_read_back(layout, version)


def assert_read_back(layout, version):
    message = sample(layout.struct)
    text = compile_writer(layout, version)(message)
    fields = text.split("\0")
    assert fields.pop() == ""
    assert fields[0] == str(layout.message_id)
    again = compile_reader(layout, version)(fields[1:])
    for name, whole in carried(layout.items, version):
        value = value_of(message, name)
        assert value_of(again, name) == (int(value) if whole else value), name


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("value", [0.0, -1.0, 1.10215, 250_000.0, 0.25, 1e-7, 1e11 + 0.5])
def test_ticks_that_are_written_without_their_tables_are_those_of_the_tables(version, value):
    for tick in (
        replies.TickPrice(5, 1, value, value, 3),
        replies.TickSize(7, 0, value),
        replies.TickString(2_000_000_000, 45, f"S\u00e9 {value}"),
    ):
        layout = next(one for one in tables.REPLIES if one.struct is type(tick))
        text = compile_writer(layout, version)(tick)
        assert Codec(version).encode(tick)[4:].decode().encode().decode("unicode-escape") == text


def test_a_ticket_with_everything_on_it_survives():
    ticket = msgspec.structs.replace(
        sample(Ticket),
        order_type="PEG BENCH",
        delta_neutral_order_type="LMT",
        scale_price_increment=0.05,
        algo_params=(TagValue("a", "1"), TagValue("b", "2")),
        conditions=(Condition(1, ("a", "1", "2.5", "265598", "SMART", "2")), Condition(3, ("o", "1", "20260605 10:00:00"))),
    )
    message = requests.PlaceOrder(5, Contract(symbol="AAPL", sec_type="STK"), ticket)
    write, read = compile_writer(PLACE_ORDER, 176), compile_reader(PLACE_ORDER, 176)
    again = read(write(message).split("\0")[1:-1]).ticket
    left_out = {"order_combo_prices", "smart_combo_params", "min_trade_quantity", "min_compete_size",
                "compete_against_best_offset", "mid_offset_at_whole", "mid_offset_at_half"}  # fmt: skip
    for name in set(Ticket.__struct_fields__) - left_out:
        assert getattr(again, name) == getattr(ticket, name), name


@pytest.mark.parametrize(
    ("order_type", "exchange", "names"),
    [
        ("PEG BEST", "SMART", ("min_compete_size", "compete_against_best_offset")),
        ("PEG MID", "SMART", ("mid_offset_at_whole", "mid_offset_at_half")),
        ("LMT", "IBKRATS", ("min_trade_quantity",)),
    ],
)
def test_the_late_fields_of_pegged_orders_are_there_when_they_should(order_type, exchange, names):
    ticket = msgspec.structs.replace(sample(Ticket), order_type=order_type, algo_strategy="", delta_neutral_order_type="")
    message = requests.PlaceOrder(5, Contract(exchange=exchange), ticket)
    again = compile_reader(PLACE_ORDER, 176)(compile_writer(PLACE_ORDER, 176)(message).split("\0")[1:-1])
    assert [getattr(again.ticket, name) for name in names] == [getattr(ticket, name) for name in names]


def test_numbers_are_written_as_the_gateway_writes_them():
    written = [number(value) for value in (0.0, 20_000.0, 1.38726, 0.00005, -1.0, 1e-7, 154.505)]
    assert written == ["0", "20000", "1.38726", "0.00005", "-1", "0.0000001", "154.505"]


def test_unset_numbers_are_written_field_by_field_as_the_gateway_does():
    fields = compile_writer(OPEN_ORDER, 176)(
        replies.OpenOrder(1, 2, 3, Contract(), Ticket(delta_neutral_order_type="None"), replies.OrderState("Submitted"))
    ).split("\0")
    assert fields[15:18] == ["", "0.0", "0.0"]
    assert fields.count("1.7976931348623157E308") == 9 + 6
    assert fields.count("2147483647") == 3


def test_ticks_by_tick_go_out_in_order_under_their_requests():
    events = [
        Quote("A", 1.5, 1.75, 100, 0, 1_700_000_000_900_000_000, 0),
        Trade("B", 10.0, 5.0, 1_700_000_001_000_000_000, 0),
        Quote("B", 9.0, 11.0, 1, 2, 1_700_000_002_000_000_000, 0),
        Quote("C", 9.0, 11.0, 1, 2, 1_700_000_002_000_000_000, 0),
    ]
    data = Codec(176).encode(replies.TickByTick(events, {"A": 1}, {"B": 2}, {}, {"B": 3}))
    texts = []
    while data:
        length = int.from_bytes(data[:4], "big")
        texts.append(data[4 : 4 + length].decode().replace("\0", "|"))
        data = data[4 + length :]
    assert texts == [
        "99|1|3|1700000000|1.5|1.75|100|0|0|",
        "99|3|2|1700000001|10|5|0|||",
        "99|2|4|1700000002|10|",
    ]


# What cannot be read


def payload(*fields):
    return "".join(f"{field}\0" for field in fields).encode()


@pytest.mark.parametrize(
    ("message", "kind", "req_id"),
    [
        (b"", "malformed", -1),
        (b"\0", "malformed", -1),
        (b"61\x001", "malformed", -1),
        (payload("x", "1"), "malformed", -1),
        (payload("99999"), "unknown_message", -1),
        (payload("3", "17"), "malformed", 17),
        (payload("97", "12", "0", "EUR"), "malformed", 12),
        (payload("7", "3", "9", "x", "", "", "", "", "", ""), "malformed", 9),
        (payload("61", "1", "surplus"), "malformed", -1),
        (payload("4", "1", "one", ""), "malformed", -1),
        (payload("4", "1", "4294967296", ""), "malformed", 4294967296),
        (payload("4", "1", "1.5", ""), "malformed", -1),
    ],
)
def test_a_message_that_cannot_be_read_says_which_request_it_was(message, kind, req_id):
    with pytest.raises(ProtocolError) as caught:
        Codec(176).decode(message)
    assert (caught.value.kind, caught.value.req_id) == (kind, req_id)


def test_a_field_of_the_wrong_kind_is_named():
    with pytest.raises(ProtocolError, match=r"field 2 \(req_id\) cannot be 'seven'"):
        Codec(176).decode(payload("2", "2", "seven"))


@settings(deadline=None)
@given(st.integers(0, 110), st.lists(st.text(max_size=12), max_size=130), st.sampled_from(VERSIONS))
def test_no_fields_whatever_break_the_reader(message_id, fields, version):
    with suppress(ProtocolError):
        assert isinstance(Codec(version).decode(payload(message_id, *fields)), requests.Request)


@settings(deadline=None)
@given(st.integers(0, 112), st.text(max_size=6), st.sampled_from(VERSIONS))
def test_a_damaged_order_is_an_order_or_an_error(position, text, version):
    fields = compile_writer(PLACE_ORDER, version)(requests.PlaceOrder(5, Contract(), Ticket())).split("\0")[:-1]
    fields[position % len(fields)] = text
    with suppress(ProtocolError):
        assert isinstance(Codec(version).decode(payload(*fields)), requests.Request)
