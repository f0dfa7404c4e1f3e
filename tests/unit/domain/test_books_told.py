"""What books tell of several accounts, and of fractions, and after a rest."""

from decimal import Decimal

from atlas.domain import Books, Execution, Instrument, InstrumentKind, Position, Side

ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, 0.25, multiplier=50.0)
PAIR = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 2, 0.00005)


def booked(books: Books, *trades: tuple[int, str, Instrument, Side, float, float]) -> Books:
    for number, account, instrument, side, quantity, price in trades:
        books.execute(Execution(f"t{number}.01", "", account, instrument.id, side, quantity, price, at_ns=number), instrument)
    return books


def test_each_account_has_its_own_holdings_and_what_it_closed_it_has_only_traded():
    books = booked(
        Books(),
        (1, "A", ES, Side.BUY, 1.0, 100.0),
        (2, "B", PAIR, Side.BUY, 3.0, 2.0),
        (3, "A", PAIR, Side.BUY, 5.0, 1.0),
        (4, "A", PAIR, Side.SELL, 5.0, 2.0),
    )
    assert books.held("A") == {ES.id: Position(1.0, 100.0)}
    assert (books.traded("A"), books.traded("B"), books.traded("C")) == ([ES.id, PAIR.id], [PAIR.id], [])
    assert (books.realised("A", PAIR.id), books.realised("C", PAIR.id)) == (5.0, 0.0)


def test_a_currency_pair_that_is_bought_twice_brings_both_quantities():
    books = booked(Books(), (1, "A", PAIR, Side.BUY, 3.0, 1.0), (2, "A", PAIR, Side.BUY, 2.0, 1.0))
    assert books.cash("A") == {"EUR": Decimal(5), "USD": Decimal(-5)}


def test_fractions_that_are_bought_one_after_the_other_close_nothing():
    books = booked(Books(), (1, "A", PAIR, Side.BUY, 0.5, 1.0), (2, "A", PAIR, Side.BUY, 0.5, 2.0))
    assert (books.position("A", PAIR.id), books.realised("A", PAIR.id)) == (Position(1.0, 1.5), 0.0)


def test_an_execution_that_comes_late_after_a_rest_counts_on_top_of_what_was_held():
    before = booked(Books(), (1, "A", ES, Side.BUY, 2.0, 100.0))
    after = booked(Books.from_state(before.state()), (9, "A", ES, Side.SELL, 1.0, 110.0), (8, "A", ES, Side.BUY, 1.0, 103.0))
    assert after.position("A", ES.id) == Position(2.0, 101.0)
    assert after.realised("A", ES.id) == 450.0
