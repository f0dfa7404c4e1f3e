"""Which stretches of time a historical request is about: trading days counted back from its end.

Source: TWS API documentation, "Historical Bar Data": a day of a duration is a trading day; seconds, too, are trading time, so a
request made at night gets what was traded last.
"""

from collections.abc import Iterator
from datetime import date
from itertools import chain, pairwise
from typing import NamedTuple

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.broker.history.query import Duration
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.days import TradingDay, TradingDays


class Window(NamedTuple):
    """A stretch of one trading day, and when sessions begin in it."""

    date: date
    start_ns: int
    end_ns: int
    opens: tuple[int, ...]


def windows(
    days: TradingDays, listing: Listing, duration: Duration, end_ns: int, *, regular: bool, whole_days: bool
) -> list[Window]:
    """The windows of a duration that ends at `end_ns`, the oldest first.

    Outside regular hours a day begins where the day before it ended, so that nothing that was said is left out.
    """
    begun = (day for day in days.before(listing, end_ns) if (day.regular if regular else day.sessions)[0].open_ns < end_ns)
    chosen: list[Window] = []
    left = duration.number * NS_PER_SECOND
    since: date | None = None
    for position, (day, earlier) in enumerate(pairwise(chain(begun, [None]))):
        if day is None:
            break
        since = since or duration.back_from(day.date)
        if {"S": left <= 0, "D": position >= duration.number}.get(duration.unit, day.date <= since):
            break
        start_ns = earlier.close_ns if earlier is not None and not regular else day.open_ns
        if duration.unit == "S":
            last_ns, left = _last_seconds(day, end_ns, left, regular=regular)
            start_ns = start_ns if whole_days else last_ns
        end = day.close_ns if whole_days else min(day.close_ns, end_ns)
        chosen.extend(_cut(day, start_ns, end, regular=regular))
    return chosen[::-1]


def _last_seconds(day: TradingDay, end_ns: int, left: int, *, regular: bool) -> tuple[int, int]:
    """Where the last `left` nanoseconds of a day's sessions begin, and how many of them the day is short of."""
    start_ns = end_ns
    for session in reversed(day.regular if regular else day.sessions):
        length = min(session.close_ns, end_ns) - session.open_ns
        if length > 0 and left > 0:
            start_ns = session.open_ns + max(0, length - left)
            left -= length
    return start_ns, left


def _cut(day: TradingDay, start_ns: int, end_ns: int, *, regular: bool) -> Iterator[Window]:
    """Windows of a day, the newest first."""
    if not regular:
        yield Window(day.date, start_ns, end_ns, tuple(session.open_ns for session in day.sessions))
        return
    for session in reversed(day.regular):
        low, high = max(session.open_ns, start_ns), min(session.close_ns, end_ns)
        if low < high:
            yield Window(day.date, low, high, (session.open_ns,))
