"""The same orders on the same ticks give the same fills, whichever front of the exchange they come through.

Paper broker, simulated gateway (a real socket, an unmodified client library, our own adapter) and backtest: when, which order,
which side, how much, at which price, and for which commission. On recorded ticks, and on any that hypothesis thinks of.
"""

import asyncio
import io
import random
import zipfile
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fronts import (
    ACCOUNT,
    EURUSD,
    GC,
    Change,
    Drop,
    Place,
    Step,
    Tick,
    World,
    by_backtest,
    by_gateway,
    by_paper,
    is_step_possible,
    new_world,
    write_recording,
)

from atlas.domain import (
    NS_PER_MS,
    NS_PER_SECOND,
    OcaType,
    Order,
    OrderKind,
    PriceCondition,
    Quote,
    Side,
    TimeCondition,
    TimeInForce,
    Trade,
    from_plain,
)

START_NS = 1_381_158_000 * NS_PER_SECOND  # Monday 2013-10-07 15:00 UTC
LEAN = "a_permissive/lean/forex/oanda/tick/eurusd/20140505_quote.zip"
GOLD = "b_vendor_origin/lean_futures/future/comex/tick/gc/20131007_trade.zip"
TICK = {EURUSD: 0.00005, GC: 0.1}
DIGITS = {EURUSD: 5, GC: 1}
LOT = {EURUSD: 1_000.0, GC: 1.0}
KINDS = (
    OrderKind.MARKET,
    OrderKind.LIMIT,
    OrderKind.STOP,
    OrderKind.STOP_LIMIT,
    OrderKind.MARKET_IF_TOUCHED,
    OrderKind.LIMIT_IF_TOUCHED,
    OrderKind.TRAILING_STOP,
    OrderKind.TRAILING_STOP_LIMIT,
)
LASTING = (TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)
AT_ONCE = (TimeInForce.IOC, TimeInForce.FOK)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return new_world(tmp_path_factory.mktemp("listed"))


class Orders:
    """Makes orders near the market, from a seed: drawing every field by itself would take hypothesis ten times as long."""

    def __init__(self, seed: int, ticks: Sequence[Tick]) -> None:
        self._random = random.Random(seed)
        self._ticks = ticks
        self._count = 0
        self._placed: list[Order] = []

    def steps(self, count: int) -> list[Step]:
        """So many steps, at ticks in between of which a client can act."""
        possible = [n for n in range(1, len(self._ticks) + 1) if is_step_possible(self._ticks, n)]
        return [(after, self._step(after)) for after in sorted(self._random.choices(possible, k=count))]

    def _step(self, after: int) -> Place | Change | Drop:
        roll = self._random.randrange(10)
        plain = [n for n, order in enumerate(self._placed) if not order.parent_id and order.kind is OrderKind.LIMIT]
        if roll == 0 and self._placed:
            return Drop(self._random.randrange(len(self._placed)))
        if roll < 3 and plain:
            which = self._random.choice(plain)
            order = self._placed[which]
            return Change(which, self._quantity(order.instrument), self._price(order.instrument, after))
        orders = self._bracket(after) if roll < 5 else (self._order(after),)
        self._placed += orders
        return Place(orders)

    def _around(self, instrument: str, after: int) -> float:
        """The newest price of `instrument` that the first `after` ticks tell; if there is none, the first one to come."""
        before = [tick for tick in self._ticks[max(after - 500, 0) : after] if tick.instrument == instrument]
        tick = before[-1] if before else next(tick for tick in self._ticks if tick.instrument == instrument)
        return tick.mid if isinstance(tick, Quote) else tick.price

    def _price(self, instrument: str, after: int, least: int = -15, most: int = 15) -> float:
        steps = round(self._around(instrument, after) / TICK[instrument]) + self._random.randint(least, most)
        return round(steps * TICK[instrument], DIGITS[instrument])

    def _quantity(self, instrument: str) -> float:
        lots = self._random.choice([1, 2, 3, 7, 20] if self._random.randrange(8) else [60, 40_000])  # some cannot be carried
        return lots * LOT[instrument]

    def _order(self, after: int, **fixed: Any) -> Order:
        pick = self._random.choice
        self._count += 1
        instrument = fixed.pop("instrument", None) or pick(sorted({tick.instrument for tick in self._ticks}))
        kind = fixed.pop("kind", None) or pick(KINDS)
        wide = TICK[instrument] * self._random.randint(1, 12)
        terms: dict[str, Any] = {"kind": kind, "time_in_force": pick(LASTING)}
        if kind in (OrderKind.MARKET, OrderKind.LIMIT) and not self._random.randrange(3):
            terms["time_in_force"] = pick(AT_ONCE)
        if terms["time_in_force"] is TimeInForce.GTD:
            now = self._ticks[after - 1].receive_ns // NS_PER_SECOND
            terms["good_till_ns"] = (now + self._random.randint(2, 40)) * NS_PER_SECOND
        if kind in (OrderKind.LIMIT, OrderKind.STOP_LIMIT, OrderKind.LIMIT_IF_TOUCHED):
            terms["limit_price"] = self._price(instrument, after)
        if kind in (OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.MARKET_IF_TOUCHED, OrderKind.LIMIT_IF_TOUCHED):
            terms["stop_price"] = self._price(instrument, after)
        if kind in (OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT):
            terms["trail_amount"] = round(wide, DIGITS[instrument])
        if kind is OrderKind.TRAILING_STOP_LIMIT:
            terms["limit_offset"] = round(TICK[instrument] * self._random.randint(0, 3), DIGITS[instrument])
        if not self._random.randrange(6) and terms["time_in_force"] not in AT_ONCE:
            terms |= {"oca_group": pick(["one", "two"]), "oca_type": pick(list(OcaType))}
        if not self._random.randrange(6):
            terms["conditions"] = (self._condition(instrument, after),)
        order = Order(
            id=f"robot-{self._count}-0",
            robot="robot",
            instrument=instrument,
            side=pick(list(Side)),
            quantity=self._quantity(instrument),
            account=ACCOUNT,
            **terms,
        )
        return from_plain({**_fields(order), **fixed}, Order) if fixed else order

    def _condition(self, instrument: str, after: int) -> PriceCondition | TimeCondition:
        above = not self._random.randrange(2)
        if self._random.randrange(2):
            return PriceCondition(instrument, self._price(instrument, after), above)
        now = self._ticks[after - 1].receive_ns // NS_PER_SECOND
        return TimeCondition((now + self._random.randint(1, 20)) * NS_PER_SECOND, above)

    def _bracket(self, after: int) -> tuple[Order, ...]:
        first = self._order(after, kind=self._random.choice([OrderKind.MARKET, OrderKind.LIMIT]))
        lots = self._random.randint(1, 5) * LOT[first.instrument]
        lasting = {"time_in_force": TimeInForce.GTC, "good_till_ns": 0, "oca_group": "", "conditions": ()}
        parent = from_plain({**_fields(first), **lasting, "quantity": lots}, Order)
        child = {
            **lasting,
            "instrument": parent.instrument,
            "side": parent.side.opposite,
            "quantity": lots,
            "parent_id": parent.id,
        }
        up, down = (2, 15), (-15, -2)
        good, bad = (up, down) if parent.side is Side.BUY else (down, up)
        take = self._order(after, kind=OrderKind.LIMIT, limit_price=self._price(parent.instrument, after, *good), **child)
        stop = self._order(after, kind=OrderKind.STOP, stop_price=self._price(parent.instrument, after, *bad), **child)
        return parent, take, stop


def _fields(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__struct_fields__}


def random_ticks(seed: int, count: int) -> list[Tick]:
    """Ticks of two markets, one each second."""
    chance = random.Random(seed)
    mid = {EURUSD: 27_000, GC: 13_000}  # in ticks
    ticks: list[Tick] = []
    for number in range(count):
        at_ns = START_NS + number * NS_PER_SECOND
        name = EURUSD if chance.randrange(3) == 0 else GC
        mid[name] += chance.randint(-6, 6)
        spread, size = chance.randint(1, 3), chance.choice([0.0, 1.0, 5.0, 50.0])
        price, above = (round(steps * TICK[name], DIGITS[name]) for steps in (mid[name], mid[name] + spread))
        if name == GC and chance.randrange(2):
            ticks.append(Trade(name, price, size or 1.0, at_ns, at_ns))
        else:
            ticks.append(Quote(name, price, above, size * LOT[name], chance.choice([0.0, size]) * LOT[name], at_ns, at_ns))
    return ticks


MANY = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
SOME = settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(seed=st.integers(0, 2**32), count=st.integers(5, 120), steps=st.integers(1, 30))
@MANY
def test_paper_broker_and_backtest_fill_the_same_on_any_ticks(world, tmp_path_factory, seed, count, steps):
    ticks = random_ticks(seed, count)
    script = Orders(seed, ticks).steps(steps)
    paper = asyncio.run(by_paper(world, tmp_path_factory.mktemp("paper"), ticks, script))
    assert paper == by_backtest(world, ticks, script)


@given(seed=st.integers(0, 2**32), count=st.integers(5, 120), steps=st.integers(1, 30))
@SOME
def test_gateway_and_backtest_fill_the_same_on_any_ticks(world, tmp_path_factory, seed, count, steps):
    ticks = random_ticks(seed, count)
    script = Orders(seed, ticks).steps(steps)
    recording = write_recording(tmp_path_factory.mktemp("recorded") / "ticks.csv", ticks)
    assert asyncio.run(by_gateway(world, recording, ticks, script)) == by_backtest(world, ticks, script)


def recorded_quotes(path: Any, date_ns: int, count: int) -> list[Tick]:
    """The first quotes of a recording of EUR.USD, which has no sizes."""
    with zipfile.ZipFile(path) as archive:
        lines = archive.read(archive.namelist()[0]).decode("ascii").splitlines()[:count]
    ticks: list[Tick] = []
    for line in lines:
        ms, bid, ask = line.split(",")
        at_ns = date_ns + int(ms) * NS_PER_MS
        ticks.append(Quote(EURUSD, float(bid), float(ask), 0.0, 0.0, at_ns, at_ns))
    return ticks


def recorded_trades(path: Any, date_ns: int, count: int) -> list[Tick]:
    """The first trades of a recording of gold, which has no quotes: bid and ask are put a tick around each price."""
    with zipfile.ZipFile(path) as archive, archive.open("20131007_gc_tick_trade_201312.csv") as stream:
        lines = [line.split(",") for line in io.TextIOWrapper(stream, "ascii")]
    ticks: list[Tick] = []
    for ms, price, size, *_ in [line for line in lines if float(line[2])][:count]:
        at_ns, last = date_ns + int(ms) * NS_PER_MS, float(price)
        ticks.append(Trade(GC, last, float(size), at_ns, at_ns))
        ticks.append(Quote(GC, round(last - 0.1, 1), round(last + 0.1, 1), float(size), float(size), at_ns, at_ns))
    return ticks


@pytest.mark.parametrize(
    ("read", "file", "date_ns", "count", "steps"),
    [
        (recorded_quotes, LEAN, 1_399_248_000 * NS_PER_SECOND, 6_000, 150),
        (recorded_trades, GOLD, 1_381_104_000 * NS_PER_SECOND, 3_000, 150),
    ],
    ids=["EUR.USD quotes", "gold trades"],
)
def test_all_three_fill_the_same_on_recorded_ticks(world, tmp_path, market_data, read, file, date_ns, count, steps):
    ticks = read(market_data / file, date_ns, count)
    script = Orders(2014, ticks).steps(steps)
    recording = write_recording(tmp_path / "ticks.csv", ticks)
    backtest = by_backtest(world, ticks, script)
    paper = asyncio.run(by_paper(world, tmp_path / "paper", ticks, script))
    gateway = asyncio.run(by_gateway(world, recording, ticks, script))
    assert paper == backtest
    assert gateway == backtest
    assert len(backtest) > steps / 3
    assert len({fill.side for fill in backtest}) == 2
    assert any(fill.commission for fill in backtest)
