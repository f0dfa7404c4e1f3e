"""Frames and the handshake: what comes in pieces, and what is no client."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ib_gateway.simulator.wire import FrameReader, Handshake, WireError, frame
from ib_gateway.simulator.wire.handshake import answer, negotiate


@given(st.lists(st.binary(max_size=300), max_size=20), st.lists(st.integers(0, 6000), max_size=20))
def test_frames_come_out_as_they_went_in_whatever_the_pieces(payloads, cuts):
    stream = b"".join(frame(payload) for payload in payloads)
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader, seen = FrameReader(), []
    for start, end in pairwise(edges):
        seen += reader.feed(stream[start:end])
    assert seen == payloads
    assert reader.pending == 0


def test_a_frame_beyond_the_limit_is_refused_by_its_length_alone():
    with pytest.raises(WireError, match="16777216 bytes") as caught:
        FrameReader().feed((0xFFFFFF + 1).to_bytes(4, "big"))
    assert caught.value.kind == "oversized_frame"


@pytest.mark.parametrize(
    ("greeting", "version"),
    [
        (b"v157..176", 176),
        (b"v157..178", 178),
        (b"v100..157", 157),
        (b"v100..158", 157),
        (b"v100..225 +PACEAPI", 178),
        (b"v163", 163),
        (b"v157..170 +PACEAPI", 170),
    ],
)
def test_the_newest_common_version_is_spoken(greeting, version):
    assert negotiate(greeting) == version


@pytest.mark.parametrize("greeting", [b"v100..156", b"v179..200", b"", b"GET / HTTP/1.1", b"v..", b"v99999..100000", b"vx..y"])
def test_a_client_without_common_version_is_refused(greeting):
    with pytest.raises(WireError):
        negotiate(greeting)


def test_the_greeting_may_come_byte_by_byte_with_more_behind_it():
    handshake, frames = Handshake(), []
    for byte in b"API\0" + frame(b"v157..176"):
        assert handshake.feed(bytes([byte])) == []
    assert handshake.version == 176
    for byte in frame(b"71\x002\x001\x00\x00"):
        frames += handshake.rest().feed(bytes([byte]))
    assert frames == [b"71\x002\x001\x00\x00"]


def test_what_comes_with_the_greeting_is_not_lost():
    first = frame(b"71\x002\x001\x00\x00")
    handshake = Handshake()
    assert handshake.feed(b"API\0" + frame(b"v157..176") + first + first[:5]) == [b"71\x002\x001\x00\x00"]
    assert handshake.rest().feed(first[5:]) == [b"71\x002\x001\x00\x00"]


def test_the_answer_has_exactly_two_fields():
    assert answer(176, "20260605 15:00:00 UTC") == b"\0\0\0\x1a176\x0020260605 15:00:00 UTC\0"


@given(st.binary(min_size=1, max_size=400))
def test_random_bytes_are_no_client_or_not_enough_yet(data):
    handshake = Handshake()
    with suppress(WireError):
        assert handshake.feed(data) == [] or handshake.version


def test_a_greeting_that_does_not_end_is_refused():
    with pytest.raises(WireError, match="does not end"):
        Handshake().feed(b"API\0" + (100_000).to_bytes(4, "big") + b"v" * 5000)
