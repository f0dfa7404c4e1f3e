"""Atlas: a private trading desk on Interactive Brokers.

What a robot needs is importable from here and nothing else is: `from atlas import Strategy, Bar, Quote`.
"""

from atlas.domain import Bar, Execution, Instrument, OrderEvent, OrderKind, Quote, Side, TimeInForce, Trade
from atlas.robot import Context, Parameters, Strategy

__version__ = "0.1.0"

__all__ = [
    "Bar",
    "Context",
    "Execution",
    "Instrument",
    "OrderEvent",
    "OrderKind",
    "Parameters",
    "Quote",
    "Side",
    "Strategy",
    "TimeInForce",
    "Trade",
]
