"""The `trading_state` collection: every change of what a trader may do, who made it and why. The newest of an account holds."""

from atlas.domain import plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database
from atlas.trading.trading_state import TradingStateChange


class TradingStateRepository:
    """Reads and writes the trading state of one account. Nothing is ever overwritten: the collection is its history."""

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account
        self._changes: Collection = database.collection("trading_state")

    async def prepare(self) -> None:
        """Make the indexes."""
        async with self._database.guard():
            await self._changes.create_index([("account", 1), ("at_ns", -1)])

    async def save(self, change: TradingStateChange) -> None:
        """Write a change down. Writing the same again changes nothing."""
        key = f"{self._account}:{change.at_ns:020d}"
        async with self._database.guard():
            document = {"_id": key, "account": self._account, **plain(change)}
            await self._changes.replace_one({"_id": key}, document, upsert=True)

    async def newest(self) -> TradingStateChange | None:
        """The change that holds; None if there never was one."""
        async with self._database.guard():
            row = await self._changes.find_one({"account": self._account}, sort=[("at_ns", -1)])
        return read(row, TradingStateChange, "trading_state") if row else None
