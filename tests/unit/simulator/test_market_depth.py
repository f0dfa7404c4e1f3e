"""Books: what a client makes of the changes that it is told is, at every moment, what the model says."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, ManualClock, Quote
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.broker.market_data.desk_depth import changes
from ib_gateway.simulator.broker.market_data.letters import MAKERS
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.market.book import BookModel, Row
from ib_gateway.simulator.messages import Contract, replies
from ib_gateway.simulator.messages import requests as r

CATALOGUE = load()
AAPL, EURUSD = CATALOGUE.listing("AAPL@SMART"), CATALOGUE.listing("EUR.USD@IDEALPRO")
START = 1_780_671_600 * NS_PER_SECOND

quotes = st.builds(
    lambda low, spread, sizes, second: Quote(
        "AAPL@SMART", low / 100, (low + spread) / 100, *sizes, START + second * NS_PER_SECOND, START + second * NS_PER_SECOND
    ),
    st.integers(1, 30) | st.integers(26_990, 27_010),
    st.integers(1, 6),
    st.tuples(st.sampled_from([0.0, 1.0, 100.0, 700.0]), st.sampled_from([0.0, 50.0, 200.0, 900.0])),
    st.integers(0, 60),
)


class Copy:
    """A client's book, as ib_insync keeps it."""

    def __init__(self, rows):
        self.rows = rows
        self.sides = ([], [])

    def apply(self, reply):
        side = self.sides[reply.side]
        row = Row(reply.price, reply.size, getattr(reply, "market_maker", ""))
        if reply.operation == 0:
            assert reply.position <= len(side)
            side.insert(reply.position, row)
        elif reply.operation == 1:
            side[reply.position] = row
        else:
            del side[reply.position]
        asks, bids = self.sides
        assert max(len(asks), len(bids)) <= self.rows
        if asks and bids:
            assert bids[0].price < asks[0].price
        assert all(a.price <= b.price for a, b in itertools.pairwise(asks))
        assert all(a.price >= b.price for a, b in itertools.pairwise(bids))


class Desk:
    """A broker that hears quotes, and one book of it."""

    def __init__(self, contract, rows, *, smart):
        self.clock = ManualClock(START)
        self.copy = Copy(rows)
        exchange = Exchange(CATALOGUE.instruments(), {"DU1": {"USD": 1e6}})
        self.broker = Broker(CATALOGUE, exchange, self.clock, self, self.hear, lambda *_: None)
        self.broker.begin()
        self.broker.connect(1)
        self.broker.handle(1, r.MarketDepth(1, contract, rows, smart))

    def append(self, record):
        """Nothing is kept."""

    def hear(self, _client, reply):
        if isinstance(reply, (replies.MarketDepth, replies.MarketDepthL2)):
            self.copy.apply(reply)


@settings(max_examples=60, deadline=None)
@given(st.lists(quotes, min_size=1, max_size=12), st.integers(1, 12), st.booleans())
def test_a_copy_equals_the_model_after_every_quote_and_is_never_crossed_in_between(said, rows, smart):
    exchange = "SMART" if smart else "ISLAND"
    desk = Desk(Contract(con_id=AAPL.instrument.con_id, exchange=exchange), rows, smart=smart)
    makers = MAKERS if smart else None
    for quote in said:
        desk.broker.on_market([quote])
        asks, bids = desk.copy.sides
        assert bids[0].price == quote.bid
        assert asks[0].price == quote.ask
        for side, price, size in ((bids, quote.bid, quote.bid_size), (asks, quote.ask, quote.ask_size)):
            at_best = [row.size for row in side if row.price == price]
            assert sum(at_best) == size or len(side) == rows
        if makers:
            book = BookModel(1).book(AAPL, quote, rows, makers)
            assert (asks, bids) == (book.asks, book.bids)


rows_of_a_side = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 3), st.sampled_from("AB")), max_size=10).map(
    lambda found: [Row(price, size, maker) for (price, maker), size in sorted({(p, m): s for p, s, m in found}.items())]
)


@given(rows_of_a_side, rows_of_a_side)
def test_changes_make_any_side_into_any_other_without_touching_rows_that_stay(old, new):
    gone, come = changes(old, new)
    side = list(old)
    for operation, position, _ in gone:
        assert operation == 2
        del side[position]
    for operation, position, row in come:
        if operation == 0:
            side.insert(position, row)
        else:
            assert (side[position].price, side[position].maker) == (row.price, row.maker)
            side[position] = row
    assert side == new
    assert len(gone) + len(come) <= len(set(old) ^ set(new))


@given(quotes, st.integers(1, 1000))
def test_a_book_depends_on_seed_and_quote_alone(quote, seed):
    assert BookModel(seed).book(AAPL, quote, 10) == BookModel(seed).book(AAPL, quote, 10)


def test_levels_that_stay_in_view_stay_what_they_are():
    model = BookModel(1)
    first = model.book(AAPL, Quote("AAPL@SMART", 270.0, 270.02, 100, 100, START, START), 10)
    second = model.book(AAPL, Quote("AAPL@SMART", 269.99, 270.02, 100, 100, START, START), 10)
    deep = {row for row in first.bids if row.price < 269.99}
    assert len(deep & set(second.bids)) >= 7
    assert first.asks == second.asks


def test_levels_lie_on_the_grid_also_below_a_quote_that_does_not():
    book = BookModel(1).book(EURUSD, Quote("EUR.USD@IDEALPRO", 1.160013, 1.160061, 1e6, 1e6, START, START), 10)
    assert (book.bids[0].price, book.asks[0].price) == (1.160013, 1.160061)
    assert all(EURUSD.instrument.on_tick(row.price) for row in book.bids[1:] + book.asks[1:])
    assert len(book.bids) == len(book.asks) == 10


@pytest.mark.parametrize("price", [-1.0, 0.0])
def test_a_side_without_a_price_has_no_book(price):
    book = BookModel(1).book(AAPL, Quote("AAPL@SMART", price, 270.02, 0, 100, START, START), 5)
    assert (book.bids, len(book.asks)) == ([], 5)
