"""The page "Test your IB program against Atlas": its programs run, each in its own environment, and what it says is so."""

import re
import sys
from pathlib import Path

import pytest

from ib_gateway.simulator import SimulatorOptions, faults
from ib_gateway.simulator.threaded import GatewayThread
from tests.contract.environments import ROOT, python_of
from tests.integration.simulator_package.conftest import run_in

PAGE = (ROOT / "docs/how-to/test-your-ib-program.md").read_text()
EXAMPLES = ROOT / "ib_gateway/examples"
NOON_NS = 1_780_675_200_000_000_000


def blocks(language):
    """The page's pieces of code in a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def without_prices(text):
    return re.sub(r"\d+\.\d\d", "0.00", text)


@pytest.mark.timeout(600)  # the first run builds an environment
@pytest.mark.parametrize(("library", "version"), [("ib_insync", 176), ("ib_async", 178), ("ibapi", 157)])
def test_each_example_sees_what_the_page_says(library, version, tmp_path):
    python = Path(sys.executable) if library == "ib_insync" else python_of(library)
    (shown,) = (block for block in blocks("") if block.startswith("connected to"))
    with GatewayThread(SimulatorOptions(port=0, control_port=0, start_ns=NOON_NS, play_after_seconds=0.02)) as gateway:
        ports = ["--port", gateway.port, "--control-port", gateway.gateway.control_port]
        done = run_in(tmp_path, [python, EXAMPLES / f"{library}_example.py", *ports])
    assert done.returncode == 0, done.stderr[-3000:]
    assert without_prices(done.stdout) == without_prices(shown).replace("version 176", f"version {version}")


def test_the_test_on_the_page_passes(tmp_path):
    (program,) = blocks("python")
    (tmp_path / "test_page.py").write_text(program)
    plugins = ["-p", "ib_gateway.pytest_plugin", "-p", "no:cacheprovider"]
    done = run_in(
        tmp_path, [sys.executable, "-m", "pytest", "-q", *plugins],
        PYTHONPATH=str(ROOT), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
    )  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout[-3000:] + done.stderr[-2000:]


def test_the_scenario_on_the_page_can_be_played(tmp_path):
    (text,) = blocks("yaml")
    assert len(faults.parse(text).steps) == 3
    (tmp_path / "night.yaml").write_text(text)
    with GatewayThread(SimulatorOptions(port=0, start_ns=NOON_NS)) as gateway:
        assert gateway.control.play(tmp_path / "night.yaml").name == "a bad night"
        gateway.clock.advance(601)
        assert [type(one.fault) for one in gateway.control.active()] == [faults.FarmOutage]


def test_the_page_names_every_fault_and_no_other():
    (_, table) = PAGE.split("| fault | what your program sees |", 1)
    rows = [row.split("|")[1] for row in table.split("\n\n")[0].splitlines() if row.startswith("| `")]
    named = set(re.findall(r"`([\w-]+)`", " ".join(rows)))
    assert named == set(faults.KINDS) - {"connectivity-restored", "notice"}


def test_the_command_has_every_option_of_the_page(tmp_path):
    done = run_in(tmp_path, [sys.executable, "-m", "ib_gateway.simulator", "--help"], PYTHONPATH=str(ROOT))
    missing = [option for option in set(re.findall(r"--[a-z][a-z-]+", PAGE)) - {"--help"} if option not in done.stdout]
    assert not missing


def test_every_file_the_page_leads_to_is_there():
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs/how-to" / target).exists(), target
