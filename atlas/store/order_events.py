"""The `order_events` collection: every event of every order, numbered without gaps, keyed by trader and number."""

from collections.abc import Iterable, Sequence
from typing import Any

from pymongo.errors import BulkWriteError

from atlas.domain import OrderEvent, OrderEventKind, Refused, plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database, Document

_DUPLICATE_KEY = 11000
_ORDERS_AT_ONCE = 500


class OrderEventRepository:
    """Reads and writes the events of one trader."""

    def __init__(self, database: Database, trader: str) -> None:
        self._database = database
        self._trader = trader
        self._events: Collection = database.collection("order_events")

    async def prepare(self) -> None:
        """Make the indexes."""
        async with self._database.guard():
            await self._events.create_index([("trader", 1), ("sequence", 1)], unique=True)
            await self._events.create_index([("order_id", 1)])
            await self._events.create_index([("trader", 1), ("robot", 1), ("sequence", 1)])

    async def append(self, events: Sequence[OrderEvent]) -> None:
        """Write events in order; those that are there already are left alone.

        Whoever reads sees no event before all that have a lower number: readers of some robots' events rely on it.

        Raises:
            Refused: another event has the number of one of them.
        """
        documents = [{"_id": self._key(event.sequence), "trader": self._trader, **plain(event)} for event in events]
        async with self._database.guard():
            while documents:
                try:
                    await self._events.insert_many(documents, ordered=True)
                except BulkWriteError as error:
                    failed = error.details["writeErrors"][0]
                    if failed["code"] != _DUPLICATE_KEY:
                        raise
                    documents = await self._not_there(documents[failed["index"] :])
                else:
                    return

    async def _not_there(self, documents: list[Document]) -> list[Document]:
        """Those that are not there yet. What is there already must be what was to be written.

        Raises:
            Refused: an event of that number is another one: the trader's journal and this database have parted ways.
        """
        written = {row["_id"]: row async for row in self._events.find({"_id": {"$in": [one["_id"] for one in documents]}})}
        for document in documents:
            if written.get(document["_id"], document) != document:
                raise Refused(
                    f"event {document['sequence']} of {self._trader} is in the database with other content: journal and "
                    "database have parted ways; restore the one that belongs to the other"
                )
        return [document for document in documents if document["_id"] not in written]

    async def last_sequence(self) -> int:
        """The highest number that was written, 0 when there is none."""
        async with self._database.guard():
            row = await self._events.find_one({"trader": self._trader}, sort=[("sequence", -1)])
        return int(row["sequence"]) if row else 0

    async def since(self, sequence: int, limit: int = 1000, robot: str | Sequence[str] = "") -> list[OrderEvent]:
        """Events with numbers above `sequence`, in order, at most `limit`; of one robot or some only, if given."""
        query: dict[str, Any] = {"trader": self._trader, "sequence": {"$gt": sequence}}
        if robot:
            query["robot"] = robot if isinstance(robot, str) else {"$in": list(robot)}
        async with self._database.guard():
            rows = self._events.find(query).sort("sequence", 1).limit(limit)
            return [read(row, OrderEvent, "order_events") async for row in rows]

    async def submitted(self, within_ns: int) -> list[OrderEvent]:
        """The submissions of the `within_ns` that end with the last one, in order, each with its order."""
        found: list[OrderEvent] = []
        query = {"trader": self._trader, "kind": OrderEventKind.PENDING.value}
        async with self._database.guard(), self._events.find(query).sort("sequence", -1) as rows:
            async for row in rows:
                found.append(read(row, OrderEvent, "order_events"))
                if found[-1].at_ns < found[0].at_ns - within_ns:
                    found.pop()
                    break
        return found[::-1]

    async def of_order(self, order_id: str) -> list[OrderEvent]:
        """All events of one order, in order."""
        async with self._database.guard():
            rows = self._events.find({"trader": self._trader, "order_id": order_id}).sort("sequence", 1)
            return [read(row, OrderEvent, "order_events") async for row in rows]

    async def of_orders(self, order_ids: Iterable[str]) -> dict[str, list[OrderEvent]]:
        """By order all events of these orders, in order; an order that has none is not in it."""
        found: dict[str, list[OrderEvent]] = {}
        wanted = list(order_ids)
        async with self._database.guard():
            for first in range(0, len(wanted), _ORDERS_AT_ONCE):
                query = {"trader": self._trader, "order_id": {"$in": wanted[first : first + _ORDERS_AT_ONCE]}}
                async for row in self._events.find(query).sort("sequence", 1):
                    event = read(row, OrderEvent, "order_events")
                    found.setdefault(event.order_id, []).append(event)
        return found

    async def sent_under(self, broker_order_id: int, order_id: str) -> bool:
        """Whether an event tells that the order has that number at the broker."""
        query = {"trader": self._trader, "order_id": order_id, "broker_order_id": broker_order_id}
        async with self._database.guard():
            return await self._events.find_one(query, {"_id": 1}) is not None

    def _key(self, sequence: int) -> str:
        return f"{self._trader}:{sequence:012d}"
