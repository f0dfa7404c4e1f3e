"""Robots: strategies as pure functions of their events, the runtime that applies events to them, and their replay."""

from atlas.robot.context import Context
from atlas.robot.events import Control, Decided, RobotEvent, RobotRecord, Started, Stopped, Timer, encode_actions
from atlas.robot.loading import load_strategy
from atlas.robot.replay import Difference, Replay, replay
from atlas.robot.runtime import Notice, RobotState, RobotView, Runtime, started
from atlas.robot.strategy import Parameters, Strategy, make_parameters, parameters_type, plain_parameters, wants
from atlas.robot.wishes import Bracket

__all__ = [
    "Bracket",
    "Context",
    "Control",
    "Decided",
    "Difference",
    "Notice",
    "Parameters",
    "Replay",
    "RobotEvent",
    "RobotRecord",
    "RobotState",
    "RobotView",
    "Runtime",
    "Started",
    "Stopped",
    "Strategy",
    "Timer",
    "encode_actions",
    "load_strategy",
    "make_parameters",
    "parameters_type",
    "plain_parameters",
    "replay",
    "started",
    "wants",
]
