"""Named steps of the way of an order and of a report, at which a test can have the process killed as by a power cut."""

import os
import signal
from typing import Final

FAULT_POINTS: Final = (
    "order_journaled",  # in the journal, not in the database
    "order_written",  # in the database, not sent
    "order_sent",  # sent, and that is written nowhere yet
    "report_received",  # the broker said something, and it is written nowhere
    "report_journaled",  # in the journal, not in the database
    "report_written",  # in the database, not published
)


class FaultPoints:
    """Kills the process with SIGKILL when it reaches the armed point. Armed with "", which is the rule, it does nothing."""

    def __init__(self, armed: str) -> None:
        self._armed = armed

    def reached(self, point: str) -> None:
        """The process has got to `point`."""
        if self._armed and point == self._armed:
            os.kill(os.getpid(), signal.SIGKILL)
