"""What a request for historical bars asks: read and checked in the order and the words of IB's gateway.

Sources: TWS API documentation, "Historical Bar Data" and "Historical Data Limitations"; texts of errors as gateways of the
10.2x and 10.3x series send them.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

from ib_gateway.simulator.broker.times import INVALID_TIME, ClientTime, client_moment
from ib_gateway.simulator.messages import requests as r

HMDS = "Historical Market Data Service error message:"
_REFUSED = "Error validating request.-'bM' : cause - "

BAR_SECONDS = {
    "1 secs": 1, "5 secs": 5, "10 secs": 10, "15 secs": 15, "30 secs": 30, "1 min": 60, "2 mins": 120, "3 mins": 180,
    "5 mins": 300, "10 mins": 600, "15 mins": 900, "20 mins": 1200, "30 mins": 1800, "1 hour": 3600, "2 hours": 7200,
    "3 hours": 10_800, "4 hours": 14_400, "8 hours": 28_800, "1 day": 86_400, "1 week": 604_800, "1 month": 28 * 86_400,
}  # fmt: skip
_ALIASES = {"1w": "1 week", "1 w": "1 week", "1m": "1 month", "1 m": "1 month"}
_LEGAL = ", ".join([*list(BAR_SECONDS)[:-2], "1W", "1M"])

KINDS = frozenset({
    "TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST", "HISTORICAL_VOLATILITY", "OPTION_IMPLIED_VOLATILITY",
    "SCHEDULE", "FEE_RATE", "YIELD_BID", "YIELD_ASK", "YIELD_BID_ASK", "YIELD_LAST", "AGGTRADES",
})  # fmt: skip
"""What can be shown; which of it an instrument has is another matter."""
_LIVE_KINDS = frozenset({"TRADES", "MIDPOINT", "BID", "ASK"})

_DURATION = re.compile(r"(\d{1,9}) ([SDWMY])", re.IGNORECASE)
_LONGEST: Mapping[str, tuple[int, str]] = {
    "S": (86_400, "Historical data request for greater than 86400 seconds rejected."),
    "D": (365, "Historical data requests for durations longer than 365 days must be made in years."),
    "W": (52, "Historical data request for durations longer than 52 weeks must be made in years."),
    "M": (12, "Historical data request for durations longer than 12 months must be made in years."),
    "Y": (68, "Historical data requested duration is invalid."),
}
_SHORTEST_SECONDS = 30
_UNIT_SECONDS = {"S": 1, "D": 86_400, "W": 604_800, "M": 28 * 86_400, "Y": 365 * 86_400}
_LONGEST_OF_SECONDS = 2000
"""Seconds of one-second bars that one request may ask for."""


class Refusal(Exception):
    """A request that IB does not take: with which code and words."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Duration(NamedTuple):
    """So many seconds (S), trading days (D), or weeks, months, years of the calendar (W, M, Y)."""

    number: int
    unit: str

    @property
    def seconds(self) -> int:
        """About how long it is at least."""
        return self.number * _UNIT_SECONDS[self.unit]

    def back_from(self, day: date) -> date:
        """The date so much earlier; seconds do not change it."""
        if self.unit in "DW":
            return day - timedelta(days=self.number * (7 if self.unit == "W" else 1))
        if self.unit == "S":
            return day
        months = day.year * 12 + day.month - 1 - self.number * (12 if self.unit == "Y" else 1)
        year, month = max(months // 12, 1), months % 12 + 1
        return min(date(year, month, 1) + timedelta(days=day.day - 1), _last_of_month(year, month))


class BarQuery(NamedTuple):
    """A request for bars that can be answered. `end_ns` None is now."""

    what: str
    bar: str
    bar_seconds: int
    duration: Duration
    end_ns: int | None
    implied_zone: bool

    @property
    def daily(self) -> bool:
        """Whether bars are of whole days, weeks or months."""
        return self.bar_seconds >= BAR_SECONDS["1 day"]


def read_query(request: r.HistoricalData, zone: str, now_ns: int) -> BarQuery:
    """What a request asks; times without a zone are of `zone`.

    Raises:
        Refusal: IB does not take it.
    """
    end, keep = request.end.strip(), request.keep_up_to_date
    moment = read_moment(end, zone, now_ns, "End Date/Time") if end else None
    duration = read_duration(request.duration)
    what = request.what_to_show.upper()
    if what == "ADJUSTED_LAST" and end:
        raise _refusal("End date not supported with adjusted last")
    bar = _read_bar(request.bar_size)
    seconds = BAR_SECONDS[bar]
    checks = (
        (what == "ADJUSTED_LAST" and seconds > BAR_SECONDS["1 day"], "Multi day bar size not supported with adjusted last"),
        (what not in KINDS, f"What to show value of {request.what_to_show} rejected."),
        (request.format_date not in (1, 2, 3), f"Date formatting selection of {request.format_date} rejected."),
        (keep and bool(end), "End date not supported with live updates"),
        (keep and request.contract.sec_type == "BAG", "Live updates for combos are not supported"),
        (keep and what not in _LIVE_KINDS, "Source price not supported with live updates"),
        (what == "SCHEDULE" and bar != "1 day", "Only daily resolution supported for Schedule requests"),
    )
    for wrong, cause in checks:
        if wrong:
            raise _refusal(cause)
    if seconds > duration.seconds or (seconds == 1 and duration.seconds > _LONGEST_OF_SECONDS):
        raise Refusal(162, f"{HMDS}invalid step: {seconds}")
    return BarQuery(what, bar, seconds, duration, moment.ns if moment else None, moment is not None and not moment.zoned)


def read_moment(text: str, zone: str, now_ns: int, what: str) -> ClientTime:
    """A moment that a request names.

    Raises:
        Refusal: it is not written as IB wants it.
    """
    try:
        return client_moment(text, zone, now_ns)
    except ValueError:
        raise Refusal(10314, INVALID_TIME.format(what=what)) from None


def read_duration(text: str) -> Duration:
    """A duration as "2 D"; a number alone is seconds.

    Raises:
        Refusal: it is not written so, or is too short or too long.
    """
    if not text:
        raise _refusal("Historical data request duration not specified.")
    match = _DURATION.fullmatch(f"{text} S" if text.isdigit() else text)
    if match is None:
        raise _refusal("When specifying a unit, historical data request duration format is integer{SPACE}unit (S|D|W|M|Y).")
    count, unit = int(match[1]), match[2].upper()
    longest, cause = _LONGEST[unit]
    if count < 1 or (unit == "S" and count < _SHORTEST_SECONDS):
        raise _refusal("Historical data requested duration is invalid.")
    if count > longest:
        raise _refusal(cause)
    return Duration(count, unit)


def _read_bar(text: str) -> str:
    lower = text.lower()
    bar = _ALIASES.get(lower, lower)
    if bar not in BAR_SECONDS:
        raise _refusal(f"Historical data bar size setting is invalid. Legal ones are: {_LEGAL}")
    return bar


def _refusal(cause: str) -> Refusal:
    return Refusal(321, _REFUSED + cause)


def _last_of_month(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
