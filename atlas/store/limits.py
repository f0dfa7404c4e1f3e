"""The `limits` collection: every change of a risk limit at run time, who made it and when. The newest one holds."""

from typing import Any

from atlas.store.database import Collection, Database


class LimitRepository:
    """Reads and writes the changed limits of one account. Nothing is ever overwritten: the collection is their history."""

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account
        self._changes: Collection = database.collection("limits")

    async def prepare(self) -> None:
        """Make the indexes."""
        async with self._database.guard():
            await self._changes.create_index([("account", 1), ("at_ns", 1)])

    async def save(self, scope: str, name: str, value: Any, who: str, at_ns: int) -> None:
        """Write a change down; a `value` of None ends the limit. Writing the same again changes nothing."""
        key = f"{self._account}:{at_ns:020d}:{scope}:{name}"
        document = {"account": self._account, "scope": scope, "name": name, "value": value, "who": who, "at_ns": at_ns}
        async with self._database.guard():
            await self._changes.replace_one({"_id": key}, {"_id": key, **document}, upsert=True)

    async def changed(self) -> dict[str, dict[str, Any]]:
        """The changed limits by scope and name, each with its newest value; None says that it was ended."""
        found: dict[str, dict[str, Any]] = {}
        async with self._database.guard():
            async for row in self._changes.find({"account": self._account}).sort([("at_ns", 1), ("_id", 1)]):
                found.setdefault(row["scope"], {})[row["name"]] = row["value"]
        return found
