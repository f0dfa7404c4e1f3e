"""Documents beside the way of an order: alarms, the trading state, limits.

What they say holds at once; they are written in order as soon as the store takes them, and until then wait in memory.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from atlas.domain import Unavailable

Write = Callable[[], Awaitable[None]]
MOST_WAITING = 10_000


class Filing:
    """Writes documents one after the other.

    Args:
        on_refused: told what a document was and why the store will never take it.
    """

    def __init__(self, retry_seconds: float) -> None:
        self._retry_seconds = retry_seconds
        self._waiting: deque[tuple[Write, asyncio.Future[None]]] = deque(maxlen=MOST_WAITING)
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def waiting(self) -> int:
        """Documents that are not written yet."""
        return len(self._waiting)

    def put(self, write: Write) -> asyncio.Future[None]:
        """Have a document written. The future is done when it is."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, written))
        self._empty.clear()
        self._wake.set()
        return written

    async def empty(self) -> None:
        """Wait until everything is written."""
        await self._empty.wait()

    async def run(self) -> None:
        """Write, for good."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                write, written = self._waiting[0]
                try:
                    await write()
                except Unavailable:
                    await asyncio.sleep(self._retry_seconds)
                    continue
                self._waiting.popleft()
                if not written.done():
                    written.set_result(None)
            self._empty.set()
