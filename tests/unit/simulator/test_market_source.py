"""The seeded market by the clock, recordings with trades, and that the same questions get the same bytes."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from atlas.domain import NS_PER_SECOND, BadInput, ManualClock, Quote, Trade, from_datetime
from atlas.exchange import Exchange
from atlas.exchange.calendar import Phase
from ib_gateway.simulator.broker import Broker, MarketTerms
from ib_gateway.simulator.codec import Codec
from ib_gateway.simulator.instruments import ListedHours, load
from ib_gateway.simulator.instruments.option_model import implied_volatility
from ib_gateway.simulator.market import Recording, SyntheticMarket
from ib_gateway.simulator.messages import Contract
from ib_gateway.simulator.messages import requests as r

CATALOGUE = load()
LISTINGS = {listing.instrument.id: listing for listing in CATALOGUE}
AAPL, ES, EURUSD, SPX = "AAPL@SMART", "ES-202609@CME", "EUR.USD@IDEALPRO", "^SPX@CBOE"
OPTION = next(name for name in LISTINGS if name.startswith("AAPL-202612") and "-270C" in name)
FRIDAY = from_datetime(datetime(2026, 6, 5, 19, 59, tzinfo=UTC))  # a minute before the close in New York
HOUR = 3600 * NS_PER_SECOND


def market(*active, start_ns=FRIDAY, seed=1, rate=1.0):
    return SyntheticMarket(LISTINGS, active, seed, start_ns, rate, ListedHours(CATALOGUE))


# The seeded market by the clock


@pytest.mark.parametrize("name", [AAPL, ES, EURUSD])
def test_nothing_is_quoted_while_its_market_is_closed_and_all_of_it_again_afterwards(name):
    calendar = ListedHours(CATALOGUE)
    events = market(name, rate=0.05).take(FRIDAY + 70 * HOUR, 10**6)
    phases = [calendar.phase(name, event.exchange_ns) for event in events]
    assert Phase.CLOSED not in phases
    assert events[-1].exchange_ns > FRIDAY + 66 * HOUR  # Monday afternoon
    gaps = [later.exchange_ns - earlier.exchange_ns for earlier, later in pairwise(events)]
    assert max(gaps) > 47 * HOUR


def test_extended_hours_are_thin_and_their_spreads_wide():
    events = market(AAPL, start_ns=FRIDAY - HOUR).take(FRIDAY + 2 * HOUR, 10**6)
    close = FRIDAY + 60 * NS_PER_SECOND
    quotes = [event for event in events if isinstance(event, Quote)]
    regular = [quote for quote in quotes if quote.exchange_ns < close]
    extended = [quote for quote in quotes if close <= quote.exchange_ns < close + HOUR]
    assert 0 < len(extended) < len(regular) / 3

    def spread(some):
        return sum(quote.ask - quote.bid for quote in some) / len(some)

    assert spread(extended) > 1.5 * spread(regular)


def test_an_instrument_that_has_expired_is_not_quoted():
    assert market("ES-202512@CME").next_ns() is None


def test_an_option_brings_its_underlying_and_is_quoted_around_what_it_is_worth():
    events = market(OPTION, start_ns=FRIDAY - HOUR).take(FRIDAY, 10**6)
    under = None
    terms = LISTINGS[OPTION].option()
    volatilities = []
    for event in events:
        if event.instrument == AAPL and isinstance(event, Quote):
            under = event.mid
        elif isinstance(event, Quote) and under:
            assert 0 < event.bid < event.ask
            volatilities.append(implied_volatility(terms, event.mid, under, event.exchange_ns))
    assert len(volatilities) > 500
    assert max(volatilities) - min(volatilities) < 0.01
    assert abs(volatilities[0] - LISTINGS[AAPL].model.volatility) < 0.05


def test_an_index_has_a_level_without_a_spread_and_without_sizes():
    events = market(SPX, start_ns=FRIDAY - HOUR).take(FRIDAY, 100)
    assert len(events) == 100
    assert all(isinstance(event, Quote) and event.bid == event.ask > 0 and event.bid_size == 0 for event in events)


def test_the_same_seed_and_calendar_give_the_same_ticks_of_options_too():
    first = market(OPTION, ES).take(None, 3000)
    assert market(OPTION, ES).take(None, 3000) == first
    assert market(OPTION, ES, seed=2).take(None, 3000) != first


# Recordings with trades

HEADER = "time,instrument,bid,ask,bid_size,ask_size,price,size\n"


@pytest.fixture
def read(tmp_path):
    def read(text):
        path = tmp_path / "ticks.csv"
        path.write_text(text)
        return Recording(path, CATALOGUE.instruments())

    return read


def test_a_recording_holds_trades_beside_quotes_also_in_one_line(read):
    recording = read(
        HEADER
        + f"1780671600000000000,{AAPL},270.0,270.02,100,200,,\n"
        + f"1780671600500000000,{AAPL},,,,,270.01,50\n"
        + f"1780671601000000000,{AAPL},270.01,270.03,100,,270.02,25\n"
    )
    start = 1_780_671_600 * NS_PER_SECOND
    half, second = start + NS_PER_SECOND // 2, start + NS_PER_SECOND
    assert recording.take(None, 3) == [
        Quote(AAPL, 270.0, 270.02, 100, 200, start, start),
        Trade(AAPL, 270.01, 50, half, half),
        Quote(AAPL, 270.01, 270.03, 100, 0, second, second),
    ]
    assert recording.next_ns() == second
    assert recording.take(None, 3) == [Trade(AAPL, 270.02, 25, second, second)]
    assert len(recording) == 4


@pytest.mark.parametrize(
    "row",
    [
        f"1780671600000000000,{AAPL},,,,,270.01,",  # no size
        f"1780671600000000000,{AAPL},,,,,270.01,0",
        f"1780671600000000000,{AAPL},,,,,270.01,-5",
        f"1780671600000000000,{AAPL},,,,,nan,5",
        f"1780671600000000000,{AAPL},,,,,,5",
        f"1780671600000000000,{AAPL},,,,,,",
        f"1780671600000000000,{AAPL},270.0,270",  # cut off
    ],
)
def test_a_line_that_is_neither_quote_nor_trade_is_named(read, row):
    with pytest.raises(BadInput, match="line 2") as caught:
        read(HEADER + row)
    assert "\n" not in str(caught.value)


# The same questions get the same bytes


def replies_of(seed):
    """Everything that a client of each version hears in a session of the seeded market, as bytes."""
    said = {version: bytearray() for version in (157, 176)}
    codecs = {1: Codec(157), 2: Codec(176)}
    clock = ManualClock(FRIDAY)

    class Kept:
        def append(self, record):
            """Nothing is kept."""

    def send(client, reply):
        codec = codecs[client]
        said[codec.version] += codec.encode(reply)

    calendar = ListedHours(CATALOGUE)
    source = SyntheticMarket(LISTINGS, [EURUSD, AAPL, ES], seed, FRIDAY, 5.0, calendar)
    exchange = Exchange(CATALOGUE.instruments(), {"DU1": {"USD": 1e6}}, calendar=calendar)
    interest = lambda name, _streaming: source.activate(name, clock.now_ns())  # noqa: E731
    broker = Broker(CATALOGUE, exchange, clock, Kept(), send, interest, market_terms=MarketTerms(seed=seed))
    broker.begin()
    for client in codecs:
        broker.connect(client)
        for number, name in enumerate((EURUSD, AAPL, ES, OPTION), 1):
            instrument = LISTINGS[name].instrument
            contract = Contract(con_id=instrument.con_id, exchange=instrument.exchange)
            generic = "233,293,294,295,232,411" if name != EURUSD else ""
            broker.handle(client, r.MarketData(number, contract, generic))
            broker.handle(client, r.TickByTick(10 + number, contract, "BidAsk"))
            if number <= 3:
                broker.handle(client, r.MarketDepth(20 + number, contract, 5, name == AAPL))
    while (due := source.next_ns()) is not None and due < FRIDAY + 180 * NS_PER_SECOND:
        events = source.take(None, 64)
        clock.set(events[-1].exchange_ns)
        broker.on_market(events)
        broker.on_time()
    return said


def test_the_same_seed_and_requests_get_the_same_bytes_and_another_seed_others():
    first = replies_of(1)
    assert replies_of(1) == first
    assert replies_of(2)[176] != first[176]
    assert all(len(said) > 100_000 for said in first.values())
