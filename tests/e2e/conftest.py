"""A real Docker Engine, the offline images, and a desk of its own name in it.

By default the images are built without a registry (docker-compose.offline.yml). ATLAS_E2E_REGISTRY=1 uses docker-compose.yml
alone, with the official images. An engine that answers is used and left running; one that is started here is ended here.
"""

import contextlib
import ipaddress
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
INSTALL = "run scripts/install-docker.sh as root"
BUILD_SECONDS = 600
UP_SECONDS = 240

ROBOTS = """
strategy:
  robots:
    - {id: eager, strategy: sma_cross, instruments: [EUR.USD@IDEALPRO], parameters: {fast: 1, slow: 2, bar_seconds: 5}}
    - {id: calm, strategy: sma_cross, instruments: [AAPL@SMART], parameters: {fast: 1, slow: 3, bar_seconds: 5, quantity: 100}}
"""
"""Robots that trade within seconds, where those of the default configuration take their time."""


def run(*command: str, timeout: float = 60, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command; a failure shows what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, **options)
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done


def wait_until(
    condition: Callable[[], Any], problem: str, seconds: float, *, every: float = 1.0, told: Callable[[], object] = lambda: ""
) -> Any:
    """The first true value of `condition`; containers cannot be awaited, so they are asked.

    If there is none in time, the failure names the problem and what `told` then tells.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{problem}, after {seconds:.0f} s: {told()}")
        time.sleep(every)
    return value


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Desk:
    """One Compose project: the files it is made of, and the variables of its .env."""

    folder: Path
    variables: Mapping[str, str]
    files: tuple[str, ...] = ("docker-compose.yml",)
    command: tuple[str, ...] = field(init=False)
    built: bool = False

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        env_file = self.folder / "env"
        env_file.write_text("".join(f"{name}='{value}'\n" for name, value in self.variables.items()), encoding="utf-8")
        env_file.chmod(0o600)
        files = [argument for name in self.files for argument in ("-f", str(ROOT / name))]
        self.command = ("docker", "compose", "--env-file", str(env_file), "--progress", "quiet", *files)

    @property
    def suffix(self) -> str:
        return self.variables["NAME_SUFFIX"]

    def compose(self, *arguments: str, timeout: float = 60, **options: Any) -> subprocess.CompletedProcess[str]:
        """`docker compose` on this desk. Only PATH and HOME are handed on: a developer's own settings stay outside."""
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return run(*self.command, *arguments, timeout=timeout, env=environment, **options)

    def config(self) -> dict[str, Any]:
        """What Compose makes of the files and the variables."""
        resolved: dict[str, Any] = json.loads(self.compose("config", "--format", "json").stdout)
        return resolved

    def up(self, *services: str) -> None:
        """Bring it up, the first time built anew, and wait until the containers are healthy."""
        build = () if self.built else ("--build",)
        self.built = True
        came_up = self.compose("up", "--detach", *build, *services, timeout=BUILD_SECONDS, check=False)
        if came_up.returncode != 0:
            pytest.fail(f"it does not come up: {came_up.stderr[-2000:]}\n{self.ailment()}")
        self.wait_until_well(UP_SECONDS, *services)

    def wait_until_well(self, seconds: float, *services: str) -> None:
        """Wait until the containers of these services are healthy; of all when none is named."""
        wait_until(
            lambda: not self.unhealthy().keys() & (set(services) or self.containers().keys()),
            "not all are healthy",
            seconds,
            told=self.ailment,
        )

    def ailment(self) -> str:
        """Which containers are not as they should be, and the last that they said."""
        ill = self.unhealthy()
        return "\n".join(f"{name} is {problem}\n{self.logs(name)[-3000:]}" for name, problem in ill.items())

    def down(self) -> None:
        """Take it down with its volumes and images."""
        self.compose("down", "--volumes", "--timeout", "20", timeout=180)
        self.remove_images()

    def remove_images(self) -> None:
        """Remove the images that were built for this desk alone."""
        names = run("docker", "image", "ls", "--format", "{{.Repository}}").stdout.split()
        if own := [name for name in names if name.endswith(self.suffix)]:
            run("docker", "image", "rm", "--force", *own, check=False)
        self.built = False

    def containers(self) -> dict[str, dict[str, Any]]:
        """What the engine knows of each container, by service."""
        ids = self.compose("ps", "--all", "--quiet").stdout.split()
        found = json.loads(run("docker", "inspect", *ids).stdout) if ids else []
        return {container["Config"]["Labels"]["com.docker.compose.service"]: container for container in found}

    def unhealthy(self) -> dict[str, str]:
        """The containers that are not as they should be, and what they say about it."""
        return {name: problem for name, container in self.containers().items() if (problem := trouble(container))}

    def logs(self, *services: str) -> str:
        """What services have said, as they said it."""
        written = self.compose("logs", "--no-color", "--no-log-prefix", *services).stdout
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", written)  # Compose moves the cursor, also where there is none

    def python(self, service: str, script: str) -> Any:
        """What a Python script prints as JSON inside a service's container."""
        return json.loads(self.compose("exec", "-T", service, "python", "-", input=script).stdout)


def trouble(container: Mapping[str, Any]) -> str:
    """Empty when a container is healthy, or has ended as it should."""
    state = container["State"]
    health = state.get("Health")
    if state["Status"] == "exited":
        restarts = container["HostConfig"]["RestartPolicy"]["Name"] not in ("no", "")
        return f"exited with {state['ExitCode']}" if restarts or state["ExitCode"] != 0 else ""
    if state["Status"] != "running" or health is None:
        return str(state["Status"])
    last = health["Log"][-1]["Output"].strip() if health["Log"] else ""
    return "" if health["Status"] == "healthy" else f"{health['Status']}: {last}"


@pytest.fixture(scope="session", name="run")
def run_fixture() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command; a failure shows what it said."""
    return run


@pytest.fixture(scope="session", name="wait")
def wait_fixture() -> Callable[..., Any]:
    """Asks a condition again and again until it is true, or a deadline has passed."""
    return wait_until


@pytest.fixture(scope="session")
def make_desk() -> type[Desk]:
    """Makes a desk of a folder, the variables of its .env and the Compose files. Needs the command line, but no engine."""
    need_compose()
    return Desk


def need_compose() -> None:
    """Fail, and say what to do, unless the command line of Docker and its plugins are there."""
    if shutil.which("docker") is None:
        pytest.fail(f"the docker command is not installed: {INSTALL}")
    for plugin in ("compose", "buildx"):
        if run("docker", plugin, "version", check=False).returncode != 0:
            pytest.fail(f"docker {plugin} does not run: {INSTALL}")


@pytest.fixture(scope="session", name="_engine")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Docker Engine that answers."""
    need_compose()
    if answers():
        yield
        return
    if shutil.which("dockerd") is None:
        pytest.fail(f"no Docker Engine answers and dockerd is not installed: {INSTALL}")
    if os.geteuid() != 0:
        pytest.fail("no Docker Engine answers and only root may start one: start it, or run the tests as root")
    log = tmp_path_factory.mktemp("engine") / "dockerd.log"
    with log.open("w") as output:
        process = subprocess.Popen(["dockerd"], stdout=output, stderr=output, start_new_session=True)
    try:
        wait_until(lambda: answers() or process.poll() is not None, "dockerd does not answer", 60, every=0.5)
        if process.poll() is not None:
            pytest.fail(f"dockerd ended:\n{log.read_text()[-3000:]}")
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def answers() -> bool:
    return run("docker", "info", check=False).returncode == 0


@pytest.fixture(scope="session")
def compose_files(_engine: None) -> tuple[str, ...]:
    """The Compose files that can be built here; without a registry, what they are built on is made first."""
    if os.environ.get("ATLAS_E2E_REGISTRY") == "1":
        return ("docker-compose.yml",)
    run(str(ROOT / "scripts" / "offline-images.sh"), timeout=BUILD_SECONDS)
    return ("docker-compose.yml", "docker-compose.offline.yml")


def free_network_part() -> str:
    """The first two parts of a private network that neither the engine nor the host uses, with the dot at the end."""
    ids = run("docker", "network", "ls", "--quiet").stdout.split()
    networks = json.loads(run("docker", "network", "inspect", *ids).stdout)
    used = [ipaddress.ip_network(c["Subnet"]) for network in networks for c in network["IPAM"]["Config"] or [] if "Subnet" in c]
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        _, destination, _, _, _, _, _, mask, *_ = line.split()
        address, netmask = (int.from_bytes(bytes.fromhex(text), "little") for text in (destination, mask))
        if netmask:
            used.append(ipaddress.ip_network((address, netmask.bit_count())))
    for second in range(31, 15, -1):
        candidate = ipaddress.ip_network(f"172.{second}.0.0/16")
        if not any(candidate.overlaps(network) for network in used):
            return f"172.{second}."
    pytest.fail("no free network below 172.16.0.0/12: remove Docker networks that are not used")


@pytest.fixture(scope="session")
def new_desk(compose_files: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Desk]]:
    """Makes desks with names, addresses and ports of their own; at the end none of them is left."""
    desks: list[Desk] = []
    tag = secrets.token_hex(3)

    def make(**variables: str) -> Desk:
        folder = tmp_path_factory.mktemp("desk")
        config = folder / "config"
        config.mkdir()
        (config / "atlas.yaml").write_text(ROBOTS, encoding="utf-8")
        config.chmod(0o755)
        own = {
            "NAME_SUFFIX": f"_e2e{tag}{len(desks)}",
            "IPV4_NETWORK_PART": free_network_part(),
            "MONITOR_HOST_PORT": str(free_port()),
            "GATEWAY_HOST_PORT": str(free_port()),
            "CONFIG_DIR": str(config),
        }
        desks.append(Desk(folder, own | variables, compose_files))
        return desks[-1]

    yield make
    for desk in desks:
        with contextlib.suppress(subprocess.TimeoutExpired):
            desk.compose("down", "--volumes", "--remove-orphans", "--timeout", "10", timeout=180, check=False)
            desk.remove_images()


@pytest.fixture(scope="session")
def desk(new_desk: Callable[..., Desk]) -> Desk:
    """A desk with its credentials in .env, up and healthy."""
    made = new_desk(TWSPASSWORD=f"tws-{secrets.token_hex(8)}", VNCPASSWORD=f"vnc-{secrets.token_hex(8)}")
    made.up()
    return made
