"""What a robot's journal is made of: the events that reach a robot, and the decisions that came of them.

A robot is a function of this sequence and of nothing else. A `Started` says all that a replay needs besides the strategy's
code, and every later record is either an event, or the `Decided` that follows the event it answers. The number of an event
is the sequence number of its record.
"""

import re
from typing import Any

import msgspec

from atlas.domain import Action, Bar, Instrument, OrderEvent, Quote, Trade
from atlas.domain._struct import Value

ROBOT_ID = re.compile(r"[a-z0-9_-]{1,32}")
"""What a robot may be called: its id is part of its order ids, of file names and of topics."""


class Started(Value, frozen=True, tag="started"):
    """The robot begins, or begins anew with other parameters: a fresh strategy, the same orders and positions.

    `strategy` names the file without its ending; `parameters` holds every parameter, defaults included, so that a default
    that changes later changes no replay. `account` is empty where the trader chooses.
    """

    robot: str
    strategy: str
    parameters: dict[str, Any]
    instruments: tuple[Instrument, ...]
    at_ns: int
    account: str = ""


class Stopped(Value, frozen=True, tag="stopped"):
    """The robot was stopped. A restart of its process is not a stop: the robot does not notice it."""

    at_ns: int
    reason: str = ""


class Timer(Value, frozen=True, tag="timer"):
    """It is `at_ns` by the clock of whoever runs the robot, and a timer may be due."""

    at_ns: int


class Control(Value, frozen=True, tag="control"):
    """A command from a person or a program. `pause` and `resume` are the runtime's; all others go to the strategy."""

    command: str
    at_ns: int
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)


class Decided(Value, frozen=True, tag="decided"):
    """What the robot wanted upon event `cause`. Written, and on disk, before any of it is sent."""

    cause: int
    actions: tuple[Action, ...]


RobotEvent = Started | Stopped | Quote | Trade | Bar | OrderEvent | Timer | Control
"""Anything that happens to a robot."""

RobotRecord = RobotEvent | Decided
"""Anything that stands in a robot's journal: `Journal.open(folder, RobotRecord)`."""


def encode_actions(actions: list[Action] | tuple[Action, ...]) -> bytes:
    """`actions` as bytes. Two decisions are the same if and only if these are equal."""
    return msgspec.msgpack.encode(actions)
