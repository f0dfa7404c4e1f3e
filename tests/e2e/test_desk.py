"""The life of a desk in a real Docker Engine: built, up, trading, killed, stopped, up again, and gone without a trace.

The tests follow each other on one desk, as a day does; each leaves it healthy and trading.
"""

import contextlib
import http.client
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from ib_insync import IB

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

SERVICES = ("watcher", "trader", "strategy", "monitor")
CONTAINERS = ("secrets", "mongo_db", "ib_gateway", *SERVICES)
TRADING_SECONDS = 120
OBSERVER_CLIENT_ID = 77

READ_DATABASE = """
import json
from pymongo import MongoClient
from atlas.service.config import load
settings = load().settings
known = settings.database
login = {"username": known.user, "password": settings.database_password()} if known.user else {}
database = MongoClient(known.url, **login)[known.name]
print(json.dumps({
    "orders": {o["_id"]: o["status"] for o in database.orders.find({}, {"status": 1})},
    "trades": list(database.trades.find({"id": {"$exists": True}})),
}))
"""
READ_SECRETS = """
import json, pathlib
files = [p for top in ("/var/lib/atlas", "/var/lib/atlas-secrets") for p in pathlib.Path(top).rglob("*")
         if p.is_file() and (p.suffix in (".key_secret", ".token", ".password"))]
print(json.dumps({str(p): p.read_text() for p in files}))
"""


class Books:
    """Orders and trades as the database holds them."""

    def __init__(self, read: dict[str, Any]) -> None:
        self.orders: dict[str, str] = read["orders"]
        self.trades: dict[str, dict[str, Any]] = {trade["_id"]: trade for trade in read["trades"]}

    @property
    def positions(self) -> dict[tuple[str, str], float]:
        """Signed quantities by account and instrument, flat ones left out."""
        held: Counter[tuple[str, str]] = Counter()
        for trade in self.trades.values():
            held[trade["account"], trade["instrument"]] += trade["quantity"] * (1 if trade["side"].upper() == "BUY" else -1)
        return {key: round(quantity, 6) for key, quantity in held.items() if abs(quantity) > 1e-9}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Books) and (self.orders, self.trades) == (other.orders, other.trades)

    __hash__ = None  # type: ignore[assignment] # never a key


def books(desk: Any) -> Books:
    return Books(desk.python("watcher", READ_DATABASE))


def settled(desk: Any, wait: Callable[..., Any]) -> Books:
    """The books once nothing moves any more: no robot runs, every order is final, the last commission is known."""

    def quiet() -> Books | None:
        now = books(desk)
        final = {"filled", "cancelled", "rejected", "denied", "expired"}
        done = set(now.orders.values()) <= final and all("commission" in trade for trade in now.trades.values())
        return now if done else None

    quiet_books: Books = wait(quiet, "orders or commissions do not settle", 60, told=lambda: vars(books(desk)))
    return quiet_books


async def assert_the_broker_agrees(desk: Any, ours: Books) -> None:
    """What an unmodified client of the broker sees is what our books say: positions, executions, and whose they are."""
    client = IB()
    await client.connectAsync("127.0.0.1", int(desk.variables["GATEWAY_HOST_PORT"]), clientId=OBSERVER_CLIENT_ID, timeout=20)
    try:
        held = {
            (position.account, instrument_of(position.contract)): round(position.position, 6)
            for position in await client.reqPositionsAsync()
            if position.position
        }
        executions = {fill.execution.execId: fill.execution.orderRef for fill in await client.reqExecutionsAsync()}
    finally:
        client.disconnect()
    assert ours.positions == held
    assert {key: trade["order_id"] for key, trade in ours.trades.items()} == executions


def secret_in(text: str) -> str:
    """The secret that a file holds: all of it, but of a key file only the secret half."""
    secret_half = re.search(r'secret-key = "(.+)"', text)
    secret = secret_half[1] if secret_half else text.strip()
    assert len(secret) >= 16
    return secret


def instrument_of(contract: Any) -> str:
    """Our id of a contract that the robots of these tests trade."""
    return f"{contract.symbol}.{contract.currency}@IDEALPRO" if contract.secType == "CASH" else f"{contract.symbol}@SMART"


def http_get(desk: Any, path: str, token: str = "") -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", int(desk.variables["MONITOR_HOST_PORT"]), timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")


@pytest.fixture
def trading(desk: Any, wait: Callable[..., Any]) -> Any:
    """The desk with all its services, after at least one more fill than it had."""
    desk.up()
    had = len(books(desk).trades)
    wait(lambda: len(books(desk).trades) > had, "no robot trades", TRADING_SECONDS, told=desk.logs)
    return desk


def test_every_container_becomes_healthy(desk: Any) -> None:
    assert set(desk.containers()) == set(CONTAINERS)
    assert desk.unhealthy() == {}


def test_robots_trade_and_the_database_knows_every_order_and_fill(trading: Any) -> None:
    found = books(trading)
    assert found.orders
    assert found.trades
    assert "filled" in found.orders.values()
    assert {trade["order_id"] for trade in found.trades.values()} <= set(found.orders)


async def test_the_broker_and_the_database_hold_the_same_books(trading: Any, wait: Callable[..., Any]) -> None:
    trading.compose("stop", "strategy")
    await assert_the_broker_agrees(trading, settled(trading, wait))


def test_people_see_the_desk_over_http_with_the_token_only(trading: Any) -> None:
    status, health = http_get(trading, "/api/v1/health")
    assert (status, health["status"]) == (200, "ok")
    assert http_get(trading, "/api/v1/orders")[0] == 401
    assert http_get(trading, "/api/v1/orders", "x" * 32)[0] == 401
    token = trading.compose("exec", "-T", "monitor", "atlas", "token").stdout.strip()
    status, answer = http_get(trading, "/api/v1/orders", token)
    assert status == 200
    assert answer["orders"]


def test_people_trade_and_halt_with_the_command_line_in_a_container(trading: Any, wait: Callable[..., Any]) -> None:
    def atlas(*command: str) -> tuple[int, Any]:
        told = trading.compose("exec", "-T", "trader", "atlas", *command, "--json", check=False)
        return told.returncode, json.loads(told.stdout)

    limited = ("trade", "buy", "EUR.USD@IDEALPRO", "20000", "--limit", "0.5")
    code, placed = atlas(*limited)
    assert (code, placed["verdict"]) == (0, "accepted")
    working = {state["order"]["id"] for state in atlas("orders", "--robot", "operator")[1]}
    assert working == {placed["order_id"]}
    try:
        assert atlas("trade", "halt", "--reason", "a test")[0] == 0
        code, denied = atlas(*limited)
        assert (code, denied["verdict"], denied["denial"]["rule"]) == (1, "denied", "trading_state")
        code, cancelled = atlas("trade", "cancel", placed["order_id"], "--wait")
        assert (code, cancelled["status"]) == (0, "cancelled"), "a halt keeps nothing from being cancelled"
    finally:
        code, account = atlas("trade", "resume")
    assert (code, account["trading_state"]["state"]) == (0, "active")
    had = len(books(trading).trades)
    wait(lambda: len(books(trading).trades) > had, "no robot trades after the halt", TRADING_SECONDS, told=trading.logs)


def test_the_logs_of_every_service_are_read_with_compose_and_are_json_lines(trading: Any) -> None:
    for name in SERVICES:
        lines = trading.logs(name).splitlines()
        assert lines, name
        for line in lines:
            assert isinstance(json.loads(line), dict), f"{name}: {line}"
    until = trading.compose("logs", "--no-log-prefix", "--until", "2000-01-01T00:00:00", "trader").stdout
    assert until.strip() == ""


@pytest.mark.parametrize("name", CONTAINERS)
def test_the_container_runs_with_no_more_rights_than_it_needs(desk: Any, name: str) -> None:
    container = desk.containers()[name]
    host = container["HostConfig"]
    user = container["Config"]["User"]
    assert user.split(":")[0] not in ("", "0", "root")
    assert host["ReadonlyRootfs"] is True
    assert (host["CapDrop"], host["CapAdd"], host["Privileged"]) == (["ALL"], None, False)
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Init"] is True
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert not [mount for mount in container["Mounts"] if "docker.sock" in mount["Source"]]
    assert desk.suffix in container["Name"]


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name != "secrets"])
def test_no_process_in_the_container_is_root_and_its_root_folder_cannot_be_written(desk: Any, name: str) -> None:
    _, _, *processes = desk.compose("top", name).stdout.strip().splitlines()
    assert processes
    for process in processes:
        assert process.split()[0] not in ("0", "root"), process
    written = desk.compose("exec", "-T", name, "sh", "-c", "echo x > /usr/written", check=False)
    assert written.returncode != 0
    assert "Read-only file system" in written.stderr


def test_host_ports_are_open_on_loopback_only(desk: Any) -> None:
    bindings = [
        (name, binding["HostIp"])
        for name, container in desk.containers().items()
        for ports in (container["NetworkSettings"]["Ports"] or {}).values()
        for binding in ports or []
    ]
    assert {name for name, _ in bindings} == {"ib_gateway", "monitor"}
    assert {address for _, address in bindings} == {"127.0.0.1"}


def test_no_secret_is_in_an_image_a_log_an_argument_or_a_variable(trading: Any, run: Callable[..., Any]) -> None:
    files = {f"{name}:{path}": text for name in SERVICES for path, text in trading.python(name, READ_SECRETS).items()}
    kinds = {path.rsplit(".", 1)[1] for path in files}
    assert kinds == {"key_secret", "token", "password"}, "the secrets that are looked for are all there"
    words = {secret_in(text) for text in files.values()} | {trading.variables[name] for name in ("TWSPASSWORD", "VNCPASSWORD")}

    containers = trading.containers()
    images = {container["Image"] for container in containers.values()}
    places = {
        "logs": trading.logs(),
        "processes": trading.compose("top").stdout,
        "containers": json.dumps(containers),
        "history": "".join(run("docker", "history", "--no-trunc", image).stdout for image in images),
        "images": run("docker", "image", "inspect", *images).stdout,
    }
    leaks = [(place, word[:4]) for place, text in places.items() for word in words if word in text]
    assert leaks == []


def test_secret_files_are_closed_to_other_users(desk: Any) -> None:
    listed = desk.compose("exec", "-T", "trader", "find", "/var/lib/atlas", "-name", "*secret*", "-type", "f", "-perm", "/077")
    assert listed.stdout == ""
    password = desk.compose("exec", "-T", "trader", "stat", "-c", "%a %u:%g", "/var/lib/atlas-secrets/database.password")
    assert password.stdout.strip() == "440 999:1000"


def test_the_database_password_is_made_once_and_handed_over_again_where_the_desks_copy_is_lost(desk: Any) -> None:
    copy = "/var/lib/atlas-secrets/database.password"
    before = desk.compose("exec", "-T", "trader", "cat", copy).stdout
    desk.compose("run", "--rm", "secrets", "sh", "-c", f"rm -f {copy} && sh /opt/atlas/secrets.sh")
    assert desk.compose("exec", "-T", "trader", "cat", copy).stdout == before
    again = desk.compose("run", "--rm", "secrets")
    assert again.stdout == "", "nothing is made or handed over a second time"


@pytest.mark.parametrize("name", ["trader", "strategy", "watcher", "mongo_db", "ib_gateway"])
async def test_after_a_kill_the_container_comes_back_trading_goes_on_and_the_books_agree(
    trading: Any, wait: Callable[..., Any], name: str
) -> None:
    before = books(trading)
    killed = trading.containers()[name]
    trading.compose("exec", "-T", name, "sh", "-c", "kill -KILL -1", check=False)
    wait(lambda: trading.containers()[name]["State"]["StartedAt"] != killed["State"]["StartedAt"], f"{name} stays away", 60)
    assert trading.containers()[name]["RestartCount"] == killed["RestartCount"] + 1
    trading.wait_until_well(120)
    wait(lambda: len(books(trading).trades) > len(before.trades), "trading does not go on", TRADING_SECONDS, told=trading.logs)

    trading.compose("stop", "strategy")
    after = settled(trading, wait)
    assert set(before.orders) <= set(after.orders)
    await assert_the_broker_agrees(trading, after)


async def test_after_stop_and_up_the_books_are_what_they_were(trading: Any, wait: Callable[..., Any]) -> None:
    trading.compose("stop", "strategy")
    before = settled(trading, wait)
    trading.compose("stop", timeout=180)
    exits = {name: container["State"]["ExitCode"] for name, container in trading.containers().items()}
    assert {name: exits[name] for name in (*SERVICES, "ib_gateway")} == dict.fromkeys((*SERVICES, "ib_gateway"), 0)

    trading.up("mongo_db", "ib_gateway", "watcher", "trader", "monitor")
    assert books(trading) == before
    await assert_the_broker_agrees(trading, before)

    trading.up()
    wait(lambda: len(books(trading).trades) > len(before.trades), "trading does not go on", TRADING_SECONDS)
    assert set(before.orders) < set(books(trading).orders)


def test_a_second_desk_runs_beside_the_first(desk: Any, new_desk: Callable[..., Any]) -> None:
    other = new_desk()
    other.up("watcher")
    try:
        of_both = [{container["Name"] for container in one.containers().values()} for one in (desk, other)]
        assert of_both[0].isdisjoint(of_both[1])
        assert desk.unhealthy() == {}
    finally:
        other.down()


def test_taking_it_down_leaves_nothing_behind(desk: Any, run: Callable[..., Any]) -> None:
    desk.down()
    for kind in (("ps", "--all"), ("network", "ls"), ("volume", "ls"), ("image", "ls")):
        left = run("docker", *kind, "--format", "{{json .}}").stdout
        assert desk.suffix not in left
