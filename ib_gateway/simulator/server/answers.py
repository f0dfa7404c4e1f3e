"""Answers that take long are worked out a slice at a time, and everybody else is attended to between the slices.

A client's requests are answered in order: what it asks meanwhile waits until the answer before is complete.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from ib_gateway.simulator.broker.slices import Sliced
from ib_gateway.simulator.messages.requests import Request

_MOST_WAITING = 1000
"""Requests of one client that may wait; beyond that the answer is worked out at once, and the client's socket waits."""

Work = Callable[[int, Request, Sliced[None] | None], Sliced[None] | None]
"""Begins to answer a client's request, or goes on with the rest; returns what is left to do then."""


class _Line:
    """The answer that a client is being given, and what it has asked since."""

    def __init__(self, client_id: int, request: Request, rest: Sliced[None]) -> None:
        self.client_id = client_id
        self.request = request
        self.rest: Sliced[None] | None = rest
        self.waiting: deque[Request] = deque()

    @property
    def done(self) -> bool:
        """Whether nothing is left to answer."""
        return self.rest is None and not self.waiting


class Answers:
    """The answers in the works. `told` is called after each slice, so that what was said is sent."""

    def __init__(self, work: Work, told: Callable[[], None]) -> None:
        self._work = work
        self._told = told
        self._lines: dict[int, _Line] = {}
        self._idle = asyncio.Event()
        self._idle.set()

    def ask(self, client_id: int, request: Request) -> None:
        """A client asks something."""
        line = self._lines.get(client_id)
        if line is None:
            rest = self._work(client_id, request, None)
            if rest is not None:
                line = self._lines[client_id] = _Line(client_id, request, rest)
                self._idle.clear()
                asyncio.get_running_loop().call_soon(self._go_on, line)
            return
        line.waiting.append(request)
        while len(line.waiting) > _MOST_WAITING:
            self._slice(line)

    def leave(self, client_id: int) -> None:
        """A client is gone, and with it what it was to be told."""
        line = self._lines.get(client_id)
        if line is not None:
            self._end(line)
            if line.rest is not None:
                line.rest.close()

    async def finished(self) -> None:
        """Return when nothing is in the works."""
        await self._idle.wait()

    def _go_on(self, line: _Line) -> None:
        if self._lines.get(line.client_id) is not line:
            return
        if not line.done:
            self._slice(line)
        if line.done:
            self._end(line)
        else:
            asyncio.get_running_loop().call_soon(self._go_on, line)
        self._told()

    def _end(self, line: _Line) -> None:
        if self._lines.get(line.client_id) is line:
            del self._lines[line.client_id]
        if not self._lines:
            self._idle.set()

    def _slice(self, line: _Line) -> None:
        if line.rest is None:
            line.request = line.waiting.popleft()
        line.rest = self._work(line.client_id, line.request, line.rest)
