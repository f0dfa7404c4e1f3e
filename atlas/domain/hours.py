"""When an instrument trades, from the broker's string of sessions. Pure.

The broker names the sessions of about a week, in the instrument's time zone, each by when it opens and closes, and the days
without one: "20260605:0930-20260605:1600;20260606:CLOSED" (older: "20260605:0930-1600,1700-1800"). For simulations a day beyond
those is taken to be as the same weekday of those; a weekday that is not among them, as another working day. So an old string
goes on to be of use, but for holidays. Who must not guess asks `says_open`.

Source: TWS API, ContractDetails.tradingHours, .liquidHours and .timeZoneId.
"""

import re
from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from atlas.domain.errors import BadInput
from atlas.domain.time import from_datetime, to_datetime

_SESSION = re.compile(r"(?:(\d{8}):)?(\d{4})-(?:(\d{8}):)?(\d{4})")
_CLOSED = re.compile(r"(\d{8}):CLOSED")
_MINUTES_A_DAY = 24 * 60
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_SEARCHED_DAYS = 10
"""No regular market pauses for longer."""

_OLD_NAMES = {"EST": "America/New_York", "CST": "America/Chicago", "MST": "America/Denver", "PST": "America/Los_Angeles",
              "JST": "Asia/Tokyo", "GMT": "Europe/London", "MET": "Europe/Berlin"}  # fmt: skip


class _Span(NamedTuple):
    """A session by minutes since the midnight of the day on which it opens."""

    opens: int
    closes: int

    @property
    def is_overnight(self) -> bool:
        return self.closes > _MINUTES_A_DAY


class Hours:
    """The sessions of one instrument.

    Args:
        text: the sessions, as in the head of this module.
        time_zone: as the broker calls it: "US/Eastern", or as older gateways write it, "EST (Eastern Standard Time)".

    Raises:
        BadInput: the time zone is unknown, or `text` is written in another way.
    """

    def __init__(self, text: str, time_zone: str) -> None:
        self._zone = _zone(time_zone)
        self._named = _read(text)
        self._first, self._last = min(self._named, default=date.max), max(self._named, default=date.min)
        self._week = _week(self._named)
        self._sessions = lru_cache(maxsize=64)(self._sessions_of)
        self._said = [session for day in self._named for session in self._sessions_of(day)]
        self._said_days = [(day, day + timedelta(days=_days(spans))) for day, spans in self._named.items()]

    def is_open(self, at_ns: int) -> bool:
        """Whether a session is on. It is on at its first nanosecond, and over at the one at which it closes."""
        return any(opens <= at_ns < closes for opens, closes in self._around(at_ns, 2))

    def says_open(self, at_ns: int) -> bool | None:
        """Whether a session is on by what the broker said, without a guess; None on a day of which it said nothing."""
        if any(opens <= at_ns < closes for opens, closes in self._said):
            return True
        day = self._day_of(at_ns)
        return False if any(first <= day < end for first, end in self._said_days) else None

    def next_change(self, at_ns: int) -> int | None:
        """When a session next opens or closes after `at_ns`; None if none ever does."""
        bounds = sorted({moment for session in self._around(at_ns, _SEARCHED_DAYS) for moment in session})
        index = bisect_right(bounds, at_ns)
        return bounds[index] if index < len(bounds) else None

    def _day_of(self, at_ns: int) -> date:
        return to_datetime(at_ns).astimezone(self._zone).date()

    def _around(self, at_ns: int, days: int) -> list[tuple[int, int]]:
        """Sessions that open from two days before until `days` after, those that follow each other without a break as one."""
        today = self._day_of(at_ns)
        merged: list[tuple[int, int]] = []
        for offset in range(-2, days):
            for opens, closes in self._sessions(today + timedelta(days=offset)):
                if merged and opens <= merged[-1][1]:
                    merged[-1] = (merged[-1][0], max(closes, merged[-1][1]))
                else:
                    merged.append((opens, closes))
        return merged

    def _sessions_of(self, day: date) -> list[tuple[int, int]]:
        spans = self._named.get(day, []) if self._first <= day <= self._last else self._week[day.weekday()]
        midnight = datetime.combine(day, datetime.min.time())
        return [(self._instant(midnight, span.opens), self._instant(midnight, span.closes)) for span in spans]

    def _instant(self, midnight: datetime, minutes: int) -> int:
        return from_datetime((midnight + timedelta(minutes=minutes)).replace(tzinfo=self._zone))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    short = name.partition(" ")[0]
    try:
        return ZoneInfo(_OLD_NAMES.get(short, short))
    except (LookupError, ValueError, OSError) as error:
        raise BadInput(f"there is no time zone {name!r} for trading hours") from error


def _read(text: str) -> dict[date, list[_Span]]:
    """The sessions by the day on which they open; days without any, too."""
    days: dict[date, list[_Span]] = {}
    last = ""
    for part in filter(None, re.split(r"\s*[;,]\s*", text.strip())):
        closed, session = _CLOSED.fullmatch(part), _SESSION.fullmatch(part)
        if closed is not None:
            last = closed[1]
            days.setdefault(_day(last), [])
        elif session is not None and (session[1] or last):
            last = session[1] or last
            opens, closes = _minutes(session[2]), _minutes(session[4])
            later = (_day(session[3]) - _day(last)).days if session[3] else int(closes <= opens)
            days.setdefault(_day(last), []).append(_Span(opens, closes + later * _MINUTES_A_DAY))
        else:
            raise BadInput(f"{part!r} is no session; one is written 20260605:0930-20260605:1600, or 20260606:CLOSED")
    for spans in days.values():
        spans.sort()
    return days


def _day(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise BadInput(f"{text!r} is no date of a session") from None


def _minutes(text: str) -> int:
    hours, minutes = int(text[:2]), int(text[2:])
    if minutes >= 60 or hours * 60 + minutes > _MINUTES_A_DAY:
        raise BadInput(f"{text!r} is no time of a session")
    return hours * 60 + minutes


def _days(spans: list[_Span]) -> int:
    """Over how many days sessions of one day reach; a day without any is one, too."""
    return max((-(-span.closes // _MINUTES_A_DAY) for span in spans), default=1)


def _week(named: dict[date, list[_Span]]) -> list[list[_Span]]:
    """The sessions of each weekday, Monday first."""
    week: dict[int, list[_Span]] = {}
    for day in sorted(named):
        if named[day] or day.weekday() not in week:  # a holiday does not make a weekday
            week[day.weekday()] = named[day]
    usual = next((week[day] for day in range(_FRIDAY) if week.get(day)), [])
    missing = {
        _FRIDAY: [span for span in usual if not span.is_overnight],
        _SATURDAY: [],
        _SUNDAY: [span for span in usual if span.is_overnight],
    }
    return [week.get(day, missing.get(day, usual)) for day in range(7)]
