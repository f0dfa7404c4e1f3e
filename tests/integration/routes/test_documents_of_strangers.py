"""What others write into the database beside the robots: refused, or left where it is. It holds up no robot, and no start."""

import datetime as dt

import pytest
from bson import ObjectId
from support.desks import until
from support.route_peers import ACCOUNT, submit

from atlas.domain import Cancel, Refused, plain
from atlas.store.requests import MOST_AHEAD
from services.trader import database_route

HEAD = {"trader": ACCOUNT, "robot": "a", "request": "open", "status": "requested"}
FAR = (MOST_AHEAD + 1, 2**31, 2**62, 1e15)


def document(number, robot="a", **fields):
    order = submit(robot, 9).order
    return {**HEAD, "robot": robot, "_id": order.id, "n": number, "order": plain(order), **fields}


async def answered(database, key, collection="orders"):
    """The document of that key, once it is answered."""

    async def look():
        row = await database.collection(collection).find_one({"_id": key})
        return row["request"] != "open" and row

    return await until(look)


async def take_next(requests, database, robot, number):
    """Ask what a robot asks next, and see that it is carried out."""
    await requests.ask(robot, number, submit(robot, number), at_ns=1, until_ns=0)
    return (await answered(database, f"{robot}-{number}-0"))["outcome"]["verdict"]


@pytest.fixture(autouse=True)
def _look_often(monkeypatch):
    monkeypatch.setattr(database_route, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(database_route, "GAP_SECONDS", 0.1)


@pytest.mark.parametrize("number", FAR)
async def test_a_number_that_no_robot_has_come_to_is_refused_and_counts_for_nothing(
    database, requests, trader, route_on, alarms, number
):
    first = await route_on(database)
    await database.collection("orders").insert_one(document(number))
    refused = await answered(database, "a-9-0")
    assert (refused["request"], refused["status"]) == ("out_of_turn", "refused")
    assert (refused["outcome"]["verdict"], refused["outcome"]["denial"]["rule"]) == ("denied", "number")
    assert "a-9-0" in alarms.raised["request-number:a"].text
    assert await requests.last_number("a") == 0
    assert await take_next(requests, database, "a", 1) == "accepted"
    assert alarms.raised == {}
    await first.stop()
    await route_on(database)
    assert await requests.last_number("a") == 1
    assert await take_next(requests, database, "a", 2) == "accepted"
    assert trader.carried == ["a-1-0", "a-2-0"]
    assert alarms.raised == {}


@pytest.mark.parametrize("number", [*FAR[1:], "5", None, -1, 0.5])
async def test_a_robot_that_starts_before_the_trader_has_looked_takes_over_no_strange_number(database, requests, number):
    await requests.ask("a", 1, submit("a", 1), at_ns=1, until_ns=0)
    await database.collection("orders").insert_one(document(number))
    assert await requests.last_number("a") == 1


@pytest.mark.parametrize("number", ["5", "zz", None, -1, 0.5, 1e300, {"x": 1}])
async def test_a_number_that_is_none_does_not_make_the_next_trader_forget_the_numbers(
    database, requests, trader, route_on, alarms, number
):
    first = await route_on(database)
    assert await take_next(requests, database, "a", 1) == "accepted"
    await database.collection("orders").insert_one(document(number))
    assert (await answered(database, "a-9-0"))["outcome"]["denial"]["rule"] in ("malformed", "number")
    await first.stop()
    assert await requests.taken() == {"a": 1}
    await route_on(database)
    assert await take_next(requests, database, "a", 2) == "accepted"
    assert trader.carried == ["a-1-0", "a-2-0"]
    assert not [key for key in alarms.raised if key.startswith("request-missing")]


@pytest.mark.parametrize("collection", ["orders", "requests"])
@pytest.mark.parametrize("key", [{"a": 1}, {"$ne": 1}, 1.5, True, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)])
async def test_a_document_that_no_answer_can_reach_is_named_left_where_it_is_and_holds_nobody_up(
    database, requests, trader, route_on, alarms, collection, key
):
    there = {**HEAD, "_id": key, "n": 1, "robot": "a"}
    await database.collection(collection).insert_one(there)
    await route_on(database)
    assert await take_next(requests, database, "b", 1) == "accepted"
    assert await take_next(requests, database, "a", 2) == "accepted"
    named = [alarm.text for name, alarm in alarms.raised.items() if name.startswith(f"request-quarantined:{collection}:")]
    assert len(named) == 1
    assert "left alone" in named[0]
    rows = [row async for row in database.collection(collection).find({"n": 1, "robot": "a"})]
    assert [row["request"] for row in rows] == ["open"]
    assert trader.carried == ["b-1-0", "a-2-0"]


@pytest.mark.parametrize("key", [ObjectId(), 17])
async def test_a_key_that_a_server_makes_is_answered_where_it_stands(database, requests, route_on, key):
    await route_on(database)
    await database.collection("orders").insert_one({**HEAD, "_id": key, "n": 1})
    row = await answered(database, key)
    assert (row["request"], row["outcome"]["denial"]["rule"]) == ("refused", "malformed")
    assert await take_next(requests, database, "a", 2) == "accepted"


async def test_documents_of_one_key_in_both_collections_are_each_answered(database, requests, route_on):
    for number, name in enumerate(("orders", "requests"), 1):
        await database.collection(name).insert_one({**HEAD, "_id": "17", "n": number})
    await route_on(database)
    rows = [await answered(database, "17", name) for name in ("orders", "requests")]
    assert [row["outcome"]["denial"]["rule"] for row in rows] == ["malformed"] * 2
    assert await take_next(requests, database, "a", 3) == "accepted"


async def test_what_the_trader_refuses_to_a_robot_is_answered_as_refused(database, requests, trader, route_on):
    trader.failing = Refused("the order is not one of a")
    await route_on(database)
    await requests.ask("a", 1, Cancel("a-1-0", "b-1-0"), at_ns=1, until_ns=0)
    outcome = (await answered(database, "a-1-0", "requests"))["outcome"]
    assert (outcome["verdict"], outcome["denial"]["rule"], outcome["text"]) == ("denied", "owner", "the order is not one of a")


async def test_a_robots_numbers_are_taken_up_to_the_limit(database, requests, route_on):
    await route_on(database)
    assert await take_next(requests, database, "a", MOST_AHEAD) == "accepted"
    assert await requests.last_number("a") == MOST_AHEAD
