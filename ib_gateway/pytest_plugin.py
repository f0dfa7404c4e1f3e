"""A pytest plugin: the fixture `simulated_gateway`, a gateway of one test on a free port, with its faults and its clock.

    @pytest.mark.simulated_gateway(seed=7, speed=60)
    def test_my_program_survives_a_farm_outage(simulated_gateway):
        program = start(simulated_gateway.host, simulated_gateway.port)
        simulated_gateway.control.inject(faults.FarmOutage(for_seconds=30))
        simulated_gateway.clock.advance(60)
        assert program.is_well()

The marker takes the names of `SimulatorOptions`; `accounts` may be a list, and paths and scenarios may be text. The market is
the same in every run of a test: it starts on a Friday noon in New York, unless the marker says otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ib_gateway.simulator.threaded import GatewayThread  # the simulator is loaded by the first test that wants it

_MARKER = "simulated_gateway"
_FRIDAY_NOON_NS = 1_780_675_200_000_000_000  # 2026-06-05 16:00 UTC, noon in New York: every shipped market is open
_PATHS = ("instruments", "recording", "scenario", "state")
_DEFAULTS: dict[str, Any] = {"port": 0, "start_ns": _FRIDAY_NOON_NS, "play_after_seconds": 0.02}


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"{_MARKER}(**options): options of the test's simulated IB gateway")


@pytest.fixture
def simulated_gateway(request: pytest.FixtureRequest) -> Iterator[GatewayThread]:
    """A simulated IB gateway that runs in a thread of its own: `host`, `port`, `control` (faults), `clock`, `options`.

    The nearest marker overrides those of the class and the module, option by option.
    """
    from ib_gateway.simulator import SimulatorOptions
    from ib_gateway.simulator.threaded import GatewayThread

    given: dict[str, Any] = dict(_DEFAULTS)
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        if marker.args:
            raise pytest.UsageError(f"the marker {_MARKER} takes options by name, as in {_MARKER}(seed=7)")
        given |= marker.kwargs
    for name in _PATHS:
        if isinstance(given.get(name), str):
            given[name] = Path(given[name])
    if "accounts" in given:
        given["accounts"] = tuple(given["accounts"])
    try:
        options = SimulatorOptions(**given)
    except TypeError as error:
        raise pytest.UsageError(
            f"the marker {_MARKER}: {error}; it takes {', '.join(SimulatorOptions.__struct_fields__)}"
        ) from None
    with GatewayThread(options) as gateway:
        yield gateway
