"""Documents beside the way of an order: alarms, the trading state, limits.

What they say holds at once; they are written in order as soon as the store takes them, and until then wait in memory. One that
the store will never take holds up none of the others.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from atlas.domain import Refused, Unavailable
from atlas.service.alarms import Alarms, Severity

Write = Callable[[], Awaitable[None]]
MOST_WAITING = 10_000
UNSAVED_ALARM = "trading-state-unsaved"
CONFIRMED_SECONDS = 2.0
"""A document of a person's decision that the store has not confirmed for so long is an alarm."""

log = structlog.get_logger("atlas.trader")


@dataclass(slots=True, eq=False)
class _Document:
    write: Write
    what: str
    is_decision: bool
    written: asyncio.Future[None]


class Filing:
    """Writes documents one after the other.

    What a person has decided is never dropped. Of the rest the oldest goes when too many wait, for a database that is away for
    hours must not cost the trader its memory.
    """

    def __init__(self, retry_seconds: float, alarms: Alarms, most_waiting: int = MOST_WAITING) -> None:
        self._retry_seconds = retry_seconds
        self._alarms = alarms
        self._most_waiting = most_waiting
        self._waiting: deque[_Document] = deque()
        self._is_away = False
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def waiting(self) -> int:
        """Documents that are not written yet."""
        return len(self._waiting)

    def put(self, write: Write, what: str, *, is_decision: bool = False) -> asyncio.Future[None]:
        """Have a document written. The future is done when it is, and cancelled if it never will be.

        Args:
            write: writes it; called again while the store is away.
            what: what the document is of, in a word, for people.
            is_decision: it says what a person has decided: it is never dropped, and raises an alarm while it is not written.
        """
        loop = asyncio.get_running_loop()
        document = _Document(write, what, is_decision, loop.create_future())
        self._waiting.append(document)
        if len(self._waiting) > self._most_waiting:
            self._make_room()
        self._empty.clear()
        self._wake.set()
        if is_decision:
            loop.call_later(0 if self._is_away else CONFIRMED_SECONDS, self._look, document)
        return document.written

    async def empty(self) -> None:
        """Wait until everything is written."""
        await self._empty.wait()

    async def run(self) -> None:
        """Write, for good."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                document = self._waiting[0]
                if await self._write(document):
                    self._waiting.popleft()
                    self._clear_unsaved()
                else:
                    await asyncio.sleep(self._retry_seconds)
            self._empty.set()

    async def _write(self, document: _Document) -> bool:
        """Whether it is done with: written, or never to be."""
        trouble = f"not-written:{document.what}"
        try:
            await document.write()
        except Exception as error:  # noqa: BLE001 # whatever is wrong with one document is no reason not to write the next
            if isinstance(error, Unavailable) and not isinstance(error, Refused):
                self._is_away = True
                return False
            document.written.cancel()
            text = f"a document of {document.what} will never be in the database: {error or type(error).__name__}"
            self._alarms.raise_(trouble, text, Severity.CRITICAL if document.is_decision else Severity.WARNING)
            return True
        self._is_away = False
        self._alarms.clear(trouble)
        if not document.written.done():
            document.written.set_result(None)
        return True

    def _make_room(self) -> None:
        """Drop the oldest one that is no decision; the first of all is being written."""
        for document in list(self._waiting)[1:]:
            if not document.is_decision:
                self._waiting.remove(document)
                document.written.cancel()
                log.warning("a document is given up, too many wait for the database", what=document.what)
                return

    def _look(self, document: _Document) -> None:
        if not document.written.done():
            text = f"{document.what} is in force, and the database has not confirmed it; until it has, a restart may forget it"
            self._alarms.raise_(UNSAVED_ALARM, text)

    def _clear_unsaved(self) -> None:
        if not any(document.is_decision for document in self._waiting):
            self._alarms.clear(UNSAVED_ALARM)
