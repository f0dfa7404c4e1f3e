"""The connection to MongoDB, or to a server that speaks its protocol."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConnectionFailure, InvalidURI, NotPrimaryError, OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from atlas.domain import ConfigurationError, Refused, Unavailable
from atlas.store.driver import close_what_is_cancelled

Document = dict[str, Any]
Collection = AsyncCollection[Document]

_NOT_LET_IN = frozenset({13, 18})  # Unauthorized, AuthenticationFailed

_DRIVERS_DETAILS = re.compile(r" \(configured timeouts|, Timeout: |, full error: ")  # where what people need ends


class DatabaseAway(Unavailable):
    """The database does not answer, has no writable primary, or fails. What was to be written has to be written again."""


class Database:
    """A database of one server. Open it with `connect`, and close it."""

    def __init__(self, client: AsyncMongoClient[Document], name: str, address: str) -> None:
        self._client = client
        self._database: AsyncDatabase[Document] = client.get_database(name, write_concern=WriteConcern(w=1, j=True))
        self.address = address
        self.name = name

    @classmethod
    async def connect(cls, url: str, name: str, *, user: str = "", password: str = "", wait_seconds: float = 10.0) -> Self:
        """Connect, and wait until there is a writable primary.

        Raises:
            ConfigurationError: the URL is no MongoDB URL, or a user has no password.
            Refused: user or password are wrong.
            DatabaseAway: nothing answers in time.
        """
        if user and not password:
            raise ConfigurationError(f"database.user is {user!r}, but there is no password; set database.password_file")
        options: dict[str, Any] = {"username": user, "password": password} if user else {}
        options |= {"serverSelectionTimeoutMS": 1000, "connectTimeoutMS": 1000, "socketTimeoutMS": 10_000, "appname": "atlas"}
        close_what_is_cancelled()
        try:
            client: AsyncMongoClient[Document] = AsyncMongoClient(url, **options)
        except (InvalidURI, PyMongoError, ValueError) as error:
            raise ConfigurationError(f"database.url is not a MongoDB URL: {error}") from error
        database = cls(client, name, _address(url))
        try:
            await database._wait(wait_seconds)
        except BaseException:
            await client.close()
            raise
        return database

    async def ping(self) -> None:
        """Prove that there is a writable primary.

        Raises:
            DatabaseAway: there is none, or it does not answer.
            Refused: user or password are wrong.
        """
        async with self.guard():
            try:
                hello = await self._client.admin.command("hello")
            except KeyError as error:  # the driver's, when a server without users answers a login with nothing
                raise Refused(f"the database at {self.address} knows no users; unset database.user") from error
            if not hello.get("isWritablePrimary"):
                raise DatabaseAway(f"the database at {self.address} has no writable primary; is its replica set initiated?")

    def collection(self, name: str) -> Collection:
        """A collection of this database."""
        return self._database[name]

    @asynccontextmanager
    async def guard(self) -> AsyncIterator[None]:
        """Turn the driver's errors into `DatabaseAway` (no server, no primary, disk full) and `Refused` (user, rights)."""
        try:
            yield
        except (ConnectionFailure, NotPrimaryError) as error:
            raise DatabaseAway(f"the database at {self.address} does not answer ({_first_words(error)})") from error
        except OperationFailure as error:
            if error.code in _NOT_LET_IN:
                raise Refused(
                    f"the database at {self.address} refuses our user, password or rights; check database.user"
                ) from error
            raise DatabaseAway(f"the database at {self.address} failed ({error.code}: {_first_words(error)})") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            try:
                await self.ping()
            except DatabaseAway as error:
                if loop.time() >= deadline:
                    raise DatabaseAway(f"{error}; start it or set database.url") from error
                await asyncio.sleep(0.2)
            else:
                return


def _first_words(error: Exception) -> str:
    return _DRIVERS_DETAILS.split(" ".join(str(error).split()))[0][:160]


def _address(url: str) -> str:
    return url.rsplit("://", maxsplit=1)[-1].rsplit("@", 1)[-1].rstrip("/")
