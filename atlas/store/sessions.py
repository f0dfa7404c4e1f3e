"""The `sessions` collection: what of the session day has to survive a restart, one document per account.

The memory is kept as JSON text: it has instruments for keys, whose dots are no names of fields to the database.
"""

import msgspec

from atlas.store.database import Collection, Database
from atlas.trading.risk.session import SessionMemory


class SessionRepository:
    """Reads and writes the memory of one account's session day."""

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account
        self._sessions: Collection = database.collection("sessions")

    async def save(self, memory: SessionMemory) -> None:
        """Write it; a newer one replaces."""
        async with self._database.guard():
            await self._sessions.replace_one(
                {"_id": self._account},
                {"_id": self._account, "began_ns": memory.began_ns, "memory": msgspec.json.encode(memory).decode()},
                upsert=True,
            )

    async def newest(self) -> SessionMemory | None:
        """What was written last; None if nothing was."""
        async with self._database.guard():
            row = await self._sessions.find_one({"_id": self._account})
        return msgspec.json.decode(row["memory"], type=SessionMemory) if row else None
