"""The monitor over HTTP: who is let in, what is told, and what is said when somebody is away."""

import re

import httpx
import msgspec
import pytest
from support.servers import DatabaseServer
from support.stand_ins import stand_in, trader_books

from atlas.bus import orders
from atlas.domain import Order, OrderKind, OrderState, OrderStatus, Refused, Side, from_plain
from atlas.domain.order_state import Charge, Fill
from atlas.store import Database, OrderRepository
from services.monitor.api import build_app

NOON = 1_399_248_023_668_000_000  # 2014-05-05T00:00:23.668Z
ORDER = Order("a-1-0", "a", "EUR.USD@IDEALPRO", Side.SELL, 20_000, OrderKind.LIMIT, 1.08505, account="DU1000001")
FILLED = OrderState(
    ORDER,
    OrderStatus.FILLED,
    NOON,
    20_000,
    1.0851,
    2.0,
    fills=(Fill("e1", 20_000.0, 1.0851),),
    charges=(Charge("e1", 2.0),),
    sequence=4,
)

GUARDED = sorted(
    {
        (method, path.replace("{order_id}", "a-1-0"))
        for path, methods in build_app(None, "token").openapi()["paths"].items()  # type: ignore[arg-type] # its routes only
        for method in methods
        if path != "/api/v1/health"
    }
    | {("get", "/api/v1/openapi.json")}
)


async def written(settings, states):
    database = await Database.connect(settings["database.url"], settings["database.name"])
    await OrderRepository(database).save(states)
    await database.close()


# Who is let in


def test_what_is_guarded_is_all_there_is_but_the_page_and_the_health():
    assert GUARDED == [
        ("get", "/api/v1/account"),
        ("get", "/api/v1/alarms"),
        ("get", "/api/v1/limits"),
        ("get", "/api/v1/openapi.json"),
        ("get", "/api/v1/orders"),
        ("get", "/api/v1/orders/a-1-0"),
        ("get", "/api/v1/positions"),
        ("get", "/api/v1/status"),
        ("patch", "/api/v1/orders/a-1-0"),
        ("post", "/api/v1/cancel-all"),
        ("post", "/api/v1/kill"),
        ("post", "/api/v1/orders"),
        ("post", "/api/v1/orders/a-1-0/cancel"),
        ("post", "/api/v1/orders/a-1-0/release"),
        ("post", "/api/v1/trading-state"),
        ("put", "/api/v1/limits"),
    ]


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_without_the_token_nothing_is_told_or_done(browser, method, path):
    token = browser.headers["Authorization"].removeprefix("Bearer ")
    strangers = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {token}x"},
        {"Authorization": f"Bearer {token[:-1]}"},
        {"Authorization": f"Basic {token}"},
        {"Authorization": token},
        {"Authorization": "Bearer " + "é" * 32},
    ]
    async with httpx.AsyncClient(base_url=browser.base_url) as stranger:
        for headers in strangers:
            sent = {name: value.encode() for name, value in headers.items()}
            answer = await stranger.request(method, path, headers=sent)
            assert answer.status_code == 401, headers
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "atlas token" in answer.json()["detail"]
        assert (await stranger.request(method, path, params={"token": token})).status_code == 401
        assert (await stranger.get("/api/v1/orders", params={"limit": "many"})).status_code == 401


async def test_what_is_not_there_is_not_found(browser):
    assert (await browser.get("/api/v1/nothing")).status_code == 404
    assert (await browser.get("/docs")).status_code == 404
    for method in ("PUT", "DELETE"):
        assert (await browser.request(method, "/api/v1/orders")).status_code == 405


async def test_the_interface_describes_itself(browser):
    schema = (await browser.get("/api/v1/openapi.json")).json()
    assert {"/api/v1/health", "/api/v1/orders", "/api/v1/kill"} <= set(schema["paths"])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("limit", ["0", "-1", "1001", "many", "1.5", ""]),
        ("robot", ["Not A Robot", "x" * 33, "$gt", "a\n"]),
        ("status", ["dancing", "$ne"]),
        ("instrument", ["x" * 65, "{}", "eur"]),
    ],
)
async def test_a_bad_value_in_a_query_is_named(browser, name, values):
    for value in values:
        answer = await browser.get("/api/v1/orders", params={name: value})
        assert answer.status_code == 422, value
        assert answer.json()["detail"][0]["loc"] == ["query", name]


# Health and status


async def test_the_health_is_told_to_everyone_and_is_bad_while_a_service_is_away(browser):
    async with httpx.AsyncClient(base_url=browser.base_url) as stranger:
        answer = await stranger.get("/api/v1/health")
    assert answer.status_code == 503
    away = dict.fromkeys(("watcher", "trader", "strategy"), "unreachable")
    assert answer.json() == {"status": "degraded", "services": {**away, "monitor": "running", "database": "running"}}


async def test_the_health_is_good_when_every_service_does_its_job(browser, settings):
    async with stand_in("watcher", settings), stand_in("trader", settings), stand_in("strategy", settings):
        answer = await browser.get("/api/v1/health")
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        assert set(answer.json()["services"].values()) == {"running"}


async def test_one_service_that_does_not_do_its_job_makes_the_health_bad(browser, settings):
    trader = stand_in("trader", settings, problems=("the gateway is not connected",))
    async with stand_in("watcher", settings), trader, stand_in("strategy", settings):
        answer = await browser.get("/api/v1/health")
        assert (answer.status_code, answer.json()["services"]["trader"]) == (503, "degraded")


async def test_the_status_tells_state_figures_and_problems_of_each_service(browser, settings):
    await written(settings, [FILLED])
    async with stand_in("trader", settings, problems=("the gateway is not connected",)):
        services = (await browser.get("/api/v1/status")).json()["services"]
    assert services["trader"] == {
        "name": "trader",
        "state": "degraded",
        "ready": False,
        "started": "2014-05-05T00:00:23.668000Z",
        "figures": {"quotes": 7},
        "problems": ["the gateway is not connected"],
    }
    assert (services["watcher"]["state"], services["watcher"]["ready"]) == ("unreachable", False)
    assert "watcher" in services["watcher"]["problems"][0]
    assert services["monitor"]["state"] == "running"
    assert services["database"] == {"state": "running", "ready": True, "figures": {"orders_filled": 1}, "problems": []}


# Orders


async def test_there_are_no_orders_at_first(browser):
    assert (await browser.get("/api/v1/orders")).json() == {"orders": []}


async def test_an_order_is_told_with_everything_that_is_known_of_it(browser, settings):
    await written(settings, [FILLED])
    (told,) = (await browser.get("/api/v1/orders")).json()["orders"]
    assert told["at"] == "2014-05-05T00:00:23.668000Z"
    assert from_plain(told["order"], Order) == ORDER
    said = {name: value for name, value in told["order"].items() if value}
    assert said == {
        "id": "a-1-0",
        "robot": "a",
        "instrument": "EUR.USD@IDEALPRO",
        "side": "sell",
        "quantity": 20_000.0,
        "kind": "limit",
        "limit_price": 1.08505,
        "time_in_force": "day",
        "account": "DU1000001",
        "trigger_method": "default",
        "oca_type": "cancel_with_block",
    }
    assert {name: told[name] for name in ("status", "filled", "average_price", "commission", "fills")} == {
        "status": "filled",
        "filled": 20_000.0,
        "average_price": 1.0851,
        "commission": 2.0,
        "fills": [{"id": "e1", "quantity": 20_000.0, "price": 1.0851}],
    }


async def test_the_newest_orders_come_first_as_many_as_asked_for_and_of_one_robot_if_named(browser, settings):
    states = [
        msgspec.structs.replace(FILLED, order=msgspec.structs.replace(ORDER, id=f"{robot}-{n}-0", robot=robot), at_ns=NOON + n)
        for n, robot in enumerate("abab")
    ]
    await written(settings, states)

    async def ids(**query):
        answer = await browser.get("/api/v1/orders", params=query)
        return [one["order"]["id"] for one in answer.json()["orders"]]

    assert await ids() == ["b-3-0", "a-2-0", "b-1-0", "a-0-0"]
    assert await ids(limit=2) == ["b-3-0", "a-2-0"]
    assert await ids(robot="a") == ["a-2-0", "a-0-0"]
    assert await ids(robot="a", limit=1) == ["a-2-0"]
    assert await ids(robot="c") == []
    assert await ids(status="filled", instrument="EUR.USD@IDEALPRO", limit=1) == ["b-3-0"]
    assert await ids(status="working") == []
    assert await ids(instrument="AAPL@SMART") == []


# Positions

HELD = orders.Held("EUR.USD@IDEALPRO", -20_000.0, 1.0851, 12.5, 1.0, "USD")


async def test_the_positions_are_the_traders(browser, settings):
    async with trader_books(settings, orders.Positions("DU1000001", [HELD], {"USD": 2.0})):
        answer = await browser.get("/api/v1/positions")
    assert answer.status_code == 200
    assert answer.json() == {
        "account": "DU1000001",
        "held": [
            {
                "instrument": "EUR.USD@IDEALPRO",
                "quantity": -20_000.0,
                "average_price": 1.0851,
                "realised": 12.5,
                "multiplier": 1.0,
                "currency": "USD",
            }
        ],
        "commissions": {"USD": 2.0},
    }


async def test_without_the_trader_positions_are_unavailable_and_not_empty(browser, settings):
    answer = await browser.get("/api/v1/positions")
    assert answer.status_code == 503
    assert "trader" in answer.json()["detail"]
    async with trader_books(settings, orders.Positions("DU1000001", [], {})):
        assert (await browser.get("/api/v1/positions")).status_code == 200
    answer = await browser.get("/api/v1/positions")
    assert answer.status_code == 503
    assert "trader" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (None, 504, "did not answer"),
        (Refused("not today"), 403, "not today"),
        (orders.Done(), 503, "Done instead of Positions"),
    ],
)
async def test_a_trader_that_does_not_tell_its_positions_makes_them_unavailable(browser, settings, answer, status, words):
    async with trader_books(settings, answer):
        told = await browser.get("/api/v1/positions")
    assert told.status_code == status
    assert words in told.json()["detail"]


# The database goes away


async def test_without_the_database_orders_are_unavailable_until_it_is_back(settings, browsing, tmp_path):
    server = DatabaseServer(tmp_path / "own")
    server.start()
    try:
        async with browsing({**settings, "database.url": server.url}) as browser:
            await written({**settings, "database.url": server.url}, [FILLED])
            server.kill()
            answer = await browser.get("/api/v1/orders")
            assert answer.status_code == 503
            assert f"127.0.0.1:{server.port} does not answer" in answer.json()["detail"]
            status = (await browser.get("/api/v1/status")).json()["services"]["database"]
            assert (status["state"], status["ready"]) == ("unreachable", False)
            assert f"127.0.0.1:{server.port}" in status["problems"][0]

            server.start()
            assert len((await browser.get("/api/v1/orders")).json()["orders"]) == 1
            assert (await browser.get("/api/v1/health")).json()["services"]["database"] == "running"
    finally:
        server.kill()


# The page


async def test_the_page_loads_without_a_token_and_needs_nothing_from_elsewhere(browser):
    async with httpx.AsyncClient(base_url=browser.base_url) as stranger:
        answer = await stranger.get("/")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<title>Atlas</title>" in answer.text
    assert not re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(?:https?:)?//", answer.text)
    paths = set(re.findall(r'get\("(/api/v1/[a-z]+)', answer.text))
    assert paths == {"/api/v1/health", "/api/v1/status", "/api/v1/positions", "/api/v1/orders"}
