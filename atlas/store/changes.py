"""Change streams: they wake whoever reads a collection, and are trusted with nothing else.

A stream may lose events: its resume token can be older than what the server remembers, and the embedded server then goes on
without a word. So an event only says "look", whoever is woken reads the collection by its own numbers, and looks now and then
without being woken.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from atlas.domain import ConfigurationError
from atlas.store.database import Collection, Database, DatabaseAway, Document

log = structlog.get_logger("atlas.store")

_AWAIT_MS: Final = 1000
_EARLY_SECONDS: Final = 0.5  # an empty answer before that came from a server that does not wait
_PAUSES: Final = ((4000, 0.1), (1000, 0.02), (0, 0.0015))  # after so many empty answers in a row, seconds; for such a server
_AGAIN_SECONDS: Final = 0.5
_NO_REPLICA_SET: Final = frozenset({40573})  # Location40573: $changeStream is only supported on replica sets
_LOST: Final = {
    222: "CloseChangeStream",
    260: "InvalidResumeToken",
    280: "ChangeStreamFatalError",
    286: "ChangeStreamHistoryLost",
}


class Changes:
    """The insertions into one collection that fit `match`, as a bell.

    Args:
        match: by dotted field name of the inserted document, the value that it must have, or an operator.
        on_change: called with the collection's name for each insertion, and whenever some may have been missed.
        on_lost: called with the reason when the server no longer knows the history since the resume token.
    """

    def __init__(
        self,
        database: Database,
        collection: str,
        match: Mapping[str, Any],
        on_change: Callable[[str], None],
        on_lost: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self.token: Document | None = None
        self.heard = 0
        self._collection: Collection = database.collection(collection)
        self._database = database
        self._name = collection
        fields = {f"fullDocument.{name}": value for name, value in match.items()}
        self._pipeline = [{"$match": {"operationType": "insert", **fields}}]
        self._on_change = on_change
        self._on_lost = on_lost

    async def prove(self) -> None:
        """See that the server has change streams at all.

        Raises:
            ConfigurationError: it is a standalone server.
            DatabaseAway: it does not answer.
        """
        try:
            async with self._database.guard(), await self._collection.watch(self._pipeline, max_await_time_ms=_AWAIT_MS):
                pass
        except DatabaseAway as error:
            cause = error.__cause__
            if isinstance(cause, OperationFailure) and cause.code in _NO_REPLICA_SET:
                raise ConfigurationError(
                    f"the database at {self._database.address} is a standalone server, which has no change streams; start it "
                    "as a replica set of one node: mongod --replSet rs0, then rs.initiate()"
                ) from error
            raise

    async def follow(self) -> None:
        """Ring for good. A stream that breaks is opened again where it was; if the server has forgotten that, from now."""
        while True:
            try:
                await self._listen()
            except OperationFailure as error:
                if error.code in _LOST:
                    self.token = None
                    self._on_lost(f"{_LOST[error.code]} on {self._name}")
                    self._on_change(self._name)
                else:
                    log.warning("a change stream failed", collection=self._name, code=error.code)
                await asyncio.sleep(_AGAIN_SECONDS)
            except (ConnectionFailure, PyMongoError):
                await asyncio.sleep(_AGAIN_SECONDS)  # whoever reads the collection says that the database is away

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        watching = self._collection.watch(self._pipeline, resume_after=self.token, max_await_time_ms=_AWAIT_MS)
        async with await watching as stream:
            self._on_change(self._name)  # what was inserted while no stream stood
            empty = 0
            while True:
                asked = loop.time()
                change = await stream.try_next()
                self.token = dict(stream.resume_token) if stream.resume_token is not None else None
                if change is not None:
                    empty = 0
                    self.heard += 1
                    self._on_change(self._name)
                elif loop.time() - asked < _EARLY_SECONDS:
                    empty += 1
                    await asyncio.sleep(next(pause for least, pause in _PAUSES if empty >= least))
