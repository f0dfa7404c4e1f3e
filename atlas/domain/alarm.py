"""What an alarm is. Raising and clearing them is `atlas.service.alarms`."""

from enum import Enum

from atlas.domain._struct import Value


class Severity(Enum):
    """How soon a person has to look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Alarm(Value, frozen=True, tag="alarm"):
    """One alarm. `cleared_ns` is 0 while it is raised. `text` says what is wrong and what to do."""

    key: str
    source: str
    severity: Severity
    text: str
    raised_ns: int
    cleared_ns: int = 0
