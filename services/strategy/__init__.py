"""The strategy service: robots, each a pure function of its events, and the threads that bring them those."""

from services.strategy.service import StrategyService

__all__ = ["StrategyService"]
