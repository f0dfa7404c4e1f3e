"""Positions and cash from executions: exact, and each execution once."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import Books, Commission, Execution, Instrument, InstrumentKind, Side, exact

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, 0.25, multiplier=50.0)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 265598, 0.01)
CALL = Instrument("AAPL-20261218-250C@SMART", InstrumentKind.OPTION, "AAPL", "SMART", "USD", 2, 0.05, multiplier=100.0)


def execution(number: int, instrument: Instrument, side: Side, quantity: float, price: float) -> Execution:
    return Execution(f"e{number:04d}.01", f"o-{number}", "DU1", instrument.id, side, quantity, price, number)


def booked(instrument: Instrument, *trades: tuple[Side, float, float]) -> Books:
    books = Books()
    for number, (side, quantity, price) in enumerate(trades):
        assert books.execute(execution(number, instrument, side, quantity, price), instrument)
    return books


def test_an_execution_that_comes_twice_counts_once():
    books = booked(AAPL, (Side.BUY, 10, 190.5))
    assert not books.execute(execution(0, AAPL, Side.BUY, 10, 190.5), AAPL)
    assert books.positions() == {"DU1": {AAPL.id: 10.0}}
    assert books.cash_changes() == {"DU1": {"USD": Decimal(-1905)}}


def test_a_commission_that_comes_twice_counts_once_and_needs_its_execution():
    books = booked(AAPL, (Side.BUY, 10, 190.5))
    assert not books.charge(Commission("another", 1.0, "USD"))
    assert books.charge(Commission("e0000.01", 0.35, "USD"))
    assert not books.charge(Commission("e0000.01", 0.35, "USD"))
    assert books.cash_changes()["DU1"]["USD"] == Decimal("-1905.35")


def test_a_currency_pair_moves_two_currencies():
    books = booked(EURUSD, (Side.BUY, 20_000, 1.08505))
    assert books.cash_changes() == {"DU1": {"EUR": Decimal(20_000), "USD": Decimal("-21701.0")}}


def test_the_premium_of_an_option_is_paid_and_received_in_cash():
    books = booked(CALL, (Side.BUY, 3, 12.35), (Side.SELL, 2, 13.35))
    assert books.cash_changes() == {"DU1": {"USD": Decimal(-3705) + Decimal(2670)}}
    assert books.realised("DU1", CALL.id) == 200.0
    assert books.position("DU1", CALL.id).average_price == 12.35


def test_an_option_that_is_written_brings_its_premium():
    books = booked(CALL, (Side.SELL, 1, 12.5))
    assert books.cash_changes() == {"DU1": {"USD": Decimal(1250)}}
    assert books.position("DU1", CALL.id).quantity == -1.0


def test_tenths_add_up_to_whole_numbers():
    books = booked(AAPL, *[(Side.BUY, 0.1, 0.1)] * 10, (Side.SELL, 1.0, 0.1))
    assert books.positions() == {}
    assert books.cash_changes() == {}


def test_a_reversal_keeps_the_price_of_what_was_opened():
    books = booked(ES, (Side.BUY, 2, 4500.0), (Side.SELL, 5, 4510.0))
    position = books.position("DU1", ES.id)
    assert (position.quantity, position.average_price) == (-3.0, 4510.0)
    assert books.realised("DU1", ES.id) == 2 * 10 * 50
    assert books.cash_changes() == {"DU1": {"USD": Decimal(1000)}}


def test_a_future_costs_no_cash_until_it_is_closed():
    books = booked(ES, (Side.BUY, 2, 4500.0), (Side.BUY, 1, 4503.0))
    assert books.position("DU1", ES.id).average_price == 4501.0
    assert books.cash_changes() == {}


PRICES = st.integers(1, 10**7).map(lambda ticks: float(Decimal(ticks) * Decimal("0.00005")))
TRADES = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 10**6).map(float), PRICES), max_size=30)


@given(TRADES)
def test_the_cash_of_a_stock_is_exactly_the_sum_of_its_trades(trades):
    expected = -sum((exact(quantity) * side.sign * exact(price) for side, quantity, price in trades), Decimal(0))
    cash = booked(AAPL, *trades).cash_changes().get("DU1", {}).get("USD", Decimal(0))
    assert cash == expected


@given(TRADES)
def test_what_a_future_has_gained_and_still_may_is_the_sum_of_its_trades(trades):
    books = booked(ES, *trades)
    paid = -sum((Fraction(quantity) * side.sign * Fraction(exact(price)) * 50 for side, quantity, price in trades), Fraction(0))
    position = books.position("DU1", ES.id)
    realised = Fraction(books.cash_changes().get("DU1", {}).get("USD", Decimal(0)))
    held_at_cost = Fraction(position.quantity) * Fraction(exact(position.average_price)) * 50
    turnover = sum((Fraction(quantity) * Fraction(exact(price)) * 50 for _, quantity, price in trades), Fraction(1))
    assert abs(realised - held_at_cost - paid) <= turnover * Fraction(1, 10**14)  # the average is handed out as a float


@given(TRADES)
def test_books_that_rest_and_go_on_are_the_same_books(trades):
    half = len(trades) // 2
    whole = booked(ES, *trades)
    resumed = Books.from_state(booked(ES, *trades[:half]).state())
    for number, (side, quantity, price) in enumerate(trades):
        resumed.execute(execution(number, ES, side, quantity, price), ES)
    assert resumed.positions() == whole.positions()
    assert resumed.cash_changes() == whole.cash_changes()
