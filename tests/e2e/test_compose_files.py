"""What docker-compose.yml promises, read from what Compose makes of it. Needs the command line, no engine."""

import ipaddress
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atlas.market.windows import Schedule, schedule_of
from atlas.service.config import load
from atlas.service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("watcher", "trader", "strategy", "monitor")
CONTAINERS = {"secrets", "mongo_db", "ib_gateway", *SERVICES}
MODES = ("simulator", "paper", "live")
CREDENTIALS = {"TWSUSERID": "somebody", "TWSPASSWORD": "a-password-to-look-for", "VNCPASSWORD": "another-one-to-look-for"}
FILES = {"official": ("docker-compose.yml",), "offline": ("docker-compose.yml", "docker-compose.offline.yml")}

Config = dict[str, Any]
Resolve = Callable[..., Config]


@pytest.fixture
def resolve(make_desk: Callable[..., Any], tmp_path: Path) -> Resolve:
    """What Compose makes of the files with an .env that holds the given variables and nothing else."""

    def config(*, files: str = "official", **variables: str) -> Config:
        resolved: Config = make_desk(tmp_path / "desk", variables, FILES[files]).config()
        return resolved

    return config


def names(config: Config) -> set[str]:
    """Every name that this desk takes on the host."""
    services = config["services"].values()
    taken = {config["name"]} | {service["container_name"] for service in services}
    taken |= {service["image"] for service in services if "build" in service or service.get("pull_policy") == "never"}
    for kind in ("networks", "volumes"):
        taken |= {thing["name"] for thing in config.get(kind, {}).values()}
    return taken


def host_ports(config: Config) -> set[tuple[str, str]]:
    return {(p.get("host_ip", ""), p["published"]) for s in config["services"].values() for p in s.get("ports", [])}


def test_every_container_is_there_without_any_env_file(resolve: Resolve) -> None:
    assert set(resolve()["services"]) == CONTAINERS


def test_all_are_on_one_bridge_network_and_the_data_is_on_named_volumes(resolve: Resolve) -> None:
    config = resolve()
    assert [network["driver"] for network in config["networks"].values()] == ["bridge"]
    connected = {name for name, service in config["services"].items() if set(service.get("networks", {})) == {"desk"}}
    assert connected == CONTAINERS - {"secrets"}
    assert config["services"]["secrets"]["network_mode"] == "none"
    mounts = {mount["target"]: mount for mount in config["services"]["mongo_db"]["volumes"]}
    assert (mounts["/data/db"]["type"], mounts["/data/db"]["source"]) == ("volume", "mongo_data")
    assert config["volumes"]["mongo_data"]["name"] == "atlas_mongo_data"


@pytest.mark.parametrize("files", FILES)
def test_the_suffix_is_in_every_name(resolve: Resolve, files: str) -> None:
    plain, suffixed = names(resolve(files=files)), names(resolve(files=files, NAME_SUFFIX="_dev"))
    assert suffixed == {f"{name}_dev" for name in plain}


def test_two_desks_with_other_suffix_network_and_ports_share_nothing(resolve: Resolve) -> None:
    one = resolve()
    two = resolve(
        NAME_SUFFIX="_dev",
        IPV4_NETWORK_PART="172.26.",
        MONITOR_HOST_PORT="8081",
        GATEWAY_HOST_PORT="4102",
        VNC_HOST_PORT="5901",
    )
    assert not names(one) & names(two)
    assert not host_ports(one) & host_ports(two)
    subnets = [ipaddress.ip_network(c["networks"]["desk"]["ipam"]["config"][0]["subnet"]) for c in (one, two)]
    assert not subnets[0].overlaps(subnets[1])


def test_the_database_and_the_gateway_have_fixed_addresses_that_nobody_else_is_given(resolve: Resolve) -> None:
    config = resolve(IPV4_NETWORK_PART="172.30.")
    fixed = {name: config["services"][name]["networks"]["desk"]["ipv4_address"] for name in ("mongo_db", "ib_gateway")}
    assert fixed == {"mongo_db": "172.30.0.2", "ib_gateway": "172.30.0.3"}
    (pool,) = config["networks"]["desk"]["ipam"]["config"]
    given_out = ipaddress.ip_network(pool["ip_range"])
    for address in (*fixed.values(), pool["gateway"]):
        assert ipaddress.ip_address(address) in ipaddress.ip_network(pool["subnet"])
        assert ipaddress.ip_address(address) not in given_out


def test_services_find_each_other_by_name(resolve: Resolve) -> None:
    config = resolve()
    environment = config["services"]["strategy"]["environment"]
    hosts = {value for key, value in environment.items() if key.endswith("__HOST")}
    assert hosts == {"ib_gateway", *SERVICES}
    assert hosts <= set(config["services"])
    assert re.match(r"mongodb://mongo_db:27017/\?replicaSet=rs0$", environment["ATLAS_DATABASE__URL"])


@pytest.mark.parametrize("mode", MODES)
def test_every_host_port_is_a_variable_and_on_loopback_unless_told_otherwise(resolve: Resolve, mode: str) -> None:
    assert {ip for ip, _ in host_ports(resolve(IB_GATEWAY_MODE=mode, **CREDENTIALS))} == {"127.0.0.1"}
    moved = resolve(
        IB_GATEWAY_MODE=mode,
        HOST_BIND_ADDRESS="192.0.2.1",
        MONITOR_HOST_PORT="18080",
        GATEWAY_HOST_PORT="14002",
        VNC_HOST_PORT="15900",
        **CREDENTIALS,
    )
    assert host_ports(moved) <= {("192.0.2.1", port) for port in ("18080", "14002", "15900")}


@pytest.mark.parametrize("mode", MODES)
def test_logs_rotate_at_ten_megabytes_and_three_files_unless_told_otherwise(resolve: Resolve, mode: str) -> None:
    for service in resolve(IB_GATEWAY_MODE=mode, **CREDENTIALS)["services"].values():
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
    for service in resolve(LOG_MAX_SIZE="1m", LOG_MAX_FILES="5")["services"].values():
        assert service["logging"]["options"] == {"max-size": "1m", "max-file": "5"}


@pytest.mark.parametrize("files", FILES)
@pytest.mark.parametrize("mode", MODES)
def test_no_container_has_more_rights_than_it_needs(resolve: Resolve, mode: str, files: str) -> None:
    for name, service in resolve(files=files, IB_GATEWAY_MODE=mode, **CREDENTIALS)["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["init"] is True, name
        assert service["pids_limit"] > 0, name
        assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service), name
        assert not [mount for mount in service.get("volumes", []) if "docker.sock" in mount["source"]], name
        # The image of the real gateway writes all over its home; its container is thrown away with what it wrote.
        assert service.get("read_only", False) is (name != "ib_gateway" or mode == "simulator"), name


def test_no_service_runs_as_root(resolve: Resolve) -> None:
    services = resolve()["services"]
    assert {services[name]["user"] for name in ("secrets", "mongo_db")} == {"999:999"}
    for dockerfile in ("services/Dockerfile", "ib_gateway/Dockerfile"):
        last_user = re.findall(r"^USER (.+)$", (ROOT / dockerfile).read_text(), flags=re.MULTILINE)[-1]
        assert last_user == "1000:1000"


@pytest.mark.parametrize("mode", MODES)
def test_every_container_that_stays_has_a_healthcheck_of_its_function(resolve: Resolve, mode: str) -> None:
    services = resolve(IB_GATEWAY_MODE=mode, **CREDENTIALS)["services"]
    tests = {name: " ".join(s["healthcheck"]["test"]) for name, s in services.items() if name != "secrets"}
    assert {name: tests[name] for name in SERVICES} == {name: f"CMD atlas ping {name}" for name in SERVICES}
    assert "probe" in tests["ib_gateway"]
    assert "health.js" in tests["mongo_db"]
    assert "isWritablePrimary" in (ROOT / "docker/mongo/health.js").read_text()


def test_containers_wait_for_the_health_of_what_they_need(resolve: Resolve) -> None:
    services = resolve()["services"]
    needs = {
        name: {on: how["condition"].removeprefix("service_") for on, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    assert needs == {
        "secrets": {},
        "mongo_db": {"secrets": "completed_successfully"},
        "ib_gateway": {},
        "watcher": {"mongo_db": "healthy", "ib_gateway": "healthy"},
        "trader": {"mongo_db": "healthy", "ib_gateway": "healthy"},
        "strategy": {"watcher": "healthy", "trader": "healthy"},
        "monitor": {"mongo_db": "healthy"},
    }


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_a_real_gateway_that_waits_for_its_login_is_neither_restarted_nor_waited_for(resolve: Resolve, mode: str) -> None:
    services = resolve(IB_GATEWAY_MODE=mode, **CREDENTIALS)["services"]
    assert services["ib_gateway"]["restart"] == "no"
    assert services["ib_gateway"]["environment"]["RELOGIN_AFTER_TWOFA_TIMEOUT"] == "no"
    for name in ("watcher", "trader"):
        assert services[name]["depends_on"]["ib_gateway"]["condition"] == "service_started"
        assert float(services[name]["environment"]["ATLAS_GATEWAY__START_TIMEOUT_SECONDS"]) >= 3600


@pytest.mark.parametrize(("mode", "port", "published"), [("paper", 4004, "4002"), ("live", 4003, "4001")])
def test_a_real_gateway_takes_api_clients_unasked_in_its_mode_and_shows_its_screen(
    resolve: Resolve, mode: str, port: int, published: str
) -> None:
    services = resolve(IB_GATEWAY_MODE=mode, **CREDENTIALS)["services"]
    gateway = services["ib_gateway"]
    assert gateway["environment"]["TRADING_MODE"] == mode
    assert gateway["environment"]["TWS_ACCEPT_INCOMING"] == "accept"
    assert gateway["build"]["target"] == "live"
    assert {(p["target"], p["published"]) for p in gateway["ports"]} == {(port, published), (5900, "5900")}
    assert {services[name]["environment"]["ATLAS_GATEWAY__PORT"] for name in ("watcher", "trader")} == {str(port)}
    assert services["trader"]["environment"]["ATLAS_TRADER__MODE"] == "paper"


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_the_desk_knows_when_the_real_gateway_restarts_from_the_variables_that_tell_the_gateway(
    resolve: Resolve, mode: str
) -> None:
    def schedule(config: Config, service: str) -> Schedule:
        given = config["services"][service]["environment"]
        return load(environment={k: v for k, v in given.items() if k.startswith("ATLAS_GATEWAY__")}).settings.gateway.schedule()

    config = resolve(IB_GATEWAY_MODE=mode, TZ="Europe/Oslo", IB_COLD_RESTART_TIME="13:00", **CREDENTIALS)
    gateway = config["services"]["ib_gateway"]["environment"]
    assert (gateway["AUTO_RESTART_TIME"], gateway["TWS_COLD_RESTART"], gateway["TIME_ZONE"]) == (
        "11:59 PM",
        "13:00",
        "Europe/Oslo",
    )
    expected = schedule_of(
        zone="Europe/Oslo",
        restart="23:59",
        restart_minutes=5,
        cold_restart="13:00",
        login_minutes=60,
        region="america",
        interruptions=(),
    )
    assert [schedule(config, name) for name in ("watcher", "trader")] == [expected, expected]


@pytest.mark.parametrize("mode", MODES)
def test_what_each_service_is_given_is_a_configuration(resolve: Resolve, mode: str) -> None:
    services = resolve(IB_GATEWAY_MODE=mode, TRADER_BROKER="ib", STRATEGY_ROUTE="database", **CREDENTIALS)["services"]
    for name in SERVICES:
        settings = load([], services[name]["environment"]).settings
        assert settings.trader.mode == "paper"
        assert settings.strategy.route == "database"
        assert (settings.gateway.restart_time != "never") is (mode != "simulator" and name in ("watcher", "trader")), name


def test_the_simulated_gateway_is_never_known_to_go_away(resolve: Resolve) -> None:
    known = resolve(IB_AUTO_RESTART_TIME="10:00 PM")["services"]["trader"]["environment"]
    assert not {key for key in known if key.startswith("ATLAS_GATEWAY__RE") or key == "ATLAS_GATEWAY__LOGIN_TIME"}


def test_who_fills_orders_and_how_robots_reach_the_trader_are_variables_and_settings_of_the_file_otherwise(
    resolve: Resolve,
) -> None:
    def of_trader(config: Config) -> Settings:
        given = config["services"]["trader"]["environment"]
        chosen = {key: given[key] for key in ("ATLAS_TRADER__BROKER", "ATLAS_STRATEGY__ROUTE") if given[key]}
        return load([], chosen).settings

    plain, chosen = of_trader(resolve()), of_trader(resolve(TRADER_BROKER="paper", STRATEGY_ROUTE="database"))
    assert (plain.trader.broker, plain.strategy.route) == ("ib", "direct")
    assert (chosen.trader.broker, chosen.strategy.route) == ("paper", "database")


def test_the_real_gateway_can_be_another_image_by_configuration_alone(resolve: Resolve) -> None:
    config = resolve(IB_GATEWAY_MODE="paper", IB_GATEWAY_IMAGE="registry.example/gateway@sha256:abc", **CREDENTIALS)
    assert config["services"]["ib_gateway"]["build"]["args"]["IB_GATEWAY_IMAGE"] == "registry.example/gateway@sha256:abc"


def test_without_a_login_the_real_gateway_is_refused_by_the_variable_that_is_missing(
    make_desk: Callable[..., Any], tmp_path: Path
) -> None:
    desk = make_desk(tmp_path, {"IB_GATEWAY_MODE": "paper"}, FILES["official"])
    refused = desk.compose("config", check=False)
    assert refused.returncode != 0
    assert "TWSUSERID" in refused.stderr


def test_an_unknown_gateway_mode_is_refused_by_its_name(make_desk: Callable[..., Any], tmp_path: Path) -> None:
    desk = make_desk(tmp_path, {"IB_GATEWAY_MODE": "papre"}, FILES["official"])
    refused = desk.compose("config", check=False)
    assert refused.returncode != 0
    assert "papre" in refused.stderr


@pytest.mark.parametrize("mode", MODES)
def test_credentials_reach_no_variable_of_any_container(resolve: Resolve, mode: str) -> None:
    config = resolve(IB_GATEWAY_MODE=mode, **CREDENTIALS)
    for secret in (CREDENTIALS["TWSPASSWORD"], CREDENTIALS["VNCPASSWORD"]):
        assert secret not in str(config)
    for service in config["services"].values():
        for key in service.get("environment", {}):
            assert not key.endswith("PASSWORD"), "passwords are given as files"


def test_the_time_zone_is_one_variable_and_utc_by_default(resolve: Resolve) -> None:
    for config, zone in ((resolve(), "Etc/UTC"), (resolve(TZ="Europe/Oslo"), "Europe/Oslo")):
        zones = {name: service["environment"]["TZ"] for name, service in config["services"].items() if name != "secrets"}
        assert set(zones.values()) == {zone}


def test_the_example_env_names_every_variable_and_its_default(resolve: Resolve) -> None:
    sources = ["docker-compose.yml", "ib_gateway/live/gateway.yml", *(f"ib_gateway/modes/{mode}.yml" for mode in MODES)]
    used = set(re.findall(r"\$\{(\w+)", "".join((ROOT / file).read_text() for file in sources)))
    used |= set(re.findall(r"environment: (\w+)\}", (ROOT / "docker-compose.yml").read_text()))
    text = (ROOT / ".env.example").read_text()
    example = dict(re.findall(r"^#?(\w+)='?(.*?)'?$", text, flags=re.MULTILINE))
    assert set(example) == used
    assert resolve(**{name: value for name, value in example.items() if name != "GATEWAY_HOST_PORT"}) == resolve()


def test_the_offline_desk_differs_only_in_what_it_is_built_on_and_in_its_database(resolve: Resolve) -> None:
    official, offline = resolve()["services"], resolve(files="offline")["services"]
    for name in CONTAINERS - {"mongo_db"}:
        one, other = dict(official[name]), dict(offline[name])
        for service in (one, other):
            service.pop("build", None)
            database = {key for key in service.get("environment", {}) if key.startswith("ATLAS_DATABASE__")}
            service["environment"] = {k: v for k, v in service.get("environment", {}).items() if k not in database}
        assert one == other
    assert "nx-27017" in offline["mongo_db"]["command"]
    assert "ports" not in offline["mongo_db"], "the embedded server knows no users"


def test_images_are_locked_to_what_the_tests_ran_with() -> None:
    pin = re.compile(r"^([a-z0-9-]+)==(\S+) \\$", re.MULTILINE)
    tested = dict(pin.findall((ROOT / "requirements.lock").read_text()))
    shipped = dict(pin.findall((ROOT / "services/requirements.lock").read_text()))
    assert shipped.items() <= tested.items()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[^\w-]", need.replace("_", "-"))[0] for need in wanted} <= set(shipped)
    assert not {"pytest", "mypy", "ruff"} & set(shipped)
