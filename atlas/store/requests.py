"""The database route: what robots ask of a trader, as documents, and what became of it. Both ends of it are here.

A new order is a document of `orders`, keyed by its id; everything else (a bracket, a change, a cancellation) is one of
`requests`, keyed by the action's id. Each carries the number `n` of its robot, 1, 2, 3 ... without gaps over both collections.
It is open until the trader has written its `outcome` into it. No document is ever inserted twice, for its key is the action's.
"""

from collections.abc import Iterable
from typing import Any, Final

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from atlas.domain import (
    Action,
    BadInput,
    Cancel,
    Modify,
    Order,
    OrderStatus,
    Refused,
    Submit,
    SubmitGroup,
    action_id,
    orders_of,
    plain,
)
from atlas.domain._struct import Value
from atlas.store._documents import read
from atlas.store.database import Collection, Database, Document
from atlas.trading.outcome import Outcome, Verdict

ORDERS, REQUESTS = "orders", "requests"
OPEN, ANSWERED, REFUSED, WITHDRAWN, OUT_OF_TURN = "open", "answered", "refused", "withdrawn", "out_of_turn"
"""What `request` says. A refused one never came into the trader's books, so no event tells of it; one out of turn neither, and
its number counts for nothing. A withdrawn one was never written: its document keeps it from being so, and its number from
missing."""
MOST_AHEAD: Final = 1000
"""A request's number may be so far above the last one of its robot; a higher one is none that a robot has come to."""
REQUESTED = "requested"
"""What `status` says of an order that is not the trader's yet; of one that never will be it says what `request` says. These are
no order states."""

_HIGHEST_NUMBER: Final = 2**53  # above it, numbers of a shell written in JavaScript are no whole ones
_KEYS: Final = (str, int, ObjectId)
_KINDS: Final[dict[str, Any]] = {"submit_group": SubmitGroup, "modify": Modify, "cancel": Cancel}


class Requested(Value, frozen=True):
    """One request as it stands in its document. `problem` says why it cannot be read; then there is no action.

    Attributes:
        until_ns: After this it is too old to be carried out, UTC nanoseconds; 0 is never.
        key: The document's key as it is; of others' documents it may be no text.
    """

    id: str
    robot: str
    number: int
    action: Action | None
    until_ns: int = 0
    problem: str = ""
    collection: str = ORDERS
    key: Any = None

    @property
    def is_answerable(self) -> bool:
        """Whether its document can be named to every server: by a text, a whole number or an id that a server makes."""
        return isinstance(self.key, _KEYS) and not isinstance(self.key, bool)


class Answer(Value, frozen=True):
    """What became of a request, and whether it came into the trader's books, whose events tell the rest."""

    outcome: Outcome
    in_books: bool


class RequestRepository:
    """The requests to the trader of one account."""

    def __init__(self, database: Database, account: str) -> None:
        self._database = database
        self._account = account
        self._by_name: dict[str, Collection] = {name: database.collection(name) for name in (ORDERS, REQUESTS)}

    async def prepare(self) -> None:
        """Make the indexes: a number of a robot is used once, and what is open is found at once."""
        async with self._database.guard():
            for collection in self._by_name.values():
                await collection.create_index(
                    [("trader", 1), ("robot", 1), ("n", 1)], unique=True, partialFilterExpression={"n": {"$exists": True}}
                )
                await collection.create_index([("trader", 1), ("request", 1)], partialFilterExpression={"request": OPEN})

    # The robot's end

    async def last_number(self, robot: str) -> int:
        """The highest number that `robot` has used, 0 when there is none. What is out of turn counts for nothing."""
        highest = (await self._taken({"robot": robot})).get(robot, 0)
        query = {"trader": self._account, "robot": robot, "request": OPEN}
        async with self._database.guard():
            waiting = [
                _number(row.get("n")) for collection in self._by_name.values() async for row in collection.find(query, {"n": 1})
            ]
        for number in sorted(waiting):
            if number <= highest + MOST_AHEAD:
                highest = max(highest, number)
        return highest

    async def ask(self, robot: str, number: int, action: Action, *, at_ns: int, until_ns: int) -> None:
        """Write a request down. Writing the very same again changes nothing.

        Raises:
            Refused: another request has its number or its id; is the robot running twice?
            DatabaseAway: whether it was written is unknown.
        """
        document = {**self._head(robot, number, action), "request": OPEN, "requested_ns": at_ns, "until_ns": until_ns}
        if isinstance(action, Submit):
            document |= {"status": REQUESTED, "order": plain(action.order)}
        else:
            document |= {"kind": action.__struct_config__.tag, "action": plain(action)}
        there = await self._insert(action, document)
        if there is not None and (there.get("robot"), there.get("n")) != (robot, number):
            raise Refused(
                f"request {number} of robot {robot} cannot be written: its number or its id {action_id(action)} was used "
                "before; does the robot run twice?"
            )

    async def withdraw(self, robot: str, number: int, action: Action) -> tuple[bool, int]:
        """See to it that a request that may not have been written never will be.

        Returns:
            Whether it is withdrawn (if not, it was written and stands), and the number that its document has.

        Raises:
            DatabaseAway: nothing is known; try again.
        """
        document = {**self._head(robot, number, action), "request": WITHDRAWN, "status": WITHDRAWN}
        there = await self._insert(action, document)
        if there is None:
            return True, number
        return there.get("request") == WITHDRAWN, _number(there.get("n"))

    async def answers(self, ids: Iterable[str]) -> dict[str, Answer | None]:
        """Which of these requests are there, and what became of each; None while nothing has."""
        found: dict[str, Answer | None] = {}
        query = {"_id": {"$in": list(ids)}}
        async with self._database.guard():
            for name, collection in self._by_name.items():
                async for row in collection.find(query, {"outcome": 1, "request": 1}):
                    found[row["_id"]] = _answer(row, name)
        return found

    # The trader's end

    async def taken(self) -> dict[str, int]:
        """By robot the highest number that was answered. What is out of turn counts for nothing."""
        return await self._taken({})

    async def _taken(self, of: Document) -> dict[str, int]:
        highest: dict[str, int] = {}
        counted: Document = {"request": {"$in": [ANSWERED, REFUSED, WITHDRAWN]}, "n": {"$gte": 1, "$lte": _HIGHEST_NUMBER}}
        match = {"trader": self._account, **of, **counted}
        async with self._database.guard():
            for collection in self._by_name.values():
                rows = await collection.aggregate([{"$match": match}, {"$group": {"_id": "$robot", "n": {"$max": "$n"}}}])
                async for row in rows:
                    if isinstance(row["_id"], str):
                        highest[row["_id"]] = max(highest.get(row["_id"], 0), _number(row["n"]))
        return highest

    async def open(self, collections: Iterable[str] = (ORDERS, REQUESTS)) -> list[Requested]:
        """Every request without an answer, by robot and number. Of one robot a later one may show before an earlier one."""
        found: list[Requested] = []
        query = {"trader": self._account, "request": OPEN}
        async with self._database.guard():
            for name in collections:
                found += [_requested(row, name) async for row in self._by_name[name].find(query)]
        return sorted(found, key=lambda one: (one.robot, one.number, one.id))

    async def answer(self, requested: Requested, outcome: Outcome, request: str = ANSWERED) -> None:
        """Write down what became of a request, and what it is now; if not ANSWERED, the trader's books know nothing of it."""
        changes: Document = {"request": request, "outcome": plain(outcome)}
        if requested.collection == ORDERS and request != ANSWERED:
            changes["status"] = REFUSED
        async with self._database.guard():
            await self._by_name[requested.collection].update_one({"_id": {"$eq": requested.key}}, {"$set": changes})

    # How it is done

    def _head(self, robot: str, number: int, action: Action) -> Document:
        return {"_id": action_id(action), "trader": self._account, "robot": robot, "n": number}

    async def _insert(self, action: Action, document: Document) -> Document | None:
        """None if it was inserted; else what stands in its place."""
        collection = self._by_name[ORDERS if isinstance(action, Submit) else REQUESTS]
        async with self._database.guard():
            try:
                await collection.insert_one(document)
            except DuplicateKeyError:
                return await collection.find_one({"_id": document["_id"]}) or {}
        return None


def _requested(row: Document, collection: str) -> Requested:
    key, robot, number = str(row["_id"]), str(row.get("robot", "")), _number(row.get("n"))
    try:
        action = _action(row, collection)
        _check(action, row)
    except BadInput as error:
        return Requested(key, robot, number, None, problem=str(error), collection=collection, key=row["_id"])
    return Requested(key, robot, number, action, _number(row.get("until_ns")), collection=collection, key=row["_id"])


def _answer(row: Document, collection: str) -> Answer | None:
    if not isinstance(outcome := row.get("outcome"), dict):
        return None
    try:
        found = read({"_id": row["_id"], **outcome}, Outcome, collection)
    except BadInput as error:
        found = Outcome(str(row["_id"]), Verdict.UNKNOWN, OrderStatus.UNKNOWN, str(error))
    return Answer(found, row.get("request") == ANSWERED)


def _action(row: Document, collection: str) -> Action:
    if collection == ORDERS:
        order = row.get("order")
        if not isinstance(order, dict):
            raise BadInput(f"the document {row['_id']!r} in {ORDERS} holds no order")
        return Submit(read({"_id": row["_id"], **order}, Order, ORDERS))
    kind, action = _KINDS.get(str(row.get("kind"))), row.get("action")
    if kind is None or not isinstance(action, dict):
        raise BadInput(f"the document {row['_id']!r} in {REQUESTS} is none of {', '.join(_KINDS)}, or holds no action")
    found: Action = read({"_id": row["_id"], **action}, kind, REQUESTS)
    return found


def _check(action: Action, row: Document) -> None:
    """What stands in a document twice must be the same.

    Raises:
        BadInput: it is not.
    """
    try:
        same_id = action_id(action) == row["_id"]
    except AttributeError:  # a group without orders
        raise BadInput(f"the group {row['_id']!r} has no orders") from None
    if not same_id:
        raise BadInput(f"the document {row['_id']!r} holds the action {action_id(action)!r}; its _id must be the action's")
    if any(order.robot != row.get("robot") for order in orders_of(action)):
        raise BadInput(f"the document {row['_id']!r} of robot {row.get('robot')!r} holds an order of another robot")
    if _number(row.get("n")) < 1:
        raise BadInput(f"the document {row['_id']!r} has no number n = 1, 2, 3, ...")


def _number(value: object) -> int:
    """`value` as a whole number above zero, else 0. A shell written in JavaScript writes numbers as floats."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
