"""The monitor: what the desk does, over HTTP, for people and programs; and what they want of it, handed on to the trader."""

from services.monitor.service import Monitor

__all__ = ["Monitor"]
