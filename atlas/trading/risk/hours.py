"""The hours of a market, from the broker's strings. Pure.

A string holds a few days: "20261120:0930-20261120:1600;20261121:CLOSED", local to the instrument's time zone; older gateways
leave the date of the end out: "20261120:0930-1600". Several sessions of a day stand one after the other, between semicolons or
commas. Source: TWS API, `ContractDetails.tradingHours`, `liquidHours`, `timeZoneId`.
"""

import re
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from atlas.domain import from_datetime, to_datetime

_SESSION = re.compile(r"(\d{8}):(\d{4})-(?:(\d{8}):)?(\d{4})")
_CLOSED = re.compile(r"(\d{8}):CLOSED")


def is_open(hours: str, time_zone: str, at_ns: int) -> bool | None:
    """Whether `at_ns` lies within the sessions of `hours`; None if they do not say, or cannot be read.

    A session begins at its first nanosecond and is over at its end.
    """
    read = _read(hours, time_zone)
    zone = _zone(time_zone)
    if read is None or zone is None:
        return None
    sessions, days = read
    if any(begin <= at_ns < end for begin, end in sessions):
        return True
    return False if f"{to_datetime(at_ns).astimezone(zone):%Y%m%d}" in days else None


@lru_cache(maxsize=4096)
def _read(hours: str, time_zone: str) -> tuple[tuple[tuple[int, int], ...], frozenset[str]] | None:
    """The sessions, and the days of which `hours` speaks."""
    zone = _zone(time_zone)
    if zone is None:
        return None
    sessions: list[tuple[int, int]] = []
    days: set[str] = set()
    for part in filter(None, re.split("[;,]", hours)):
        if closed := _CLOSED.fullmatch(part):
            days.add(closed[1])
            continue
        found = _SESSION.fullmatch(part)
        if found is None:
            return None
        day, begin, last_day, end = found.groups()
        try:
            sessions.append((_moment(day, begin, zone), _moment(last_day or day, end, zone)))
        except ValueError:
            return None
        days |= {day, last_day or day}
    return tuple(sessions), frozenset(days)


def _moment(day: str, time: str, zone: ZoneInfo) -> int:
    return from_datetime(datetime.strptime(f"{day}{time}", "%Y%m%d%H%M").replace(tzinfo=zone))


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | None:
    """The zone of one of the broker's names: "US/Eastern", or as older gateways write it, "EST (Eastern Standard Time)"."""
    short = name.partition(" ")[0]
    try:
        return ZoneInfo(_OLD_NAMES.get(short, short))
    except (LookupError, ValueError, OSError):
        return None


_OLD_NAMES = {"EST": "America/New_York", "CST": "America/Chicago", "MST": "America/Denver", "PST": "America/Los_Angeles",
              "JST": "Asia/Tokyo", "GMT": "Europe/London", "MET": "Europe/Berlin"}  # fmt: skip
