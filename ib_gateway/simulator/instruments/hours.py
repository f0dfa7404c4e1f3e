"""Trading hours: a week of sessions in the exchange's time zone, and the strings that IB makes of it.

A session is written "SUN 17:15-MON 17:00". Holidays are not known here.
"""

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from atlas.domain import BadInput, from_datetime, to_datetime

_WEEK = 7 * 24 * 60
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_SESSION = re.compile(r"([A-Z]{3}) (\d\d):(\d\d)-([A-Z]{3}) (\d\d):(\d\d)")


class Session(NamedTuple):
    """One session: its first and last minute, in nanoseconds."""

    open_ns: int
    close_ns: int


def _minute_of_week(day: str, hour: str, minute: str) -> int:
    return (_DAYS.index(day) * 24 + int(hour)) * 60 + int(minute)


class Hours:
    """The sessions of a week, the same every week.

    Raises:
        BadInput: the time zone is unknown, or a session is not written as in the head of this module.
    """

    def __init__(self, time_zone: str, sessions: list[str]) -> None:
        self.time_zone = time_zone
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise BadInput(f"there is no time zone {time_zone!r}; write one as US/Eastern") from error
        self._week: list[tuple[int, int]] = []
        for text in sessions:
            match = _SESSION.fullmatch(text)
            if match is None or match[1] not in _DAYS or match[4] not in _DAYS:
                raise BadInput(f"{text!r} is not a session; write it as SUN 17:15-MON 17:00")
            start = _minute_of_week(*match.group(1, 2, 3))
            self._week.append((start, (_minute_of_week(*match.group(4, 5, 6)) - start) % _WEEK))

    def from_day(self, first: date, days: int) -> list[tuple[datetime, datetime]]:
        """Sessions that open or close on one of `days` days from `first` on, as local times without zone."""
        result = []
        for offset in range(-1, days):
            day = first + timedelta(days=offset)
            for start, length in self._week:
                if start // (24 * 60) == day.weekday():
                    opens = datetime.combine(day, datetime.min.time()) + timedelta(minutes=start % (24 * 60))
                    closes = opens + timedelta(minutes=length)
                    if closes.date() >= first:
                        result.append((opens, closes))
        return sorted(result)

    def text(self, now_ns: int, days: int = 6) -> str:
        """IB's string: sessions from the local day of `now_ns` on, and days on which nothing opens or closes as CLOSED."""
        first = self.local(now_ns).date()
        sessions = [s for s in self.from_day(first, days) if s[0].date() <= first + timedelta(days=days - 1)]
        parts = {opens.strftime("%Y%m%d:%H%M"): f"{opens:%Y%m%d:%H%M}-{closes:%Y%m%d:%H%M}" for opens, closes in sessions}
        busy = {moment.date() for session in sessions for moment in session}
        for day in (first + timedelta(days=n) for n in range(days)):
            if day not in busy:
                parts[day.strftime("%Y%m%d")] = f"{day:%Y%m%d}:CLOSED"
        return ";".join(parts[key] for key in sorted(parts))

    def session_at(self, now_ns: int) -> Session:
        """The session that is on at `now_ns`, or else the next one."""
        for opens, closes in self.from_day(self.local(now_ns).date(), 9):
            session = Session(self._instant(opens), self._instant(closes))
            if session.close_ns > now_ns:
                return session
        raise BadInput(f"hours in {self.time_zone} have no session within a week; give them at least one")

    def local(self, ns: int) -> datetime:
        """A moment in the exchange's time zone."""
        return to_datetime(ns).astimezone(self._zone)

    def _instant(self, local: datetime) -> int:
        return from_datetime(local.replace(tzinfo=self._zone))
