"""Requests on their way to the exchange: what a front adds between a decision and the market. Pure.

A request reaches the exchange `latency_ns` after it was sent, in the market's time, and none overtakes another. The market's
events before that moment come first; one of that very moment comes after the request.
"""

from collections import deque
from typing import Generic, TypeVar

Request = TypeVar("Request")


class Wire(Generic[Request]):
    """What was sent and has not arrived, oldest first."""

    def __init__(self, latency_ns: int = 0) -> None:
        self.latency_ns = latency_ns
        self._waiting: deque[tuple[int, Request]] = deque()

    def arrival(self, at_ns: int) -> int:
        """When what is sent at `at_ns` arrives."""
        return max(at_ns + self.latency_ns, self._waiting[-1][0] if self._waiting else 0)

    def carry(self, due_ns: int, request: Request) -> None:
        """`request` is on its way, the last of all, and arrives at `due_ns`."""
        self._waiting.append((due_ns, request))

    def take(self) -> tuple[int, Request]:
        """Take off the one that arrives first, with the moment at which it does."""
        return self._waiting.popleft()

    @property
    def waiting(self) -> tuple[tuple[int, Request], ...]:
        """What is on its way, with the moment at which it arrives."""
        return tuple(self._waiting)

    @property
    def first(self) -> Request:
        """The one that arrives first."""
        return self._waiting[0][1]

    @property
    def due_ns(self) -> int | None:
        """When the next one arrives; None if nothing is on its way."""
        return self._waiting[0][0] if self._waiting else None
