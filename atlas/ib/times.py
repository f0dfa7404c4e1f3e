"""Times as the TWS protocol writes them.

We write UTC with a dash, "yyyymmdd-hh:mm:ss", the one form that means the same in every gateway (TWS API, error 10314). What
the gateway writes may carry a zone; without one it is in the gateway's own, which we do not know.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from atlas.domain import from_datetime, to_datetime

_UTC = re.compile(r"(\d{8})-(\d{1,2}:\d{2}:\d{2})")
_ZONED = re.compile(r"(\d{8})\s+(\d{1,2}:\d{2}:\d{2})\s+(\S+)")
_ABBREVIATIONS = {"EDT": "US/Eastern", "EST": "US/Eastern", "CDT": "US/Central", "CST": "US/Central", "MDT": "US/Mountain",
                  "MST": "US/Mountain", "PDT": "US/Pacific", "PST": "US/Pacific", "GMT": "UTC", "BST": "Europe/London",
                  "CET": "Europe/Berlin", "CEST": "Europe/Berlin", "JST": "Japan", "HKT": "Hongkong"}  # fmt: skip
"""What older gateways call their zones: an abbreviation of either half of the year stands for the place."""


def to_ib(at_ns: int) -> str:
    """A moment in whole seconds; "" for 0, which is none.

    >>> to_ib(1_780_671_600_000_000_000)
    '20260605-15:00:00'
    """
    return to_datetime(at_ns).strftime("%Y%m%d-%H:%M:%S") if at_ns else ""


def from_ib(text: str) -> int | None:
    """The moment that `text` means in UTC nanoseconds; 0 for an empty one, None where it cannot be told."""
    text = text.strip()
    if not text:
        return 0
    match = _UTC.fullmatch(text) or _ZONED.fullmatch(text)
    if match is None:
        return None
    name = match[3] if match.re is _ZONED else "UTC"
    try:
        zone = UTC if name == "UTC" else ZoneInfo(_ABBREVIATIONS.get(name, name))
        moment = datetime.strptime(f"{match[1]} {match[2]}", "%Y%m%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
    except (ValueError, KeyError, OSError):
        return None
    return from_datetime(moment.replace(tzinfo=zone))
