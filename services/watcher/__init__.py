"""The watcher: market data from the gateway, onto the bus, with bars."""

from services.watcher.service import Watcher

__all__ = ["Watcher"]
