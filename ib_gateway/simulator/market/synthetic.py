"""A seeded market: quotes on the tick grid, a spread that breathes, days with a rhythm, jumps, displayed sizes, trades.

Each instrument has its own stream of random numbers, made of the seed and its id, so its path does not depend on which others
are active. The same seed, activation times and rate give the same ticks.
"""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from random import Random

from atlas.domain import NS_PER_SECOND, InstrumentKind, Quote, Trade
from ib_gateway.simulator.instruments import Listing, MarketModel

_YEAR_SECONDS = 252 * 6.5 * 3600
_JUMPS_PER_SECOND = 1 / 1800
_JUMP_SIGMAS = 40.0


def equity_rhythm(hour: float) -> float:
    """How lively a day at a US exchange is: most at open and close, little at noon, very little at night. `hour` is local."""
    if not 9.5 <= hour <= 16:
        return 0.35
    return 0.7 + 1.1 * ((hour - 12.75) / 3.25) ** 2


def currency_rhythm(hour: float) -> float:
    """How lively a day of currencies is: London and New York together most. `hour` is in New York."""
    return 0.5 + 1.0 * math.exp(-(((hour - 9.5) / 4.5) ** 2))


_RHYTHMS: Mapping[InstrumentKind, Callable[[float], float]] = {
    InstrumentKind.CASH: currency_rhythm,
    InstrumentKind.STOCK: equity_rhythm,
    InstrumentKind.FUTURE: equity_rhythm,
}


def rhythm_of(kind: InstrumentKind) -> Callable[[float], float]:
    """How lively a day of a kind of instrument is, by the hour."""
    return _RHYTHMS.get(kind, equity_rhythm)


class _Path:
    """One instrument: a latent price that wanders, and quotes around it."""

    def __init__(self, listing: Listing, seed: int, start_ns: int, rate: float) -> None:
        self._random = Random(f"{seed}/{listing.instrument.id}")
        self._id = listing.instrument.id
        self._listing = listing
        self._model: MarketModel = listing.model
        self._tick = listing.instrument.tick_size
        self._decimals = max(0, -math.floor(math.log10(self._tick) + 1e-9)) + 1
        self._rate = rate
        self._log_price = math.log(self._model.price)
        self._sigma = self._model.volatility / math.sqrt(_YEAR_SECONDS)
        self._time_ns = start_ns
        self._spread = self._model.spread_ticks
        self._pending: list[Trade] = []
        self._rhythm = rhythm_of(listing.instrument.kind)
        self._pace, self._pace_until = 1.0, 0

    @property
    def next_ns(self) -> int:
        """When its next quote is due."""
        return self._time_ns

    def step(self) -> tuple[Quote, Trade | None]:
        """The quote that is due, and a trade if one goes with it."""
        random, at_ns = self._random, self._time_ns
        bid, ask = self._prices()
        lot = self._model.lot
        sizes = [lot * max(1, round(random.lognormvariate(0.6, 0.8))) for _ in range(2)]
        quote = Quote(self._id, bid, ask, sizes[0], sizes[1], at_ns, at_ns)
        trade = None
        if random.random() < self._model.trade_share:
            side = random.random() < 0.5
            unit = max(1.0, lot / 5)
            size = min(sizes[0] if side else sizes[1], unit * max(1, round(random.lognormvariate(0.3, 0.9))))
            trade = Trade(self._id, bid if side else ask, size, at_ns, at_ns)
        self._wander(at_ns)
        return quote, trade

    def _prices(self) -> tuple[float, float]:
        middle = math.exp(self._log_price) / self._tick
        low = math.floor(middle - self._spread / 2 + 0.5)
        return round(low * self._tick, self._decimals), round((low + self._spread) * self._tick, self._decimals)

    def _wander(self, now_ns: int) -> None:
        random = self._random
        if now_ns >= self._pace_until:
            local = self._listing.trading.local(now_ns)
            self._pace = self._rhythm(local.hour + local.minute / 60)
            self._pace_until = now_ns + 60 * NS_PER_SECOND
        seconds = random.expovariate(self._rate * self._pace)
        sigma = self._sigma * math.sqrt(self._pace)
        move = random.gauss(0.0, sigma * math.sqrt(seconds))
        if random.random() < _JUMPS_PER_SECOND * seconds:
            move += random.gauss(0.0, sigma * _JUMP_SIGMAS)
        self._log_price += move
        usual = self._model.spread_ticks
        draw = random.random()
        self._spread = usual if draw < 0.7 else usual + 1 if draw < 0.92 else max(1, usual - 1) if draw < 0.97 else usual + 3
        self._time_ns += max(1, int(seconds * NS_PER_SECOND))


class SyntheticMarket:
    """Many paths, merged in order of time. `rate` is quotes per second and instrument on an average day."""

    def __init__(self, listings: Mapping[str, Listing], active: Sequence[str], seed: int, start_ns: int, rate: float) -> None:
        self._listings = listings
        self._seed = seed
        self._rate = rate
        self._queue: list[tuple[int, str, _Path]] = []
        self._active: set[str] = set()
        for name in active:
            self.activate(name, start_ns)

    @property
    def instruments(self) -> Sequence[str]:
        """Ids of the instruments that are active."""
        return sorted(self._active)

    def activate(self, instrument: str, now_ns: int) -> None:
        """Let an instrument be quoted from now on."""
        if instrument not in self._active:
            self._active.add(instrument)
            path = _Path(self._listings[instrument], self._seed, now_ns, self._rate)
            heapq.heappush(self._queue, (path.next_ns, instrument, path))

    def next_ns(self) -> int | None:
        """When the next tick is due."""
        return self._queue[0][0] if self._queue else None

    def take(self, until_ns: int | None, limit: int) -> Sequence[Quote | Trade]:
        """The next ticks, about `limit`, none later than `until_ns`."""
        result: list[Quote | Trade] = []
        queue = self._queue
        while queue and len(result) < limit and (until_ns is None or queue[0][0] <= until_ns):
            _, name, path = queue[0]
            quote, trade = path.step()
            result.append(quote)
            if trade:
                result.append(trade)
            heapq.heapreplace(queue, (path.next_ns, name, path))
        return result
