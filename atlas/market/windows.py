"""When the link to the broker is known to go away: the gateway's nightly restart, the broker's resets, the weekly login.

Pure: a schedule is a value, and gives windows for any stretch of time. Wall-clock times are those of a named zone, so a window
moves with daylight saving: one that starts in an hour that comes twice starts in the first, one that ends there ends in the
second, and one in an hour that does not come lasts as long as it would have.

Sources: IB, "System status" (reset times by region, weekend reset) and "Auto restart considerations" (the login's token ends
on Sunday at 01:00 in New York; the first login afterwards needs a person).
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from atlas.domain import NS_PER_SECOND, BadInput, from_datetime, to_datetime
from atlas.domain._struct import Value

NEW_YORK = "America/New_York"
EVERY_DAY = frozenset(range(7))
_FRIDAY, _SUNDAY = 4, 6
_TOKEN_ENDS = time(1)
_DAY_NS = 86_400 * NS_PER_SECOND
_LONGEST_NS = 2 * _DAY_NS
_HORIZON_NS = 8 * _DAY_NS
_NEVER = "never"


class Window(Value, frozen=True):
    """A stretch of time in which a lost link is no surprise. `needs_login`: it ends when a person approves the login."""

    name: str
    start_ns: int
    end_ns: int
    needs_login: bool = False

    def holds(self, now_ns: int) -> bool:
        """Whether it is open: from its start, up to its end and not at it."""
        return self.start_ns <= now_ns < self.end_ns


@dataclass(frozen=True, slots=True)
class Recurring:
    """A window that comes every week on `days` (Monday is 0) from `start` to `end` by the clock of `zone`.

    It ends on the next day if `end` is not later than `start`.
    """

    name: str
    start: time
    end: time
    zone: str
    days: frozenset[int] = EVERY_DAY
    needs_login: bool = False

    def on(self, day: date) -> Window | None:
        """The window that starts on `day`, a date in the zone."""
        if day.weekday() not in self.days:
            return None
        zone = ZoneInfo(self.zone)
        last = day if self.end > self.start else day + timedelta(days=1)
        start = from_datetime(datetime.combine(day, self.start, zone))
        end = max(from_datetime(datetime.combine(last, self.end, zone).replace(fold=fold)) for fold in (0, 1))
        return Window(self.name, start, end, self.needs_login)

    def between(self, from_ns: int, to_ns: int) -> Iterator[Window]:
        """Those that are open at some time in [from_ns, to_ns)."""
        zone = ZoneInfo(self.zone)
        day = to_datetime(from_ns - _LONGEST_NS).astimezone(zone).date()
        last = to_datetime(to_ns).astimezone(zone).date()
        while day <= last:
            window = self.on(day)
            if window is not None and window.start_ns < to_ns and window.end_ns > from_ns:
                yield window
            day += timedelta(days=1)


_WEEKEND_RESET = Recurring("the broker's weekend reset", time(23), time(3), NEW_YORK, frozenset({_FRIDAY}))


def _reset(start: time, end: time, zone: str, days: frozenset[int] = EVERY_DAY) -> Recurring:
    return Recurring("the broker's daily reset", start, end, zone, days)


# A later page of the broker has 00:15 to 01:45 for America, 06:25 to 07:45 for Europe, and 04:45 to 06:05 for Asia: who sees
# the link go at such times names them in gateway.interruptions.
RESETS: dict[str, tuple[Recurring, ...]] = {
    "america": (_reset(time(23, 45), time(0, 45), NEW_YORK, EVERY_DAY - {_FRIDAY}), _WEEKEND_RESET),
    "europe": (_reset(time(5, 45), time(6, 45), "Europe/Zurich"), _WEEKEND_RESET),
    "asia": (
        _reset(time(4, 45), time(5, 30), "Asia/Hong_Kong"),
        _reset(time(20, 15), time(21), "Asia/Hong_Kong"),
        _WEEKEND_RESET,
    ),
    "none": (),
}
"""The broker's resets by the region of the servers that the login is on; "none" for a simulated gateway."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """All windows that are known in advance."""

    recurring: tuple[Recurring, ...] = ()

    def windows(self, from_ns: int, to_ns: int) -> list[Window]:
        """Every window that is open at some time in [from_ns, to_ns), the earliest first."""
        found = itertools.chain.from_iterable(one.between(from_ns, to_ns) for one in self.recurring)
        return sorted(found, key=lambda window: (window.start_ns, window.end_ns, window.name))

    def at(self, now_ns: int) -> Window | None:
        """The window that is open now; of several one that needs a login, else the one that stays open longest."""
        return max(self.windows(now_ns, now_ns + 1), key=lambda window: (window.needs_login, window.end_ns), default=None)

    def next(self, now_ns: int) -> Window | None:
        """The window that is open now, or the one that opens next; None if none is known."""
        return self.at(now_ns) or next(iter(self.windows(now_ns, now_ns + _HORIZON_NS)), None)

    def closes_in(self, now_ns: int) -> int | None:
        """Nanoseconds until the next window opens, 0 in one; None if none is known."""
        window = self.next(now_ns)
        return None if window is None else max(0, window.start_ns - now_ns)

    def gate(self, now_ns: int, before_seconds: float) -> str:
        """Why nothing new should leave: a window is open, or opens within `before_seconds`. Empty when all is clear."""
        window = self.next(now_ns)
        if window is None or window.start_ns - now_ns > before_seconds * NS_PER_SECOND:
            return ""
        opens, ends = (f"{to_datetime(ns):%Y-%m-%d %H:%M} UTC" for ns in (window.start_ns, window.end_ns))
        if window.holds(now_ns):
            return f"{window.name} is on until {ends}"
        return f"{window.name} begins in {(window.start_ns - now_ns) / NS_PER_SECOND:.0f} s, at {opens}, and ends at {ends}"


def windows(schedule: Schedule, from_ns: int, to_ns: int) -> list[Window]:
    """Every window of `schedule` that is open at some time in [from_ns, to_ns), the earliest first."""
    return schedule.windows(from_ns, to_ns)


def clock_time(text: str) -> time:
    """A wall-clock time written as 23:45, or as the gateway's own settings have it: 11:45 PM.

    Raises:
        BadInput: it is none.
    """
    if match := re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", text):
        return time(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"(0?[1-9]|1[0-2]):([0-5]\d) ?([AP])M", text):
        return time(int(match[1]) % 12 + (12 if match[3] == "P" else 0), int(match[2]))
    raise BadInput(f"{text!r} is no time of day; write it as 23:45")


def interruption(text: str, zone: str) -> Recurring:
    """A window written as `00:15-01:45`, or `fri,sat 23:00-03:00` for some days, by the clock of `zone`.

    Raises:
        BadInput: it cannot be read.
    """
    days, _, span = text.strip().rpartition(" ")
    start, dash, end = span.partition("-")
    names = [name.strip() for name in days.split(",")] if days else list(_DAYS)
    if not dash or any(name not in _DAYS for name in names):
        raise BadInput(f"{text!r} is no interruption; write it as 00:15-01:45, or fri,sat 23:00-03:00")
    return Recurring(
        "a known interruption", clock_time(start), clock_time(end), zone, frozenset(_DAYS.index(name) for name in names)
    )


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def schedule_of(
    *,
    zone: str,
    restart: str = _NEVER,
    restart_minutes: int = 5,
    cold_restart: str = _NEVER,
    login_minutes: int = 60,
    region: str = "none",
    interruptions: Sequence[str] = (),
) -> Schedule:
    """The schedule of one gateway.

    Args:
        zone: the gateway's time zone; those of the broker's resets are the broker's.
        restart: when it restarts by itself every day, as 23:45, or "never".
        restart_minutes: how long that may take.
        cold_restart: when it is started anew on Sundays and a person approves the login, or "never".
        login_minutes: how long that person may take.
        region: where the broker's servers are; a key of RESETS.
        interruptions: others, each as for `interruption`.

    Raises:
        BadInput: a time or zone that is none, or a cold restart before the login's token ends on Sunday.
    """
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise BadInput(f"{zone!r} is no time zone; write it as {NEW_YORK}") from error
    if region not in RESETS:
        raise BadInput(f"{region!r} is no region of the broker; choose one of {', '.join(RESETS)}")
    own: list[Recurring] = [interruption(text, zone) for text in interruptions]
    if restart != _NEVER:
        own.append(_lasting(Recurring("the gateway's nightly restart", clock_time(restart), time(), zone), restart_minutes))
    if cold_restart != _NEVER:
        sunday = Recurring("the weekly login", clock_time(cold_restart), time(), zone, frozenset({_SUNDAY}), needs_login=True)
        _check_after_token(sunday)
        own.append(_lasting(sunday, login_minutes))
    return Schedule((*own, *RESETS[region]))


def _lasting(window: Recurring, minutes: int) -> Recurring:
    end = datetime.combine(date.min, window.start) + timedelta(minutes=minutes)
    return replace(window, end=end.time())


def _check_after_token(sunday: Recurring) -> None:
    for day in (date(2026, 1, 4), date(2026, 7, 5)):  # a Sunday in winter and one in summer
        begins = datetime.combine(day, sunday.start, ZoneInfo(sunday.zone))
        if begins <= datetime.combine(day, _TOKEN_ENDS, ZoneInfo(NEW_YORK)):
            raise BadInput(
                f"the weekly login at {sunday.start:%H:%M} {sunday.zone} is not after Sunday 01:00 in New York, when the "
                "login's token ends; choose a later hour"
            )
