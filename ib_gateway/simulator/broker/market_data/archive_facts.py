"""Facts from the archive of prices: the same days that historical requests get."""

import math
from dataclasses import replace
from itertools import islice, pairwise

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.broker.history.archive import Archive
from ib_gateway.simulator.broker.market_data.facts import Today, Year
from ib_gateway.simulator.broker.market_data.subscriptions import Face
from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.instruments import Catalogue, Listing
from ib_gateway.simulator.instruments.days import TradingDay, TradingDays

_MINUTE_NS = 60 * NS_PER_SECOND
_LATEST_NS = 5 * NS_PER_SECOND
"""How far back the newest tick of a liquid instrument lies."""
_WEEK_NS = 7 * 86_400 * NS_PER_SECOND
_WEEKS_AT_ONCE = 4
_DAYS_A_YEAR = 252
_DAYS_OF_VOLATILITY = 30


class ArchiveFacts:
    """What was before the gateway began; nothing where there is no such past."""

    def __init__(self, catalogue: Catalogue, archive: Archive, days: TradingDays) -> None:
        self._catalogue = catalogue
        self._archive = archive
        self._days = days
        self._early: dict[str, tuple[int, Face]] = {}

    def close_before(self, instrument: str, at_ns: int) -> float:
        """The close of the last regular session that was over at `at_ns`; 0.0 if nobody knows.

        Of instruments that print no trades it is a bid.
        """
        listing = self._listing(instrument)
        if listing is None:
            return 0.0
        for day in islice(self._days.before(listing, at_ns), 4):
            if day.regular[-1].close_ns <= at_ns:
                columns = self._archive.days(listing, _kind(listing), day.open_ns, day.close_ns, at_ns, regular=True)
                if len(columns.close):
                    return float(columns.close[-1])
        return 0.0

    def today(self, instrument: str, at_ns: int) -> Today | None:
        """The trading day of `at_ns` as far as it was not played; None if nothing of it is known.

        Of stocks open, high and low are of regular hours once these have begun.
        """
        listing = self._listing(instrument)
        day = None if listing is None else next(self._days.before(listing, at_ns + 1), None)
        if listing is None or day is None:
            return None
        every, regular = (
            self._archive.before_play(listing, _kind(listing), day, at_ns, regular=only) for only in (False, True)
        )
        if not len(every.times):
            return None
        is_regular = listing.sec_type == "STK" and len(regular.times) > 0
        span = regular if is_regular else every
        return Today(
            float(span.open[0]), float(span.high.max()), float(span.low.min()), float(every.volume.sum()),
            float(every.money.sum()), int(every.trades.sum()), is_regular,
            float(regular.close[-1]) if len(regular.times) else 0.0,
        )  # fmt: skip

    def earlier(self, instrument: str, at_ns: int, now_ns: int) -> Face | None:
        """What it showed at `at_ns`, before the market was played; None if nobody knows, or it was played then.

        Open, high, low and volume are those up to the minute of `at_ns`.
        """
        listing = self._listing(instrument)
        past = None if listing is None else self._archive.past(listing, now_ns)
        day = None if listing is None else next(self._days.before(listing, at_ns + 1), None)
        if listing is None or past is None or day is None or at_ns >= past.end_ns:
            return None
        face = self._early_day(listing, day, at_ns // _MINUTE_NS * _MINUTE_NS, now_ns)
        latest = (at_ns - _LATEST_NS, at_ns + 1, now_ns)
        times, (bids, asks, bid_sizes, ask_sizes) = self._archive.ticks(listing, "BID_ASK", *latest)
        is_open = any(session.open_ns <= at_ns < session.close_ns for session in day.sessions)
        if listing.sec_type == "IND":
            face.last = float(bids[-1]) if len(bids) else face.last
        elif not is_open:
            face.bid = face.ask = -1.0
        elif len(times):
            face.bid, face.ask = float(bids[-1]), float(asks[-1])
            face.bid_size, face.ask_size = float(bid_sizes[-1]), float(ask_sizes[-1])
        if _kind(listing) == "TRADES":
            times, (prices, sizes) = self._archive.ticks(listing, "TRADES", *latest)
            if len(times):
                face.last, face.last_size, face.last_ns = float(prices[-1]), float(sizes[-1]), int(times[-1])
        return face

    def _early_day(self, listing: Listing, day: TradingDay, until_ns: int, now_ns: int) -> Face:
        """What a day had brought until some minute; worked out once per minute."""
        name = listing.instrument.id
        if name not in self._early or self._early[name][0] != until_ns:
            kind = _kind(listing)
            columns = self._archive.columns(listing, kind, day.open_ns, until_ns, 60, now_ns)
            face = Face(volume=float(columns.volume.sum()), close=self.close_before(name, until_ns))
            begin = day.regular[0].open_ns if listing.sec_type == "STK" else day.open_ns
            regular = columns.between(begin, day.regular[-1].close_ns if listing.sec_type == "STK" else day.close_ns)
            span = regular if len(regular.times) else columns
            if len(span.times):
                face.open, face.high, face.low = float(span.open[0]), float(span.high.max()), float(span.low.min())
                if kind == "TRADES":
                    face.last = float(columns.close[-1])
            self._early[name] = until_ns, face
        return replace(self._early[name][1])

    def last_quote(self, instrument: str, at_ns: int) -> tuple[float, float] | None:
        """The last bid and ask before `at_ns`; None if nobody knows."""
        listing = self._listing(instrument)
        if listing is None:
            return None
        for day in islice(self._days.before(listing, at_ns), 4):
            begin, end = day.open_ns, day.close_ns
            bid, ask = (self._archive.days(listing, side, begin, end, at_ns, regular=False).close for side in ("BID", "ASK"))
            if len(bid) and len(ask):
                return float(bid[-1]), float(ask[-1])
        return None

    def look_up_year(self, instrument: str, at_ns: int) -> Sliced[None]:
        """Work out what `year` says, in slices, so that it is known at once afterwards."""
        listing = self._listing(instrument)
        if listing is not None:
            for weeks in range(0, 52, _WEEKS_AT_ONCE):
                start_ns = at_ns - (weeks + _WEEKS_AT_ONCE) * _WEEK_NS
                self._archive.days(listing, _kind(listing), start_ns, start_ns + _WEEKS_AT_ONCE * _WEEK_NS, at_ns, regular=True)
                yield

    def year(self, instrument: str, at_ns: int) -> Year | None:
        """The year up to `at_ns`, of trades where there are any, else of bids; None if nobody knows."""
        listing = self._listing(instrument)
        if listing is None:
            return None
        bars = self._archive.days(listing, _kind(listing), at_ns - 52 * _WEEK_NS, at_ns, at_ns, regular=True)
        if not len(bars.close):
            return None
        spans = []
        for weeks in (13, 26, 52):
            part = bars.between(at_ns - weeks * _WEEK_NS, at_ns)
            spans.append((float(part.low.min()), float(part.high.max())) if len(part.low) else (0.0, 0.0))
        closes = [float(close) for close in bars.close[-_DAYS_OF_VOLATILITY - 1 :]]
        moves = [math.log(later / earlier) for earlier, later in pairwise(closes)]
        spread = math.sqrt(sum(move * move for move in moves) / len(moves)) if moves else 0.0
        volume = float(bars.volume[-63:].mean())
        return Year(spans[0], spans[1], spans[2], float(round(volume)), round(spread * math.sqrt(_DAYS_A_YEAR), 6))

    def _listing(self, instrument: str) -> Listing | None:
        return self._catalogue.get(instrument) if self._archive.seeded else None


def _kind(listing: Listing) -> str:
    return "TRADES" if listing.model.trade_share and listing.sec_type != "IND" else "BID"
