"""What the subscriber makes of ticks, errors and losses, with a feed that does as it is told."""

import asyncio

import pytest
from support.virtual_loop import VirtualLoop

from atlas.domain import Instrument, InstrumentKind, ManualClock, Refused, Unavailable
from atlas.ib.farms import Farm, FarmChange, FarmKind, FarmState
from atlas.ib.link import Effect
from atlas.market import Subscription, SubscriptionState
from atlas.service.alarms import Alarms
from services.watcher.subscriber import COMPETING, LINE, Subscriber

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 1, 0.00005)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 2, 0.01)
SPY = Instrument("SPY@SMART", InstrumentKind.STOCK, "SPY", "SMART", "USD", 3, 0.01)
SECOND = 10**9


class Feed:
    """Keeps what it is asked for; refuses while the link is down."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.cancelled: list[str] = []
        self.is_up = True

    async def subscribe(self, instrument: Instrument, *, tick_by_tick: bool) -> None:
        if not self.is_up:
            raise Unavailable("the link is down")
        self.asked.append((instrument.id, tick_by_tick))

    async def cancel(self, instrument: str) -> None:
        self.cancelled.append(instrument)

    def forget(self) -> None:
        self.asked.clear()


class Bench:
    """A subscriber in virtual time, which can be let pass."""

    def __init__(self, **terms: object) -> None:
        self.loop = VirtualLoop()
        self.clock = ManualClock()
        self.history: list[tuple[str, bool]] = []
        self.alarms = Alarms("watcher", self.clock, lambda one: self.history.append((one.key, not one.cleared_ns)))
        values = {"lines": 10, "tick_by_tick_lines": 3, "tick_seconds": 10.0, "stale_seconds": 60.0, **terms}
        self.feed = Feed()
        self.loop.run(self._make(values))
        self.task = self.loop.create_task(self.subscriber.run())

    async def _make(self, values):
        self.subscriber = Subscriber(self.clock, self.alarms, **values)
        self.subscriber.feed = self.feed

    def want(self, *instruments: Instrument) -> None:
        self.subscriber.want("robot", instruments)
        self.pass_seconds(0.1)

    def tick(self, instrument: Instrument) -> None:
        self.subscriber.on_tick(instrument.id, self.clock.now_ns())

    def trouble(self, instrument: Instrument, code: int) -> None:
        self.subscriber.on_trouble(instrument.id, code, "no")

    def pass_seconds(self, seconds: float) -> None:
        self.loop.run(self._pass(seconds))

    async def _pass(self, seconds):

        for _ in range(round(seconds * 10)):
            self.clock.advance(SECOND // 10)
            await asyncio.sleep(0.1)

    def state(self, instrument: Instrument) -> SubscriptionState | None:
        return self.subscriber.table.state(Subscription(instrument.id, LINE))


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.loop.end([])


def test_what_is_wanted_is_asked_for_once_and_up_after_its_first_tick(bench):
    bench.want(EURUSD)
    assert bench.feed.asked == [(EURUSD.id, True)]
    assert bench.state(EURUSD) is SubscriptionState.ASKED
    bench.tick(EURUSD)
    assert bench.state(EURUSD) is SubscriptionState.UP
    bench.pass_seconds(120)
    assert len(bench.feed.asked) == 1


def test_streams_of_every_tick_are_shared_out_a_pair_needs_one_and_a_stock_two(bench):
    bench.want(EURUSD)
    bench.want(AAPL)
    bench.want(SPY)
    assert bench.feed.asked == [(EURUSD.id, True), (AAPL.id, True), (SPY.id, False)]


def test_a_silence_after_a_subscription_makes_it_anew_more_and_more_rarely(bench):
    bench.want(EURUSD)
    bench.pass_seconds(14)
    assert len(bench.feed.asked) == 2
    bench.pass_seconds(24)
    assert len(bench.feed.asked) == 3
    bench.tick(EURUSD)
    bench.pass_seconds(300)
    assert len(bench.feed.asked) == 3


@pytest.mark.parametrize("code", [10187, 10189, 10190])
def test_an_instrument_without_tick_by_tick_data_is_sampled(bench, code):
    bench.want(AAPL)
    bench.trouble(AAPL, code)
    bench.trouble(AAPL, code)  # quotes and trades are two requests
    bench.pass_seconds(0.5)
    assert bench.feed.asked == [(AAPL.id, True), (AAPL.id, False)]
    assert bench.history == []


def test_an_instrument_without_data_is_an_alarm_that_its_first_tick_clears(bench):
    bench.want(AAPL)
    bench.trouble(AAPL, 354)
    bench.trouble(AAPL, 354)
    assert bench.history == [("market-data:AAPL@SMART", True)]
    bench.tick(AAPL)
    assert bench.history[1:] == [("market-data:AAPL@SMART", False)]


@pytest.mark.parametrize("code", [10090, 10167, 300])
def test_advice_is_no_alarm(bench, code):
    bench.want(AAPL)
    bench.tick(AAPL)
    bench.trouble(AAPL, code)
    assert bench.history == []
    assert bench.state(AAPL) is SubscriptionState.UP


def test_a_competing_session_that_all_streams_hear_of_is_one_alarm(bench):
    bench.want(EURUSD, AAPL, SPY)
    for one in (EURUSD, AAPL, SPY):
        bench.tick(one)
    for one in (EURUSD, AAPL, SPY, EURUSD):
        bench.trouble(one, 10197)
    assert bench.history == [(COMPETING, True)]
    assert not bench.subscriber.table.up
    bench.tick(AAPL)
    assert bench.history == [(COMPETING, True), (COMPETING, False)]


def test_after_a_loss_nothing_is_up_and_all_is_asked_for_when_the_link_is_back(bench):
    bench.want(EURUSD, AAPL)
    bench.tick(EURUSD)
    bench.feed.is_up = False
    bench.subscriber.on_lost()
    assert bench.state(EURUSD) is SubscriptionState.WANTED
    bench.pass_seconds(60)
    assert bench.feed.asked == [], "nothing is asked of a link that is down"
    bench.feed.is_up = True
    bench.subscriber.on_effect(Effect.RESUBSCRIBE)
    bench.pass_seconds(0.5)
    assert [name for name, _ in bench.feed.asked] == [AAPL.id, EURUSD.id]


def test_verifying_makes_anew_only_what_stays_silent(bench):
    bench.want(EURUSD, AAPL)
    bench.tick(EURUSD)
    bench.tick(AAPL)
    bench.subscriber.on_effect(Effect.VERIFY)
    bench.tick(AAPL)
    bench.pass_seconds(16)
    assert [name for name, _ in bench.feed.asked[2:]] == [EURUSD.id]


@pytest.mark.parametrize(
    ("kind", "before", "verified"),
    [
        (FarmKind.MARKET_DATA, FarmState.BROKEN, True),
        (FarmKind.HISTORY, FarmState.BROKEN, False),
        (FarmKind.MARKET_DATA, FarmState.INACTIVE, False),
        (FarmKind.MARKET_DATA, None, False),
    ],
)
def test_only_a_market_data_farm_that_was_away_makes_ticks_expected(bench, kind, before, verified):
    bench.want(EURUSD)
    bench.tick(EURUSD)
    bench.subscriber.on_farm(FarmChange(Farm("usfarm", FarmState.CONNECTED, kind), before))
    bench.pass_seconds(20)
    assert (bench.subscriber.resubscribed > 0) is verified


def test_what_nobody_wants_any_more_is_cancelled_and_its_alarm_ends(bench):
    bench.want(AAPL)
    bench.trouble(AAPL, 354)
    bench.subscriber.table = bench.subscriber.table.release("robot")
    bench.pass_seconds(10)
    assert bench.feed.cancelled == [AAPL.id]
    assert bench.history[-1] == ("market-data:AAPL@SMART", False)
    assert bench.state(AAPL) is None


def test_more_than_there_are_lines_is_refused():
    small = Bench(lines=1)
    small.want(EURUSD)
    with pytest.raises(Refused):
        small.want(AAPL)
    small.loop.end([])
