"""Bars of what was played."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, Quote, Trade
from ib_gateway.simulator.broker import tape as tape_module
from ib_gateway.simulator.broker.tape import Tape, fixed_edges

ticks = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 50), st.integers(1, 9)), max_size=60).map(sorted)


@given(ticks, st.sampled_from([1, 5, 30]), st.integers(0, 100), st.integers(0, 110))
def test_bars_are_those_that_one_makes_by_hand(ticks, size, start, end):
    tape = Tape()
    tape.extend([Trade("A", price / 4, float(volume), s * NS_PER_SECOND, 0) for s, price, volume in ticks])
    expected = {}
    for second, price, volume in ticks:
        if start <= second < end:
            expected.setdefault(second // size, []).append((price / 4, volume))
    bars = tape.bars("A", "TRADES", start * NS_PER_SECOND, end * NS_PER_SECOND, fixed_edges(size))
    assert [(b.start_ns // NS_PER_SECOND // size, b.open, b.high, b.low, b.close, b.volume, b.ticks) for b in bars] == [
        (slot, p[0][0], max(x for x, _ in p), min(x for x, _ in p), p[-1][0], sum(v for _, v in p), len(p))
        for slot, p in sorted(expected.items())
    ]


def test_quotes_make_bars_of_bid_ask_and_middle_without_volume():
    tape = Tape()
    tape.extend([Quote("A", 1.0, 3.0, 0, 0, 1, 0), Quote("A", 2.0, 5.0, 0, 0, 2, 0)])
    closes = {what: tape.bars("A", what, 0, 10, fixed_edges(1))[0] for what in ("BID", "ASK", "MIDPOINT")}
    assert {what: (bar.open, bar.close, bar.volume, bar.ticks) for what, bar in closes.items()} == {
        "BID": (1.0, 2.0, -1.0, -1),
        "ASK": (3.0, 5.0, -1.0, -1),
        "MIDPOINT": (2.0, 3.5, -1.0, -1),
    }
    assert tape.bars("A", "TRADES", 0, 10, fixed_edges(1)) == []
    assert tape.bars("B", "BID", 0, 10, fixed_edges(1)) == []


def test_the_tape_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tape_module, "MAX_TICKS", 100)
    tape = Tape()
    for second in range(1000):
        tape.extend([Quote("A", 1.0, 3.0, 0, 0, second * NS_PER_SECOND, 0)])
    assert tape.begin("A", "BID") >= 890 * NS_PER_SECOND
    assert len(tape.bars("A", "BID", 0, 10**13, fixed_edges(1))) <= 101
