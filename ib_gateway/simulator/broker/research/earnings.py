"""Corporate events, as Wall Street Horizon's calendar tells them: the days on which companies report their earnings.

Source of tags and filters: TWS API documentation, "Wall Street Horizon".
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from ib_gateway.simulator.fixtures import Company

EARNINGS = "wshe_ed"
_TYPES = {EARNINGS: "Earnings Date"}
_AHEAD_AND_BACK = timedelta(days=365)
_MOST_EVENTS = 100


class Query(NamedTuple):
    """Which events are asked for: of contracts by con id (all if empty), of kinds, between days, no more than `limit`."""

    con_ids: frozenset[int]
    kinds: frozenset[str]
    first: date
    last: date
    limit: int


def reporting_days(company: Company, first: date, last: date) -> list[date]:
    """The days from `first` to `last` on which a company reports; on a Monday if it would fall on a weekend."""
    days = (
        date(year, month, company.earnings_day)
        for year in range(first.year, last.year + 1)
        for month in company.earnings_months
    )
    weekdays = (day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0) for day in days)
    return sorted(day for day in weekdays if first <= day <= last)


def meta_data() -> str:
    """What events there are and how they can be filtered, as JSON."""
    kinds = [{"tag": tag, "name": name, "columns": ["earnings_date", "quarter"]} for tag, name in _TYPES.items()]
    filters = [{"name": name, "tag": name, "type": "boolean"} for name in _TYPES] + [
        {"name": "Watchlist", "tag": "watchlist", "type": "array"},
        {"name": "Limit", "tag": "limit", "type": "integer"},
    ]
    return json.dumps({"meta_data": {"event_types": kinds, "filters": filters}}, separators=(",", ":"))


def query(con_id: int | None, filters: str, days: tuple[str, str], limit: int | None, today: date) -> Query:
    """A query, by con id or by a filter in JSON as {"watchlist": ["265598"], "wshe_ed": "true", "limit": 10}.

    Days are YYYYMMDD; empty ones are a year back, and a year ahead.

    Raises:
        ValueError: the filter cannot be read, or a day is none.
    """
    try:
        wanted: Mapping[str, Any] = json.loads(filters or "{}")
        con_ids = {con_id} if con_id else {int(text) for text in wanted.get("watchlist", [])}
        most = int(wanted.get("limit") or limit or _MOST_EVENTS)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"the filter cannot be read: {filters[:80]}") from None
    kinds = {tag for tag in _TYPES if str(wanted.get(tag, "")).lower() == "true"} or set(_TYPES)
    first, last = (_day(text) for text in days)
    return Query(
        frozenset(con_ids),
        frozenset(kinds),
        first or today - _AHEAD_AND_BACK,
        last or today + _AHEAD_AND_BACK,
        max(1, min(_MOST_EVENTS, most)),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:]}") if text else None


def events(companies: Mapping[int, tuple[str, Company]], asked: Query) -> str:
    """The events that were asked for, the earliest first, as JSON. `companies` are symbol and figures by con id."""
    found = [
        (day, con_id, symbol)
        for con_id, (symbol, company) in companies.items()
        if (not asked.con_ids or con_id in asked.con_ids) and EARNINGS in asked.kinds
        for day in reporting_days(company, asked.first, asked.last)
    ]
    rows = [
        {
            "event_type": EARNINGS,
            "conid": str(con_id),
            "symbol": symbol,
            "data": {
                "earnings_date": f"{day:%Y%m%d}",
                "quarter": f"Q{(day.month - 1) // 3 + 1}",
                "time_of_day": "AFTER MARKET",
            },
        }
        for day, con_id, symbol in sorted(found)[: asked.limit]
    ]
    return json.dumps(rows, separators=(",", ":"))
