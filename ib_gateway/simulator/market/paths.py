"""Paths of prices: how one instrument of the seeded market behaves. Each has its own stream of random numbers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from random import Random

from atlas.domain import NS_PER_SECOND, InstrumentKind, Quote, Trade
from atlas.exchange.calendar import NEVER_NS, Calendar, Phase
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.option_model import Option, seeded_smile, value

_YEAR_SECONDS = 252 * 6.5 * 3600
_DAYS_A_YEAR = 252
_JUMPS_PER_SECOND = 1 / 1800
_JUMP_SIGMAS = 40.0
_OVERNIGHT = 0.1  # of a day's variance, between its sessions
_EXTENDED_PACE, _EXTENDED_SPREAD = 0.5, 2
_OPTION_PACE = 0.5
_OPTION_SPREAD = 0.015  # of its price


def equity_rhythm(hour: float) -> float:
    """How lively a day at a US exchange is: most at open and close, little at noon, very little at night. `hour` is local."""
    if not 9.5 <= hour <= 16:
        return 0.35
    return 0.7 + 1.1 * ((hour - 12.75) / 3.25) ** 2


def currency_rhythm(hour: float) -> float:
    """How lively a day of currencies is: London and New York together most. `hour` is in New York."""
    return 0.5 + 1.0 * math.exp(-(((hour - 9.5) / 4.5) ** 2))


_RHYTHMS: Mapping[InstrumentKind, Callable[[float], float]] = {InstrumentKind.CASH: currency_rhythm}


def rhythm_of(kind: InstrumentKind) -> Callable[[float], float]:
    """How lively a day of a kind of instrument is, by the hour."""
    return _RHYTHMS.get(kind, equity_rhythm)


class Path(ABC):
    """One instrument: when its next quote is due, and what that is. `next_ns` is NEVER_NS once there is none."""

    def __init__(self, listing: Listing, seed: int, start_ns: int, rate: float, calendar: Calendar) -> None:
        self._random = Random(f"{seed}/{listing.instrument.id}")
        self.id = listing.instrument.id
        self._listing = listing
        self._model = listing.model
        self._tick = listing.instrument.tick_size
        self._decimals = max(0, -math.floor(math.log10(self._tick) + 1e-9)) + 1
        self._rate = rate
        self._calendar = calendar
        self._rhythm = rhythm_of(listing.instrument.kind)
        self._pace, self._pace_until = 1.0, 0
        self._phase, self._phase_until = Phase.REGULAR, 0
        self.next_ns = start_ns
        self._begin(start_ns)

    @property
    @abstractmethod
    def price(self) -> float:
        """The latent price that quotes are around."""

    def step(self) -> tuple[Quote, Trade | None]:
        """The quote that is due, and a trade if one goes with it; then the next one becomes due."""
        random, at_ns = self._random, self.next_ns
        bid, ask = self._prices(at_ns)
        lot = self._model.lot
        sizes = [lot * max(1, round(random.lognormvariate(0.6, 0.8))) for _ in range(2)]
        if self._listing.instrument.kind is InstrumentKind.INDEX:
            sizes = [0.0, 0.0]
        quote = Quote(self.id, bid, ask, sizes[0], sizes[1], at_ns, at_ns)
        trade = None
        if random.random() < self._model.trade_share:
            side = random.random() < 0.5
            unit = max(1.0, lot / 5)
            size = min(sizes[0] if side else sizes[1], unit * max(1, round(random.lognormvariate(0.3, 0.9))))
            trade = Trade(self.id, bid if side else ask, size, at_ns, at_ns)
        self._go_on(at_ns)
        return quote, trade

    @abstractmethod
    def _prices(self, at_ns: int) -> tuple[float, float]:
        """Bid and ask at a moment."""

    def _on_grid(self, low: int, spread: int) -> tuple[float, float]:
        return round(low * self._tick, self._decimals), round((low + spread) * self._tick, self._decimals)

    def _go_on(self, now_ns: int) -> None:
        """Let time pass until the next quote, which may be in the next session."""
        if now_ns >= self._pace_until:
            local = self._listing.trading.local(now_ns)
            self._pace = self._rhythm(local.hour + local.minute / 60)
            self._pace_until = now_ns + 60 * NS_PER_SECOND
        pace = self._pace * (_EXTENDED_PACE if self._phase is Phase.EXTENDED else 1.0)
        seconds = self._random.expovariate(self._rate * pace)
        self._pass(seconds, pace)
        self._begin(now_ns + max(1, int(seconds * NS_PER_SECOND)))

    def _begin(self, at_ns: int) -> None:
        """The next quote is due at a moment, or when the market opens after it."""
        if at_ns >= self._phase_until:
            self._phase = self._calendar.phase(self.id, at_ns)
            self._phase_until = self._calendar.next_change(self.id, at_ns)
            if self._phase is Phase.CLOSED:
                if self._phase_until != NEVER_NS:
                    self._sleep()
                    self._begin(self._phase_until)
                else:
                    self.next_ns = NEVER_NS
                return
        self.next_ns = at_ns

    @abstractmethod
    def _pass(self, seconds: float, pace: float) -> None:
        """What happens to the price while seconds pass."""

    @abstractmethod
    def _sleep(self) -> None:
        """What happens to the price while the market is closed."""


class Walk(Path):
    """A price that wanders, with a spread that breathes and jumps now and then. An index has no spread."""

    def __init__(self, listing: Listing, seed: int, start_ns: int, rate: float, calendar: Calendar) -> None:
        self._log_price = math.log(listing.model.price)
        self._sigma = listing.model.volatility / math.sqrt(_YEAR_SECONDS)
        self._spread = listing.model.spread_ticks
        super().__init__(listing, seed, start_ns, rate, calendar)

    @property
    def price(self) -> float:
        """The latent price."""
        return math.exp(self._log_price)

    def _prices(self, at_ns: int) -> tuple[float, float]:  # noqa: ARG002 - the interface
        middle = self.price / self._tick
        if self._listing.instrument.kind is InstrumentKind.INDEX:
            return self._on_grid(max(1, round(middle)), 0)
        spread = self._spread * (_EXTENDED_SPREAD if self._phase is Phase.EXTENDED else 1)
        return self._on_grid(max(1, math.floor(middle - spread / 2 + 0.5)), spread)

    def _pass(self, seconds: float, pace: float) -> None:
        random, sigma = self._random, self._sigma * math.sqrt(pace)
        move = random.gauss(0.0, sigma * math.sqrt(seconds))
        if random.random() < _JUMPS_PER_SECOND * seconds:
            move += random.gauss(0.0, sigma * _JUMP_SIGMAS)
        self._log_price += move
        usual = self._model.spread_ticks
        draw = random.random()
        self._spread = usual if draw < 0.7 else usual + 1 if draw < 0.92 else max(1, usual - 1) if draw < 0.97 else usual + 3

    def _sleep(self) -> None:
        """The next session opens where it likes: a tenth of a day's variance away."""
        self._log_price += self._random.gauss(0.0, self._model.volatility * math.sqrt(_OVERNIGHT / _DAYS_A_YEAR))


class Derived(Path):
    """An option: worth what the model makes of its underlying's price, with a spread in proportion."""

    def __init__(
        self, listing: Listing, option: Option, under: Path, seed: int, start_ns: int, rate: float, calendar: Calendar
    ) -> None:
        self._option = option
        self._under = under
        self._smile = seeded_smile(under.id, listing.model.volatility, seed)
        super().__init__(listing, seed, start_ns, rate * _OPTION_PACE, calendar)

    @property
    def price(self) -> float:
        """What it is worth now."""
        return self._worth(self.next_ns)

    def _worth(self, at_ns: int) -> float:
        under = self._under.price
        return value(self._option, under, self._smile.volatility(self._option, under, at_ns), at_ns).price

    def _prices(self, at_ns: int) -> tuple[float, float]:
        worth = self._worth(at_ns) / self._tick
        spread = max(self._model.spread_ticks, round(worth * _OPTION_SPREAD))
        bid, ask = self._on_grid(max(1, math.floor(worth - spread / 2 + 0.5)), spread)
        return self._stepped(bid, math.floor), self._stepped(ask, math.ceil)

    def _pass(self, seconds: float, pace: float) -> None:
        """Nothing of its own: its underlying's price wanders."""

    def _sleep(self) -> None:
        """Nothing of its own: its underlying opens elsewhere."""

    def _stepped(self, price: float, rounding: Callable[[float], int]) -> float:
        """A price on the grid of a market rule, whose steps may be several ticks wide."""
        step = self._listing.increment(price)
        return price if step <= self._tick else round(rounding(round(price / step, 6)) * step, self._decimals)
