"""Trading hours: a week of sessions in the exchange's time zone, its holidays, and the strings that IB makes of them.

A session is written "SUN 17:15-MON 17:00" and belongs to the day on which it ends. On a holiday it is left out. On a day that
ends early it ends with the exchange; a session that goes on after the exchange's usual close ends as much earlier as that.
"""

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from atlas.domain import NS_PER_SECOND, BadInput, from_datetime, to_datetime
from ib_gateway.simulator.instruments.holidays import Holidays

_WEEK = 7 * 24 * 60
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_SESSION = re.compile(r"([A-Z]{3}) (\d\d):(\d\d)-([A-Z]{3}) (\d\d):(\d\d)")
_SEARCHED_DAYS = 21
"""No exchange is closed for so long."""


class Session(NamedTuple):
    """One session: its first and last minute, in nanoseconds."""

    open_ns: int
    close_ns: int


def _minute_of_week(day: str, hour: str, minute: str) -> int:
    return (_DAYS.index(day) * 24 + int(hour)) * 60 + int(minute)


class Hours:
    """The sessions of a week, the same every week but for holidays.

    Raises:
        BadInput: the time zone is unknown, or a session is not written as in the head of this module.
    """

    def __init__(self, time_zone: str, sessions: list[str], holidays: Holidays | None = None) -> None:
        self.time_zone = time_zone
        self.holidays = holidays or Holidays()
        try:
            self._zone = ZoneInfo(time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
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
                    closes = self._close_of(opens, opens + timedelta(minutes=length))
                    if closes is not None and closes.date() >= first:
                        result.append((opens, closes))
        return sorted(result)

    def _close_of(self, opens: datetime, closes: datetime) -> datetime | None:
        """When a session of the week ends on its very day; None if it does not take place."""
        day = closes.date()
        if self.holidays.closed(day):
            return None
        early = self.holidays.early(day)
        if early is None:
            return closes
        ends = min(closes, self.local(early.close * NS_PER_SECOND).replace(tzinfo=None))
        if closes > self.local(early.usual * NS_PER_SECOND).replace(tzinfo=None):
            ends = closes - timedelta(seconds=early.usual - early.close)
        return ends if ends > opens else None

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

    def sessions(self, now_ns: int, days: int) -> list[Session]:
        """Sessions that open or close on one of `days` local days, the first of them that of `now_ns`."""
        return [Session(self.instant(opens), self.instant(closes)) for opens, closes in self._around(now_ns, days)]

    def session_at(self, now_ns: int) -> Session:
        """The session that is on at `now_ns`, or else the next one."""
        for session in self.sessions(now_ns, _SEARCHED_DAYS):
            if session.close_ns > now_ns:
                return session
        raise BadInput(f"hours in {self.time_zone} have no session within a week; give them at least one")

    def local(self, ns: int) -> datetime:
        """A moment in the exchange's time zone."""
        return to_datetime(ns).astimezone(self._zone)

    def midnight_after(self, day: date) -> int:
        """The last moment of `day` at the exchange."""
        return self.instant(datetime.combine(day + timedelta(days=1), datetime.min.time()))

    def _around(self, now_ns: int, days: int) -> list[tuple[datetime, datetime]]:
        return self.from_day(self.local(now_ns).date(), days)

    def instant(self, local: datetime) -> int:
        """The moment that a local time without zone is."""
        return from_datetime(local.replace(tzinfo=self._zone))
