"""The HTTP control API of a running gateway, over a real socket."""

import asyncio
import json
import socket
from math import inf, nan

import httpx
import pytest

from atlas.domain import Unavailable
from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.control import build_app
from ib_gateway.simulator.control.guard import MOST_BYTES, names_of
from ib_gateway.simulator.faults import KINDS, shipped

FRIDAY_NS = 1_780_671_600_000_000_000  # 2026-06-05 15:00 UTC
EURUSD = {"con_id": 12087792, "account": "DU1000001", "action": "BUY", "quantity": 1000}


@pytest.fixture
async def gateway():
    options = SimulatorOptions(port=0, control_port=0, start_ns=FRIDAY_NS, quotes_per_second=50.0)
    async with SimulatedGateway(options) as gateway:
        yield gateway


@pytest.fixture
async def control(gateway):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.control_port}", timeout=10) as client:
        yield client


async def get(control, path):
    answer = await control.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_says_how_the_gateway_stands(gateway, control):
    state = await get(control, "/state")
    assert (state["state"], state["port"], state["clients"], state["active_faults"]) == ("running", gateway.port, 0, 0)
    assert state["now"].startswith("2026-06-05T15:00:0")


async def test_every_fault_is_listed_with_what_it_does_and_its_schema(control):
    kinds = await get(control, "/faults/kinds")
    assert list(kinds) == list(KINDS)
    assert all(kind["about"] and kind["schema"]["properties"]["kind"]["enum"] == [name] for name, kind in kinds.items())
    document = await get(control, "/openapi.json")
    assert len(document["components"]["schemas"]["Fault"]["anyOf"]) == len(KINDS)


async def test_the_page_needs_nothing_from_elsewhere(control):
    page = (await control.get("/")).text
    assert "openapi.json" in page
    assert "http://" not in page
    assert "https://" not in page


async def test_pages_from_elsewhere_may_not_control_the_gateway(gateway, control):
    own = {"origin": f"http://127.0.0.1:{gateway.control_port}"}
    assert (await control.post("/clock/pause", headers=own)).status_code == 200
    for origin in ("http://example.org", "http://127.0.0.1:1", "null", "http://[::1", ""):
        assert (await control.post("/clock/resume", headers={"origin": origin})).status_code == 403
    assert gateway.time.paused


async def test_a_name_that_was_made_to_point_here_is_not_answered(gateway, control):
    rebound = {"host": f"evil.example:{gateway.control_port}", "origin": f"http://evil.example:{gateway.control_port}"}
    assert (await control.post("/clock/pause", headers=rebound)).status_code == 400
    assert (await control.get("/accounts", headers={"host": "evil.example"})).status_code == 400
    assert not gateway.time.paused
    for own in ("localhost", "LOCALHOST:80", "[::1]:4003", "127.0.0.1"):
        assert (await control.get("/accounts", headers={"host": own})).status_code == 200


async def test_on_every_address_it_goes_by_the_one_that_is_called_and_by_the_name_of_the_machine(gateway):
    url = "http://10.1.2.3:4003"
    called = httpx.ASGITransport(build_app(gateway, "0.0.0.0"))  # it takes the address of the URL for its own
    async with httpx.AsyncClient(base_url=url, transport=called) as client:
        assert (await client.post("/clock/pause", headers={"origin": url})).status_code == 200
        for host, status in ((socket.gethostname(), 200), ("10.1.2.4", 400), ("evil.example", 400)):
            assert (await client.get("/state", headers={"host": host})).status_code == status


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", {"localhost", "127.0.0.1", "[::1]"}),
        ("::1", {"localhost", "127.0.0.1", "[::1]"}),
        ("Gateway.Example", {"localhost", "127.0.0.1", "[::1]", "gateway.example"}),
        ("::ffff:10.0.0.7", {"localhost", "127.0.0.1", "[::1]", "10.0.0.7"}),
        ("fe80::1%eth0", {"localhost", "127.0.0.1", "[::1]", "[fe80::1]"}),
    ],
)
def test_it_goes_by_loopback_and_by_what_it_was_told_to_listen_on(host, names):
    assert set(names_of(host)) == names


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(gateway, announced):
    long = b" " * MOST_BYTES + b'{"speed": 2}'
    length = f"content-length: {len(long)}" if announced else "transfer-encoding: chunked"
    body = long if announced else b"%x\r\n%b\r\n0\r\n\r\n" % (len(long), long)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.control_port)
    head = f"POST /clock/speed HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{length}\r\n\r\n"
    writer.write(head.encode() + body)
    async with asyncio.timeout(5):
        assert (await reader.readline()).split()[1] == b"413"
    writer.close()
    assert gateway.time.speed == 1.0


async def test_a_body_of_the_greatest_length_is_taken(gateway, control):
    body = b'{"speed": 2}'.ljust(MOST_BYTES)
    answer = await control.post("/clock/speed", content=body, headers={"content-type": "application/json"})
    assert answer.json()["speed"] == gateway.time.speed == 2.0


async def test_a_fault_is_injected_listed_and_cleared(gateway, control):
    answer = await control.post("/faults", json={"kind": "freeze"})
    number = answer.json()["id"]
    assert answer.status_code == 201
    (active,) = await get(control, "/faults")
    assert (active["id"], active["fault"]["kind"], active["until"]) == (number, "freeze", None)
    assert gateway.faults.state == "frozen"
    assert (await control.delete(f"/faults/{number}")).status_code == 204
    assert (await control.delete(f"/faults/{number}")).status_code == 404
    assert gateway.faults.state == "running"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "frozen"}, "there is no fault 'frozen'; there are connectivity-lost"),
        ({"kind": "freeze", "seconds": 5}, "freeze has no field 'seconds'; it has for_seconds"),
        ({"kind": "freeze", "for_seconds": "long"}, "freeze: Expected `float | null`, got `str`"),
        ({"kind": "drop", "message": "Nothing"}, "there is no reply 'Nothing'; there are any, "),
        ({}, "a fault is a mapping with its `kind`, one of"),
        ({"kind": "connectivity-lost", "repeat_seconds": 1e-9}, "repeat_seconds is 1e-09; it is 0 for once, or 0.1 at least"),
        ({"kind": "correct-execution", "price": inf}, "price"),
        ({"kind": "correct-execution", "quantity": 1e300}, "quantity"),
        ({"kind": "freeze", "for_seconds": nan}, "for_seconds"),
        ({"kind": "answer-error", "message": "any", "code": 2**31, "text": "x"}, "code"),
        ({"kind": "answer-error", "message": "any", "code": 1, "text": "a\0b"}, "text is 'a\\x00b'; it must not have control"),
        ({"kind": "notice", "code": 2104, "farm": "\ud800"}, "farm is '\\ud800'; it must not have control characters"),
        ({"kind": "notice", "code": 2104, "client_id": 77}, "client 77 is not connected; connected: nobody"),
        ({"kind": "disconnect", "client_id": 77}, "client 77 is not connected; connected: nobody"),
        ({"kind": "half-open", "sockets": "existing", "client_id": 77}, "client 77 is not connected; connected: nobody"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused_in_one_line(gateway, control, fault, words):
    answer = await control.post("/faults", content=json.dumps(fault), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]
    assert not gateway.faults.active()


@pytest.mark.parametrize("seconds", [inf, -inf, nan, -1.0, 1e12, 10**400])
async def test_time_is_advanced_by_seconds_that_are_some(gateway, control, seconds):
    answer = await control.post(
        "/clock/advance", content=json.dumps({"seconds": seconds}), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert "seconds" in answer.json()["detail"]
    assert not gateway.time.paused


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": inf},
        {"quantity": nan},
        {"quantity": 1e308},
        {"quantity": -1},
        {"order_type": "LMT", "limit_price": inf},
        {"order_type": "LMT", "limit_price": nan},
        {"order_type": "STP", "aux_price": -inf},
        {"con_id": 2**31},
        {"account": "DU1000001\0"},
        {"action": "BUY\n"},
        {"symbol": "\x7f"},
    ],
)
async def test_an_order_by_hand_that_no_wire_can_carry_is_refused(control, wrong):
    answer = await control.post("/orders", content=json.dumps(EURUSD | wrong), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert list(wrong)[-1] in answer.json()["detail"]
    assert await get(control, "/orders") == []


async def test_the_second_factor_is_approved_once(gateway, control):
    await control.post("/faults", json={"kind": "two-factor"})
    assert (await get(control, "/state"))["state"] == "waiting-for-two-factor"
    assert (await control.post("/two-factor/approve")).status_code == 204
    assert (await control.post("/two-factor/approve")).status_code == 409
    assert gateway.faults.state == "running"


async def test_scenarios_are_played_by_name_or_as_text_and_stopped(gateway, control):
    assert set(await get(control, "/scenarios")) == set(shipped())
    played = (await control.put("/scenario", json={"name": "flaky-farm"})).json()
    assert (played["name"], (await get(control, "/scenario"))["seed"]) == ("flaky-farm", 11)
    text = 'name: mine\nsteps:\n- at: "00:00:00"\n  fault: {kind: read-only}'
    assert (await control.put("/scenario", json={"yaml": text})).json()["name"] == "mine"
    assert gateway.faults.active()
    assert (await control.delete("/scenario")).status_code == 204
    assert await get(control, "/scenario") is None
    for wrong in ({}, {"name": "nothing"}, {"yaml": "steps: [{}]"}, {"name": "../x"}, {"file": "x"}):
        assert (await control.put("/scenario", json=wrong)).status_code == 422
    for wrong in (
        f"{text}\n{text}",
        "<<: {steps: [1]}",
        "seed: !!int abc",
        f"seed: {'9' * 5000}",
        "[" * 3000,
        "a: &a [*a]",
        "a\0b",
    ):
        assert (await control.put("/scenario", json={"yaml": wrong})).status_code == 422


async def test_time_stands_advances_and_passes_again(gateway, control):
    before = (await control.post("/clock/pause")).json()
    assert before["paused"]
    quotes = gateway.feed.quotes_played
    after = (await control.post("/clock/advance", json={"seconds": 60})).json()
    assert after["now_ns"] - before["now_ns"] == 60_000_000_000
    assert gateway.feed.quotes_played - quotes > 1000
    assert (await get(control, "/clock"))["now_ns"] == after["now_ns"]
    assert not (await control.post("/clock/resume")).json()["paused"]
    assert (await control.post("/clock/speed", json={"speed": 100})).json()["speed"] == 100
    for path, wrong in (("advance", {"seconds": -1}), ("speed", {"speed": -1}), ("speed", {})):
        assert (await control.post(f"/clock/{path}", json=wrong)).status_code == 422


async def test_a_scheduled_fault_happens_within_an_advance_and_not_before(gateway, control):
    await control.post("/clock/pause")
    text = 'steps:\n- at: "00:00:30"\n  fault: {kind: restart, down_seconds: 10}'
    await control.put("/scenario", json={"yaml": text})
    await control.post("/clock/advance", json={"seconds": 29})
    assert gateway.faults.state == "running"
    await control.post("/clock/advance", json={"seconds": 2})
    assert gateway.faults.state == "restarting"
    await control.post("/clock/advance", json={"seconds": 10})
    assert gateway.faults.state == "running"


async def test_orders_are_entered_seen_and_cancelled_by_hand(control):
    entered = (await control.post("/orders", json=EURUSD)).json()
    await control.post("/clock/pause")
    await control.post("/clock/advance", json={"seconds": 10})
    executions = await get(control, "/executions")
    assert executions[0]["perm_id"] == entered["perm_id"]
    accounts = await get(control, "/accounts")
    assert accounts["DU1000001"]["positions"] == {"EUR.USD@IDEALPRO": 1000.0}
    assert accounts["DU1000001"]["cash"]["EUR"] == 1000.0
    resting = (await control.post("/orders", json=EURUSD | {"order_type": "LMT", "limit_price": 0.5})).json()["perm_id"]
    statuses = {order["perm_id"]: order["status"] for order in await get(control, "/orders")}
    assert statuses == {entered["perm_id"]: "Filled", resting: "Submitted"}
    assert (await control.delete(f"/orders/{resting}")).status_code == 204
    assert (await control.delete(f"/orders/{resting}")).status_code == 422
    for wrong in (EURUSD | {"con_id": 1}, EURUSD | {"quantity": "many"}, EURUSD | {"colour": "red"}):
        assert (await control.post("/orders", json=wrong)).status_code == 422


async def test_clients_and_counters_are_seen(gateway, control):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(b"API\0\0\0\0\x09v157..176\0\0\0\x0971\x002\x0042\x00\x00")
    async with asyncio.timeout(5):
        await reader.readuntil(b"secdefil")  # the end of what a client is greeted with
    clients = await get(control, "/clients")
    assert [(row["client_id"], row["version"], row["state"]) for row in clients] == [(42, 176, "connected")]
    assert (await get(control, "/counters"))["connections"] == 1
    writer.close()


async def test_the_control_api_is_bound_to_loopback_and_a_taken_port_is_named(gateway):
    assert SimulatorOptions().control_host == "127.0.0.1"
    assert SimulatorOptions().control_port is None
    with pytest.raises(Unavailable, match=f"port {gateway.control_port} is in use; .* --control-port"):
        async with SimulatedGateway(SimulatorOptions(port=0, control_port=gateway.control_port)):
            pass


async def test_without_a_control_port_nothing_of_it_is_there():
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        assert gateway.control_port == 0
