"""`atlas trade` and its neighbours against a trader's order socket: what is asked, what is said, and how it exits."""

import asyncio
import json
import re

import pytest
from support.servers import atlas, desk_settings
from support.stand_ins import trader_books

from atlas.bus import orders
from atlas.domain import (
    BadInput,
    Cancel,
    Commission,
    Denial,
    Execution,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderKind,
    OrderState,
    OrderStatus,
    Refused,
    Side,
    Submit,
    TimeInForce,
    Unavailable,
)
from atlas.domain.alarm import Alarm, Severity
from atlas.store import Database
from atlas.store.alarms import AlarmRepository
from atlas.trading.outcome import Verdict
from atlas.trading.trading_state import TradingState, TradingStateChange

K, S = OrderEventKind, OrderStatus
NOON = 1_399_248_023_668_000_000
EURUSD = "EUR.USD@IDEALPRO"
ACTIVE = TradingStateChange(TradingState.ACTIVE, "cli", "all well", NOON)
ACCOUNT = orders.Account("DU1000001", "USD", {"net_liquidation": 1_000_000.0}, "", ACTIVE, {})


@pytest.fixture
def desk(database_server, tmp_path):
    """Runs `atlas` against a stand-in for the trader; gives what it printed, and what the trader was asked."""
    settings = desk_settings(tmp_path, database_server) | {"database.name": tmp_path.name}

    async def run(answer, *arguments, **more):
        asked = []

        def reply(request, peer):
            asked.append((request, peer))
            return answer(request) if callable(answer) else answer

        async with trader_books(settings, reply):
            done = await asyncio.to_thread(atlas, *arguments, settings={**settings, **more}, folder=tmp_path)
        return done, [request for request, _ in asked]

    run.settings = settings
    run.folder = tmp_path
    return run


def receipt(status=S.PENDING, **values):
    return lambda request: orders.Receipt(order_id_of(request), status, **values)


def order_id_of(request):
    action = request.action
    return action.order.id if isinstance(action, Submit) else action.order_id


# Placing


async def test_an_accepted_order_is_told_and_exits_with_0(desk):
    done, asked = await desk(receipt(), "trade", "buy", EURUSD, "20000")
    (command,) = asked
    order = command.action.order
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"accepted: order {order.id} is pending\n"
    assert (order.robot, order.instrument, order.side, order.quantity) == ("operator", EURUSD, Side.BUY, 20_000.0)
    assert (order.kind, order.limit_price, order.time_in_force) == (OrderKind.MARKET, None, TimeInForce.DAY)
    assert order.cause_ns > NOON


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (["--limit", "1.1"], OrderKind.LIMIT),
        (["--stop", "1.2"], OrderKind.STOP),
        (["--limit", "1.1", "--stop", "1.2"], OrderKind.STOP_LIMIT),
        (["--limit", "1.1", "--kind", "limit_on_close"], OrderKind.LIMIT_ON_CLOSE),
    ],
)
async def test_the_prices_say_what_kind_of_order_it_is_unless_it_is_said(desk, options, kind):
    done, (command,) = await desk(receipt(), "trade", "sell", "AAPL@SMART", "1", *options, "--tif", "gtc", "--outside-rth")
    order = command.action.order
    assert done.returncode == 0
    assert (order.kind, order.side, order.time_in_force, order.outside_rth) == (kind, Side.SELL, TimeInForce.GTC, True)
    assert order.limit_price == (1.1 if "--limit" in options else None)
    assert order.stop_price == (1.2 if "--stop" in options else None)


async def test_every_order_of_a_person_has_an_id_of_its_own(desk):
    ids = set()
    for _ in range(3):
        _, (command,) = await desk(receipt(), "trade", "buy", EURUSD, "1")
        ids.add(command.action.order.id)
    assert len(ids) == 3
    assert all(re.fullmatch(r"operator-[0-9a-f]{16}", one) for one in ids)


async def test_a_denial_names_the_rule_and_its_numbers_and_exits_with_1(desk):
    denial = Denial("max_position", "the position would be too large", 30_000.0, 25_000.0)
    answer = receipt(S.DENIED, reason="too large", verdict=Verdict.DENIED, denial=denial)
    done, _ = await desk(answer, "trade", "buy", EURUSD, "20000")
    words = "denied by max_position (found 30000, limit 25000): the position would be too large\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, words, "")
    done, _ = await desk(answer, "trade", "buy", EURUSD, "20000", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["verdict"], told["status"], told["denial"]["rule"]) == ("denied", "denied", "max_position")
    assert (told["denial"]["found"], told["denial"]["limit"], told["denial"]["temporary"]) == (30_000.0, 25_000.0, False)


async def test_a_rejection_carries_the_brokers_code_and_words_and_exits_with_1(desk):
    answer = receipt(S.REJECTED, reason="the margin does not suffice", verdict=Verdict.REJECTED, code=201)
    done, _ = await desk(answer, "trade", "buy", EURUSD, "20000")
    assert (done.returncode, done.stdout) == (1, "rejected by the broker with code 201: the margin does not suffice\n")


async def test_no_answer_is_unknown_with_the_id_and_what_to_ask_next_and_exits_with_3(desk):
    done, (command,) = await desk(lambda _: None, "trade", "buy", EURUSD, "1", "--timeout", "0.5")
    order_id = command.action.order.id
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith(f"unknown what became of order {order_id}")
    assert f"`atlas orders --id {order_id}`" in done.stdout
    assert "Do not send it again" in done.stdout
    assert "fail" not in done.stdout
    done, _ = await desk(lambda _: None, "trade", "buy", EURUSD, "1", "--timeout", "0.5", "--json")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (3, "unknown")


@pytest.mark.parametrize("error", [BadInput("the quantity is odd"), Unavailable("the disk is full; nothing was done")])
async def test_what_the_trader_cannot_take_is_an_error_and_exits_with_2(desk, error):
    done, _ = await desk(error, "trade", "buy", EURUSD, "1")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"atlas: {error}\n")


def test_without_a_trader_nothing_is_sent_and_the_exit_code_is_2(desk):
    done = atlas("trade", "buy", EURUSD, "1", "--timeout", "0.5", settings=desk.settings, folder=desk.folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "trader" in done.stderr


# Waiting


def life(*kinds):
    """A trader that takes an order and lets these things happen to it, one more at each look."""
    seen = []

    def answer(request):
        if isinstance(request, orders.Command):
            seen.append(request.action.order)
            return orders.Receipt(seen[0].id, S.PENDING)
        order = seen[0]
        seen.append(None)
        events = [OrderEvent(1, order.id, "operator", K.PENDING, NOON, order=order)]
        for number, kind in enumerate(kinds[: len(seen) - 1], 2):
            execution = Execution("e1.01", order.id, "DU1", order.instrument, order.side, order.quantity, 1.085, NOON)
            filled = execution if kind is K.EXECUTED else None
            events.append(OrderEvent(number, order.id, "operator", kind, NOON, reason="201: no margin", execution=filled))
        return orders.OrderAnswer(True, events)

    return answer


async def test_waiting_ends_with_the_fill(desk):
    done, _ = await desk(life(K.SENT, K.EXECUTED), "trade", "buy", EURUSD, "100", "--wait")
    assert done.returncode == 0
    assert done.stdout.startswith("filled: order operator-")
    assert done.stdout.endswith("buy 100 market day EUR.USD@IDEALPRO, 100 at 1.085\n")
    done, _ = await desk(life(K.SENT, K.EXECUTED), "trade", "buy", EURUSD, "100", "--wait", "--json")
    told = json.loads(done.stdout)
    assert (told["verdict"], told["status"], told["filled"], told["average_price"]) == ("accepted", "filled", 100.0, 1.085)


@pytest.mark.parametrize(("kind", "words"), [(K.REJECTED, "rejected by the broker"), (K.CANCELLED, "cancelled: order")])
async def test_waiting_for_an_order_that_comes_to_nothing_exits_with_1(desk, kind, words):
    done, _ = await desk(life(K.SENT, kind), "trade", "buy", EURUSD, "100", "--wait")
    assert done.returncode == 1
    assert done.stdout.startswith(words)


async def test_waiting_in_vain_is_unknown_and_says_where_the_order_is(desk):
    done, _ = await desk(life(K.SENT, K.WORKING), "trade", "buy", EURUSD, "100", "--wait", "--timeout", "1")
    assert done.returncode == 3
    assert "it was working after 1 seconds" in done.stdout


# What if


async def test_what_if_asks_and_sends_nothing(desk):
    answer = orders.WhatIfAnswer(None, "", 1200.5, 1000.0, 2.0, "USD", "a warning")
    done, asked = await desk(answer, "trade", "buy", EURUSD, "100", "--limit", "1.1", "--what-if")
    assert [type(one) for one in asked] == [orders.WhatIfRequest]
    assert done.returncode == 0
    assert all(word in done.stdout for word in ("would let it pass", "1200.50", "a warning"))


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (orders.WhatIfAnswer(Denial("hours", "the market is closed"), "not asked"), 1, "would be denied by hours: the market"),
        (orders.WhatIfAnswer(None, "the gateway is away"), 3, "does not say what it would do: the gateway is away"),
    ],
)
async def test_what_if_says_no_or_that_nobody_knows(desk, answer, code, words):
    done, _ = await desk(answer, "trade", "buy", EURUSD, "100", "--what-if")
    assert done.returncode == code
    assert words in done.stdout


# Cancelling and changing


async def test_cancelling_asks_for_the_order_by_its_id(desk):
    done, (command,) = await desk(receipt(S.WORKING), "trade", "cancel", "sma-5-0")
    assert isinstance(command.action, Cancel)
    assert command.action.order_id == "sma-5-0"
    assert command.action.id.startswith("operator-")
    assert (done.returncode, done.stdout) == (0, "accepted: order sma-5-0 is working\n")


async def test_a_cancellation_that_is_refused_exits_with_1(desk):
    done, _ = await desk(receipt(S.FILLED, reason="order sma-5-0 is filled"), "trade", "cancel", "sma-5-0")
    assert (done.returncode, done.stdout) == (1, "denied: order sma-5-0 is filled\n")


@pytest.mark.parametrize(("end", "code", "word"), [(K.CANCELLED, 0, "cancelled"), (K.EXECUTED, 1, "was filled before")])
async def test_waiting_for_a_cancellation_ends_with_the_order(desk, end, code, word):
    order = Order("sma-5-0", "sma", EURUSD, Side.BUY, 100.0)
    execution = Execution("e1.01", order.id, "DU1", EURUSD, Side.BUY, 100.0, 1.1, NOON) if end is K.EXECUTED else None

    def answer(request):
        if isinstance(request, orders.Command):
            return orders.Receipt(order.id, S.WORKING)
        events = [
            OrderEvent(1, order.id, "sma", K.PENDING, NOON, order=order),
            OrderEvent(2, order.id, "sma", K.WORKING, NOON),
            OrderEvent(3, order.id, "sma", end, NOON, execution=execution),
        ]
        return orders.OrderAnswer(True, events)

    done, _ = await desk(answer, "trade", "cancel", "sma-5-0", "--wait")
    assert done.returncode == code
    assert done.stdout.startswith(word)


async def test_changing_names_what_is_to_be_changed_and_nothing_else(desk):
    done, (command,) = await desk(receipt(S.WORKING), "trade", "modify", "sma-5-0", "--limit", "1.2")
    action = command.action
    assert isinstance(action, Modify)
    assert (action.order_id, action.limit_price, action.quantity, action.stop_price) == ("sma-5-0", 1.2, None, None)
    assert done.returncode == 0


async def test_cancelling_everything_can_be_held_to_a_robot_or_an_instrument(desk):
    answer = orders.Cancelling(["a-1-0", "b-1-0"], [])
    done, asked = await desk(answer, "trade", "cancel-all", "--robot", "a", "--instrument", EURUSD)
    assert asked == [orders.CancelAll("a", EURUSD)]
    assert (done.returncode, done.stdout) == (0, "cancelling 2 orders: a-1-0, b-1-0\n")


# Steering


@pytest.mark.parametrize(
    ("word", "state"), [("halt", TradingState.HALTED), ("reduce", TradingState.REDUCING), ("resume", TradingState.ACTIVE)]
)
async def test_the_trading_state_is_set_with_its_reason(desk, word, state):
    account = orders.Account("DU1", "USD", {}, "", TradingStateChange(state, "cli", "lunch", NOON), {EURUSD: "a break"})
    done, asked = await desk(account, "trade", word, "--reason", "lunch")
    assert asked == [orders.SetTradingState(state, "lunch")]
    assert done.returncode == 0
    assert f"account DU1: {state.value} (by cli, lunch)" in done.stdout
    assert "opening is blocked on EUR.USD@IDEALPRO: a break" in done.stdout


async def test_who_may_not_steer_is_told_so(desk):
    done, _ = await desk(Refused("cli may not do that"), "trade", "halt")
    assert (done.returncode, done.stderr) == (2, "atlas: cli may not do that\n")


async def test_steering_without_an_answer_is_unknown(desk):
    done, _ = await desk(lambda _: None, "trade", "halt", "--timeout", "0.5")
    assert done.returncode == 3
    assert "unknown whether that was done" in done.stdout
    assert "`atlas account`" in done.stdout


async def test_an_order_in_quarantine_is_released_by_its_id_and_can_be_given_to_a_robot(desk):
    done, asked = await desk(orders.Receipt("ext-500", S.WORKING), "trade", "release", "ext-500", "--robot", "swing")
    assert (done.returncode, asked) == (0, [orders.Release("ext-500", "swing")])
    denial = Denial("foreign", "order robot-1-0 was placed by this desk: there is nothing to release")
    denied = orders.Receipt("robot-1-0", S.WORKING, denial.text, Verdict.DENIED, denial)
    done, asked = await desk(denied, "trade", "release", "robot-1-0", "--json")
    assert (done.returncode, asked) == (1, [orders.Release("robot-1-0")])
    assert json.loads(done.stdout)["denial"]["rule"] == "foreign"
    done, _ = await desk(orders.Account("", "", {}, "", ACTIVE, {}), "trade", "release", "ext-500")
    assert done.returncode == 2


async def test_the_kill_switch_asks_first_and_does_nothing_unless_confirmed(desk):
    done, asked = await desk(orders.Cancelling([], []), "trade", "kill", "--flatten")
    assert (done.returncode, asked) == (2, [])
    assert "nothing was done" in done.stderr


async def test_the_kill_switch_halts_cancels_and_flattens_at_once_when_confirmed(desk):
    answer = orders.Cancelling(["a-1-0"], ["operator-1"])
    done, asked = await desk(answer, "trade", "kill", "--flatten", "--yes", "--reason", "fire")
    assert asked == [orders.Kill("fire", flatten=True)]
    assert (done.returncode, done.stdout) == (0, "cancelling 1 orders: a-1-0\nclosing with 1 orders: operator-1\n")
    _, asked = await desk(answer, "trade", "kill", "-y")
    assert asked == [orders.Kill("kill switch", flatten=False)]


async def test_a_kill_that_leaves_positions_without_a_closing_order_names_them_and_is_not_done(desk):
    answer = orders.Cancelling(["a-1-0"], [], {"EUR.USD@IDEALPRO": "the broker is not connected"})
    done, _ = await desk(answer, "trade", "kill", "--flatten", "--yes")
    assert done.returncode == 1
    assert "not closed yet: EUR.USD@IDEALPRO: the broker is not connected" in done.stdout
    done, _ = await desk(answer, "trade", "kill", "--flatten", "--yes", "--json")
    assert (done.returncode, json.loads(done.stdout)["not_closing"]) == (1, answer.not_closing)


async def test_an_order_good_till_a_time_says_when_with_its_zone(desk):
    done, (command,) = await desk(
        receipt(), "trade", "buy", EURUSD, "1", "--limit", "1", "--tif", "gtd", "--until", "2030-12-18T17:00-05:00"
    )
    order = command.action.order
    assert (done.returncode, order.time_in_force, order.good_till_ns) == (0, TimeInForce.GTD, 1_923_861_600 * 10**9)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([EURUSD, "1", "--tif", "gtd"], "--tif gtd needs --until"),
        ([EURUSD, "1", "--tif", "ioc", "--until", "2030-12-18T17:00-05:00"], "not with ioc"),
        ([EURUSD, "1", "--tif", "gtd", "--until", "2030-12-18T17:00"], "has no zone"),
        ([EURUSD, "1", "--until", "soon"], "is no time"),
        (["AAPL", "1"], "'AAPL' is not an instrument id"),
        (["aapl@smart", "1"], "'aapl@smart' is not an instrument id"),
    ],
)
async def test_an_order_that_cannot_be_meant_is_an_error_and_nothing_is_asked(desk, arguments, text):
    done, asked = await desk(receipt(), "trade", "buy", *arguments)
    assert (done.returncode, done.stdout, asked) == (2, "", [])
    assert text in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["99999999999999999999999999", '"\\ud800"'])
async def test_a_value_that_no_message_can_hold_is_one_clear_line(desk, value):
    done, asked = await desk(orders.Limits({}), "trade", "limits", "set", "desk", "max_working_orders", value)
    assert (done.returncode, done.stdout, asked) == (2, "", [])
    assert "the request SetLimit cannot be sent" in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_a_doubt_about_a_limit_that_was_set_is_told(desk):
    answer = orders.Limits({}, "nothing is known of the robot nobody so far")
    done, _ = await desk(answer, "trade", "limits", "set", "robot:nobody", "max_position", "1")
    assert (done.returncode, done.stderr) == (0, "warning: nothing is known of the robot nobody so far\n")


async def test_limits_are_shown_by_scope(desk):
    answer = orders.Limits({"": {"max_position": 5.0}, "robot:sma": {"restricted": ["AAPL@SMART"]}})
    done, asked = await desk(answer, "trade", "limits")
    assert asked == [orders.LimitsRequest()]
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[1:] == [["desk", "max_position", "5.0"], ["robot:sma", "restricted", '["AAPL@SMART"]']]
    done, _ = await desk(answer, "trade", "limits", "--json")
    assert json.loads(done.stdout)["limits"][""] == {"max_position": 5.0}


@pytest.mark.parametrize(
    ("given", "value"), [("5", 5), ("0.5", 0.5), ("none", None), ("true", True), ('["A@B"]', ["A@B"]), ("word", "word")]
)
async def test_a_limit_is_set_by_authenticated_command(desk, given, value):
    done, asked = await desk(orders.Limits({}), "trade", "limits", "set", "desk", "max_position", given)
    assert done.returncode == 0
    assert asked == [orders.SetLimit("", "max_position", value)]


async def test_a_limit_that_is_none_is_refused_by_the_trader(desk):
    done, asked = await desk(BadInput("there is no limit maximum"), "trade", "limits", "set", "robot:a", "maximum", "5")
    assert (done.returncode, done.stderr) == (2, "atlas: there is no limit maximum\n")
    assert asked == [orders.SetLimit("robot:a", "maximum", 5)]


# Looking


WORKING = OrderState(
    Order("a-1-0", "a", EURUSD, Side.SELL, 20_000.0, OrderKind.LIMIT, 1.085),
    S.PARTIALLY_FILLED,
    NOON,
    5_000.0,
    1.0851,
    cancel_requested=True,
)


async def test_orders_are_listed_with_what_they_are_and_where_they_stand(desk):
    done, asked = await desk(orders.Orders([WORKING]), "orders", "--robot", "a", "--all")
    assert asked == [orders.OrdersRequest("a", everything=True)]
    assert done.returncode == 0
    row = done.stdout.splitlines()[1]
    for words in ("a-1-0", "sell 20000 limit 1.085 day", "partially_filled, cancelling", "5000 at 1.0851", "2014-05-05"):
        assert words in row
    done, asked = await desk(orders.Orders([WORKING]), "orders", "--json")
    assert asked == [orders.OrdersRequest()]
    (told,) = json.loads(done.stdout)
    assert (told["order"]["id"], told["status"], told["filled"]) == ("a-1-0", "partially_filled", 5_000.0)


async def test_one_order_is_shown_with_everything_that_happened_to_it(desk):
    order = WORKING.order
    fill = Execution("e1.01", order.id, "DU1", EURUSD, Side.SELL, 5_000.0, 1.0851, NOON)
    events = [
        OrderEvent(1, order.id, "a", K.PENDING, NOON, order=order),
        OrderEvent(2, order.id, "a", K.WORKING, NOON),
        OrderEvent(3, order.id, "a", K.EXECUTED, NOON, execution=fill),
        OrderEvent(4, order.id, "a", K.COMMISSIONED, NOON, commission=Commission("e1.01", 2.0, "USD")),
    ]
    done, asked = await desk(orders.OrderAnswer(True, events), "orders", "--id", order.id)
    assert asked == [orders.OrderQuery(order.id)]
    assert done.returncode == 0
    assert "a-1-0: sell 20000 limit 1.085 day EUR.USD@IDEALPRO is partially_filled" in done.stdout
    assert "5000 at 1.0851 (e1.01)" in done.stdout
    assert "2.00 USD" in done.stdout


async def test_an_order_that_the_trader_never_had_exits_with_1(desk):
    done, _ = await desk(orders.OrderAnswer(False, []), "orders", "--id", "a-1-0")
    assert (done.returncode, "never had" in done.stdout) == (1, True)


async def test_an_order_is_told_by_the_traders_memory_while_the_database_is_away(desk):
    def answer(request):
        if isinstance(request, orders.OrderQuery):
            raise Unavailable("the database does not answer")
        return orders.Orders([WORKING])

    done, _ = await desk(answer, "orders", "--id", WORKING.order.id)
    assert (done.returncode, done.stdout.split(":")[0]) == (0, WORKING.order.id)
    assert "the database does not answer" in done.stderr
    done, _ = await desk(answer, "orders", "--id", WORKING.order.id, "--json")
    assert json.loads(done.stdout)["state"]["order"]["id"] == WORKING.order.id
    done, _ = await desk(answer, "orders", "--id", "another")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the database does not answer" in done.stderr


async def test_positions_are_the_traders_books(desk):
    held = orders.Held(EURUSD, -20_000.0, 1.0851, 12.5, 1.0, "USD")
    done, _ = await desk(orders.Positions("DU1", [held], {"USD": 2.0}), "positions")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split() == [EURUSD, "-20000", "1.0851", "12.50", "USD"]
    assert done.stdout.splitlines()[2] == "account DU1, commissions 2.00 USD"


async def test_an_account_whose_values_nobody_knows_is_not_shown_as_empty(desk):
    done, _ = await desk(ACCOUNT, "account")
    assert done.returncode == 0
    assert "1000000.00" in done.stdout
    done, _ = await desk(orders.Account("DU1", "", {}, "the gateway is away", ACTIVE, {}), "account")
    assert done.returncode == 3
    assert "values unknown: the gateway is away" in done.stdout


async def test_alarms_are_those_that_are_raised_and_with_all_the_cleared_ones(desk):
    database = await Database.connect(desk.settings["database.url"], str(desk.settings["database.name"]))
    alarms = AlarmRepository(database)
    await alarms.save(Alarm("database-away", "trader", Severity.CRITICAL, "start it", NOON, NOON + 1))
    await alarms.save(Alarm("position-break", "trader", Severity.WARNING, "look", NOON + 2))
    await database.close()
    done = await asyncio.to_thread(atlas, "alarms", settings=desk.settings, folder=desk.folder)
    assert done.returncode == 0
    assert ("position-break" in done.stdout, "database-away" in done.stdout) == (True, False)
    done = await asyncio.to_thread(atlas, "alarms", "--all", "--json", settings=desk.settings, folder=desk.folder)
    assert [one["key"] for one in json.loads(done.stdout)] == ["position-break", "database-away"]


async def test_an_answer_of_another_kind_is_an_error(desk):
    done, _ = await desk(orders.Done(), "positions")
    assert done.returncode == 2
    assert "Done instead of Positions" in done.stderr
