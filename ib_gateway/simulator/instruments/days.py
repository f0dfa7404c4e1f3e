"""Trading days: which sessions belong to which date. Everything that counts days of the past counts these.

A session belongs to the date on which it ends where the instrument trades: that of futures from Sunday evening on to Monday.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from atlas.domain import from_datetime
from ib_gateway.simulator.instruments.catalogue import Listing
from ib_gateway.simulator.instruments.hours import Hours, Session

_EARLIEST_YEAR = 1990
_ONE_DAY = timedelta(days=1)


class TradingDay(NamedTuple):
    """The sessions of one date: all of them, and those of regular hours. Neither is empty."""

    date: date
    sessions: tuple[Session, ...]
    regular: tuple[Session, ...]

    @property
    def open_ns(self) -> int:
        """When the first session begins."""
        return self.sessions[0].open_ns

    @property
    def close_ns(self) -> int:
        """When the last session ends."""
        return self.sessions[-1].close_ns


class TradingDays:
    """Trading days of listings, a year worked out at a time and kept for all that share their hours.

    With `always` every local day is one session from midnight to midnight.
    """

    def __init__(self, *, always: bool = False) -> None:
        self._always = always
        self._years: dict[tuple[Hours, Hours, int], list[TradingDay]] = {}

    def before(self, listing: Listing, end_ns: int) -> Iterator[TradingDay]:
        """Days that have begun before `end_ns`, the newest first, as long as somebody asks; none after its last day."""
        expiry = listing.instrument.expiry
        newest = listing.trading.local(end_ns).date() + timedelta(days=5)  # a session may end days after it began
        for year in range(newest.year, _EARLIEST_YEAR - 1, -1):
            for day in reversed(self._year(listing, year)):
                if day.open_ns < end_ns and (not expiry or f"{day.date:%Y%m%d}" <= expiry):
                    yield day

    def _year(self, listing: Listing, year: int) -> list[TradingDay]:
        key = (listing.trading, listing.liquid, year)
        if key not in self._years:
            make = _calendar_days if self._always else _session_days
            self._years[key] = list(make(listing, year))
        return self._years[key]


def _calendar_days(listing: Listing, year: int) -> Iterator[TradingDay]:
    day, hours = date(year, 1, 1), listing.trading
    while day.year == year:
        whole = (Session(_midnight(hours, day), _midnight(hours, day + _ONE_DAY)),)
        yield TradingDay(day, whole, whole)
        day += _ONE_DAY


def _session_days(listing: Listing, year: int) -> Iterator[TradingDay]:
    trading, liquid = (_by_date(hours, year) for hours in (listing.trading, listing.liquid))
    for day in sorted(trading):
        yield TradingDay(day, trading[day], liquid.get(day, trading[day]))


def _by_date(hours: Hours, year: int) -> dict[date, tuple[Session, ...]]:
    found: dict[date, tuple[Session, ...]] = {}
    zone = ZoneInfo(hours.time_zone)
    for opens, closes in hours.from_day(date(year, 1, 1), 370):
        day = (closes - timedelta(seconds=1)).date()
        if day.year == year:
            session = Session(*(from_datetime(moment.replace(tzinfo=zone)) for moment in (opens, closes)))
            found[day] = (*found.get(day, ()), session)
    return found


def _midnight(hours: Hours, day: date) -> int:
    return from_datetime(datetime.combine(day, datetime.min.time()).replace(tzinfo=ZoneInfo(hours.time_zone)))
