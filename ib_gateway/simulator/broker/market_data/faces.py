"""What instruments show now, and what they showed a quarter of an hour ago."""

from collections import deque
from collections.abc import Callable, Iterable

from atlas.domain import NS_PER_SECOND, Quote
from ib_gateway.simulator.broker.market_data.days import Days
from ib_gateway.simulator.broker.market_data.facts import Facts
from ib_gateway.simulator.broker.market_data.phases import Phases
from ib_gateway.simulator.broker.market_data.subscriptions import Face

DELAY_NS = 15 * 60 * NS_PER_SECOND


class Faces:
    """First levels and days of all instruments. `quote_of` is the last quote of an instrument."""

    def __init__(self, quote_of: Callable[[str], Quote | None], days: Days, phases: Phases, facts: Facts) -> None:
        self._quote_of = quote_of
        self._days = days
        self._phases = phases
        self._facts = facts
        self._past: dict[str, deque[tuple[int, Face]]] = {}

    def closed(self, instrument: str, now_ns: int) -> bool:
        """Whether nothing of an instrument is traded now."""
        return self._phases.closed(instrument, now_ns)

    def now(self, instrument: str, now_ns: int, *, frozen: bool) -> Face:
        """What it shows. While the market is closed, its sides have a price only if the client wants frozen ones."""
        day = self._days.day(instrument, now_ns)
        face = Face(
            last=day.last, last_size=day.last_size, last_ns=day.last_ns, volume=day.volume, high=day.high, low=day.low,
            open=day.open, close=day.close,
        )  # fmt: skip
        if self._days.pair(instrument):
            face.last = 0.0
        if self.closed(instrument, now_ns) and not frozen and not self._days.index(instrument):
            face.bid = face.ask = -1.0
            return face
        quote = self._quote_of(instrument)
        if quote:
            face.bid, face.ask, face.bid_size, face.ask_size = quote.bid, quote.ask, quote.bid_size, quote.ask_size
        elif frozen:
            face.bid, face.ask = self._facts.last_quote(instrument, now_ns) or (0.0, 0.0)
        if self._days.index(instrument):
            face.last, face.bid, face.ask = face.last or face.bid, 0.0, 0.0
        return face

    def remember(self, instruments: Iterable[str], now_ns: int) -> None:
        """Keep what instruments show now for those who see it late."""
        for name in instruments:
            line = self._past.setdefault(name, deque())
            while len(line) > 1 and line[1][0] <= now_ns - DELAY_NS:
                line.popleft()
            line.append((now_ns, self.now(name, now_ns, frozen=False)))

    def delayed(self, instrument: str, now_ns: int, *, frozen: bool) -> Face:
        """What it showed a quarter of an hour ago, or when the gateway began if nobody knows what was before."""
        line = self._past.get(instrument)
        if not line:
            return Face()
        (since_ns, late), at_ns = line[0], now_ns - DELAY_NS
        if since_ns > at_ns:
            late = self._facts.earlier(instrument, at_ns, now_ns) or late
        if late.bid < 0 and frozen:
            return next((face for _, face in reversed(line) if face.bid > 0), self.now(instrument, now_ns, frozen=True))
        return late
