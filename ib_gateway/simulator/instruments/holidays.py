"""Days on which an exchange does not open, or closes early: those that `exchange_calendars` knows.

The library brings pandas, and takes a second to say its first word. So the years that most ask for are shipped as a table,
`holidays.json`, which `scripts/holidays.py` writes; the library is imported for other years and calendars only.
"""

import warnings
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from atlas.domain import BadInput

SHIPPED = Path(__file__).with_name("holidays.json")


class EarlyClose(NamedTuple):
    """When an exchange closes on a shortened day, and when it would on any other. UTC seconds since the epoch."""

    close: int
    usual: int


class Year(NamedTuple):
    """A year of a calendar: its holidays but for weekends, and its short days."""

    closed: frozenset[date]
    early: Mapping[date, EarlyClose]


class Holidays:
    """The holidays of one exchange: those of a calendar of `exchange_calendars`, and days of every year written MM-DD."""

    def __init__(self, calendar: str = "", every_year: Sequence[str] = ()) -> None:
        self.calendar = calendar
        self._every_year = frozenset(every_year)
        for text in every_year:
            try:
                datetime.strptime(f"2024-{text}", "%Y-%m-%d")  # noqa: DTZ007 - a leap year, and no time
            except ValueError:
                raise BadInput(f"{text!r} is not a day of the year; write it as 12-25") from None

    def closed(self, day: date) -> bool:
        """Whether the exchange does not trade on `day`, weekends aside."""
        if self._every_year and f"{day:%m-%d}" in self._every_year:
            return True
        return bool(self.calendar) and day in _year(self.calendar, day.year).closed

    def early(self, day: date) -> EarlyClose | None:
        """When the exchange closes on `day`, if earlier than usual."""
        return _year(self.calendar, day.year).early.get(day) if self.calendar else None

    def check(self) -> None:
        """Look the calendar up.

        Raises:
            BadInput: there is no calendar of that name.
        """
        if self.calendar:
            from exchange_calendars import get_calendar_names

            if self.calendar not in get_calendar_names():
                raise BadInput(f"there is no exchange calendar {self.calendar!r}; write one as XNYS")


@lru_cache(maxsize=256)
def _year(name: str, year: int) -> Year:
    """Years before or after those that the library knows have no holidays."""
    first = year // 10 * 10
    known = shipped().get(name, {})
    if year not in known:
        known = years_of(name, first, first + 9) or years_of(name, year, year)
    return known.get(year, Year(frozenset(), {}))


@cache
def shipped() -> dict[str, dict[int, Year]]:
    """The years of the table, by calendar."""
    return msgspec.json.decode(SHIPPED.read_bytes(), type=dict[str, dict[int, Year]])


@lru_cache(maxsize=256)
def years_of(name: str, since: int, until: int) -> dict[int, Year]:
    """Some years at once, which takes no longer than one. Empty if the library does not know them all."""
    import exchange_calendars
    import pandas as pd

    first, last = date(since, 1, 1), date(until, 12, 31)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the library will have to change for a later pandas
        try:
            calendar = exchange_calendars.get_calendar(name, start=first.isoformat(), end=last.isoformat())
        except ValueError:  # out of the calendar's bounds
            return {}
    trading = {session.date() for session in calendar.sessions}
    closed = [day.date() for day in pd.bdate_range(first, last) if day.date() not in trading]
    usual_time = calendar.close_times[-1][1]
    early = {}
    for session in calendar.early_closes:
        usual = datetime.combine(session.date(), usual_time, tzinfo=calendar.tz)
        early[session.date()] = EarlyClose(int(calendar.closes[session].timestamp()), int(usual.timestamp()))
    return {
        year: Year(
            frozenset(day for day in closed if day.year == year), {day: end for day, end in early.items() if day.year == year}
        )
        for year in range(since, until + 1)
    }
