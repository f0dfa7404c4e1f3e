"""What is written is read back: every field, in order, once."""

import msgspec
import pytest

from atlas.domain import (
    BadInput,
    Commission,
    Denial,
    Execution,
    ExecutionCondition,
    Instrument,
    InstrumentKind,
    Join,
    MarginCondition,
    OcaType,
    OptionRight,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderKind,
    OrderState,
    OrderStatus,
    PercentChangeCondition,
    PriceBand,
    PriceCondition,
    Refused,
    Share,
    Side,
    TimeCondition,
    TimeInForce,
    TriggerMethod,
    VolumeCondition,
    fold,
)
from atlas.domain.order_state import Charge, Fill
from atlas.store import InstrumentRepository, OrderEventRepository, OrderRepository, TradeRepository
from atlas.store.orders import to_document

K = OrderEventKind
NOON = 1_770_000_000_123_456_789  # a time whose nanoseconds do not fit into a double

ORDER = Order(
    id="robot-17-0",
    robot="robot",
    instrument="EUR.USD@IDEALPRO",
    side=Side.SELL,
    quantity=20_000.5,
    kind=OrderKind.LIMIT,
    limit_price=1.08505,
    time_in_force=TimeInForce.IOC,
    account="DU1000001",
    cause_ns=NOON - 1,
    stop_price=1.08,
    trail_amount=0.001,
    trail_percent=0.5,
    limit_offset=0.0001,
    trigger_method=TriggerMethod.MIDPOINT,
    good_till_ns=NOON + 1,
    good_after_ns=NOON,
    outside_rth=True,
    all_or_none=True,
    min_quantity=1_000.0,
    parent_id="robot-16-0",
    oca_group="one",
    oca_type=OcaType.REDUCE,
    conditions=(
        PriceCondition("AAPL@SMART", 190.5, above=True, method=TriggerMethod.LAST, join=Join.OR),
        TimeCondition(NOON, after=False),
        MarginCondition(12.5, above=False),
        ExecutionCondition("AAPL", InstrumentKind.STOCK, "SMART"),
        VolumeCondition("AAPL@SMART", 1e6, above=True),
        PercentChangeCondition("AAPL@SMART", -2.5, above=False),
    ),
    conditions_cancel=True,
    conditions_outside_rth=True,
    shares=(Share("DU1000001", 20_000.0), Share("DU1000002", 0.5)),
    algo="Adaptive",
    algo_parameters=(("adaptivePriority", "Urgent"),),
    advisor_group="all",
    advisor_method="NetLiq",
)
EXECUTION = Execution("0001f4e8.01.01", ORDER.id, "DU1000001", ORDER.instrument, Side.SELL, 0.1, 1.1, NOON, 2**31 + 5)
COMMISSION = Commission(EXECUTION.id, 2.07, "USD", -13.25)
STATE = OrderState(
    order=ORDER,
    status=OrderStatus.PARTIALLY_FILLED,
    at_ns=NOON,
    filled=0.1,
    average_price=1.1,
    commission=2.07,
    reason='an "odd" reason: 10% of $x.y\x00ö',
    broker_order_id=41,
    perm_id=2**31 + 5,
    fills=(Fill(EXECUTION.id, 0.1, 1.1), Fill("0001f4e8.02.02", 0.0, 1.1)),
    charges=(Charge(EXECUTION.id, 2.07),),
    cancel_requested=True,
    sequence=9,
    requested_quantity=0.7,
    adopted=True,
    code=201,
    denial=Denial("max_position", "too much", 7.5, 5.0, temporary=True),
    standing=OrderStatus.WORKING,
    anomalies=("filled after it was cancelled",),
    actions=("robot-18-0",),
    released=True,
)
INSTRUMENT = Instrument(
    id="ES-202612@CME",
    kind=InstrumentKind.FUTURE,
    symbol="ES",
    exchange="CME",
    currency="USD",
    con_id=2**40,
    tick_size=0.25,
    multiplier=50.0,
    size_step=2.0,
    min_size=3.0,
    time_zone="US/Central",
    trading_hours="20261201:1700-20261202:1600",
    liquid_hours="20261202:0830-20261202:1600",
    local_symbol="ESZ6",
    trading_class="ES",
    expiry="202612",
    primary_exchange="CME",
    long_name="E-mini S&P 500",
    strike=6500.0,
    right=OptionRight.PUT,
    underlying="ES-202612@CME",
    price_bands=(PriceBand(0.0, 0.05), PriceBand(10.0, 0.25)),
)


def event(sequence, kind=K.WORKING, order_id=ORDER.id, robot="robot", **values):
    return OrderEvent(sequence, order_id, robot, kind, NOON + sequence, **values)


FULL_EVENT = event(
    5,
    K.EXECUTED,
    reason="why",
    order=ORDER,
    execution=EXECUTION,
    commission=COMMISSION,
    broker_order_id=3,
    perm_id=4,
    code=201,
    denial=Denial("max_position", "too much", 7.5, 5.0, temporary=True),
    action_id="robot-18-0",
)


@pytest.fixture
async def orders(database):
    repository = OrderRepository(database)
    await repository.prepare()
    return repository


@pytest.fixture
async def trades(database):
    repository = TradeRepository(database)
    await repository.prepare()
    return repository


@pytest.fixture
async def events(database):
    repository = OrderEventRepository(database, "DU1000001")
    await repository.prepare()
    return repository


@pytest.mark.parametrize(
    "value", [ORDER, EXECUTION, COMMISSION, STATE, INSTRUMENT, FULL_EVENT], ids=lambda one: type(one).__name__
)
def test_the_samples_leave_no_field_at_its_default(value):
    defaults = {field.name: field.default for field in msgspec.structs.fields(value) if field.default is not msgspec.NODEFAULT}
    assert [name for name, default in defaults.items() if getattr(value, name) == default] == []


# Orders


async def test_an_order_comes_back_with_every_field(orders):
    await orders.save([STATE])
    assert await orders.newest(10) == [STATE]
    assert await orders.open_or_since(NOON + 1) == [STATE]


async def test_an_order_with_nothing_but_what_it_must_have_comes_back(orders):
    plain = OrderState(Order("robot-1-0", "robot", "AAPL@SMART", Side.BUY, 100), OrderStatus.PENDING, 5)
    await orders.save([plain])
    assert await orders.newest(1) == [plain]


async def test_saving_an_order_again_changes_nothing(orders, database):
    await orders.save([STATE])
    await orders.save([STATE])
    assert await orders.newest(10) == [STATE]
    assert await database.collection("orders").count_documents({}) == 1


async def test_the_last_state_of_an_order_counts_also_within_one_write(orders):
    done = msgspec.structs.replace(STATE, status=OrderStatus.FILLED, at_ns=NOON + 5)
    await orders.save([STATE, done])
    assert await orders.newest(10) == [done]
    await orders.save([STATE])
    assert (await orders.newest(10))[0].status is OrderStatus.PARTIALLY_FILLED


async def test_a_state_never_takes_the_place_of_a_newer_one(orders):
    newer = msgspec.structs.replace(STATE, status=OrderStatus.FILLED, sequence=STATE.sequence + 1)
    other = msgspec.structs.replace(STATE, order=msgspec.structs.replace(ORDER, id="robot-18-0"))
    await orders.save([newer])
    await orders.save([STATE, other])
    assert {state.order.id: state.status for state in await orders.newest(9)} == {
        ORDER.id: OrderStatus.FILLED,
        "robot-18-0": OrderStatus.PARTIALLY_FILLED,
    }


async def test_orders_and_trades_are_read_of_one_account_if_named(orders, trades, database):
    other = msgspec.structs.replace(ORDER, id="other-1-0", account="DU1000002")
    await orders.save([STATE, msgspec.structs.replace(STATE, order=other, broker_order_id=99)])
    await trades.save([("robot", EXECUTION), ("other", msgspec.structs.replace(EXECUTION, id="x.01", account="DU1000002"))])
    mine, theirs = OrderRepository(database, "DU1000001"), OrderRepository(database, "DU1000002")
    assert [state.order.id for state in await mine.open_or_since(0)] == [ORDER.id]
    assert (await mine.highest_broker_order_id(), await theirs.highest_broker_order_id()) == (41, 99)
    assert await mine.ids() == [ORDER.id]
    assert [one.id for one, _ in await TradeRepository(database, "DU1000002").all()] == ["x.01"]


async def test_an_account_without_orders_has_used_no_number(orders):
    assert await orders.highest_broker_order_id() == 0


async def test_saving_no_orders_does_nothing(orders):
    await orders.save([])
    assert await orders.ids() == []


@pytest.fixture
async def a_few_orders(orders):
    states = [
        OrderState(msgspec.structs.replace(ORDER, id=f"{robot}-{n}-0", robot=robot), status, at_ns=NOON + n)
        for n, (robot, status) in enumerate(
            [("a", OrderStatus.FILLED), ("b", OrderStatus.WORKING), ("a", OrderStatus.UNKNOWN), ("b", OrderStatus.REJECTED)]
        )
    ]
    await orders.save(states)
    return states


async def test_open_orders_are_found_and_final_ones_only_if_they_changed_lately(orders, a_few_orders):
    filled, working, unknown, rejected = a_few_orders

    async def found(since_ns):
        return {state.order.id for state in await orders.open_or_since(since_ns)}

    assert await found(NOON + 100) == {working.order.id, unknown.order.id}
    assert await found(rejected.at_ns) == {working.order.id, unknown.order.id, rejected.order.id}
    assert await found(filled.at_ns) == {state.order.id for state in a_few_orders}


async def test_every_final_status_is_final_in_the_database_too(orders):
    states = [OrderState(msgspec.structs.replace(ORDER, id=one.value), one, at_ns=NOON) for one in OrderStatus]
    await orders.save(states)
    found = {state.status for state in await orders.open_or_since(NOON + 1)}
    assert found == {status for status in OrderStatus if not status.is_final}


async def test_the_newest_orders_come_first_as_many_as_asked_for_and_of_one_robot_if_named(orders, a_few_orders):
    ids = [state.order.id for state in reversed(a_few_orders)]
    assert [state.order.id for state in await orders.newest(10)] == ids
    assert [state.order.id for state in await orders.newest(3)] == ids[:3]
    assert [state.order.id for state in await orders.newest(10, "a")] == [one for one in ids if one.startswith("a-")]
    assert await orders.newest(10, "nobody") == []


async def test_orders_of_one_instant_come_in_the_same_order_every_time(orders):
    states = [OrderState(msgspec.structs.replace(ORDER, id=name), OrderStatus.WORKING, NOON) for name in "bdac"]
    await orders.save(states)
    assert [state.order.id for state in await orders.newest(10)] == ["d", "c", "b", "a"]


async def test_orders_are_counted_by_status_and_listed_by_id(orders, a_few_orders):
    assert await orders.count_by_status() == {"filled": 1, "working": 1, "unknown": 1, "rejected": 1}
    assert sorted(await orders.ids()) == sorted(state.order.id for state in a_few_orders)


# Events


async def test_an_event_comes_back_with_every_field(events):
    await events.append([FULL_EVENT])
    assert await events.since(0) == [FULL_EVENT]
    assert await events.of_order(ORDER.id) == [FULL_EVENT]


@pytest.mark.parametrize("kind", list(K))
async def test_an_event_of_each_kind_comes_back(events, kind):
    await events.append([event(1, kind)])
    assert await events.since(0) == [event(1, kind)]


async def test_events_come_in_the_order_of_their_numbers_however_they_were_written(events):
    await events.append([event(n) for n in (12, 3, 100)])
    await events.append([event(n) for n in (11, 2, 99)])
    assert [one.sequence for one in await events.since(0)] == [2, 3, 11, 12, 99, 100]
    assert [one.sequence for one in await events.since(11)] == [12, 99, 100]
    assert [one.sequence for one in await events.since(11, limit=2)] == [12, 99]
    assert [one.sequence for one in await events.of_order(ORDER.id)] == [2, 3, 11, 12, 99, 100]
    assert await events.last_sequence() == 100


async def test_there_is_no_last_event_before_the_first(events):
    assert await events.last_sequence() == 0
    assert await events.since(0) == []


async def test_events_that_are_there_already_are_left_alone_and_the_others_written(events):
    first = [event(1), event(2)]
    await events.append(first)
    await events.append([event(2), event(3)])
    assert await events.since(0) == [*first, event(3)]


async def test_another_event_under_a_number_that_is_taken_is_refused_and_changes_nothing(events):
    await events.append([event(1), event(2)])
    with pytest.raises(Refused, match="event 2 of DU1000001 is in the database with other content"):
        await events.append([event(2, K.CANCELLED)])
    assert await events.since(0) == [event(1), event(2)]


async def test_each_trader_has_numbers_of_its_own(events, database):
    other = OrderEventRepository(database, "DU2000002")
    await events.append([event(1)])
    await other.append([event(1, K.REJECTED), event(2)])
    assert await events.last_sequence() == 1
    assert [one.kind for one in await other.since(0)] == [K.REJECTED, K.WORKING]
    assert await events.of_order(ORDER.id) == [event(1)]


async def test_events_of_one_robot_are_found(events):
    await events.append([event(1, robot="a"), event(2, robot="b"), event(3, robot="a")])
    assert [one.sequence for one in await events.since(0, robot="a")] == [1, 3]


async def test_submissions_are_found_back_to_a_while_before_the_last_one(events, database):
    def submission(number, at_ns, kind=OrderEventKind.PENDING):
        return msgspec.structs.replace(FULL_EVENT, sequence=number, order_id=f"robot-{number}-0", kind=kind, at_ns=at_ns)

    assert await events.submitted(100) == []
    early, edge, last = submission(1, 899), submission(2, 900), submission(4, 1000)
    await events.append(
        [early, edge, submission(3, 950, OrderEventKind.WORKING), last, submission(5, 5000, OrderEventKind.SENT)]
    )
    await OrderEventRepository(database, "DU2000002").append([submission(1, 1000)])
    assert await events.submitted(100) == [edge, last]
    assert await events.submitted(10_000) == [early, edge, last]


async def test_a_thousand_events_in_one_write_come_back(events):
    written = [event(n) for n in range(1, 1201)]
    await events.append(written)
    assert await events.since(0) == written[:1000]
    assert await events.since(1000) == written[1000:]


async def test_the_state_of_an_order_is_the_fold_of_what_the_database_holds(events, orders):
    story = [
        event(1, K.PENDING, order=ORDER, broker_order_id=7),
        event(2, K.SENT),
        event(3, K.WORKING, perm_id=99),
        event(4, K.EXECUTED, execution=EXECUTION),
        event(5, K.COMMISSIONED, commission=COMMISSION),
        event(6, K.CANCELLED, reason="202: cancelled"),
    ]
    state = None
    for one in story:
        state = fold(state, one)
    await events.append(story)
    await orders.save([state])
    again = None
    for one in await events.of_order(ORDER.id):
        again = fold(again, one)
    assert again == state == (await orders.newest(1))[0]


# Trades


async def test_a_trade_comes_back_with_every_field(trades):
    await trades.save([("robot", EXECUTION), ("robot", COMMISSION)])
    assert await trades.all() == [(EXECUTION, COMMISSION)]


async def test_writing_a_trade_again_changes_nothing(trades, database):
    for _ in range(2):
        await trades.save([("robot", EXECUTION), ("robot", COMMISSION)])
    await trades.save([("robot", EXECUTION)])
    assert await trades.all() == [(EXECUTION, COMMISSION)]
    assert await database.collection("trades").count_documents({}) == 1


async def test_a_trade_has_no_commission_before_it_is_known(trades):
    await trades.save([("robot", EXECUTION)])
    assert await trades.all() == [(EXECUTION, None)]


async def test_a_commission_may_come_before_its_execution(trades):
    await trades.save([("robot", COMMISSION)])
    assert await trades.all() == []
    await trades.save([("robot", EXECUTION)])
    assert await trades.all() == [(EXECUTION, COMMISSION)]


async def test_a_commission_without_profit_stays_without(trades):
    cost = Commission(EXECUTION.id, 0.0, "USD")
    await trades.save([("robot", EXECUTION), ("robot", cost)])
    assert await trades.all() == [(EXECUTION, cost)]


async def test_trades_come_in_the_order_of_their_time_then_of_their_id(trades):
    times = {"e4": 1, "e3": 3, "e2": 3, "e1": 2}
    made = [msgspec.structs.replace(EXECUTION, id=name, at_ns=NOON + time) for name, time in times.items()]
    await trades.save([("robot", one) for one in made])
    assert [one.id for one, _ in await trades.all()] == ["e4", "e1", "e2", "e3"]


async def test_a_trade_is_kept_with_its_robot(trades, database):
    await trades.save([("robot", EXECUTION)])
    assert (await database.collection("trades").find_one())["robot"] == "robot"


# Instruments


async def test_an_instrument_comes_back_with_every_field_and_a_newer_definition_replaces(database):
    instruments = InstrumentRepository(database)
    await instruments.save([])
    await instruments.save([INSTRUMENT])
    assert await instruments.all() == {INSTRUMENT.id: INSTRUMENT}
    newer = msgspec.structs.replace(INSTRUMENT, tick_size=0.5)
    await instruments.save([newer])
    assert await instruments.all() == {INSTRUMENT.id: newer}


# Preparing


async def test_preparing_again_changes_nothing(orders, trades, events):
    for repository in (orders, trades, events):
        await repository.prepare()


async def test_a_number_can_be_given_once_only_whatever_the_key(database, events):
    from pymongo.errors import DuplicateKeyError

    await events.append([event(1)])
    with pytest.raises(DuplicateKeyError):
        await database.collection("order_events").insert_one({"_id": "forged", "trader": "DU1000001", "sequence": 1})


# What others have written


@pytest.mark.parametrize(
    ("collection", "document", "words"),
    [
        ("trades", {"_id": "x", "id": "x"}, "'x' in the collection trades"),
        ("order_events", {"_id": "x", "trader": "DU1000001", "sequence": 1, "kind": 5}, "'x' in the collection order_events"),
        ("instruments", {"_id": "x"}, "'x' in the collection instruments"),
    ],
)
async def test_a_document_that_is_not_ours_is_named(database, trades, events, collection, document, words):
    reads = {"trades": trades.all(), "order_events": events.since(0)}
    reads["instruments"] = InstrumentRepository(database).all()
    await database.collection(collection).insert_one(document)
    for name, reading in reads.items():
        if name == collection:
            with pytest.raises(BadInput, match="is not one of ours") as caught:
                await reading
        else:
            assert not await reading
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


NOT_OURS = [
    {"_id": "x", "status": "working", "at_ns": NOON},
    {"_id": "x", "order": {"id": "x"}, "status": "working", "at_ns": NOON},
    {**to_document(STATE), "_id": "x"},
    {**to_document(STATE), "at_ns": "noon"},
    {**to_document(STATE), "_id": {"a": 1}},
    {**to_document(STATE), "_id": 17},
]


@pytest.mark.parametrize("document", NOT_OURS)
async def test_a_document_that_is_no_order_of_ours_is_named_and_keeps_no_other_from_being_read(database, orders, document):
    good = msgspec.structs.replace(STATE, order=msgspec.structs.replace(ORDER, id="good-1-0"))
    await database.collection("orders").insert_one(document)
    await orders.save([good])
    assert await orders.newest(5) == await orders.open_or_since(0) == [good]
    assert set(orders.unreadable) == {str(document["_id"])}
    assert "good-1-0" in await orders.ids()
    assert await database.collection("orders").find_one({"_id": "good-1-0"}) == to_document(good)


async def test_orders_are_found_by_account_robot_and_instrument_beside_documents_of_any_shape(database):
    await database.collection("orders").insert_many(
        [{"_id": "x", "order": ["order", "a"], "status": "working"}, {"_id": "y", "order": "a"}, {"_id": "z", "order": None}]
    )
    mine = OrderRepository(database, ORDER.account)
    await mine.save([STATE])
    assert await mine.open_or_since(0) == [STATE]
    assert await mine.newest(5, robot="robot", instrument=ORDER.instrument) == [STATE]
    assert await mine.newest(5, robot="other") == await mine.newest(5, instrument="other") == []
    assert await mine.count_by_status() == {STATE.status.value: 1}
    assert await mine.highest_broker_order_id() == 41


async def test_the_ids_that_were_used_are_texts_whatever_else_stands_there(database, orders):
    for document in NOT_OURS[3:]:
        await database.collection("orders").insert_one(document)
    assert await orders.ids() == [ORDER.id]


async def test_a_state_is_written_into_its_own_document_whatever_stands_beside_it(database, orders):
    collection = database.collection("orders")
    strangers = [{"_id": "bad", "order": "nonsense"}, {"_id": "a"}, {"_id": 7, "sequence": None}, {"_id": "z", "sequence": "1"}]
    await collection.insert_many([dict(one) for one in strangers])
    states = [msgspec.structs.replace(STATE, order=msgspec.structs.replace(ORDER, id=f"g-{n}-0")) for n in (1, 2)]
    for state in states:
        await orders.save([state])
    await orders.save(states)
    found = {str(row["_id"]): row async for row in collection.find({})}
    assert [found[str(one["_id"])] for one in strangers] == strangers
    assert [found[state.order.id] for state in states] == [to_document(state) for state in states]
    assert len(found) == 6


@pytest.mark.parametrize("there", [{}, {"sequence": "soon"}, {"sequence": 2**60}, {"sequence": None}, {"sequence": -1}])
async def test_a_state_takes_the_place_of_a_request_and_of_a_number_that_was_never_given(database, orders, there):
    collection = database.collection("orders")
    await collection.insert_one({"_id": ORDER.id, "request": "open", "n": 1, **there})
    await orders.save([STATE])
    row = await collection.find_one({"_id": ORDER.id})
    assert row == {**to_document(STATE), "request": "open", "n": 1}


@pytest.mark.parametrize("number", [2**31, 2**62, -1, "7", 1e300])
async def test_a_number_that_the_broker_would_not_take_is_not_taken_for_one_that_was_used(database, orders, number):
    await orders.save([STATE])
    await database.collection("orders").insert_one({**to_document(STATE), "_id": "forged", "broker_order_id": number})
    assert await orders.highest_broker_order_id() == 41


async def test_a_state_is_repaired_where_it_stands_whatever_number_it_claims(database, orders):
    await orders.save([msgspec.structs.replace(STATE, sequence=90)])
    await orders.repair([STATE])
    assert await database.collection("orders").find_one({"_id": ORDER.id}) == to_document(STATE)


# Events for readers that skip other robots'


async def test_a_batch_of_which_a_part_is_there_already_is_completed(events):
    batch = [event(number) for number in range(1, 9)]
    await events.append([batch[1], batch[4]])
    await events.append(batch)
    assert await events.since(0) == batch


async def test_an_event_that_cannot_be_written_keeps_all_later_ones_out(events):
    await events.append([event(3)])
    with pytest.raises(Refused, match="parted ways"):
        await events.append([event(1), event(2), event(3, reason="another"), event(4), event(5)])
    assert [one.sequence for one in await events.since(0)] == [1, 2, 3]


async def test_the_events_of_some_robots_come_in_order_without_those_of_others(events):
    robots = ["a", "b", "c", "a", "c"]
    written = [event(number, robot=robot) for number, robot in enumerate(robots, 1)]
    await events.append(written)
    assert [one.sequence for one in await events.since(1, robot=["a", "c"])] == [3, 4, 5]
    assert [one.sequence for one in await events.since(0, 2, ["a", "b"])] == [1, 2]


async def test_orders_of_two_accounts_that_have_the_same_id_stand_side_by_side(database):
    def state(account, sequence, quantity):
        order = Order("robot-1-0", "robot", "AAPL@SMART", Side.BUY, quantity, account=account)
        return OrderState(order, OrderStatus.PENDING, 1, broker_order_id=sequence, sequence=sequence)

    first, other = OrderRepository(database, "DU1"), OrderRepository(database, "DU2")
    await first.save([state("DU1", 50, 10.0)])
    for sequence in (3, 60):  # numbers of two accounts have nothing to do with each other
        await other.save([state("DU2", sequence, 99.0)])
        await other.repair([state("DU2", sequence, 99.0)])
    await first.save([state("DU1", 51, 10.0)])
    assert await first.open_or_since(0) == [state("DU1", 51, 10.0)]
    assert await other.open_or_since(0) == [state("DU2", 60, 99.0)]
    assert (await first.ids(), await other.ids()) == (["robot-1-0"], ["robot-1-0"])
    assert await other.broker_order_ids() == [(60, "robot-1-0")]
