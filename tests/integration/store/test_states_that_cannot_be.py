"""What of the database's orders a trader believes when it starts: what their events make, and nothing made up by others."""

import msgspec
import pytest

from atlas.domain import Order, OrderEvent, OrderEventKind, OrderState, OrderStatus, Side, fold, plain
from atlas.store.orders import to_document
from services.trader.mongo_store import MongoStore

K = OrderEventKind
ACCOUNT = "DU1000001"
NOON = 1_770_000_000_000_000_000


def order(name):
    return Order(f"{name}-1-0", name, "AAPL@SMART", Side.BUY, 100.0, account=ACCOUNT)


def events_of(wanted, first, *kinds):
    return [
        OrderEvent(first + n, wanted.id, wanted.robot, kind, NOON, broker_order_id=40 + first, order=wanted if not n else None)
        for n, kind in enumerate(kinds)
    ]


def folded(events):
    state = None
    for event in events:
        state = fold(state, event)
    return state


GOOD = events_of(order("good"), 1, K.PENDING, K.SENT, K.WORKING)
NEXT = events_of(order("next"), 4, K.PENDING, K.SENT)


@pytest.fixture
async def store(database):
    store = MongoStore(database, ACCOUNT)
    await store.prepare()
    await store.append_events([*GOOD, *NEXT])
    await store.save_orders([folded(GOOD), folded(NEXT)])
    return store


async def restored(store):
    found = await store.restore(ACCOUNT, 0)
    return found, {state.order.id: state for state in found.states}


async def test_states_that_are_what_their_events_make_are_believed(store):
    found, states = await restored(store)
    assert states == {"good-1-0": folded(GOOD), "next-1-0": folded(NEXT)}
    assert found.last_broker_order_id == 44
    assert store.quarantined == {}


async def test_a_state_that_is_behind_its_events_is_taken_over_as_it_is(store, database):
    behind = folded(GOOD[:2])
    await database.collection("orders").replace_one({"_id": "good-1-0"}, to_document(behind))
    _, states = await restored(store)
    assert states["good-1-0"] == behind


@pytest.mark.parametrize(
    "forgery",
    [
        {"status": "filled", "filled": 100.0},
        {"broker_order_id": 2**31 - 1},
        {"sequence": 2**60},
        {"sequence": 5},
        {"order": plain(msgspec.structs.replace(order("good"), quantity=1e6))},
    ],
)
async def test_a_state_that_its_events_do_not_make_is_made_from_them_again(store, database, forgery):
    collection = database.collection("orders")
    await collection.update_one({"_id": "good-1-0"}, {"$set": forgery})
    found, states = await restored(store)
    assert states == {"good-1-0": folded(GOOD), "next-1-0": folded(NEXT)}
    assert found.last_broker_order_id == 44
    row = await collection.find_one({"_id": "good-1-0"})
    assert {name: value for name, value in row.items() if name in to_document(folded(GOOD))} == to_document(folded(GOOD))


@pytest.mark.parametrize("sequence", [1, 2**60])
async def test_an_order_of_which_no_event_tells_is_named_left_alone_and_uses_no_number_up(store, database, sequence):
    forged = OrderState(order("forged"), OrderStatus.WORKING, NOON, broker_order_id=2**31 - 1, sequence=sequence)
    await database.collection("orders").insert_one(to_document(forged))
    found, states = await restored(store)
    assert set(states) == {"good-1-0", "next-1-0"}
    assert found.last_broker_order_id == 44
    assert store.quarantined == {"forged-1-0": "no event tells of it"}
    assert await database.collection("orders").find_one({"_id": "forged-1-0"}) == to_document(forged)


@pytest.mark.parametrize(
    "document",
    [
        {"_id": "poison", "status": "working", "order": {"account": ACCOUNT}},
        {"_id": "poison", "status": "working", "order": {"account": ACCOUNT}, "broker_order_id": "abc"},
        {"_id": {"a": 1}, "status": "working", "order": {"account": ACCOUNT}, "broker_order_id": 7},
        {"_id": 3, "status": "working", "order": {"account": ACCOUNT}, "at_ns": "noon"},
    ],
)
async def test_a_document_that_is_no_order_is_named_and_left_alone(store, database, document):
    await database.collection("orders").insert_one(document)
    found, states = await restored(store)
    assert set(states) == set(found.used_ids) - {"poison"} == {"good-1-0", "next-1-0"}
    assert found.last_broker_order_id == 44
    assert "not one of ours" in store.quarantined[str(document["_id"])]


async def test_a_state_written_just_before_the_trader_was_killed_is_handed_on(store):
    ahead = folded([*NEXT, OrderEvent(6, "next-1-0", "next", K.WORKING, NOON)])
    await store.save_orders([ahead])
    _, states = await restored(store)
    assert states["next-1-0"] == ahead
