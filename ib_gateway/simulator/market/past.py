"""The past of the seeded market: what was there before the gateway started, made up when it is asked for.

Made from the top down, each part from its own seed, so that any of it can be had without the rest: closes of days by a walk
back from the price at which the market that is played began; the minutes of a day by a Brownian bridge from its open to its
close; the quarter seconds of a minute by a path through its open, high, low and close. Whatever is asked for, bars of seconds,
of minutes and of days are of the same path. Prices are whole ticks of the bid; asks are the usual spread above it.
"""

import math
from bisect import bisect_right
from collections.abc import Generator, Iterator
from functools import lru_cache
from itertools import takewhile
from typing import Any, NamedTuple, cast
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.days import TradingDay, TradingDays
from ib_gateway.simulator.market.columns import Columns, Floats, Integers
from ib_gateway.simulator.market.synthetic import rhythm_of

MINUTE_NS = 60 * NS_PER_SECOND
STEP_NS = NS_PER_SECOND // 4
_STEPS = MINUTE_NS // STEP_NS
_YEARS = 10
_FUTURE_DAYS = 320
_OVERNIGHT = 0.1
"""The part of a day's variance that comes between its sessions."""
_TRADES_PER_MINUTE = 300.0
"""Of an instrument whose every quote comes with a trade, on an average day."""
_KEPT_DAYS = 16
_DAYS_AT_ONCE = 200
_FIRST_ORDINAL, _DAYS = 726_000, 60_000


class Minutes(NamedTuple):
    """The minutes of a trading day. Prices are the bid's, in ticks.

    `sides` are 1 where a minute's first and last trade met the ask; `steps` is 240 unless the past ends within a minute.
    """

    times: Integers
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    trades: Integers
    units: Integers
    sides: Integers
    steps: Integers


class Steps(NamedTuple):
    """Quarter seconds. Prices are in ticks, sizes in what the instrument is traded in; a size of 0 is no trade."""

    times: Integers
    bid: Integers
    bid_size: Floats
    ask_size: Floats
    price: Integers
    size: Floats


class InstrumentPast:
    """The past of one instrument up to `end_ns`, when its bid is `end_bid` ticks."""

    def __init__(self, listing: Listing, days: TradingDays, seed: int, end_ns: int, end_bid: int) -> None:
        model = listing.model
        self.listing = listing
        self.end_ns = end_ns
        self.spread = model.spread_ticks
        self.tick = listing.instrument.tick_size
        self._end_bid = end_bid
        self._unit = max(1.0, model.lot / 5)
        self._seed = (seed, crc32(listing.instrument.id.encode()))
        self._rhythm = _rhythm_table(listing)
        self._paces: dict[tuple[int, ...], Floats] = {}
        self._sigma = model.volatility / math.sqrt(252)
        self._moves = self._random(0).standard_normal((2, _DAYS))
        self._more = self._known_days(days)
        self._days: list[TradingDay] = []
        self._closes: list[float] = []
        self.day_minutes = lru_cache(maxsize=_KEPT_DAYS)(self._make_minutes)
        self._bars: dict[tuple[int, bool, bool], Floats] = {}

    def begin_ns(self) -> int:
        """When data begins."""
        while self._grow():
            pass
        return self._days[-1].open_ns if self._days else self.end_ns

    def unroll(self) -> Generator[None, None, None]:
        """Go back through all days, some at a time."""
        while self._grow():
            if len(self._days) % _DAYS_AT_ONCE == 0:
                yield

    def minutes(self, what: str, start_ns: int, end_ns: int) -> Columns:
        """Whole minutes of [`start_ns`, `end_ns`); parts of minutes at both ends as steps."""
        whole, end = -(-start_ns // MINUTE_NS) * MINUTE_NS, min(end_ns, self.end_ns)
        last = end if end == self.end_ns else end // MINUTE_NS * MINUTE_NS
        if whole >= last:
            return self.ticks(what, start_ns, end)
        days = reversed(self._overlapping(whole, last))
        parts = [self._columns(self.day_minutes(number), what).between(whole, last) for number in days]
        return Columns.joined([self.ticks(what, start_ns, whole), *parts, self.ticks(what, last, end)])

    def days(self, what: str, start_ns: int, end_ns: int, *, regular: bool) -> Columns:
        """Whole days whose sessions begin in [`start_ns`, `end_ns`), at the time at which they begin."""
        rows, times = [], []
        for number in reversed(self._overlapping(start_ns, end_ns)):
            day = self._days[number]
            sessions = day.regular if regular else day.sessions
            if not start_ns <= sessions[0].open_ns < end_ns:
                continue
            row = self._day_bar(number, what, regular=regular)
            if not math.isnan(row[0]):
                times.append(sessions[0].open_ns)
                rows.append(row)
        if not rows:
            return Columns.none()
        table = np.array(rows).T
        return self._priced(np.array(times, dtype=np.int64), what, table[:4], table[4:])

    def ticks(self, what: str, start_ns: int, end_ns: int) -> Columns:
        """Ticks of [`start_ns`, `end_ns`): quotes every quarter second, or trades."""
        steps = self.steps(start_ns, end_ns)
        if what != "TRADES":
            return self._priced(steps.times, what, [steps.bid] * 4, None)
        traded = steps.size > 0
        return Columns.of_ticks(steps.times[traded], self.prices(steps.price[traded]), steps.size[traded])

    def steps(self, start_ns: int, end_ns: int) -> Steps:
        """Every quarter second of sessions in [`start_ns`, `end_ns`)."""
        parts: list[Steps] = []
        for number in reversed(self._overlapping(start_ns, end_ns)):
            minutes = self.day_minutes(number)
            first = max(0, int(np.searchsorted(minutes.times, start_ns, "right")) - 1)
            last = int(np.searchsorted(minutes.times, end_ns))
            parts.extend(self._make_steps(minutes, at) for at in range(first, last))
        if not parts:
            none = np.zeros(0, dtype=np.int64)
            return Steps(none, none, np.zeros(0), np.zeros(0), none, np.zeros(0))
        columns: list[NDArray[Any]] = [np.concatenate(column) for column in zip(*parts, strict=True)]
        low, high = np.searchsorted(columns[0], (start_ns, end_ns))
        return Steps(*(column[low:high] for column in columns))

    def prices(self, ticks: "Floats | Integers") -> Floats:
        """Prices of numbers of ticks."""
        return cast("Floats", np.round(np.asarray(ticks, dtype=np.float64) * self.tick, 10))

    # Days.

    def _random(self, *what: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([*self._seed, *what]))

    def _known_days(self, days: TradingDays) -> Iterator[TradingDay]:
        """Days from the last one back to the first that the past has."""
        expiry = self.listing.instrument.expiry
        earliest = self.listing.trading.local(self.end_ns).date()
        first = earliest.toordinal() - (_FUTURE_DAYS if expiry else _YEARS * 365)
        return takewhile(lambda day: day.date.toordinal() >= first, days.before(self.listing, self.end_ns))

    def _grow(self) -> bool:
        """Work out one more day backwards; False if there is none."""
        day = next(self._more, None)
        if day is None:
            return False
        if not self._days:
            self._closes.append(math.log((self._end_bid + self.spread / 2) * self.tick))
        whole = day.close_ns - day.open_ns
        part = min(1.0, (self.end_ns - day.open_ns) / whole) if whole else 1.0
        move = self._sigma * math.sqrt(part) * float(self._moves[0, day.date.toordinal() - _FIRST_ORDINAL])
        self._days.append(day)
        self._closes.append(self._closes[-1] - move)
        return True

    def _overlapping(self, start_ns: int, end_ns: int) -> list[int]:
        """Numbers of the days that have something of [`start_ns`, `end_ns`), the newest first; day 0 is the last."""
        while (not self._days or self._days[-1].open_ns > start_ns) and self._grow():
            pass
        first = bisect_right(self._days, -end_ns, key=lambda day: -day.open_ns)
        return list(takewhile(lambda n: self._days[n].close_ns > start_ns, range(first, len(self._days))))

    def _day_bar(self, number: int, what: str, *, regular: bool) -> Floats:
        """Open, high, low and close of a day in ticks; of trades with volume, money and count. Not a number if it has none."""
        trades = what == "TRADES"
        key = (number, trades, regular)
        if key not in self._bars:
            minutes, day = self.day_minutes(number), self._days[number]
            inside = np.zeros(len(minutes.times), dtype=bool)
            for session in day.regular if regular else day.sessions:
                low, high = np.searchsorted(minutes.times, session)
                inside[low:high] = True
            self._bars[key] = self._day_trades(minutes, inside) if trades else self._day_quotes(minutes, inside)
        return self._bars[key]

    @staticmethod
    def _day_quotes(minutes: Minutes, inside: NDArray[np.bool_]) -> Floats:
        which = np.flatnonzero(inside)
        if not len(which):
            return np.full(4, np.nan)
        row = (minutes.open[which[0]], minutes.high[which].max(), minutes.low[which].min(), minutes.close[which[-1]])
        return np.array(row, dtype=np.float64)

    def _day_trades(self, minutes: Minutes, inside: NDArray[np.bool_]) -> Floats:
        traded = np.flatnonzero(inside & (minutes.trades > 0))
        if not len(traded):
            return np.full(7, np.nan)
        table = self._trade_table(minutes)[:, traded]
        row = (table[0, 0], table[1].max(), table[2].min(), table[3, -1], *table[4:].sum(axis=1))
        return np.array(row, dtype=np.float64)

    # Minutes.

    def _make_minutes(self, number: int) -> Minutes:
        day = self._days[number]
        every = np.concatenate([np.arange(s.open_ns, s.close_ns, MINUTE_NS) for s in day.sessions])
        pace = self._pace(day, every)
        times = every if day.close_ns <= self.end_ns else every[every + STEP_NS <= self.end_ns]
        count, paces = len(times), pace[: len(times)]
        random = self._random(1, day.date.toordinal())
        normals = random.standard_normal((5, count))
        sides = random.integers(0, 2, (2, count))
        steps = np.full(count, _STEPS)
        if count:
            steps[-1] = min(_STEPS, (self.end_ns - int(times[-1])) // STEP_NS)
        trades, units = self._traded(normals[3:], paces, steps)
        return Minutes(times, *self._bridge(number, normals[:3], paces, pace.sum(), steps), trades, units, sides, steps)

    def _pace(self, day: TradingDay, minutes: Integers) -> Floats:
        """How lively each minute of a day is. Most days begin and end at the same times, and are alike."""
        opens = self.listing.trading.local(day.open_ns)
        first = opens.hour * 60 + opens.minute
        shape = (first, *(edge - day.open_ns for session in day.sessions for edge in session))
        if shape not in self._paces:
            self._paces[shape] = self._rhythm[(first + (minutes - day.open_ns) // MINUTE_NS) % 1440]
        return self._paces[shape]

    def _bridge(
        self, number: int, normals: Floats, pace: Floats, whole_pace: float, steps: Integers
    ) -> tuple[Integers, Integers, Integers, Integers]:
        """Open, high, low and close of a day's minutes: a walk from its open to its close, and how far each minute strayed."""
        if not len(pace):
            none = np.zeros(0, dtype=np.int64)
            return none, none, none, none
        ordinal = self._days[number].date.toordinal() - _FIRST_ORDINAL
        ends, before = self._closes[number], self._closes[number + 1]
        begins = before + self._sigma * math.sqrt(_OVERNIGHT) * float(self._moves[1, ordinal])
        sigma = self._sigma * np.sqrt((1 - _OVERNIGHT) * pace / whole_pace)
        walk, share = np.cumsum(normals[0] * sigma), np.cumsum(pace) / pace.sum()
        path = np.exp(begins + walk + share * (ends - begins - walk[-1])) / self.tick
        close = self._bids(path)
        if number == 0:
            close[-1] = self._end_bid
        opened = np.concatenate((self._bids(np.array([math.exp(begins) / self.tick])), close[:-1]))
        if steps[-1] < 4:  # too short to have been anywhere else
            opened[-1] = close[-1]
        stray = np.floor(np.abs(normals[1:]) * sigma * path * 0.6).astype(np.int64) * (steps >= 4)
        high = np.maximum(opened, close) + stray[0]
        low = np.maximum(np.minimum(opened, close) - stray[1], np.minimum(1, np.minimum(opened, close)))
        return opened, high, low, close

    def _bids(self, middles: Floats) -> Integers:
        return cast("Integers", np.maximum(np.floor(middles - self.spread / 2 + 0.5), 1).astype(np.int64))

    def _traded(self, normals: Floats, pace: Floats, steps: Integers) -> tuple[Integers, Integers]:
        """How many trades each minute has, and how many units they are together: none, or at least one for each price."""
        share = self.listing.model.trade_share
        if not share:
            none = np.zeros(len(pace), dtype=np.int64)
            return none, none
        trades = np.minimum(_about(_TRADES_PER_MINUTE * share * pace, normals[0]), _STEPS) * steps // _STEPS
        trades[trades < 4] = 0
        more: Integers = _about(trades * 0.6, normals[1])
        return trades, np.add(trades, more)

    def _columns(self, minutes: Minutes, what: str) -> Columns:
        if what != "TRADES":
            return self._priced(minutes.times, what, [minutes.open, minutes.high, minutes.low, minutes.close], None)
        traded, table = minutes.trades > 0, self._trade_table(minutes)
        return self._priced(minutes.times[traded], what, table[:4, traded], table[4:, traded])

    def _trade_table(self, minutes: Minutes) -> Floats:
        """Open, high, low and close of trades in ticks, volume, money in ticks and count: rows of one column per minute."""
        prices = np.array([
            minutes.open + self.spread * minutes.sides[0], minutes.high + self.spread, minutes.low,
            minutes.close + self.spread * minutes.sides[1],
        ], dtype=np.float64)  # fmt: skip
        volume = minutes.units * self._unit
        return np.vstack((prices, volume, volume * np.rint(prices.mean(axis=0) * 1000) / 1000, minutes.trades))

    def _priced(self, times: Integers, what: str, ticks: "Floats | list[Integers]", trades: Floats | None) -> Columns:
        above = {"ASK": float(self.spread), "MIDPOINT": self.spread / 2}.get(what, 0.0)
        prices = [self.prices(np.asarray(column) + above) for column in ticks]
        if trades is None or what != "TRADES":
            return Columns.of(times, prices)
        return Columns.of(times, prices, [trades[0], trades[1] * self.tick, trades[2]])

    # Quarter seconds.

    def _make_steps(self, minutes: Minutes, at: int) -> Steps:
        start, count = int(minutes.times[at]), int(minutes.steps[at])
        first, high, low, last = (int(column[at]) for column in (minutes.open, minutes.high, minutes.low, minutes.close))
        random = self._random(2, start // MINUTE_NS)
        lot = self.listing.model.lot
        sizes = lot * np.maximum(1.0, np.rint(random.lognormal(0.6, 0.8, (2, count))))
        price, size = np.zeros(count, dtype=np.int64), np.zeros(count)
        if count < 4:
            bid = np.full(count, last, dtype=np.int64)
        else:
            top, bottom = (int(n) + 1 for n in random.choice(count - 2, 2, replace=False))
            knots = sorted(((0, first), (top, high), (bottom, low), (count - 1, last)))
            where, values = zip(*knots, strict=True)
            line = np.interp(np.arange(count), where, values)
            bid = np.clip(np.rint(line + random.normal(0.0, 0.12 * (high - low), count)), low, high).astype(np.int64)
            for step, value in knots:
                bid[step] = value
            if minutes.trades[at]:
                must = np.array([0, count - 1, top, bottom])
                sides = np.array([minutes.sides[0, at], minutes.sides[1, at], 1, 0])
                price, size = self._make_trades(random, bid, must, sides, int(minutes.trades[at]), int(minutes.units[at]))
        return Steps(start + STEP_NS * np.arange(count), bid, sizes[0], sizes[1], price, size)

    def _make_trades(
        self, random: np.random.Generator, bid: Integers, must: Integers, sides: Integers, count: int, units: int
    ) -> tuple[Integers, Floats]:
        """Trades of a minute: at its first, last, highest and lowest step, and at others."""
        others = np.setdiff1d(np.arange(len(bid)), must)
        where = np.concatenate((must, random.permutation(others)[: count - 4]))
        side = np.concatenate((sides, random.integers(0, 2, len(where) - 4)))
        price, size = np.zeros(len(bid), dtype=np.int64), np.zeros(len(bid))
        price[where] = bid[where] + self.spread * side
        extra = np.bincount(random.integers(0, len(where), units - count), minlength=len(where))
        size[where] = (1 + extra) * self._unit
        return price, size


def _rhythm_table(listing: Listing) -> Floats:
    rhythm = rhythm_of(listing.instrument.kind)
    return np.array([rhythm(minute / 60) for minute in range(1440)])


def _about(expected: NDArray[np.floating[Any]], normals: Floats) -> Integers:
    """How many of something there are that is seen so many times on average: a normal draw in place of Poisson's."""
    return cast("Integers", np.maximum(np.rint(expected + np.sqrt(expected) * normals), 0).astype(np.int64))
