"""Numbered steps of the way of an order and of a report, at which a test can have the process killed as by a power cut."""

import os
import signal
from collections.abc import Mapping
from typing import Final

_WAYS: Final[Mapping[str, tuple[str, ...]]] = {
    # a new order
    "send": (
        "checked",  # form and risk rules have let it pass; it stands nowhere
        "journaled",  # in the journal, and nobody has been told
        "receipted",  # its robot has been told
        "written",  # in the database
        "probed",  # the broker has proven to be there
        "leaving",  # handed to the broker's connection, where it waits for its turn
        "sent",  # sent, and that stands nowhere
        "noted",  # that it was sent is in the journal
    ),
    # an execution
    "fill": (
        "received",  # the broker said so; it stands nowhere
        "journaled",  # in the journal
        "order_written",  # the order's new state is in the database, the execution is not
        "trade_written",  # the execution is, too
        "event_written",  # all of it is in the database, and nobody has been told
        "published",  # everybody has been told
    ),
    "cancel": ("requested", "journaled", "sent"),
    "modify": ("requested", "journaled", "written", "sent"),
    "group": ("journaled", "leg_sent", "sent"),
    "reconcile": ("answered", "entered"),
}

FAULT_POINTS: Final = tuple(f"{way}.{number}_{step}" for way, steps in _WAYS.items() for number, step in enumerate(steps, 1))
"""All of them, in the order of their ways: "send.1_checked" to "reconcile.2_entered"."""


class FaultPoints:
    """Kills the process with SIGKILL when it reaches the armed point. Armed with "", which is the rule, it does nothing.

    "send.7_sent:3" is the third time that the point is reached.
    """

    def __init__(self, armed: str = "") -> None:
        self._point, _, count = armed.partition(":")
        self._left = int(count or 1)

    def reached(self, point: str) -> None:
        """The process has got to `point`."""
        if not self._point or point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def is_fault_point(armed: str) -> bool:
    """Whether `armed` names a point, with or without a count."""
    point, _, count = armed.partition(":")
    return point in FAULT_POINTS and (not count or (count.isdecimal() and int(count) > 0))
