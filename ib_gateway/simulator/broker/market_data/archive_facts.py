"""Facts from the archive of prices: the same days that historical requests get."""

import math
from itertools import islice, pairwise

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.broker.history.archive import Archive
from ib_gateway.simulator.broker.market_data.facts import Today, Year
from ib_gateway.simulator.instruments import Catalogue, Listing
from ib_gateway.simulator.instruments.days import TradingDays

_WEEK_NS = 7 * 86_400 * NS_PER_SECOND
_DAYS_A_YEAR = 252
_DAYS_OF_VOLATILITY = 30


class ArchiveFacts:
    """What was before the gateway began; nothing where there is no such past."""

    def __init__(self, catalogue: Catalogue, archive: Archive, days: TradingDays) -> None:
        self._catalogue = catalogue
        self._archive = archive
        self._days = days

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
