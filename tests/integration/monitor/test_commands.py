"""Commands over HTTP: the status code says what came of each, the log who gave it, and nothing unknown is called a failure."""

import pytest
from structlog.testing import capture_logs
from support.stand_ins import trader_books

from atlas.bus import orders
from atlas.domain import (
    BadInput,
    Cancel,
    Denial,
    Execution,
    Modify,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderKind,
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
from services.monitor import commands

K, S = OrderEventKind, OrderStatus
NOON = 1_399_248_023_668_000_000
EURUSD = "EUR.USD@IDEALPRO"
BUY = {"instrument": EURUSD, "side": "buy", "quantity": 20_000.0}
ACCOUNT = orders.Account(
    "DU1", "USD", {"net_liquidation": 5.0}, "", TradingStateChange(TradingState.HALTED, "monitor", "fire", NOON), {"": "halted"}
)


class Trader:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, settings):
        self._settings = settings
        self.asked = []

    def answering(self, answer):
        def reply(request, peer):
            assert peer == "monitor"
            self.asked.append(request)
            return answer(request) if callable(answer) else answer

        return trader_books(self._settings, reply)


@pytest.fixture
def trader(settings):
    return Trader(settings)


def receipt(status=S.PENDING, **values):
    def answer(request):
        action = request.action
        return orders.Receipt(action.order.id if isinstance(action, Submit) else action.order_id, status, **values)

    return answer


# Orders


async def test_an_order_is_placed_with_what_was_said_and_answered_with_202(browser, trader):
    body = {**BUY, "kind": "limit", "limit_price": 1.1, "time_in_force": "gtc"}
    async with trader.answering(receipt()):
        answer = await browser.post("/api/v1/orders", json=body)
    order = trader.asked[0].action.order
    assert (answer.status_code, answer.json()["verdict"], answer.json()["order_id"]) == (202, "accepted", order.id)
    assert (order.robot, order.instrument, order.side, order.quantity) == ("operator", EURUSD, Side.BUY, 20_000.0)
    assert (order.kind, order.limit_price, order.time_in_force) == (OrderKind.LIMIT, 1.1, TimeInForce.GTC)
    assert order.id.startswith("operator-")
    assert order.cause_ns > NOON


async def test_a_repeated_request_is_recognised_by_the_id_that_was_given(browser, trader):
    async with trader.answering(receipt()):
        for _ in range(2):
            assert (await browser.post("/api/v1/orders", json={**BUY, "id": "operator-mine"})).status_code == 202
    assert [command.action.order.id for command in trader.asked[:1]] == ["operator-mine"]
    assert len(trader.asked) == 1  # the socket gave the second one the answer of the first


async def test_a_denial_is_409_with_the_rule_and_its_numbers(browser, trader):
    denial = Denial("max_position", "too large", 30_000.0, 25_000.0)
    async with trader.answering(receipt(S.DENIED, reason="too large", verdict=Verdict.DENIED, denial=denial)):
        answer = await browser.post("/api/v1/orders", json=BUY)
    told = answer.json()
    assert (answer.status_code, told["verdict"]) == (409, "denied")
    assert told["denial"] == {
        "rule": "max_position", "text": "too large", "found": 30_000.0, "limit": 25_000.0, "temporary": False
    }  # fmt: skip
    assert "denied by max_position" in told["detail"]


async def test_a_rejection_is_422_with_the_brokers_code(browser, trader):
    async with trader.answering(receipt(S.REJECTED, reason="no margin", verdict=Verdict.REJECTED, code=201)):
        answer = await browser.post("/api/v1/orders", json=BUY)
    assert (answer.status_code, answer.json()["code"], answer.json()["verdict"]) == (422, 201, "rejected")


async def test_no_answer_is_504_and_unknown_with_the_id_to_ask_for(browser, trader, monkeypatch):
    monkeypatch.setattr(commands, "ASK_SECONDS", 0.3)
    async with trader.answering(None):
        answer = await browser.post("/api/v1/orders", json=BUY)
    told = answer.json()
    assert (answer.status_code, told["verdict"], told["status"]) == (504, "unknown", "unknown")
    assert told["order_id"] == trader.asked[0].action.order.id
    assert "Do not send it again" in told["detail"]


@pytest.mark.parametrize(
    ("error", "status"), [(BadInput("odd"), 422), (Refused("you may not"), 403), (Unavailable("the disk is full"), 503)]
)
async def test_what_the_trader_does_not_take_is_told_with_its_words(browser, trader, error, status):
    async with trader.answering(error):
        answer = await browser.post("/api/v1/orders", json=BUY)
    assert (answer.status_code, answer.json()) == (status, {"detail": str(error)})


async def test_without_the_trader_a_command_is_503_and_nothing_was_sent(browser, monkeypatch):
    monkeypatch.setattr(commands, "ASK_SECONDS", 0.3)
    answer = await browser.post("/api/v1/orders", json=BUY)
    assert answer.status_code == 503
    assert "trader" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "this is no order"),
        ({**BUY, "side": "up"}, "this is no order"),
        ({**BUY, "quantity": "many"}, "this is no order"),
        ({**BUY, "price": 1.1}, "no price"),
        ({**BUY, "robot": "sma"}, "those of operator"),
        ({**BUY, "id": "sma-1-0"}, "begins with operator-"),
    ],
)
async def test_what_is_no_order_is_422_and_does_not_reach_the_trader(browser, trader, body, words):
    async with trader.answering(receipt()):
        answer = await browser.post("/api/v1/orders", json=body)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert trader.asked == []


def life(end):
    placed = []

    def answer(request):
        if isinstance(request, orders.Command):
            placed.append(request.action.order)
            return orders.Receipt(placed[0].id, S.PENDING)
        order = placed[0]
        fill = Execution("e1.01", order.id, "DU1", order.instrument, order.side, order.quantity, 1.1, NOON)
        events = [
            OrderEvent(1, order.id, "operator", K.PENDING, NOON, order=order),
            OrderEvent(2, order.id, "operator", end, NOON, "x", execution=fill if end is K.EXECUTED else None, code=201),
        ]
        return orders.OrderAnswer(True, events)

    return answer


@pytest.mark.parametrize(("end", "status", "word"), [(K.EXECUTED, 200, "filled"), (K.REJECTED, 422, "rejected")])
async def test_waiting_gives_the_end_of_the_order(browser, trader, end, status, word):
    async with trader.answering(life(end)):
        answer = await browser.post("/api/v1/orders", params={"wait_seconds": 5}, json=BUY)
    assert (answer.status_code, answer.json()["status"]) == (status, word)
    assert answer.json()["filled"] == (20_000.0 if end is K.EXECUTED else 0.0)


async def test_waiting_in_vain_is_504(browser, trader):
    async with trader.answering(life(K.WORKING)):
        answer = await browser.post("/api/v1/orders", params={"wait_seconds": 0.3}, json=BUY)
    assert (answer.status_code, answer.json()["status"]) == (504, "working")


async def test_an_order_is_cancelled_by_its_id(browser, trader):
    async with trader.answering(receipt(S.WORKING)):
        answer = await browser.post("/api/v1/orders/sma-5-0/cancel")
    (command,) = trader.asked
    assert isinstance(command.action, Cancel)
    assert (answer.status_code, command.action.order_id) == (202, "sma-5-0")


async def test_an_order_in_quarantine_is_released_by_its_id(browser, trader):
    async with trader.answering(orders.Receipt("ext-500", S.WORKING)):
        answer = await browser.post("/api/v1/orders/ext-500/release?robot=swing")
    assert (answer.status_code, answer.json()["order_id"]) == (202, "ext-500")
    assert trader.asked == [orders.Release("ext-500", "swing")]


async def test_a_change_names_only_what_changes(browser, trader):
    async with trader.answering(receipt(S.WORKING)):
        answer = await browser.patch("/api/v1/orders/sma-5-0", json={"limit_price": 1.2})
        assert (await browser.patch("/api/v1/orders/sma-5-0", json={"price": 1.2})).status_code == 422
    (command,) = trader.asked
    assert answer.status_code == 202
    assert command.action == Modify(command.action.id, "sma-5-0", limit_price=1.2)


async def test_one_order_is_told_with_its_events_and_one_that_never_was_is_404(browser, trader):
    event = OrderEvent(1, "a-1-0", "a", K.PENDING, NOON, order=Order("a-1-0", "a", EURUSD, Side.BUY, 1.0))
    async with trader.answering(orders.OrderAnswer(True, [event])):
        answer = await browser.get("/api/v1/orders/a-1-0")
    assert (answer.status_code, answer.json()["events"][0]["kind"]) == (200, "pending")
    async with trader.answering(orders.OrderAnswer(False, [])):
        assert (await browser.get("/api/v1/orders/a-2-0")).status_code == 404
    assert trader.asked == [orders.OrderQuery("a-1-0"), orders.OrderQuery("a-2-0")]


# Steering

REDUCE = orders.SetTradingState(TradingState.REDUCING, "x")
END_LIMIT = orders.SetLimit("robot:a", "x", None)


@pytest.mark.parametrize(
    ("method", "path", "body", "asked", "answer"),
    [
        ("POST", "cancel-all", None, orders.CancelAll(), orders.Cancelling(["a-1-0"], [])),
        ("POST", "cancel-all", {"robot": "a", "instrument": EURUSD}, orders.CancelAll("a", EURUSD), orders.Cancelling([], [])),
        ("POST", "trading-state", {"state": "reducing", "reason": "x"}, REDUCE, ACCOUNT),
        ("POST", "kill", {"flatten": True}, orders.Kill("kill switch", flatten=True), orders.Cancelling([], ["operator-1"])),
        ("POST", "kill", None, orders.Kill("kill switch"), orders.Cancelling([], [])),
        ("PUT", "limits", {"name": "max_position", "value": 5}, orders.SetLimit("", "max_position", 5), orders.Limits({})),
        ("PUT", "limits", {"scope": "robot:a", "name": "x", "value": None}, END_LIMIT, orders.Limits({})),
        ("GET", "account", None, orders.AccountRequest(), ACCOUNT),
        ("GET", "limits", None, orders.LimitsRequest(), orders.Limits({"": {"max_position": 5.0}})),
    ],
)  # fmt: skip
async def test_the_trader_is_asked_and_its_answer_told(browser, trader, method, path, body, asked, answer):
    async with trader.answering(answer):
        told = await browser.request(method, f"/api/v1/{path}", json=body)
    assert told.status_code == 200
    assert trader.asked == [asked]
    assert set(told.json()) == set(answer.__struct_fields__)


@pytest.mark.parametrize(
    ("path", "body"),
    [("trading-state", {"state": "asleep"}), ("trading-state", {}), ("kill", {"flat": True}), ("cancel-all", {"who": "a"})],
)
async def test_what_is_no_command_is_422(browser, trader, path, body):
    async with trader.answering(ACCOUNT):
        assert (await browser.post(f"/api/v1/{path}", json=body)).status_code == 422
    assert trader.asked == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("kill", '{"reason": "\\ud800"}'),
        ("trading-state", '{"state": "halted", "reason": "\\ud800"}'),
        ("cancel-all", '{"robot": "\\ud800"}'),
        (
            "orders",
            '{"instrument": "EUR.USD@IDEALPRO", "side": "buy", "quantity": 1, "good_till_ns": 99999999999999999999999999}',
        ),
        ("orders", '{"instrument": "EUR.USD@IDEALPRO", "side": "buy", "quantity": 1, "id": "operator-\\ud800"}'),
        ("limits", '{"scope": "", "name": "max_working_orders", "value": 99999999999999999999999999}'),
    ],
)
async def test_what_no_message_can_hold_is_422(browser, trader, path, body):
    method = "PUT" if path == "limits" else "POST"
    async with trader.answering(ACCOUNT):
        answer = await browser.request(method, f"/api/v1/{path}", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, trader.asked) == (422, []), answer.text


async def test_steering_without_an_answer_is_504(browser, trader, monkeypatch):
    monkeypatch.setattr(commands, "ASK_SECONDS", 0.3)
    async with trader.answering(None):
        answer = await browser.post("/api/v1/kill", json={})
    assert answer.status_code == 504
    assert "unknown" in answer.json()["detail"]


# The record


async def test_every_command_is_one_line_of_the_log_with_who_what_and_the_outcome(browser, trader, monkeypatch):
    monkeypatch.setattr(commands, "ASK_SECONDS", 0.3)
    with capture_logs() as lines:
        async with trader.answering(receipt()):
            await browser.post("/api/v1/orders", json=BUY)
        async with trader.answering(BadInput("no such limit")):
            await browser.put("/api/v1/limits", json={"name": "x", "value": 5})
        async with trader.answering(None):
            await browser.post("/api/v1/kill", json={})
        async with trader.answering(ACCOUNT):
            await browser.get("/api/v1/account")
    told = [line for line in lines if line["event"] == "command"]
    assert [(line["command"], line["outcome"]) for line in told] == [
        ("Submit", "accepted"),
        ("SetLimit", "failed"),
        ("Kill", "unknown"),
    ]
    assert {line["who"] for line in told} == {"http:127.0.0.1"}
    assert told[0]["arguments"]["order"]["quantity"] == 20_000.0


# Alarms


async def test_alarms_are_those_that_are_raised_and_on_request_the_cleared_ones(browser, settings):
    database = await Database.connect(settings["database.url"], settings["database.name"])
    alarms = AlarmRepository(database)
    await alarms.save(Alarm("database-away", "trader", Severity.CRITICAL, "start it", NOON, NOON + 1))
    await alarms.save(Alarm("position-break", "trader", Severity.WARNING, "look", NOON + 2))
    await database.close()
    (raised,) = (await browser.get("/api/v1/alarms")).json()["alarms"]
    assert (raised["key"], raised["severity"], raised["raised"]) == ("position-break", "warning", "2014-05-05T00:00:23.668000Z")
    every = (await browser.get("/api/v1/alarms", params={"cleared": True})).json()["alarms"]
    assert [one["key"] for one in every] == ["position-break", "database-away"]
