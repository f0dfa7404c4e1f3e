"""The trader's end of the database route: what robots write is taken once, in their order, and answered where it stands."""

import asyncio

import pytest
from support.desks import until
from support.mongo_proxy import mongo_proxy
from support.route_peers import ACCOUNT, submit
from support.servers import DatabaseServer

from atlas.domain import BadInput, Cancel, ConfigurationError, Modify, OrderStatus, Refused, SubmitGroup, Unavailable
from atlas.service.clock import WallClock
from atlas.store import Database, OrderRepository, RequestRepository
from atlas.trading.outcome import Verdict
from services.trader import database_route


async def ask(requests, robot, number, action, until_ns=0):
    await requests.ask(robot, number, action, at_ns=1, until_ns=until_ns)


async def answer_of(requests, request_id):
    """The outcome that the trader writes into the request."""

    async def answer():
        return (await requests.answers([request_id])).get(request_id)

    return (await until(answer)).outcome


def eventually(condition):
    """Wait until the plain `condition()` holds."""
    return until(lambda: asyncio.sleep(0, condition()))


async def test_a_request_is_carried_out_and_answered_in_its_document(database, requests, trader, route_on):
    await route_on(database)
    trader.denied["b-1-0"] = "too large"
    await ask(requests, "a", 1, submit("a", 1))
    await ask(requests, "b", 1, submit("b", 1))
    accepted, denied = await answer_of(requests, "a-1-0"), await answer_of(requests, "b-1-0")
    assert (accepted.verdict, accepted.status) == (Verdict.ACCEPTED, OrderStatus.PENDING)
    assert (denied.verdict, denied.status, denied.text) == (Verdict.DENIED, OrderStatus.DENIED, "too large")
    assert sorted(trader.carried) == ["a-1-0", "b-1-0"]


async def test_orders_and_changes_of_a_robot_are_taken_in_the_order_of_their_numbers(database, requests, trader, route_on):
    for number in range(40, 1, -1):  # written in the wrong order, into two collections
        change = Modify(f"a-{number}-0", "a-1-0", quantity=float(number))
        await ask(requests, "a", number, submit("a", number) if number % 3 else change)
    await ask(requests, "a", 41, Cancel("a-41-0", "a-1-0"))
    await ask(requests, "a", 42, SubmitGroup((submit("a", 42).order, submit("a", 43).order)))
    await route_on(database)
    await asyncio.sleep(0)
    assert trader.carried == []  # the first number is missing
    await ask(requests, "a", 1, submit("a", 1))
    await answer_of(requests, "a-42-0")
    assert trader.carried == [f"a-{number}-0" for number in range(1, 43)]


async def test_what_was_written_while_no_trader_ran_is_taken_at_its_start_and_only_once(database, requests, trader, route_on):
    for number in (1, 2, 3):
        await ask(requests, "a", number, submit("a", number))
    first = await route_on(database)
    await answer_of(requests, "a-3-0")
    await first.stop()
    await ask(requests, "a", 4, submit("a", 4))
    await route_on(database)
    await answer_of(requests, "a-4-0")
    assert trader.carried == ["a-1-0", "a-2-0", "a-3-0", "a-4-0"]


async def test_requests_to_another_account_are_left_alone(database, requests, trader, route_on):
    other = RequestRepository(database, "DU1000002")
    await other.ask("c", 1, submit("c", 1), at_ns=1, until_ns=0)
    await route_on(database)
    await ask(requests, "a", 1, submit("a", 1))
    await answer_of(requests, "a-1-0")
    assert trader.carried == ["a-1-0"]
    assert await other.answers(["c-1-0"]) == {"c-1-0": None}


async def test_a_number_that_never_comes_is_alarmed_and_does_not_hold_up_the_rest_for_good(
    database, requests, trader, route_on, alarms, monkeypatch
):
    monkeypatch.setattr(database_route, "GAP_SECONDS", 0.2)
    monkeypatch.setattr(database_route, "POLL_SECONDS", 0.1)
    await route_on(database)
    await ask(requests, "a", 1, submit("a", 1))
    await ask(requests, "a", 3, submit("a", 3))
    await answer_of(requests, "a-3-0")
    assert "its request 2 is not in the database" in alarms.raised["request-missing:a"].text
    await ask(requests, "a", 2, submit("a", 2))
    late = await answer_of(requests, "a-2-0")
    assert (late.verdict, late.denial.rule) == (Verdict.DENIED, "number")
    await ask(requests, "a", 4, submit("a", 4))
    await answer_of(requests, "a-4-0")
    assert trader.carried == ["a-1-0", "a-3-0", "a-4-0"]
    assert alarms.raised == {}


async def test_an_order_that_waited_too_long_is_refused_and_a_cancellation_never_is(database, requests, trader, route_on):
    await ask(requests, "a", 1, submit("a", 1), until_ns=WallClock().now_ns() - 1)
    await ask(requests, "a", 2, Cancel("a-2-0", "a-9-0"), until_ns=WallClock().now_ns() - 1)
    await route_on(database)
    expired = await answer_of(requests, "a-1-0")
    assert (expired.verdict, expired.denial.rule) == (Verdict.DENIED, "expired")
    await answer_of(requests, "a-2-0")
    assert trader.carried == ["a-2-0"]
    assert await OrderRepository(database).ids() == []


@pytest.mark.parametrize(
    "document",
    [
        {"_id": "a-1-0"},
        {"_id": "a-1-0", "order": "buy"},
        {"_id": "a-1-0", "order": {"id": "a-1-0", "robot": "a", "instrument": "X", "side": "up", "quantity": 1}},
        {"_id": "a-1-0", "order": {"id": "other", "robot": "a", "instrument": "X", "side": "buy", "quantity": 1.0}},
        {"_id": "a-1-0", "order": {"id": "a-1-0", "robot": "b", "instrument": "X", "side": "buy", "quantity": 1.0}},
    ],
)
async def test_what_cannot_be_read_is_refused_with_the_reason_and_the_next_is_taken(
    database, requests, trader, route_on, document
):
    await route_on(database)
    head = {"trader": ACCOUNT, "robot": "a", "n": 1, "request": "open", "status": "requested"}
    await database.collection("orders").insert_one({**head, **document})
    refused = await answer_of(requests, "a-1-0")
    assert (refused.verdict, refused.denial.rule) == (Verdict.DENIED, "malformed")
    assert "a-1-0" in refused.text
    await ask(requests, "a", 2, submit("a", 2))
    await answer_of(requests, "a-2-0")
    assert trader.carried == ["a-2-0"]


@pytest.mark.parametrize(
    "document",
    [
        {"_id": "a-1-0", "kind": "dance", "action": {}},
        {"_id": "a-1-0", "kind": "cancel"},
        {"_id": "a-1-0", "kind": "cancel", "action": {"id": "a-1-0"}},
        {"_id": "a-1-0", "kind": "submit_group", "action": {"orders": []}},
    ],
)
async def test_a_change_that_cannot_be_read_is_refused(database, requests, trader, route_on, document):
    await route_on(database)
    head = {"trader": ACCOUNT, "robot": "a", "n": 1, "request": "open"}
    await database.collection("requests").insert_one({**head, **document})
    refused = await answer_of(requests, "a-1-0")
    assert (refused.verdict, refused.denial.rule) == (Verdict.DENIED, "malformed")
    assert trader.carried == []


async def test_a_document_whose_key_is_no_text_is_answered_where_it_stands(database, trader, route_on):
    await route_on(database)
    orders = database.collection("orders")
    await orders.insert_one({"_id": 17, "trader": ACCOUNT, "robot": "a", "n": 1, "request": "open", "status": "requested"})

    async def answered():
        row = await orders.find_one({"_id": 17})
        return row["request"] != "open" and row

    row = await until(answered)
    assert (row["request"], row["status"], row["outcome"]["denial"]["rule"]) == ("refused", "refused", "malformed")
    assert trader.carried == []


async def test_nobody_gives_orders_as_the_operator_by_writing_documents(database, requests, trader, route_on):
    await route_on(database)
    await ask(requests, "operator", 1, submit("operator", 1))
    refused = await answer_of(requests, "operator-1-0")
    assert (refused.verdict, refused.denial.rule) == (Verdict.DENIED, "operator")
    assert trader.carried == []


async def test_what_the_trader_turns_down_as_malformed_is_answered_with_its_words(database, requests, trader, route_on):
    trader.failing = BadInput("the quantity is not a number")
    await route_on(database)
    await ask(requests, "a", 1, submit("a", 1))
    refused = await answer_of(requests, "a-1-0")
    assert (refused.verdict, refused.text) == (Verdict.DENIED, "the quantity is not a number")


async def test_while_the_trader_cannot_take_anything_requests_stay_and_are_taken_afterwards(
    database, requests, trader, route_on, monkeypatch
):
    monkeypatch.setattr(database_route, "POLL_SECONDS", 0.05)
    trader.failing = Unavailable("the disk is full")
    route = await route_on(database)
    await ask(requests, "a", 1, submit("a", 1))
    await eventually(route.problems)
    assert "the disk is full" in route.problems()[0]
    assert await requests.answers(["a-1-0"]) == {"a-1-0": None}
    trader.failing = None
    await answer_of(requests, "a-1-0")
    assert trader.carried == ["a-1-0"]


# The robot's end of the same documents


async def test_the_same_request_can_be_written_again_and_another_with_its_number_or_id_cannot(requests):
    await ask(requests, "a", 1, submit("a", 1))
    await ask(requests, "a", 1, submit("a", 1))
    with pytest.raises(Refused, match="run twice"):
        await ask(requests, "a", 1, submit("a", 2))
    with pytest.raises(Refused, match="run twice"):
        await ask(requests, "a", 2, submit("a", 1))
    assert await requests.last_number("a") == 1
    assert await requests.last_number("b") == 0


async def test_a_withdrawn_request_never_comes_and_leaves_no_gap(database, requests, trader, route_on):
    assert await requests.withdraw("a", 1, submit("a", 1)) == (True, 1)
    assert await requests.withdraw("a", 2, submit("a", 1)) == (True, 1)
    with pytest.raises(Refused):
        await ask(requests, "a", 2, submit("a", 1))
    await ask(requests, "a", 2, submit("a", 2))
    assert await requests.withdraw("a", 3, submit("a", 2)) == (False, 2)
    await route_on(database)
    await answer_of(requests, "a-2-0")
    assert trader.carried == ["a-2-0"]


async def test_orders_that_are_only_asked_for_are_not_taken_for_orders(database, requests):
    await ask(requests, "a", 1, submit("a", 1))
    await requests.withdraw("a", 2, submit("a", 2))
    orders = OrderRepository(database)
    assert (await orders.ids(), await orders.newest(5), await orders.open_or_since(0)) == ([], [], [])
    assert await orders.count_by_status() == {}


# Change streams that go wrong


async def test_a_standalone_server_is_a_start_up_error_that_says_what_to_do(database_server, route_on):
    async with mongo_proxy(database_server.port) as proxy:
        proxy.errors = [(40573, "Location40573")] * 10
        database = await Database.connect(proxy.url, "standalone")
        with pytest.raises(ConfigurationError, match=r"replica set of one node: .*rs\.initiate"):
            await route_on(database)
        assert len(proxy.resumed_with) == 1  # asked once, and not again and again
        await database.close()


@pytest.mark.parametrize(
    "code", [(286, "ChangeStreamHistoryLost"), (260, "InvalidResumeToken"), (280, "ChangeStreamFatalError")]
)
async def test_a_lost_history_is_alarmed_and_costs_no_request(
    database_server, database, requests, trader, alarms, route_on, code
):
    told = []
    alarms.sink = told.append
    async with mongo_proxy(database_server.port) as proxy:
        behind = await Database.connect(proxy.url, database.name)
        first = await route_on(behind)
        await ask(requests, "a", 1, submit("a", 1))
        await answer_of(requests, "a-1-0")
        await first.stop()
        await ask(requests, "a", 2, submit("a", 2))
        second = await route_on(behind, lose=lambda: proxy.errors.append(code))
        await answer_of(requests, "a-2-0")
        await eventually(lambda: [alarm for alarm in told if alarm.cleared_ns])
        await second.stop()
        await behind.close()
    assert {alarm.key for alarm in told} == {"database-route-history-lost"}
    assert code[1] in told[0].text
    assert trader.carried == ["a-1-0", "a-2-0"]


async def test_the_token_of_what_was_processed_is_stored_and_the_next_start_goes_on_from_it(
    database_server, database, requests, route_on, monkeypatch
):
    monkeypatch.setattr(database_route, "POLL_SECONDS", 0.05)
    async with mongo_proxy(database_server.port) as proxy:
        behind = await Database.connect(proxy.url, database.name)
        first = await route_on(behind)
        await ask(requests, "a", 1, submit("a", 1))
        await answer_of(requests, "a-1-0")

        async def tokens():
            return ((await database.collection("traders").find_one({"_id": ACCOUNT})) or {}).get("tokens", {})

        async def token_of_a_change():
            token = (await tokens()).get("orders")
            return token and token["_data"] != "nx:0"

        await until(token_of_a_change)
        await first.stop()
        stored = await tokens()
        proxy.resumed_with.clear()
        second = await route_on(behind)
        await eventually(lambda: len(proxy.resumed_with) >= 4)  # two to prove that there are change streams, two to follow
        await second.stop()
        await behind.close()
    assert stored["orders"] in proxy.resumed_with[2:]


async def test_changes_that_are_never_told_are_found_by_looking(database, requests, trader, route_on, monkeypatch):
    monkeypatch.setattr(database_route, "POLL_SECONDS", 0.05)
    route = await route_on(database)
    for stream in route._tasks[1:]:
        stream.cancel()
    await ask(requests, "a", 1, submit("a", 1))
    await answer_of(requests, "a-1-0")
    assert trader.carried == ["a-1-0"]


async def test_without_the_database_the_route_says_so_and_goes_on_when_it_is_back(route_on, tmp_path):
    server = DatabaseServer(tmp_path / "own")
    server.start()
    try:
        database = await Database.connect(server.url, "own")
        requests = RequestRepository(database, ACCOUNT)
        route = await route_on(database)
        server.kill()
        await eventually(route.problems)
        server.start()
        again = await Database.connect(server.url, "own")
        await ask(RequestRepository(again, ACCOUNT), "a", 1, submit("a", 1))
        await answer_of(requests, "a-1-0")
        await again.close()
        await eventually(lambda: not route.problems())
        await route.stop()
        await database.close()
    finally:
        server.kill()
