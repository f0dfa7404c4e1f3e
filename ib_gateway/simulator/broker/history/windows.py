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
from ib_gateway.simulator.broker.slices import Sliced, whole
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.days import TradingDay, TradingDays

_DAYS_AT_ONCE = 200
_WINDOWS_AT_ONCE, _BARS_AT_ONCE = 16, 3000
"""How much of the past is worked out in one slice."""


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
    return whole(windows_in_slices(days, listing, duration, end_ns, regular=regular, whole_days=whole_days))


def windows_in_slices(
    days: TradingDays, listing: Listing, duration: Duration, end_ns: int, *, regular: bool, whole_days: bool
) -> Sliced[list[Window]]:
    """The same, a year or less at a time."""
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
        if position % _DAYS_AT_ONCE == _DAYS_AT_ONCE - 1:
            yield
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


def pieces(spans: list[Window], bar: str, bar_seconds: int, *, option: bool) -> list[list[Window]]:
    """Windows in pieces, each a moment's work and without a bar that goes over into the next.

    Bars of seconds are cut within a day, at whole hours, those of options, each of which has to be valued, at five minutes;
    weeks and months stay whole.
    """
    if bar_seconds < 60:
        size = (300 if option else 3600) * NS_PER_SECOND
        cuts = (range(span.start_ns // size * size, span.end_ns, size) for span in spans)
        return [
            [span._replace(start_ns=max(span.start_ns, cut), end_ns=min(span.end_ns, cut + size))]
            for span, at in zip(spans, cuts, strict=True)
            for cut in at
        ]
    most = 1 if option and bar_seconds < 86_400 else _WINDOWS_AT_ONCE
    result: list[list[Window]] = []
    seconds_left = 0
    for span in spans:
        seconds_left -= max(span.end_ns - span.start_ns, 1) // NS_PER_SECOND
        last = result[-1] if result else None
        goes_on = last is not None and bar_seconds >= 86_400 and period(last[-1], bar) == period(span, bar)
        if last is not None and (goes_on or (len(last) < most and (seconds_left > 0 or bar_seconds >= 86_400))):
            last.append(span)
        else:
            result.append([span])
            seconds_left = _BARS_AT_ONCE * bar_seconds
    return result


def period(window: Window, bar: str) -> object:
    """What a window has in common with others of the same day, week or month."""
    if bar == "1 week":
        return window.date.isocalendar()[:2]
    return (window.date.year, window.date.month) if bar == "1 month" else window.date
