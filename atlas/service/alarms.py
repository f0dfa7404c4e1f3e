"""Alarms: what a person must know of. Raised once, cleared once, however often it is said in between.

An alarm is known by its key, as `database-away` or `position-break:ES-202612@CME`. While it is raised it is one of the
service's problems; raising and clearing it are one log line each, and one document in the `alarms` collection as soon as there
is a database.
"""

from collections.abc import Callable

import structlog

from atlas.domain import Clock
from atlas.domain.alarm import Alarm, Severity

__all__ = ["Alarm", "Alarms", "Severity"]

log = structlog.get_logger("atlas.alarms")


class Alarms:
    """The alarms of one service.

    Args:
        sink: gets each alarm when it is raised, and again when it is cleared.
    """

    def __init__(self, source: str, clock: Clock, sink: Callable[[Alarm], None] | None = None) -> None:
        self.sink = sink
        self._source = source
        self._clock = clock
        self._raised: dict[str, Alarm] = {}

    @property
    def raised(self) -> dict[str, Alarm]:
        """What is wrong now, by key."""
        return dict(self._raised)

    def is_raised(self, key: str) -> bool:
        """Whether the alarm `key` is raised now."""
        return key in self._raised

    def raise_(self, key: str, text: str, severity: Severity = Severity.WARNING) -> None:
        """Raise an alarm. While it is raised, saying it again changes nothing."""
        if key in self._raised:
            return
        alarm = Alarm(key, self._source, severity, text, self._clock.now_ns())
        self._raised[key] = alarm
        log.error("alarm", key=key, severity=severity.value, text=text)
        self._tell(alarm)

    def clear(self, key: str) -> None:
        """All is well again with `key`. Nothing happens if it is not raised."""
        alarm = self._raised.pop(key, None)
        if alarm is None:
            return
        now_ns = self._clock.now_ns()
        log.info("alarm cleared", key=key, after_seconds=round((now_ns - alarm.raised_ns) / 1e9, 3))
        self._tell(Alarm(alarm.key, alarm.source, alarm.severity, alarm.text, alarm.raised_ns, now_ns))

    def _tell(self, alarm: Alarm) -> None:
        if self.sink is not None:
            self.sink(alarm)
