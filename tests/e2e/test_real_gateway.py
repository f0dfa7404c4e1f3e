"""The desk on a real gateway: what happens before, while and after a human approves the login.

The gateway's own image is stood in for by one that waits for its approval as that does; all else is the real thing.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

STAND_IN = Path(__file__).parent / "stand_in_gateway"
GATEWAY_CLIENTS = ("watcher", "trader")


@pytest.fixture(scope="module")
def paper_desk(new_desk: Callable[..., Any], run: Callable[..., Any]) -> Iterator[Any]:
    """A desk in the mode paper, begun, its gateway waiting for the approval of its login."""
    simulated = new_desk()
    simulated.compose("build", "ib_gateway", timeout=600)
    simulator, image = f"atlas-gateway-simulator{simulated.suffix}", f"stand-in{simulated.suffix}"
    run("docker", "build", "--tag", image, "--build-arg", f"SIMULATOR_IMAGE={simulator}", str(STAND_IN), timeout=300)
    made = new_desk(
        IB_GATEWAY_MODE="paper",
        IB_GATEWAY_IMAGE=image,
        TWSUSERID="somebody",
        TWSPASSWORD=f"tws-{secrets.token_hex(8)}",
        VNCPASSWORD="",
    )
    made.compose("up", "--detach", "--build", "ib_gateway", *GATEWAY_CLIENTS, timeout=600)
    yield made
    made.down()
    simulated.remove_images()


def test_the_services_start_beside_a_gateway_that_waits_for_its_login_and_say_what_they_wait_for(
    paper_desk: Any, wait: Callable[..., Any]
) -> None:
    wait(lambda: "waiting for the login" in paper_desk.logs("ib_gateway"), "the gateway does not start", 60)
    wait(lambda: health(paper_desk, "ib_gateway")["Log"], "the gateway is not asked for its health", 60)
    assert health(paper_desk, "ib_gateway")["Status"] != "healthy"
    assert "does not answer requests" in health(paper_desk, "ib_gateway")["Log"][-1]["Output"]
    for name in GATEWAY_CLIENTS:
        state = paper_desk.containers()[name]["State"]
        assert (state["Status"], state["Health"]["Status"]) == ("running", "starting")


def test_the_password_is_in_a_file_of_the_gateway_alone(paper_desk: Any) -> None:
    password = paper_desk.variables["TWSPASSWORD"]
    told = paper_desk.compose("exec", "-T", "ib_gateway", "cat", "/run/secrets/tws_password").stdout
    assert told == password
    assert password not in json.dumps(paper_desk.containers())
    assert password not in paper_desk.logs()
    assert password not in paper_desk.compose("top").stdout


def test_once_the_login_is_approved_the_desk_gets_well_and_nothing_was_restarted(paper_desk: Any) -> None:
    paper_desk.compose("exec", "-T", "ib_gateway", "touch", "/tmp/approved")
    paper_desk.wait_until_well(120)
    containers = paper_desk.containers()
    assert {containers[name]["RestartCount"] for name in ("ib_gateway", *GATEWAY_CLIENTS)} == {0}


def test_a_gateway_that_ends_is_not_logged_in_again_by_a_machine(paper_desk: Any, wait: Callable[..., Any]) -> None:
    paper_desk.compose("exec", "-T", "ib_gateway", "sh", "-c", "kill -KILL -1", check=False)
    wait(lambda: paper_desk.containers()["ib_gateway"]["State"]["Status"] == "exited", "the gateway did not end", 30)
    wait(lambda: "watcher" in paper_desk.unhealthy(), "the watcher does not notice", 60)
    gateway = paper_desk.containers()["ib_gateway"]
    assert (gateway["State"]["Status"], gateway["RestartCount"]) == ("exited", 0)
    assert {paper_desk.containers()[name]["State"]["Status"] for name in GATEWAY_CLIENTS} == {"running"}


def health(desk: Any, name: str) -> dict[str, Any]:
    """What the engine found out about a container's health."""
    found: dict[str, Any] = desk.containers()[name]["State"]["Health"]
    return found
