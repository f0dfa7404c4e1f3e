"""Time: UTC nanoseconds since the epoch, as an int. Pure code is handed a clock and never looks at the wall."""

from datetime import UTC, datetime
from typing import Protocol

NS_PER_SECOND = 1_000_000_000
NS_PER_MS = 1_000_000
NS_PER_US = 1_000


class Clock(Protocol):
    """Where code asks for the time."""

    def now_ns(self) -> int:
        """UTC nanoseconds since the epoch."""
        ...


class ManualClock:
    """A clock that stands until it is moved: for tests, replays and virtual time."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """The time it was last set to."""
        return self._now_ns

    def set(self, now_ns: int) -> None:
        """Move to `now_ns`, which may lie in the past."""
        self._now_ns = now_ns

    def advance(self, by_ns: int) -> None:
        """Move on by `by_ns`."""
        self._now_ns += by_ns


def from_datetime(moment: datetime) -> int:
    """UTC nanoseconds of an aware datetime.

    Raises:
        ValueError: the datetime has no time zone; which instant it means cannot be known.
    """
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment} has no time zone; give it one, best UTC")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * NS_PER_SECOND + delta.microseconds * NS_PER_US


def to_datetime(ns: int) -> datetime:
    """An aware UTC datetime, cut to microseconds."""
    seconds, rest = divmod(ns, NS_PER_SECOND)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest // NS_PER_US)


def iso(ns: int) -> str:
    """ISO 8601 in UTC with microseconds.

    >>> iso(1_399_248_023_668_000_000)
    '2014-05-05T00:00:23.668000Z'
    """
    return to_datetime(ns).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
