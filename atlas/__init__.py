"""Atlas: a private trading desk on Interactive Brokers.

What a robot needs is importable from here and nothing else is: `from atlas import Strategy, Bar, Quote`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from atlas.domain import (
    Bar,
    Execution,
    ExecutionCondition,
    Instrument,
    Join,
    MarginCondition,
    OcaType,
    OrderEvent,
    OrderEventKind,
    OrderKind,
    PercentChangeCondition,
    PriceCondition,
    Quote,
    Side,
    TimeCondition,
    TimeInForce,
    Trade,
    TriggerMethod,
    VolumeCondition,
)

if TYPE_CHECKING:
    from atlas.robot import Bracket, Context, Parameters, Strategy

__version__ = "0.1.0"

__all__ = [
    "Bar",
    "Bracket",
    "Context",
    "Execution",
    "ExecutionCondition",
    "Instrument",
    "Join",
    "MarginCondition",
    "OcaType",
    "OrderEvent",
    "OrderEventKind",
    "OrderKind",
    "Parameters",
    "PercentChangeCondition",
    "PriceCondition",
    "Quote",
    "Side",
    "Strategy",
    "TimeCondition",
    "TimeInForce",
    "Trade",
    "TriggerMethod",
    "VolumeCondition",
]


def __getattr__(name: str) -> Any:
    """What robots are made of, when it is asked for: the simulated gateway is also published without it."""
    if name in ("Bracket", "Context", "Parameters", "Strategy"):
        try:
            robot = import_module("atlas.robot")
        except ModuleNotFoundError as error:
            if error.name != "atlas.robot":
                raise
            raise ImportError(f"{name} is not in the simulated gateway's package; install atlas-desk") from error
        return getattr(robot, name)
    raise AttributeError(f"module 'atlas' has no attribute {name!r}")
