"""The `trades` collection: one document per execution, keyed by the broker's execution id, with its commission."""

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne

from atlas.domain import Commission, Execution, plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database


class TradeRepository:
    """Reads and writes executions and what they cost; what is read is of `account` if one is given."""

    def __init__(self, database: Database, account: str = "") -> None:
        self._database = database
        self._mine = {"account": account} if account else {}
        self._trades: Collection = database.collection("trades")

    async def prepare(self) -> None:
        """Make the indexes."""
        async with self._database.guard():
            await self._trades.create_index([("order_id", 1)])
            await self._trades.create_index([("at_ns", 1)])

    async def save(self, facts: Sequence[tuple[str, Execution | Commission]]) -> None:
        """Write executions and commissions, each with its robot. Writing the same again changes nothing."""
        if not facts:
            return
        async with self._database.guard():
            await self._trades.bulk_write([_update(robot, fact) for robot, fact in facts])

    async def all(self) -> list[tuple[Execution, Commission | None]]:
        """Every execution in the order of its time, then of its id, with its commission where that is known."""
        async with self._database.guard():
            # A commission that came before its execution waits in a document without an execution.
            rows = self._trades.find({**self._mine, "id": {"$exists": True}}).sort([("at_ns", 1), ("_id", 1)])
            return [_from_document(row) async for row in rows]

    async def robots(self) -> dict[str, str]:
        """Whose each execution was, by its id."""
        async with self._database.guard():
            rows = self._trades.find({**self._mine, "id": {"$exists": True}}, {"robot": 1})
            return {row["_id"]: str(row.get("robot", "")) async for row in rows}


def _update(robot: str, fact: Execution | Commission) -> UpdateOne:
    if isinstance(fact, Execution):
        return UpdateOne({"_id": fact.id}, {"$set": {**plain(fact), "robot": robot}}, upsert=True)
    return UpdateOne({"_id": fact.execution_id}, {"$set": {"commission": plain(fact)}}, upsert=True)


def _from_document(row: dict[str, Any]) -> tuple[Execution, Commission | None]:
    commission = row.get("commission")
    return read(row, Execution, "trades"), read({"_id": row["_id"], **commission}, Commission, "trades") if commission else None
