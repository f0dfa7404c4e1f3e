"""The `orders` collection: one document per order, its state as folded from its events. Keyed by our order id.

An order that came by the database route was a request before (`atlas.store.requests`): its document keeps what the robot wrote
into it, and is not looked at here until the trader has written a state into it.
"""

from collections.abc import Sequence
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from atlas.domain import OrderState, OrderStatus, plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database

_DUPLICATE_KEY = 11000
_FINAL = [status.value for status in OrderStatus if status.is_final]
_OPEN = [status.value for status in OrderStatus if not status.is_final]
_OURS = {"status": {"$in": [*_OPEN, *_FINAL]}}


class OrderRepository:
    """Reads and writes order states; what is read is of `account` if one is given."""

    def __init__(self, database: Database, account: str = "") -> None:
        self._database = database
        self._mine = {**_OURS, **({"order.account": account} if account else {})}
        self._orders: Collection = database.collection("orders")

    async def prepare(self) -> None:
        """Make the indexes."""
        async with self._database.guard():
            await self._orders.create_index([("status", 1)])
            await self._orders.create_index([("at_ns", 1)])
            await self._orders.create_index([("order.account", 1), ("broker_order_id", -1)])

    async def save(self, states: Sequence[OrderState]) -> None:
        """Write the states, the last one of each order. Writing the same again changes nothing.

        A state never takes the place of a newer one: a write that was given up may reach the server after those that followed.
        """
        newest = {state.order.id: state for state in states}
        if not newest:
            return
        async with self._database.guard():
            try:
                await self._orders.bulk_write([_write(state) for state in newest.values()], ordered=False)
            except BulkWriteError as error:
                if any(failed["code"] != _DUPLICATE_KEY for failed in error.details["writeErrors"]):
                    raise

    async def highest_broker_order_id(self) -> int:
        """The highest number under which an order was ever sent to the broker, 0 when there is none."""
        async with self._database.guard():
            row = await self._orders.find_one(self._mine, {"broker_order_id": 1}, sort=[("broker_order_id", -1)])
        return max(0, int(row["broker_order_id"])) if row else 0

    async def ids(self) -> list[str]:
        """The ids of all orders that were ever written, whatever their account: no id is used twice."""
        async with self._database.guard():
            return [row["_id"] async for row in self._orders.find(_OURS, {"_id": 1})]

    async def open_or_since(self, since_ns: int) -> list[OrderState]:
        """Orders that are not final, and all that changed at `since_ns` or later."""
        async with self._database.guard():
            open_now = {**self._mine, "status": {"$in": _OPEN}}
            rows = self._orders.find({"$or": [open_now, {**self._mine, "at_ns": {"$gte": since_ns}}]})
            return [from_document(row) async for row in rows]

    async def newest(self, limit: int, robot: str = "", status: str = "", instrument: str = "") -> list[OrderState]:
        """The orders that changed last, newest first; of one robot, in one status or instrument if named."""
        named = {"order.robot": robot, "status": status, "order.instrument": instrument}
        query = {**_OURS, **{field: value for field, value in named.items() if value}}
        async with self._database.guard():
            rows = self._orders.find(query).sort([("at_ns", -1), ("_id", -1)]).limit(limit)
            return [from_document(row) async for row in rows]

    async def count_by_status(self) -> dict[str, int]:
        """How many orders are in each status."""
        async with self._database.guard():
            rows = await self._orders.aggregate([{"$match": self._mine}, {"$group": {"_id": "$status", "n": {"$sum": 1}}}])
            return {row["_id"]: row["n"] async for row in rows}


def _write(state: OrderState) -> UpdateOne:
    """Writes a state unless a newer one stands there; where one does, the insertion that is tried instead fails."""
    older = {"_id": state.order.id, "$or": [{"sequence": {"$lte": state.sequence}}, {"sequence": {"$exists": False}}]}
    return UpdateOne(older, {"$set": plain(state)}, upsert=True)


def to_document(state: OrderState) -> dict[str, Any]:
    """The document of an order's state."""
    return {"_id": state.order.id, **plain(state)}


def from_document(document: dict[str, Any]) -> OrderState:
    """The order's state in a document.

    Raises:
        BadInput: the document is not one of ours.
    """
    return read(document, OrderState, "orders")
