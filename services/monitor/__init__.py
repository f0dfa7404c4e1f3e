"""The monitor: what the desk does, over HTTP, for people and programs. It only looks."""

from services.monitor.service import Monitor

__all__ = ["Monitor"]
