"""Whatever bytes come, in whatever pieces: the reader gives requests or says what is wrong, and never anything else.

Bounded: some hundred examples for each property, a few seconds in all.
"""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ib_gateway.simulator.codec import Codec, ProtocolError, tables
from ib_gateway.simulator.codec.layout import compile_writer
from ib_gateway.simulator.messages import ComboLeg, Condition, Contract, TagValue, Ticket, requests
from ib_gateway.simulator.wire import CURRENT, MAX_FRAME, OLDEST, FrameReader, Handshake, WireError, frame

VERSIONS = [version for version in range(OLDEST, CURRENT + 1) if version != 158]
CODECS = {version: Codec(version) for version in VERSIONS}
WRITERS = {version: {layout.struct: compile_writer(layout, version) for layout in tables.REQUESTS} for version in VERSIONS}
THOROUGH = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])

LEGS = (ComboLeg(1, 1, "BUY", "SMART"), ComboLeg(2, 1, "SELL", "SMART"))
ORDERS = [
    requests.PlaceOrder(5, Contract(265598, "AAPL", "STK", exchange="SMART"), Ticket("BUY", 100.0, "LMT", 150.25)),
    requests.PlaceOrder(
        5, Contract(symbol="A", sec_type="BAG", combo_legs=LEGS), Ticket("BUY", 1.0, "MKT", order_combo_prices=(1.5,))
    ),
    requests.PlaceOrder(
        5,
        Contract(1),
        Ticket(
            "SELL",
            1.0,
            "PEG BENCH",
            conditions=(Condition(1, ("a", "1", "1.5", "2", "SMART", "0")), Condition(4, ("o", "1", "30"))),
            delta_neutral_order_type="MKT",
            scale_price_increment=0.5,
            hedge_type="B",
            has_delta_neutral_contract=True,
            algo_strategy="Vwap",
            algo_params=(TagValue("a", "b"),),
        ),
    ),
    requests.PlaceOrder(5, Contract(1), Ticket("BUY", 1.0, "PEG BEST", compete_against_best_offset=float("inf"))),
]
REQUESTS = [
    *ORDERS,
    requests.MarketData(5, Contract(1, sec_type="BAG", combo_legs=LEGS), "233"),
    requests.HistoricalData(5, Contract(1), False, "", "1 min", "1 D", True, "TRADES", 1, True),
    requests.ScannerSubscription(5, 50, "STK", "STK.US", "TOP"),
    requests.Executions(5),
    requests.WshEventData(5, 265598),
    requests.StartApi(1),
]
JUNK = [
    "",
    "-1",
    "2147483648",
    "1e999",
    "nan",
    "Infinity",
    "9" * 5000,
    "1_0",
    " 7",
    "x" * 500,
    "\u0661",
    "a\nb",
    "1.5",
    "999999999",
]


def decoded(codec, payload):
    """The request, or the error that says why it is none; anything else that is raised is a finding."""
    try:
        return codec.decode(payload), None
    except ProtocolError as error:
        return None, error


def assert_only_requests(codec, payload):
    """A payload is a request, which written again reads the same, or it is refused by name."""
    request, error = decoded(codec, payload)
    if error is not None:
        assert error.kind in ("malformed", "unknown_message")
        assert abs(error.req_id) < 2**63
        assert len(str(error)) < 300
        return
    assert isinstance(request, requests.Request)
    again = WRITERS[codec.version][type(request)](request).encode()
    assert codec.decode(again) == request


@st.composite
def damaged(draw):
    """The payload of a request in some version, with fields changed, dropped, doubled or moved, or bytes flipped."""
    version = draw(st.sampled_from(VERSIONS))
    request = draw(st.sampled_from(REQUESTS))
    fields = WRITERS[version][type(request)](request).split("\0")[:-1]
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(fields) - 1)))
        match draw(st.sampled_from(["junk", "text", "drop", "double", "swap", "cut"])):
            case "junk" if fields:
                fields[at] = draw(st.sampled_from(JUNK))
            case "text" if fields:
                fields[at] = draw(st.text(max_size=8))
            case "drop":
                del fields[at : at + 1]
            case "double":
                fields[at:at] = fields[at : at + 1]
            case "swap":
                fields = fields[at:] + fields[:at]
            case "cut":
                del fields[at:]
    payload = bytearray("".join(f"{field}\0" for field in fields).encode())
    if payload and draw(st.booleans()):
        payload[draw(st.integers(0, len(payload) - 1))] ^= draw(st.integers(1, 255))
    return version, bytes(payload)


@THOROUGH
@given(damaged())
def test_a_damaged_request_is_a_request_or_is_refused(given_):
    version, payload = given_
    assert_only_requests(CODECS[version], payload)


@THOROUGH
@given(st.sampled_from(VERSIONS), st.binary(max_size=400))
def test_random_bytes_in_a_frame_are_refused_or_a_request(version, payload):
    assert_only_requests(CODECS[version], payload)


@THOROUGH
@given(st.sampled_from(VERSIONS), st.integers(0, 110), st.lists(st.sampled_from(JUNK), max_size=140))
def test_fields_of_junk_are_refused_or_a_request(version, message_id, fields):
    assert_only_requests(CODECS[version], "".join(f"{field}\0" for field in [message_id, *fields]).encode())


@THOROUGH
@given(
    st.lists(st.one_of(damaged().map(lambda one: frame(one[1])), st.binary(max_size=60)), max_size=6),
    st.lists(st.integers(0, 3000), max_size=12),
    st.sampled_from(["v157..176", "v100..157", "v157..178", "v163", "v999", "x"]),
)
def test_a_whole_connection_of_anything_in_any_pieces(parts, cuts, greeting):
    stream = b"API\0" + frame(greeting.encode()) + b"".join(parts)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    handshake, payloads = Handshake(), []
    with suppress(WireError):
        for start, end in pairwise(edges):
            feed = handshake.rest().feed if handshake.version else handshake.feed
            payloads += feed(stream[start:end])
    for payload in payloads:
        assert_only_requests(CODECS[handshake.version], payload)


@THOROUGH
@given(st.binary(max_size=200))
def test_a_frame_is_never_longer_than_the_protocol_allows(data):
    reader = FrameReader()
    try:
        frames = reader.feed(data)
    except WireError:
        return
    assert sum(4 + len(one) for one in frames) + reader.pending == len(data)


@pytest.mark.parametrize("start", [b"", b"49\0", b"3\0", b"22\0-1\0"])
def test_a_message_of_too_many_fields_is_refused_before_it_is_cut_up(start):
    with pytest.raises(ProtocolError, match="fields; at most 10000") as caught:
        CODECS[176].decode(start + bytes(MAX_FRAME - len(start)))
    assert caught.value.kind == "malformed"


def test_bytes_that_are_no_text_are_read_as_the_sign_for_that():
    request = requests.AccountUpdates(True, "DU?1")
    message = WRITERS[176][requests.AccountUpdates](request).encode().replace(b"?", b"\xff")
    assert CODECS[176].decode(message) == requests.AccountUpdates(True, "DU\ufffd1")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_request_survives_every_version(version):
    for request in REQUESTS:
        assert_only_requests(CODECS[version], WRITERS[version][type(request)](request).encode())


def test_an_order_with_too_few_fields_says_which_order_it_was():
    fields = WRITERS[176][requests.PlaceOrder](ORDERS[0]).split("\0")[:-1]
    for length in range(2, len(fields)):
        with pytest.raises(ProtocolError) as caught:
            CODECS[176].decode("".join(f"{field}\0" for field in fields[:length]).encode())
        assert (caught.value.kind, caught.value.req_id) == ("malformed", 5)
