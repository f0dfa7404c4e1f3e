"""When a session day begins. Pure.

A day begins at the same local time each day but where it would be a weekend's. Whose day it is says its middle: one that begins
on Sunday evening is Monday's, one that begins on Friday evening is nobody's, and belongs to Friday's.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from atlas.domain import BadInput, from_datetime, to_datetime

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_HALF_A_DAY = timedelta(hours=12)
_FRIDAY = 4


@dataclass(frozen=True, slots=True)
class SessionDays:
    """Days that begin at `start`, hours and minutes in `time_zone`.

    Raises:
        BadInput: `start` is no time of day, or there is no such time zone.
    """

    start: str = "17:00"
    time_zone: str = "America/New_York"

    def __post_init__(self) -> None:
        if not _TIME.fullmatch(self.start):
            raise BadInput(f"{self.start!r} is not a time of day; write hours and minutes, as 17:00")
        try:
            ZoneInfo(self.time_zone)
        except (LookupError, ValueError, OSError) as error:
            raise BadInput(f"there is no time zone {self.time_zone!r}; write one as America/New_York") from error

    def begun_by(self, now_ns: int) -> int:
        """When the day that lasts at `now_ns` began."""
        day = self._local(now_ns) + timedelta(days=1)
        while not self._is_session(day) or self._moment(day) > now_ns:
            day -= timedelta(days=1)
        return self._moment(day)

    def next_after(self, now_ns: int) -> int:
        """When the day after that begins."""
        day = self._local(now_ns) - timedelta(days=1)
        while not self._is_session(day) or self._moment(day) <= now_ns:
            day += timedelta(days=1)
        return self._moment(day)

    def _local(self, now_ns: int) -> date:
        return to_datetime(now_ns).astimezone(ZoneInfo(self.time_zone)).date()

    def _moment(self, day: date) -> int:
        return from_datetime(datetime.combine(day, self._time(), ZoneInfo(self.time_zone)))

    def _is_session(self, day: date) -> bool:
        return (datetime.combine(day, self._time()) + _HALF_A_DAY).weekday() <= _FRIDAY

    def _time(self) -> time:
        return time(int(self.start[:2]), int(self.start[3:]))
