import msgspec
from hypothesis import given
from hypothesis import strategies as st

from atlas.bus._stream import StreamReader
from atlas.bus.forwarder import _Backlog
from atlas.domain import Bar, MarketEvent, Quote

ENCODE = msgspec.msgpack.Encoder().encode


def quote(instrument, sequence):
    event = Quote(instrument, 1.0, 1.1, 1.0, 1.0, sequence, sequence)
    return f"{instrument}|quote".encode() + b"\0" + ENCODE((1, "watcher", 1, sequence, 0, [event]))


def bar(instrument, sequence):
    event = Bar(instrument, 0, 1, 1.0, 1.0, 1.0, 1.0, 0.0, 1, sequence)
    return f"{instrument}|bar".encode() + b"\0" + ENCODE((1, "watcher", 1, sequence, 0, [event]))


def emptied(backlog):
    frames = []
    while backlog:
        frames.append(backlog.first())
        backlog.remove_first()
    return frames


def test_of_the_quotes_of_an_instrument_only_the_newest_is_kept():
    backlog = _Backlog()
    for sequence in (1, 2, 3):
        backlog.add(quote("A@X", sequence))
    backlog.add(quote("B@X", 1))
    reader = StreamReader(MarketEvent, 10_000, lambda *_: None)
    kept = reader.read_all(emptied(backlog))
    assert [(d.topic, d.sequence, d.conflated) for d in kept] == [("A@X|quote", 3, 2), ("B@X|quote", 1, 0)]
    assert backlog.conflated == 2


def test_bars_are_all_kept_in_order():
    backlog = _Backlog()
    frames = [bar("A@X", n) for n in range(1, 6)]
    for frame in frames:
        backlog.add(frame)
    assert emptied(backlog) == frames
    assert backlog.conflated == 0


def test_a_frame_that_cannot_be_read_is_left_to_whoever_counts_it():
    backlog = _Backlog()
    backlog.add(quote("A@X", 1))
    backlog.add(b"A@X|quote\0\xc1")
    assert emptied(backlog) == [b"A@X|quote\0\xc1"]


@given(st.lists(st.tuples(st.sampled_from(["quote", "bar", "take"]), st.sampled_from(["A@X", "B@X"])), max_size=60))
def test_the_reader_misses_nothing_and_sees_each_newest_quote_whenever_there_is_room(steps):
    backlog = _Backlog()
    reader = StreamReader(MarketEvent, 10_000, lambda *_: None)
    numbers, received, conflated = {}, [], 0

    def take():
        nonlocal conflated
        delivery = reader.read(backlog.first())
        backlog.remove_first()
        assert delivery.missed == 0
        received.append((delivery.topic, delivery.sequence))
        conflated += delivery.conflated

    for first in (quote("A@X", 1), quote("B@X", 1), bar("A@X", 1), bar("B@X", 1)):
        reader.read(first)
    for step, instrument in steps:
        if step != "take":
            key = (step, instrument)
            numbers[key] = numbers.get(key, 1) + 1
            backlog.add((quote if step == "quote" else bar)(instrument, numbers[key]))
        elif backlog:
            take()
    while backlog:
        take()
    for (kind, instrument), last in numbers.items():
        seen = [number for topic, number in received if topic == f"{instrument}|{kind}"]
        assert seen[-1] == last
        if kind == "bar":
            assert seen == list(range(2, last + 1))
    assert conflated == backlog.conflated
