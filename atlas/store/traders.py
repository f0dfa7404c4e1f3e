"""The `traders` collection: which traders take requests from this database, when each was seen last, and what it has read."""

from collections.abc import Mapping

from atlas.store.database import Collection, Database, Document

_ON_ROUTE = {"seen_ns": {"$exists": True}}
"""Those that take requests; of others there is the lease of their account alone (`atlas.store.leases`)."""


class TraderRepository:
    """Traders by the account that they trade."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._traders: Collection = database.collection("traders")

    async def register(self, account: str, now_ns: int) -> dict[str, Document]:
        """Say that the trader of `account` takes requests from here. The resume tokens that it stored last, by collection."""
        async with self._database.guard():
            row = await self._traders.find_one({"_id": account})
            changes = {"started_ns": now_ns, "seen_ns": now_ns}
            await self._traders.update_one({"_id": account}, {"$set": changes}, upsert=True)
        tokens = (row or {}).get("tokens")
        return {name: dict(token) for name, token in tokens.items() if token} if isinstance(tokens, dict) else {}

    async def beat(self, account: str, now_ns: int, tokens: Mapping[str, Document | None]) -> None:
        """The trader lives, and has processed the changes up to these tokens."""
        async with self._database.guard():
            await self._traders.update_one({"_id": account}, {"$set": {"seen_ns": now_ns, "tokens": dict(tokens)}})

    async def seen(self) -> dict[str, int]:
        """By account when its trader was last seen, by that trader's clock."""
        async with self._database.guard():
            return {str(row["_id"]): int(row["seen_ns"]) async for row in self._traders.find(_ON_ROUTE)}
