"""Robots, and lists of orders, over recorded events: the front of the exchange without any wires."""

from atlas.backtest.backtest import Backtest, Fill, Result, Scripted
from atlas.backtest.venue import Venue

__all__ = ["Backtest", "Fill", "Result", "Scripted", "Venue"]
