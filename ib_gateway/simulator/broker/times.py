"""Times as clients write them."""

import contextlib
import re
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from atlas.domain import from_datetime, to_datetime

_DASHED = re.compile(r"\d{8}-\d{1,2}:\d{2}:\d{2}")
_SPACED = re.compile(r"(?:(\d{8})\s+)?(\d{1,2}:\d{2}:\d{2})(?:\s+(\S.*))?")
_OLD_NAMES = {"EST": "US/Eastern", "EDT": "US/Eastern", "CST": "US/Central", "CDT": "US/Central", "MST": "US/Mountain",
              "MDT": "US/Mountain", "PST": "US/Pacific", "PDT": "US/Pacific", "GMT": "UTC"}  # fmt: skip

INVALID_TIME = (
    "{what}: The date, time, or time-zone entered is invalid. The correct format is yyyymmdd hh:mm:ss xx/xxxx where yyyymmdd "
    "and xx/xxxx are optional. E.g.: 20031126 15:59:00 US/Eastern  Note that there is a space between the date and time, and "
    "between the time and time-zone.  If no date is specified, current date is assumed. If no time-zone is specified, local "
    "time-zone is assumed(deprecated).  You can also provide yyyymmddd-hh:mm:ss time is in UTC. Note that there is a dash "
    "between the date and time in UTC notation."
)
"""What IB says with error 10314."""

IMPLIED_ZONE = (
    "Warning: You submitted request with date-time attributes without explicit time zone. Please switch to use "
    "yyyymmdd-hh:mm:ss in UTC or use instrument time zone, like US/Eastern. Implied time zone functionality will be removed in "
    "the next API release"
)
"""What IB says with warning 2174."""


class ClientTime(NamedTuple):
    """A moment that a client wrote, and whether it said in which zone."""

    ns: int
    zoned: bool


def client_moment(text: str, zone: str, now_ns: int) -> ClientTime:
    """The moment that "yyyymmdd-hh:mm:ss" (UTC) or "[yyyymmdd ]hh:mm:ss[ zone]" means, by default in `zone` and today.

    Raises:
        ValueError: it is not written so, or there is no such zone.
    """
    text = text.strip()
    if _DASHED.fullmatch(text):
        date, time = text.split("-")
        return ClientTime(_instant(date, time, "UTC"), zoned=True)
    match = _SPACED.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a time")
    date, time, named = match.groups()
    where = _OLD_NAMES.get(named, named) if named else zone
    try:
        today = to_datetime(now_ns).astimezone(ZoneInfo(where)).strftime("%Y%m%d")
        return ClientTime(_instant(date or today, time, where), bool(named))
    except (KeyError, OSError):
        raise ValueError(f"there is no time zone {named!r}") from None


def _instant(date: str, time: str, zone: str) -> int:
    moment = datetime.strptime(f"{date} {time}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
    return from_datetime(moment.replace(tzinfo=ZoneInfo(zone)))


def client_time(text: str, zone: str) -> int:
    """The moment that "yyyymmdd-hh:mm:ss" (UTC) or "yyyymmdd hh:mm:ss[ zone]" means, by default in `zone`.

    Raises:
        ValueError: it is not written so, or there is no such zone; the text says so in words for the client.
    """
    if re.match(r"\d{8}", text.strip()):
        with contextlib.suppress(ValueError):
            return client_moment(text, zone, 0).ns
    raise ValueError(f"Invalid time '{text}'; write yyyymmdd-hh:mm:ss")
