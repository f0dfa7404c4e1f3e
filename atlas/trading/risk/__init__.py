"""Whether an order may go out: limits by desk, account, robot and instrument, and the rules that hold orders against them.

An order that only reduces a position is an exit: no limit ever refuses it. Orders that cannot be right (an instrument that
nobody defined, a price off the grid) are refused whatever they do.
"""

from atlas.trading.risk.closing import Closing, LimitReached, closings
from atlas.trading.risk.days import SessionDays
from atlas.trading.risk.gate import OPERATOR, Gate
from atlas.trading.risk.limits import DESK, AtLimit, Limits, LimitTree
from atlas.trading.risk.session import SessionMemory
from atlas.trading.risk.view import OrdersView

__all__ = [
    "DESK", "OPERATOR", "AtLimit", "Closing", "Gate", "LimitReached", "LimitTree", "Limits", "OrdersView",
    "SessionDays", "SessionMemory", "closings",
]  # fmt: skip
