"""Messages that a real gateway has sent are read by our tables and written back to the same fields."""

import json
import re

import pytest
import yaml

from atlas.domain import NS_PER_SECOND, Quote
from ib_gateway.simulator.codec import Codec, tables
from ib_gateway.simulator.codec.layout import compile_reader, compile_writer
from ib_gateway.simulator.messages import replies

REPLIES = {layout.message_id: layout for layout in tables.REPLIES}
REQUESTS = {layout.message_id: layout for layout in tables.REQUESTS}


def again(fields, version, layouts):
    """A message, read and written again, as fields; and the message."""
    layout = layouts[int(fields[0])]
    message = compile_reader(layout, version)(fields[1:])
    return compile_writer(layout, version)(message).split("\0")[:-1], message


def plain(text):
    """A field by its value: how many zeros stand behind a point is not the same from message to message."""
    return re.sub(r"\.?0+$", "", text) if re.fullmatch(r"-?\d+\.\d+", text) else text


def assert_written_back(fields, version, layouts=REPLIES):
    written, message = again(fields, version, layouts)
    assert [plain(field) for field in written] == [plain(field) for field in fields]
    return message


def split(raw):
    """The fields of a message that was noted down with bars for zeros, sometimes with one bar too many."""
    fields = raw.split("|")[:-1]
    return fields[:-1] if raw.endswith("||") else fields


@pytest.fixture(scope="module")
def messages(market_data):
    return json.loads((market_data / "a_permissive/ib/rust_ibapi_raw_messages.json").read_text())


def test_the_life_of_an_order(messages):
    lives = [split(record["raw"]) for record in messages["order_lifecycle_TSLA_2023-02-24"]]
    seen = [assert_written_back(fields, 163) for fields in lives]
    orders = [one for one in seen if isinstance(one, replies.OpenOrder)]
    assert [one.state.status for one in orders] == ["PreSubmitted", "Filled", "Filled"]
    assert {(one.contract.symbol, one.ticket.quantity, one.perm_id) for one in orders} == {("TSLA", 100.0, 1376327563)}
    assert {one.shares_allocation for one in orders} == {"1376327563.0/DU1234567/100"}
    assert orders[2].state.commission == 1.0
    assert [type(one).__name__ for one in seen].count("OrderStatus") == 2


def test_contract_details(messages):
    found = [assert_written_back(split(record["raw"]), 176) for record in messages["contract_details"]]
    assert [one.contract.con_id for one in found] == [76792991, 76792991, 620731015, 265598]


def test_historical_ticks(messages):
    last, mid = [assert_written_back(split(record["raw"]), 176) for record in messages["historical_data"]]
    assert (len(last.ticks), last.ticks[0].conditions, last.ticks[1].mask, last.done) == (7, " O X", 2, True)
    assert (len(mid.ticks), mid.ticks[0].price) == (24, 91.36)


def test_conversations_with_a_gateway_of_version_173(market_data):
    recorded = yaml.safe_load((market_data / "a_permissive/ib/rust_ibapi_tws_interactions.yaml").read_text())
    codec, kinds = Codec(recorded["header"]["server_version"]), set()
    for interaction in recorded["interactions"]:
        asked = assert_written_back(interaction["request"]["raw"].split("\0")[:-1], codec.version, REQUESTS)
        assert codec.decode(interaction["request"]["raw"].encode()) == asked
        kinds |= {type(assert_written_back(one["raw"].split("\0")[:-1], codec.version)) for one in interaction["responses"]}
    assert {replies.CurrentTime, replies.ManagedAccounts, replies.Position, replies.PositionEnd} <= kinds


def test_messages_of_all_kinds(market_data):
    folder = market_data / "c_copyleft/nautilus_lgpl3/ib/raw_messages"
    seen = set()
    for path in sorted(folder.glob("*.txt")):
        fields = path.read_text().rstrip("\n").replace("\\x00", "\0").split("\0")[:-1]
        if fields[0] != "99":
            seen.add(type(assert_written_back(fields, 176)).__name__)
    assert len(seen) >= 9


def test_quotes_tick_by_tick(market_data):
    folder = market_data / "c_copyleft/nautilus_lgpl3/ib/raw_messages"
    paths = sorted(folder.glob("quote_tick_*.txt"))
    assert paths
    for path in paths:
        fields = path.read_text().rstrip("\n").replace("\\x00", "\0").split("\0")[:-1]
        _, req_id, kind, seconds, *values, _ = fields
        assert kind == "3"
        quote = Quote("EUR.USD", *(float(value) for value in values), int(seconds) * NS_PER_SECOND, 0)
        frame = Codec(176).encode(replies.TickByTick([quote], {"EUR.USD": int(req_id)}, {}, {}, {}))
        assert frame[4:].decode().split("\0")[:-1] == fields
