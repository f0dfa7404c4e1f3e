"""The `instruments` collection: definitions as the broker gave them, keyed by instrument id."""

from collections.abc import Iterable

from pymongo import ReplaceOne

from atlas.domain import Instrument, plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database


class InstrumentRepository:
    """Reads and writes instrument definitions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._instruments: Collection = database.collection("instruments")

    async def save(self, instruments: Iterable[Instrument]) -> None:
        """Write definitions; a newer one replaces."""
        writes = [ReplaceOne({"_id": one.id}, {"_id": one.id, **plain(one)}, upsert=True) for one in instruments]
        if writes:
            async with self._database.guard():
                await self._instruments.bulk_write(writes)

    async def all(self) -> dict[str, Instrument]:
        """Every definition by instrument id."""
        async with self._database.guard():
            rows = self._instruments.find({})
            return {row["_id"]: read({**row, "id": row["_id"]}, Instrument, "instruments") async for row in rows}
