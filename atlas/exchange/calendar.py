"""When an instrument trades. The exchange is told; it knows no time zone and no holiday."""

import enum
from typing import Protocol

NEVER_NS = 2**63 - 1
"""Later than anything."""


class Phase(enum.Enum):
    """What part of the trading day it is."""

    CLOSED = "closed"
    EXTENDED = "extended"
    REGULAR = "regular"


class Calendar(Protocol):
    """The trading days of every instrument. Times are UTC nanoseconds since the epoch."""

    def phase(self, instrument: str, at_ns: int) -> Phase:
        """The phase that `instrument` is in. A phase holds from its first nanosecond to the last before the next."""
        ...

    def next_change(self, instrument: str, at_ns: int) -> int:
        """When the first phase after `at_ns` begins that is another one; NEVER_NS if there is none."""
        ...


class AlwaysRegular:
    """A market that never closes."""

    def phase(self, instrument: str, at_ns: int) -> Phase:  # noqa: ARG002 - the calendar's interface
        """Always regular."""
        return Phase.REGULAR

    def next_change(self, instrument: str, at_ns: int) -> int:  # noqa: ARG002 - the calendar's interface
        """Never."""
        return NEVER_NS
