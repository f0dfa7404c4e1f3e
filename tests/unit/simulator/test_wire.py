"""Frames and the handshake: what comes in pieces, and what is no client."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ib_gateway.simulator.wire import MAX_FRAME, FrameReader, Handshake, WireError, frame
from ib_gateway.simulator.wire.framing import MAX_OPENING
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


def test_a_frame_beyond_the_limit_is_refused_by_its_length_alone_and_nothing_of_it_is_kept():
    for length in (MAX_FRAME + 1, 0xFFFFFF, 2**32 - 1):
        reader = FrameReader()
        with pytest.raises(WireError, match=f"{length} bytes; at most {MAX_FRAME}") as caught:
            reader.feed(length.to_bytes(4, "big") + bytes(1000))
        assert caught.value.kind == "oversized_frame"
        assert reader.pending == 0


def test_the_longest_frame_is_waited_for():
    reader = FrameReader()
    assert reader.feed(MAX_FRAME.to_bytes(4, "big") + bytes(1000)) == []
    [whole] = reader.feed(bytes(MAX_FRAME - 1000))
    assert len(whole) == MAX_FRAME


def test_before_the_api_is_started_only_little_is_listened_to():
    long = frame(bytes(MAX_OPENING + 1))
    with pytest.raises(WireError, match=f"at most {MAX_OPENING}"):
        Handshake().feed(b"API\0" + long[:4])
    with pytest.raises(WireError, match=f"at most {MAX_OPENING}"):
        Handshake().feed(b"API\0" + frame(b"v157..176") + long[:4])
    start = frame(b"71\x002\x001\x00\x00")
    assert len(Handshake().feed(b"API\0" + frame(b"v157..176") + start + long)) == 2


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
