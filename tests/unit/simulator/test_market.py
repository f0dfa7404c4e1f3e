"""Where ticks come from and when: the seeded market, recordings, virtual time, the feed."""

import asyncio
import itertools
import zipfile
from itertools import pairwise

import pytest

from atlas.domain import NS_PER_SECOND, BadInput, Quote, Trade
from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.market import Feed, Recording, SyntheticMarket, VirtualClock

START = 1_780_671_600 * NS_PER_SECOND
EURUSD, AAPL, ES = "EUR.USD@IDEALPRO", "AAPL@SMART", "ES-202609@CME"


@pytest.fixture(scope="module")
def listings():
    return {listing.instrument.id: listing for listing in load()}


@pytest.fixture
def market(listings):
    def make(*active, seed=1, rate=5.0):
        return SyntheticMarket(listings, active, seed, START, rate)

    return make


# The seeded market


def test_the_same_seed_gives_the_same_ticks_and_another_seed_others(market):
    first = market(EURUSD, AAPL).take(None, 2000)
    assert market(EURUSD, AAPL).take(None, 2000) == first
    assert market(EURUSD, AAPL, seed=2).take(None, 2000) != first


def test_a_path_does_not_depend_on_what_else_is_active_nor_on_batches(market):
    alone = market(EURUSD).take(START + 600 * NS_PER_SECOND, 10**6)
    crowded = market(AAPL, EURUSD, ES)
    batches = []
    while (due := crowded.next_ns()) is not None and due <= START + 600 * NS_PER_SECOND:
        batches += crowded.take(START + 600 * NS_PER_SECOND, 7)
    assert [event for event in batches if event.instrument == EURUSD] == alone


@pytest.mark.parametrize("name", [EURUSD, AAPL, ES, "USD.JPY@IDEALPRO", "GC-202608@COMEX"])
def test_quotes_lie_on_the_grid_in_order_with_a_spread_and_sizes(market, listings, name):
    instrument = listings[name].instrument
    events = market(name).take(None, 3000)
    quotes = [event for event in events if isinstance(event, Quote)]
    assert all(instrument.on_tick(q.bid) and instrument.on_tick(q.ask) for q in quotes)
    assert all(q.bid < q.ask and q.bid_size > 0 and q.ask_size > 0 for q in quotes)
    assert all(earlier.exchange_ns < later.exchange_ns for earlier, later in pairwise(quotes))
    spreads = {round((q.ask - q.bid) / instrument.tick_size) for q in quotes}
    assert len(spreads) > 1
    assert min(spreads) >= 1


def test_only_stocks_and_futures_print_trades_and_they_print_at_the_touch(market):
    assert not any(isinstance(event, Trade) for event in market(EURUSD).take(None, 1000))
    events = market(AAPL).take(None, 3000)
    trades = [(quote, trade) for quote, trade in pairwise(events) if isinstance(trade, Trade)]
    assert len(trades) > 300
    assert all(trade.price in (quote.bid, quote.ask) and trade.size > 0 for quote, trade in trades)


def test_there_are_about_as_many_quotes_as_asked_for_and_more_when_markets_are_lively(market):
    def count(hours_after):
        begin = START + hours_after * 3600 * NS_PER_SECOND
        one = market(AAPL)
        one.take(begin, 10**7)
        return sum(isinstance(event, Quote) for event in one.take(begin + 600 * NS_PER_SECOND, 10**7))

    at_eleven, at_night = count(0), count(8)
    assert 600 * 5 * 0.5 < at_eleven < 600 * 5 * 1.6
    assert at_night < at_eleven * 0.7


def test_prices_wander_as_far_as_their_volatility_says(market, listings):
    events = market(EURUSD, rate=1.0).take(None, 20_000)
    mids = [event.mid for event in events]
    returns = [later / earlier - 1 for earlier, later in pairwise(mids[::60])]
    per_minute = (sum(r * r for r in returns) / len(returns)) ** 0.5
    expected = listings[EURUSD].model.volatility / (252 * 6.5 * 60) ** 0.5
    assert 0.5 * expected < per_minute < 3 * expected


def test_an_instrument_is_quoted_from_its_activation_on(market):
    one = market(EURUSD)
    one.take(START + 60 * NS_PER_SECOND, 10**6)
    one.activate(AAPL, START + 60 * NS_PER_SECOND)
    first = next(event for event in one.take(None, 100) if event.instrument == AAPL)
    assert first.exchange_ns == START + 60 * NS_PER_SECOND
    one.activate(AAPL, START + 61 * NS_PER_SECOND)
    assert list(one.instruments) == [AAPL, EURUSD]


# Recordings


@pytest.fixture
def lean(tmp_path):
    """Writes a Lean recording of given text."""

    def write(text, folder="eurusd", name="20140505_quote.zip", members=1):
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(members):
                archive.writestr(f"ticks{number}.csv", text)
        return path

    return write


@pytest.fixture
def read(listings):
    return lambda path: Recording(path, [listing.instrument for listing in listings.values()])


def test_a_lean_recording_is_ticks_of_its_day_and_pair_without_sizes(lean, read):
    recording = read(lean("23668,1.38710,1.38726\n86399513,1.38741,1.38755"))
    assert list(recording.instruments) == [EURUSD]
    assert recording.take(None, 10) == [
        Quote(EURUSD, 1.3871, 1.38726, 0, 0, 1_399_248_023_668_000_000, 1_399_248_023_668_000_000),
        Quote(EURUSD, 1.38741, 1.38755, 0, 0, 1_399_334_399_513_000_000, 1_399_334_399_513_000_000),
    ]
    assert recording.next_ns() is None


def test_the_real_recording_has_all_its_quotes(market_data, read):
    recording = read(market_data / "a_permissive/lean/forex/oanda/tick/nzdusd/20140505_quote.zip")
    assert list(recording.instruments) == ["NZD.USD@IDEALPRO"]
    assert len(recording) == len(recording.take(None, 10**6)) > 1000


def test_a_csv_recording_holds_several_instruments_times_of_both_kinds_and_optional_sizes(tmp_path, read):
    path = tmp_path / "ticks.csv"
    path.write_text(
        "time,instrument,bid,ask,bid_size,ask_size\n"
        f"1780671600000000000,{EURUSD},1.16,1.1601,500000,\n"
        f"2026-06-05T15:00:01.5+00:00,{AAPL},270.0,270.02,100,200\n"
    )
    assert read(path).take(None, 10) == [
        Quote(EURUSD, 1.16, 1.1601, 500_000, 0, START, START),
        Quote(AAPL, 270.0, 270.02, 100, 200, START + 1_500_000_000, START + 1_500_000_000),
    ]


def test_taking_stops_at_a_time_and_at_a_number(lean, read):
    recording = read(lean("1000,1,2\n1000,1,2\n2000,1,2\n3000,1,2"))
    begin = recording.first_ns
    assert len(recording.take(begin, 10)) == 2
    assert len(recording.take(begin + 5 * NS_PER_SECOND, 1)) == 1
    assert recording.next_ns() == begin + 2 * NS_PER_SECOND


def test_a_recording_that_cannot_be_played_is_refused_in_one_line(lean, read, tmp_path):
    numbers = itertools.count()

    def csv(text):
        path = tmp_path / f"ticks{next(numbers)}.csv"
        path.write_text(text)
        return path

    header = "time,instrument,bid,ask,bid_size,ask_size\n"
    whole = lean("23668,1.38710,1.38726\n" * 500)
    truncated = tmp_path / "eurusd" / "20140506_quote.zip"
    truncated.write_bytes(whole.read_bytes()[:-40])
    damaged = tmp_path / "eurusd" / "20140507_quote.zip"
    content = bytearray(whole.read_bytes())
    content[60] ^= 0xFF
    damaged.write_bytes(content)
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, words in [
        (tmp_path / "none.csv", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (truncated, "is damaged"),
        (damaged, "is damaged"),
        (binary, "is no text"),
        (lean("", name="20140508_quote.zip"), "is empty"),
        (csv(""), "is empty"),
        (csv(header), "is empty"),
        (csv("a,b\n"), "begins with 'a,b'"),
        (csv(header + f"soon,{EURUSD},1,2,,\n"), "line 2"),
        (csv(header + f"1780671600000000000,{EURUSD},1,nan,,\n"), "line 2"),
        (csv(header + f"{'9' * 30},{EURUSD},1,2,,\n"), "the time is not between 1970 and 2100"),
        (csv(header + f"9999-12-31T23:59:59-14:00,{EURUSD},1,2,,\n"), "the time is not between 1970 and 2100"),
        (csv(header + f"0001-01-01T00:00:00+14:00,{EURUSD},1,2,,\n"), "the time is not between 1970 and 2100"),
        (csv(header + "1780671600000000000,NO.SUCH@X,1,2,,\n"), "'NO.SUCH@X' is not in the instruments file"),
        (csv(header + f"2,{EURUSD},1,2,,\n1,{EURUSD},1,2,,\n"), "line 3: the time goes back"),
        (csv(header + f"2026-06-05T15:00:00,{EURUSD},1,2,,\n"), "no time zone"),
        (lean("1000,1.1\n", name="20140509_quote.zip"), "line 1: '1000,1.1' is not `ms,bid,ask`"),
        (lean("1,1,2", folder="abcdef"), "is of abcdef, which the instruments file does not list"),
        (lean("1,1,2", name="ticks.zip"), "expected a name as 20140505_quote.zip"),
        (lean("1,1,2", name="20149999_quote.zip"), "20149999 is no date"),
        (lean("1,1,2", name="20140510_quote.zip", members=2), "holds 2 files"),
    ]:
        with pytest.raises(BadInput, match="recording") as caught:
            read(path)
        assert words in str(caught.value), path
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


# Virtual time


class Real:
    """Real time that stands until it is told to pass."""

    def __init__(self):
        self.now = 0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("speed", "virtual"), [(1.0, 10), (60.0, 600), (0.5, 5)])
def test_virtual_time_stands_until_it_is_started_and_then_runs_at_its_speed(speed, virtual):
    real = Real()
    clock = VirtualClock(START, speed, real)
    real.now = 5 * NS_PER_SECOND
    assert clock.now_ns() == START
    clock.start()
    real.now += 10 * NS_PER_SECOND
    assert clock.now_ns() == START + virtual * NS_PER_SECOND
    assert clock.seconds_until(START + (virtual + 6) * NS_PER_SECOND) == pytest.approx(6 / speed)
    assert clock.seconds_until(START) == 0


def test_at_speed_zero_time_is_that_of_the_last_tick():
    clock = VirtualClock(START, 0.0, Real())
    clock.start()
    clock.reach(START + 7)
    clock.reach(START + 3)
    assert (clock.now_ns(), clock.seconds_until(START + 10**12)) == (START + 7, 0.0)


async def test_the_feed_waits_for_its_readers_after_every_batch_at_speed_zero(lean, read):
    recording = read(lean("\n".join(f"{ms},1,2" for ms in range(2000))))
    played, gate, waiting = [], asyncio.Semaphore(0), asyncio.Event()

    async def drained():
        waiting.set()
        await gate.acquire()

    feed = Feed(recording, VirtualClock(recording.first_ns, 0.0, Real()), played.append, drained)
    task = asyncio.create_task(feed.run())
    await asyncio.sleep(0)
    assert not played
    feed.start()
    await waiting.wait()
    assert len(played) == 1
    for _ in range(20):
        gate.release()
    await asyncio.wait_for(feed.wait_finished(), 5)
    await task
    assert sum(len(batch) for batch in played) == feed.quotes_played == 2000


async def test_the_feed_plays_what_is_due_and_no_more(lean, read):
    real, played = Real(), []
    recording = read(lean("0,1,2\n500,1,2\n1000,1,2"))
    heard = asyncio.Event()

    def play(events):
        played.extend(events)
        heard.set()

    async def drained():
        raise AssertionError("only waited for at speed 0")

    feed = Feed(recording, VirtualClock(recording.first_ns, 1.0, real), play, drained)
    feed.start()
    task = asyncio.create_task(feed.run())
    await heard.wait()
    assert len(played) == 1
    heard.clear()
    real.now = 700_000_000
    feed.want(EURUSD)
    await heard.wait()
    assert len(played) == 2
    task.cancel()
