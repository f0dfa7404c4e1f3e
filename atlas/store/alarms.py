"""The `alarms` collection: one document per alarm, from when it was raised to when it was cleared."""

from atlas.domain import plain
from atlas.domain.alarm import Alarm
from atlas.store._documents import read
from atlas.store.database import Collection, Database


class AlarmRepository:
    """Reads and writes alarms of all services."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._alarms: Collection = database.collection("alarms")

    async def prepare(self) -> None:
        """Make the indexes."""
        async with self._database.guard():
            await self._alarms.create_index([("raised_ns", -1)])

    async def save(self, alarm: Alarm) -> None:
        """Write an alarm; once more, when it is cleared."""
        key = f"{alarm.source}:{alarm.key}:{alarm.raised_ns}"
        async with self._database.guard():
            await self._alarms.replace_one({"_id": key}, {"_id": key, **plain(alarm)}, upsert=True)

    async def clear_earlier(self, source: str, now_ns: int) -> None:
        """Clear what an earlier run of `source` had raised when it ended: what is still wrong is raised anew."""
        async with self._database.guard():
            await self._alarms.update_many({"source": source, "cleared_ns": 0}, {"$set": {"cleared_ns": now_ns}})

    async def newest(self, limit: int) -> list[Alarm]:
        """The alarms that were raised last, newest first."""
        async with self._database.guard():
            rows = self._alarms.find({}).sort([("raised_ns", -1), ("_id", 1)]).limit(limit)
            return [read(row, Alarm, "alarms") async for row in rows]
