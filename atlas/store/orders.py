"""The `orders` collection: one document per order, its state as folded from its events. Keyed by our order id.

An order whose id another account has used before is keyed by account and id.

An order that came by the database route was a request before (`atlas.store.requests`): its document keeps what the robot wrote
into it, and is not looked at here until the trader has written a state into it.

Others can write here, too. What is no order state of ours, or cannot be, is left where it is and named in `unreadable`.
"""

from collections.abc import AsyncIterable, Sequence
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from atlas.domain import BadInput, OrderState, OrderStatus, plain
from atlas.store._documents import read
from atlas.store.database import Collection, Database

HIGHEST_BROKER_ORDER_ID: Final = 2**31 - 1
"""The highest number that the broker's protocol takes for an order: a signed integer of 32 bits."""

_DUPLICATE_KEY = 11000
_FINAL = [status.value for status in OrderStatus if status.is_final]
_OPEN = [status.value for status in OrderStatus if not status.is_final]
_STATUSES = frozenset((*_OPEN, *_FINAL))
_OURS = {"status": {"$in": [*_OPEN, *_FINAL]}}
_NUMBERS_AT_ONCE = 1000


class OrderRepository:
    """Reads and writes order states; what is read is of `account` if one is given."""

    def __init__(self, database: Database, account: str = "") -> None:
        self._database = database
        self._account = account
        self._mine = {**_OURS, **(_within("account", account) if account else {})}
        self._orders: Collection = database.collection("orders")
        self._highest_sequence = 0
        self.unreadable: dict[str, str] = {}
        """By key the documents that were read and are no states of ours, and why not."""

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
        self._highest_sequence = max(self._highest_sequence, *(state.sequence for state in newest.values()))
        async with self._database.guard():
            held_up = await self._put([_write(state) for state in newest.values()])
            if not held_up:
                return
            held_up_by = [state.order.id for index, state in enumerate(newest.values()) if index in held_up]
            async for row in self._orders.find({"_id": {"$in": held_up_by}}, {"sequence": 1, "order": 1, "status": 1}):
                state = newest[row["_id"]]
                if _is_of_another_account(row, state):
                    await self._put([_write(state, _beside(state))])
                elif not self._is_a_state(row):  # a request so far, or a state that nobody can have written
                    await self._orders.update_one({"_id": row["_id"]}, {"$set": plain(state)})

    async def repair(self, states: Sequence[OrderState]) -> None:
        """Write the states, whatever stands there."""
        async with self._database.guard():
            for state in states:
                row = await self._orders.find_one({"_id": state.order.id}, {"order": 1, "status": 1})
                key = _beside(state) if row is not None and _is_of_another_account(row, state) else state.order.id
                await self._orders.update_one({"_id": key}, {"$set": plain(state)}, upsert=True)

    async def _put(self, writes: Sequence[UpdateOne]) -> set[int]:
        """Which of the writes found another document in their place."""
        try:
            await self._orders.bulk_write(writes, ordered=False)
        except BulkWriteError as error:
            failed = error.details["writeErrors"]
            if any(one["code"] != _DUPLICATE_KEY for one in failed):
                raise
            return {one["index"] for one in failed}
        return set()

    def _is_a_state(self, row: dict[str, Any]) -> bool:
        sequence = row.get("sequence")
        return type(sequence) is int and 0 <= sequence <= self._highest_sequence

    async def broker_order_ids(self) -> list[tuple[int, str]]:
        """The highest numbers under which orders were sent to the broker, highest first, each with its order's id."""
        query = {**self._mine, "broker_order_id": {"$gte": 1, "$lte": HIGHEST_BROKER_ORDER_ID}}
        async with self._database.guard():
            rows = self._orders.find(query, {"broker_order_id": 1}).sort([("broker_order_id", -1)]).limit(_NUMBERS_AT_ONCE)
            return [(int(row["broker_order_id"]), self._id(row)) async for row in rows if isinstance(row["_id"], str)]

    async def highest_broker_order_id(self) -> int:
        """The highest number under which an order was ever sent to the broker, 0 when there is none."""
        return next((number for number, _ in await self.broker_order_ids()), 0)

    async def ids(self) -> list[str]:
        """The ids of all orders that were ever written: an account uses none twice."""
        async with self._database.guard():
            rows = self._orders.find(self._mine, {"_id": 1})
            return [self._id(row) async for row in rows if isinstance(row["_id"], str)]

    def _id(self, row: dict[str, Any]) -> str:
        """The order's id by the key of its document."""
        return str(row["_id"]).removeprefix(f"{self._account}:" if self._account else "")

    async def open_or_since(self, since_ns: int) -> list[OrderState]:
        """Orders that are not final, and all that changed at `since_ns` or later."""
        async with self._database.guard():
            open_now = {**self._mine, "status": {"$in": _OPEN}}
            return await self._states(self._orders.find({"$or": [open_now, {**self._mine, "at_ns": {"$gte": since_ns}}]}))

    async def newest(self, limit: int, robot: str = "", status: str = "", instrument: str = "") -> list[OrderState]:
        """The orders that changed last, newest first; of one robot, in one status or instrument if named."""
        query = {**_OURS, **({"status": status} if status else {})}
        for field, value in (("robot", robot), ("instrument", instrument)):
            query |= _within(field, value) if value else {}
        async with self._database.guard():
            return await self._states(self._orders.find(query).sort([("at_ns", -1), ("_id", -1)]).limit(limit))

    async def count_by_status(self) -> dict[str, int]:
        """How many orders are in each status."""
        async with self._database.guard():
            rows = await self._orders.aggregate([{"$match": self._mine}, {"$group": {"_id": "$status", "n": {"$sum": 1}}}])
            return {row["_id"]: row["n"] async for row in rows}

    async def _states(self, rows: AsyncIterable[dict[str, Any]]) -> list[OrderState]:
        found = []
        async for row in rows:
            try:
                found.append(from_document(row))
            except BadInput as error:
                self.unreadable[str(row["_id"])] = str(error)
        return found


def _within(field: str, value: str) -> dict[str, Any]:
    """Finds orders by one of their fields. By `$in`: a plain value fails on some servers where anybody's `order` is a list."""
    return {f"order.{field}": {"$in": [value]}}


def _write(state: OrderState, key: str = "") -> UpdateOne:
    """Writes a state in the place of an older one of its account, or where nothing stands; else the insertion fails.

    No `$or` beside the key: with it servers that only speak the protocol change other documents. And the account by its bounds:
    a plain value an insertion would set beside the whole order, which is a conflict.
    """
    account = {"$gte": state.order.account, "$lte": state.order.account}
    older = {"_id": key or state.order.id, "sequence": {"$lte": state.sequence}, "order.account": account}
    return UpdateOne(older, {"$set": plain(state)}, upsert=True)


def _is_of_another_account(row: dict[str, Any], state: OrderState) -> bool:
    """Whether the document is a state of an order that has the same id and is booked to another account."""
    order = row.get("order")
    account = order.get("account") if isinstance(order, dict) else None
    return row.get("status") in _STATUSES and isinstance(account, str) and account not in ("", state.order.account)


def _beside(state: OrderState) -> str:
    """The key of an order whose id another account has used: robots of the same name on two accounts make the same ids."""
    return f"{state.order.account}:{state.order.id}"


def to_document(state: OrderState) -> dict[str, Any]:
    """The document of an order's state."""
    return {"_id": state.order.id, **plain(state)}


def from_document(document: dict[str, Any]) -> OrderState:
    """The order's state in a document.

    Raises:
        BadInput: the document is not one of ours.
    """
    state = read(document, OrderState, "orders")
    if document["_id"] not in (state.order.id, _beside(state)):
        raise BadInput(f"the document {document['_id']!r} in the collection orders holds the order {state.order.id!r}")
    return state
