"""The `orders` collection: one document per order, its state as folded from its events. Keyed by our order id.

An order that came by the database route was a request before (`atlas.store.requests`): its document keeps what the robot wrote
into it, and is not looked at here until the trader has written a state into it.
"""

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne

from atlas.domain import OrderState, OrderStatus, plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database

_FINAL = [status.value for status in OrderStatus if status.is_final]
_OPEN = [status.value for status in OrderStatus if not status.is_final]
_OURS = {"status": {"$in": [*_OPEN, *_FINAL]}}


class OrderRepository:
    """Reads and writes order states."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orders: Collection = database.collection("orders")

    async def prepare(self) -> None:
        """Make the indexes."""
        async with self._database.guard():
            await self._orders.create_index([("status", 1)])
            await self._orders.create_index([("at_ns", 1)])

    async def save(self, states: Sequence[OrderState]) -> None:
        """Write the states, the last one of each order. Writing the same again changes nothing."""
        newest = {state.order.id: state for state in states}
        if not newest:
            return
        async with self._database.guard():
            await self._orders.bulk_write(
                [UpdateOne({"_id": order_id}, {"$set": plain(state)}, upsert=True) for order_id, state in newest.items()]
            )

    async def ids(self) -> list[str]:
        """The ids of all orders that were ever written."""
        async with self._database.guard():
            return [row["_id"] async for row in self._orders.find(_OURS, {"_id": 1})]

    async def open_or_since(self, since_ns: int) -> list[OrderState]:
        """Orders that are not final, and all that changed at `since_ns` or later."""
        async with self._database.guard():
            rows = self._orders.find({"$or": [{"status": {"$in": _OPEN}}, {**_OURS, "at_ns": {"$gte": since_ns}}]})
            return [from_document(row) async for row in rows]

    async def newest(self, limit: int, robot: str = "") -> list[OrderState]:
        """The orders that changed last, newest first."""
        query: dict[str, Any] = {**_OURS, **({"order.robot": robot} if robot else {})}
        async with self._database.guard():
            rows = self._orders.find(query).sort([("at_ns", -1), ("_id", -1)]).limit(limit)
            return [from_document(row) async for row in rows]

    async def count_by_status(self) -> dict[str, int]:
        """How many orders are in each status."""
        async with self._database.guard():
            rows = await self._orders.aggregate([{"$match": _OURS}, {"$group": {"_id": "$status", "n": {"$sum": 1}}}])
            return {row["_id"]: row["n"] async for row in rows}


def to_document(state: OrderState) -> dict[str, Any]:
    """The document of an order's state."""
    return {"_id": state.order.id, **plain(state)}


def from_document(document: dict[str, Any]) -> OrderState:
    """The order's state in a document.

    Raises:
        BadInput: the document is not one of ours.
    """
    return read(document, OrderState, "orders")
