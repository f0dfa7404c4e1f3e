"""What `pip install ./ib_gateway` gives: the simulator, its command and its pytest plugin, and nothing of the desk."""

import json
import subprocess
import sys
from contextlib import contextmanager

import ib_insync
import pytest

from tests.integration.simulator_package.conftest import run_in

pytestmark = pytest.mark.timeout(600)  # the first run builds an environment

_DESK = {"ib-insync", "ib-async", "pymongo", "pyzmq", "nx-27017", "typer", "rich", "psutil", "atlas-desk"}


def test_what_it_declares_is_enough_and_has_no_database_no_bus_and_no_client(installed, tmp_path):
    pip = [sys.executable, "-m", "pip", "--python", installed, "--disable-pip-version-check"]
    checked = run_in(tmp_path, [*pip, "check"])
    assert checked.returncode == 0, checked.stdout
    listed = run_in(tmp_path, [*pip, "list", "--format=json"])
    names = {one["name"].lower().replace("_", "-") for one in json.loads(listed.stdout)}
    assert "atlas-ib-simulator" in names
    assert not names & _DESK


def test_the_simulator_loads_nothing_from_outside_its_package(installed, tmp_path):
    script = (
        "import sys, json, ib_gateway.simulator.threaded as t, atlas, ib_gateway;"
        "print(json.dumps([sorted({n.split('.')[1] for n in sys.modules if n.startswith('atlas.')}), t.__file__]))"
    )
    done = run_in(tmp_path, [installed, "-c", script])
    assert done.returncode == 0, done.stderr
    parts, where = json.loads(done.stdout)
    assert parts == ["domain", "exchange"]
    assert "site-packages" in where


def test_a_robots_names_are_not_there_and_the_error_says_where_they_are(installed, tmp_path):
    assert run_in(tmp_path, [installed, "-c", "from atlas import Quote, Side"]).returncode == 0
    done = run_in(tmp_path, [installed, "-c", "from atlas import Strategy"])
    assert done.stderr.splitlines()[-1] == "ImportError: Strategy is not in the simulated gateway's package; install atlas-desk"


@contextmanager
def running(command, folder):
    """A command that serves until it is stopped, and the port it names."""
    process = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        line = next((line for line in process.stdout if line.startswith("listening on ")), "")
        assert line, "it ended without listening"
        yield int(line.split()[-1])
    finally:
        process.terminate()
        assert process.wait(20) == 0
        process.stdout.close()


async def test_its_command_serves_a_real_client(installed, tmp_path):
    command = [installed.parent / "ib-simulator", "--port", "0", "--hours", "always"]
    with running(command, tmp_path) as port:
        ib = ib_insync.IB()
        await ib.connectAsync("127.0.0.1", port, clientId=1, timeout=10)
        (details,) = await ib.reqContractDetailsAsync(ib_insync.Forex("EURUSD"))
        assert (ib.managedAccounts(), details.contract.conId) == (["DU1000001"], 12087792)
        ib.disconnect()


USER_TEST = '''
import socket
import struct

import pytest

from ib_gateway.simulator import faults

pytestmark = pytest.mark.simulated_gateway(seed=7)


def greeting(gateway):
    """What a client hears first: the version and the time."""
    with socket.create_connection((gateway.host, gateway.port), timeout=5) as wire:
        version = b"v157..178"
        wire.sendall(b"API\\\\0" + struct.pack(">I", len(version)) + version)
        (length,) = struct.unpack(">I", wire.recv(4))
        return wire.recv(length).split(b"\\\\0")


def test_a_gateway_answers(simulated_gateway):
    version, time, _ = greeting(simulated_gateway)
    assert (version, time[:8]) == (b"178", b"20260605")


@pytest.mark.simulated_gateway(accounts=["DF1", "DU2"])
def test_options_come_from_every_marker(simulated_gateway):
    assert simulated_gateway.options.seed == 7
    assert simulated_gateway.options.accounts == ("DF1", "DU2")


def test_it_breaks_on_command(simulated_gateway):
    number = simulated_gateway.control.inject(faults.HalfOpen(sockets="new"))
    with pytest.raises(TimeoutError):
        with socket.create_connection((simulated_gateway.host, simulated_gateway.port), timeout=0.3) as wire:
            wire.sendall(b"API\\\\0" + struct.pack(">I", 4) + b"v157")
            wire.recv(4)
    assert simulated_gateway.control.clear(number)
    assert greeting(simulated_gateway)[0] == b"178"


def test_its_time_passes_on_command(simulated_gateway):
    simulated_gateway.clock.pause()
    before = simulated_gateway.clock.now_ns
    simulated_gateway.clock.advance(3600)
    assert simulated_gateway.clock.now_ns - before == 3600 * 10**9


@pytest.mark.simulated_gateway(colour="blue")
def test_a_wrong_option_is_named(simulated_gateway):
    raise AssertionError("never reached")
'''


def test_its_pytest_plugin_gives_each_test_a_gateway_that_it_can_break(installed, tmp_path):
    (tmp_path / "test_mine.py").write_text(USER_TEST.replace("\\\\", "\\"))
    done = run_in(tmp_path, [installed, "-m", "pytest", "-q", "-W", "error", "--strict-markers", "-p", "no:cacheprovider"])
    assert "4 passed, 1 error" in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]
    assert "Unexpected keyword argument 'colour'" in done.stdout
