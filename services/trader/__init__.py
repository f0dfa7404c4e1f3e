"""The trader: orders in, risk-checked, written down, sent; what the broker reports of them written down and told."""

from services.trader.service import Trader

__all__ = ["Trader"]
