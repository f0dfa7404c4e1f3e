"""The robot that users read first, from its file, on a bench and on real ticks."""

import zipfile
from pathlib import Path

import msgspec
import pytest

from atlas.domain import (
    NS_PER_MS,
    Bar,
    ConfigurationError,
    Execution,
    Instrument,
    InstrumentKind,
    Order,
    OrderEvent,
    OrderEventKind,
    Quote,
    Side,
    Submit,
)
from atlas.journal import Journal
from atlas.market import BarBuilder
from atlas.robot import Decided, RobotRecord, Runtime, encode_actions, load_strategy, make_parameters, replay, started, wants

FILE = Path(__file__).resolve().parents[3] / "strategies" / "sma_cross.py"
EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 265598, 0.01)
MINUTE = 60 * 10**9
KIND = OrderEventKind


class Desk:
    """A robot, and a broker that fills or rejects its orders at once."""

    def __init__(self, **parameters):
        self.strategy = load_strategy(FILE)
        self.runtime = Runtime(self.strategy)
        self.records: list[tuple[int, RobotRecord]] = []
        self.told = 0
        self.at_ns = 0
        self.feed(started("sma", "sma_cross", self.strategy, parameters, (EURUSD, AAPL), 0))

    def feed(self, event):
        sequence = len(self.records) + 1
        self.records.append((sequence, event))
        actions = self.runtime.apply(sequence, event)
        if actions:
            self.records.append((sequence + 1, Decided(sequence, tuple(actions))))
            self.runtime.apply(*self.records[-1])
        return [action.order for action in actions if isinstance(action, Submit)]

    def bars(self, *closes, instrument=EURUSD.id, seconds=60):
        ordered = []
        for close in closes:
            start, self.at_ns = self.at_ns, self.at_ns + seconds * 10**9
            bar = Bar(instrument, start, self.at_ns, close, close, close, close, 0.0, 1, self.at_ns)
            ordered += self.feed(bar)
        return ordered

    def tell(self, order: Order, kind: OrderEventKind, /, **fields):
        self.told += 1
        return self.feed(OrderEvent(self.told, order.id, "sma", kind, self.at_ns, **fields))

    def fill(self, order: Order, price: float):
        self.tell(order, KIND.PENDING, order=order)
        execution = Execution(f"x{self.told}", order.id, "DU1", order.instrument, order.side, order.quantity, price, self.at_ns)
        self.tell(order, KIND.EXECUTED, execution=execution)


@pytest.fixture
def desk():
    return Desk(fast=1, slow=3, quantity=10.0)


def test_it_only_listens_to_bars():
    assert wants(load_strategy(FILE)) == {"bar"}


def test_it_buys_when_the_fast_average_is_above_the_slow_one_and_not_before_there_is_one(desk):
    assert desk.bars(1.0, 1.0) == []
    (order,) = desk.bars(1.3)
    assert (order.side, order.quantity) == (Side.BUY, 10.0)


def test_it_turns_over_in_one_order(desk):
    (order,) = desk.bars(1.0, 1.0, 1.3)
    desk.fill(order, 1.3)
    (turn,) = desk.bars(0.5)
    assert (turn.side, turn.quantity) == (Side.SELL, 20.0)


def test_it_does_not_order_again_what_is_on_its_way(desk):
    assert len(desk.bars(1.0, 1.0, 1.3)) == 1
    assert desk.bars(1.4, 1.5, 1.6) == []


def test_it_orders_the_difference_when_the_market_turns_while_an_order_is_on_its_way(desk):
    desk.bars(1.0, 1.0, 1.3)
    (turn,) = desk.bars(0.5)
    assert (turn.side, turn.quantity) == (Side.SELL, 20.0)


@pytest.mark.parametrize("ending", [KIND.DENIED, KIND.REJECTED, KIND.CANCELLED])
def test_an_order_that_came_to_nothing_is_decided_anew_at_the_next_bar(desk, ending):
    (order,) = desk.bars(1.0, 1.0, 1.3)
    if ending is not KIND.DENIED:
        desk.tell(order, KIND.PENDING, order=order)
    assert desk.tell(order, ending, order=order) == []
    (again,) = desk.bars(1.4)
    assert (again.side, again.quantity) == (Side.BUY, 10.0)
    assert again.id != order.id


def test_what_was_filled_in_part_is_completed(desk):
    (order,) = desk.bars(1.0, 1.0, 1.3)
    desk.tell(order, KIND.PENDING, order=order)
    desk.tell(order, KIND.EXECUTED, execution=Execution("x", order.id, "DU1", EURUSD.id, Side.BUY, 4.0, 1.3, 1))
    desk.tell(order, KIND.CANCELLED)
    (rest,) = desk.bars(1.4)
    assert (rest.side, rest.quantity) == (Side.BUY, 6.0)


def test_equal_averages_leave_things_as_they_are(desk):
    assert desk.bars(1.0, 1.0, 1.0, 1.0) == []


def test_bars_of_other_lengths_are_ignored(desk):
    assert desk.bars(1.0, 1.0, 1.3, 0.5, 2.0, seconds=1) == []


def test_instruments_do_not_mix(desk):
    desk.bars(1.0, 1.0)
    assert desk.bars(500.0, instrument=AAPL.id) == []
    (order,) = desk.bars(1.3)
    assert order.instrument == EURUSD.id


@pytest.mark.parametrize(
    "wrong", [{"fast": 30, "slow": 10}, {"fast": 0}, {"quantity": -1.0}, {"bar_seconds": 0}, {"quick": 1}, {"fast": "x"}]
)
def test_parameters_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ConfigurationError, match="SmaCross"):
        make_parameters(load_strategy(FILE), wrong)


def real_quotes(market_data):
    path = market_data / "a_permissive" / "lean" / "forex" / "oanda" / "tick" / "eurusd" / "20140505_quote.zip"
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        for line in archive.read(name).decode().splitlines():
            milliseconds, bid, ask = line.split(",")
            at = 1_399_248_000_000_000_000 + int(milliseconds) * NS_PER_MS
            yield Quote(EURUSD.id, float(bid), float(ask), 0.0, 0.0, at, at)


def test_a_real_day_from_its_journal_gives_byte_equal_orders_every_time(market_data, tmp_path):
    desk = Desk(quantity=20_000.0)
    builder = BarBuilder(EURUSD.id, [60])
    working: list[Order] = []
    quotes = 0
    for quote in real_quotes(market_data):
        quotes += 1
        desk.feed(quote)
        for order in working:
            desk.fill(order, quote.ask if order.side is Side.BUY else quote.bid)
        working = [order for bar in builder.on_quote(quote) for order in desk.feed(bar)]
    assert quotes == 25_177
    with Journal.open(tmp_path, RobotRecord) as journal:
        for _, record in desk.records:
            journal.append(record)
        journal.sync()
        runs = [replay(desk.strategy, journal.read()) for _ in range(2)]
    wanted = [action for _, record in desk.records if isinstance(record, Decided) for action in record.actions]
    assert len(wanted) > 20
    for run in runs:
        assert run.first_difference is None
        assert encode_actions([action for _, action in run.actions]) == encode_actions(wanted)
        assert msgspec.msgpack.encode(run.state) == msgspec.msgpack.encode(desk.runtime.view())
    assert abs(runs[0].state.positions["DU1"][EURUSD.id]) == 20_000.0
