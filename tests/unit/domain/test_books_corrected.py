"""Corrections, busts and late executions: the books become what they would be had all been told rightly and in time."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import BadInput, Books, Commission, Execution, Instrument, InstrumentKind, Side
from atlas.domain.books import BooksState

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, 0.25, multiplier=50.0)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 265598, 0.01)
INSTRUMENTS = {one.id: one for one in (EURUSD, ES, AAPL)}


def execution(name: str, side: Side, quantity: float, price: float, at_ns: int, instrument: Instrument = AAPL) -> Execution:
    return Execution(name, "o", "DU1", instrument.id, side, quantity, price, at_ns)


def booked(*executions: Execution) -> Books:
    books = Books()
    for one in executions:
        books.execute(one, INSTRUMENTS[one.instrument])
    return books


def facts(books: Books) -> tuple[object, ...]:
    realised = {name: books.realised("DU1", name) for name in INSTRUMENTS}
    return books.held("DU1"), realised, books.cash_changes(), books.commissions("DU1")


def test_a_correction_takes_the_place_of_what_it_corrects():
    books = booked(execution("x.01", Side.BUY, 10, 100.0, 1), execution("y.01", Side.SELL, 4, 110.0, 2))
    assert books.execute(execution("x.02", Side.BUY, 8, 90.0, 1), AAPL)
    assert facts(books) == facts(booked(execution("x.02", Side.BUY, 8, 90.0, 1), execution("y.01", Side.SELL, 4, 110.0, 2)))
    assert books.realised("DU1", AAPL.id) == 80.0
    assert books.cash("DU1") == {"USD": Decimal(-720 + 440)}
    assert books.executions == 2


def test_a_late_word_on_what_was_corrected_is_not_counted():
    books = booked(execution("x.02", Side.BUY, 8, 90.0, 1))
    assert not books.execute(execution("x.01", Side.BUY, 10, 100.0, 1), AAPL)
    assert not books.execute(execution("x.02", Side.BUY, 8, 90.0, 1), AAPL)
    assert books.position("DU1", AAPL.id).quantity == 8.0


def test_a_bust_leaves_the_books_as_if_it_had_never_been():
    left = execution("y.01", Side.SELL, 3, 4500.0, 2, ES)
    books = booked(execution("x.01", Side.BUY, 2, 4490.0, 1, ES), left)
    assert books.cash("DU1") == {"USD": Decimal(1000)}
    books.execute(execution("x.02", Side.BUY, 0, 4490.0, 1, ES), ES)
    assert facts(books) == facts(booked(left))
    assert books.cash("DU1") == {}
    assert books.position("DU1", ES.id).average_price == 4500.0


def test_a_correction_of_a_currency_pair_moves_both_currencies_back():
    books = booked(execution("x.01", Side.BUY, 20_000, 1.1, 1, EURUSD))
    books.execute(execution("x.02", Side.SELL, 10_000, 1.2, 1, EURUSD), EURUSD)
    assert books.cash("DU1") == {"EUR": Decimal(-10_000), "USD": Decimal("12000.0")}


def test_an_execution_that_comes_late_counts_at_its_time():
    first, second, third = (
        execution("a.01", Side.BUY, 10, 100.0, 1),
        execution("b.01", Side.BUY, 10, 120.0, 2),
        execution("c.01", Side.SELL, 10, 130.0, 3),
    )
    assert facts(booked(third, first, second)) == facts(booked(first, second, third))
    assert booked(second, third, first).realised("DU1", AAPL.id) == 200.0


def test_executions_of_the_same_moment_count_in_the_order_of_their_ids():
    buy, sell = execution("a.01", Side.BUY, 10, 100.0, 1), execution("b.01", Side.SELL, 15, 110.0, 1)
    for books in (booked(buy, sell), booked(sell, buy)):
        assert books.position("DU1", AAPL.id) == booked(buy, sell).position("DU1", AAPL.id)
        assert books.realised("DU1", AAPL.id) == 100.0


def test_the_commission_of_a_correction_takes_the_place_of_the_earlier_one_in_its_currency():
    books = booked(execution("x.01", Side.BUY, 10, 100.0, 1))
    assert books.charge(Commission("x.01", 2.0, "USD"))
    assert books.execute(execution("x.02", Side.BUY, 10, 101.0, 1), AAPL)
    assert books.commissions("DU1") == {"USD": 2.0}
    assert books.charge(Commission("x.02", 1.5, "EUR"))
    assert not books.charge(Commission("x.01", 2.0, "USD"))
    assert books.commissions("DU1") == {"EUR": 1.5, "USD": 0.0}
    assert books.cash("DU1") == {"EUR": Decimal("-1.5"), "USD": Decimal(-1010)}
    assert books.uncharged == 0


def test_a_correction_of_another_instrument_or_account_is_an_error_and_changes_nothing():
    books = booked(execution("x.01", Side.BUY, 10, 100.0, 1))
    before = facts(books)
    with pytest.raises(BadInput, match=r"x\.02 corrects x\.01, which was of AAPL@SMART in DU1"):
        books.execute(execution("x.02", Side.BUY, 10, 100.0, 1, ES), ES)
    assert facts(books) == before
    assert books.execute(execution("x.02", Side.BUY, 9, 100.0, 1), AAPL)


def test_books_that_have_rested_know_what_they_counted_and_cannot_correct_it():
    books = booked(execution("x.02", Side.BUY, 10, 100.0, 1))
    books.charge(Commission("x.02", 1.0, "USD"))
    resumed = Books.from_state(books.state())
    assert not resumed.execute(execution("x.01", Side.BUY, 1, 1.0, 1), AAPL)
    assert not resumed.execute(execution("x.02", Side.BUY, 10, 100.0, 1), AAPL)
    with pytest.raises(BadInput, match=r"x\.03 corrects x\.02, of which these books keep nothing but the id"):
        resumed.execute(execution("x.03", Side.BUY, 1, 1.0, 1), AAPL)
    assert facts(resumed)[:3] == facts(books)[:3]


def test_commissions_of_executions_before_the_rest_still_find_them():
    resumed = Books.from_state(booked(execution("x.01", Side.BUY, 10, 100.0, 1)).state())
    assert resumed.charge(Commission("x.01", 1.0, "USD"))
    assert resumed.cash("DU1") == {"USD": Decimal(-1001)}


def test_what_futures_gained_before_the_rest_is_neither_lost_nor_counted_twice():
    books = booked(execution("a.01", Side.BUY, 2, 4500.0, 1, ES), execution("b.01", Side.SELL, 1, 4510.0, 2, ES))
    rested = books.state()
    assert rested.cash == [("DU1", "USD", Decimal("500.00"))]
    without = BooksState(rested.holdings, rested.cash, rested.realised, rested.counted, rested.uncharged)
    for state in (rested, without):
        resumed = Books.from_state(state)
        assert resumed.cash("DU1") == {"USD": Decimal(500)}
        resumed.execute(execution("c.01", Side.SELL, 1, 4520.0, 3, ES), ES)
        assert resumed.cash("DU1") == {"USD": Decimal(1500)}
        assert resumed.realised("DU1", ES.id) == 1500.0
        assert resumed.state().cash == [("DU1", "USD", Decimal("1500.00"))]


NAMES = [f"e{number}" for number in range(6)]
WORDS = st.tuples(
    st.sampled_from(NAMES),
    st.integers(1, 3),
    st.sampled_from(Side),
    st.integers(0, 5).map(float),
    st.integers(1, 400).map(lambda ticks: ticks / 4),
)


@given(st.lists(WORDS, max_size=14), st.randoms(use_true_random=False), st.booleans())
def test_however_executions_are_told_the_books_are_those_of_the_last_words_in_time(words, random, is_future):
    instrument = ES if is_future else AAPL
    told = {
        f"{name}.{revision:02d}": execution(f"{name}.{revision:02d}", side, quantity, price, NAMES.index(name) // 2, instrument)
        for name, revision, side, quantity, price in words
    }
    last = {name: told[max(one for one in told if one.startswith(name))] for name in {one[:2] for one in told}}
    heard = [*told.values(), *random.choices(list(told.values()), k=len(told))] if told else []
    random.shuffle(heard)
    expected = booked(*sorted(last.values(), key=lambda one: (one.at_ns, one.id)))
    books = booked(*heard)
    assert facts(books) == facts(expected)
    assert books.executions == len(last)
