"""What the tape remembers of what was played."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, Quote, Trade
from ib_gateway.simulator.broker import tape as tape_module
from ib_gateway.simulator.broker.history.bars import bar_starts, merged, price_bars
from ib_gateway.simulator.broker.tape import Tape

ticks = st.lists(st.tuples(st.integers(0, 100), st.integers(1, 50), st.integers(1, 9)), max_size=60).map(sorted)


@given(ticks, st.sampled_from([1, 5, 30]), st.integers(0, 100), st.integers(0, 110))
def test_bars_are_those_that_one_makes_by_hand(ticks, size, start, end):
    tape = Tape()
    tape.extend([Trade("A", price / 4, float(volume), s * NS_PER_SECOND, 0) for s, price, volume in ticks])
    expected = {}
    for second, price, volume in ticks:
        if start <= second < end:
            expected.setdefault(second // size, []).append((price / 4, volume))
    columns = tape.columns("A", "TRADES", start * NS_PER_SECOND, end * NS_PER_SECOND)
    bars = price_bars(merged(columns, bar_starts(columns.times, size * NS_PER_SECOND)), trades=True)
    assert [(b.start_ns // NS_PER_SECOND // size, b.open, b.high, b.low, b.close, b.volume, b.trades) for b in bars] == [
        (slot, p[0][0], max(x for x, _ in p), min(x for x, _ in p), p[-1][0], sum(v for _, v in p), len(p))
        for slot, p in sorted(expected.items())
    ]
    for bar, prices in zip(bars, (p for _, p in sorted(expected.items())), strict=True):
        assert bar.average == pytest.approx(sum(x * v for x, v in prices) / sum(v for _, v in prices))


def test_quotes_are_remembered_as_bid_ask_and_middle_without_volume():
    tape = Tape()
    tape.extend([Quote("A", 1.0, 3.0, 0, 0, 1, 0), Quote("A", 2.0, 5.0, 0, 0, 2, 0)])
    values = {what: tape.columns("A", what, 0, 10) for what in ("BID", "ASK", "MIDPOINT")}
    assert {what: columns.close.tolist() for what, columns in values.items()} == {
        "BID": [1.0, 2.0], "ASK": [3.0, 5.0], "MIDPOINT": [2.0, 3.5],
    }  # fmt: skip
    assert not any(columns.volume.any() for columns in values.values())
    assert len(tape.columns("A", "TRADES", 0, 10).times) == 0
    assert len(tape.columns("B", "BID", 0, 10).times) == 0
    assert tape.first_quote("A") == (1, 1.0)


def test_the_tape_does_not_grow_without_end_and_keeps_minutes_of_what_it_forgets(monkeypatch: pytest.MonkeyPatch):
    quotes = [Quote("A", 1.0 + second % 7, 9.0, 0, 0, second * NS_PER_SECOND, 0) for second in range(6000)]
    whole = Tape()
    whole.extend(quotes)
    monkeypatch.setattr(tape_module, "MAX_TICKS", 300)
    folding = Tape()
    for quote in quotes:
        folding.extend([quote])
    assert len(folding.quotes("A", 0, 10**13).times) <= 300
    assert len(folding.columns("A", "BID", 0, 10**13).times) < 600
    assert folding.begin("A", "BID") == 0

    def hours(tape):
        columns = tape.columns("A", "BID", 0, 10**13)
        return price_bars(merged(columns, bar_starts(columns.times, 3600 * NS_PER_SECOND)), trades=False)

    assert hours(folding) == hours(whole)
