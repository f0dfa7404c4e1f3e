"""The same day of trading on every client library and every interpreter that this machine has, with the same outcome."""

import asyncio
import json
from pathlib import Path

import pytest

from ib_gateway.simulator import SimulatedGateway, SimulatorOptions
from tests.contract.clients.session.script import CONDITIONS, ORDERS
from tests.contract.environments import interpreters, python_of

START_NS = 1_780_689_000_000_000_000  # Friday 2026-06-05 15:50 in New York
SCRIPT = Path(__file__).parent / "clients" / "session" / "script.py"
CLIENTS = [(library, library) for library in ("ib_insync", "ib_async", "ibapi")]
PYTHONS = interpreters()
CASES = [(name, library, version) for version in PYTHONS for name, library in CLIENTS]
CASES += [("ibapi-10.46.1", "ibapi", min(PYTHONS, key=lambda version: int(version.split(".")[1])))]

EXPECTED = {
    "accounts": ["DF100", "DU101", "DU102"],
    "contract": [265598, "AAPL"],
    "a quote": True,
    "ticks": [["TickByTickBidAsk"] * 3, ["TickByTickMidPoint"] * 3, ["TickByTickAllLast"] * 3],
    "depth": [True, True, True],
    "bars": [True, True, True],
    "head": True,
    "historical ticks": 50,
    "histogram": True,
    "orders": {name: rests for name, _, rests in ORDERS},
    "changed": ["Filled", 20.0],
    "cancelled together": ["Cancelled", "Cancelled", "Cancelled"],
    "bracket": ["Filled", "Submitted", "PreSubmitted", "Cancelled", "Cancelled"],
    "one cancels all": [["Filled", "Cancelled"]] * 3,
    "conditions": {name: rests for name, _, rests in CONDITIONS},
    "what if": [True, 1.0],
    "an execution elsewhere": ["PreSubmitted", "Filled", "Filled"],
    "groups are XML": True,
    "an advisor's order": ["Filled", [["DU101", 10.0], ["DU102", 10.0]]],
    "faults": {
        "a notice": [2103],
        "no history": [2105, 2106],
        "no definitions": [2157, 2158],
        "a link that keeps the data": [1100, 1102],
        "a link that loses the data": [1100, 1101],
        "ticks of somebody else": True,
        "read-only": 321,
    },
    "closing auction": ["Filled", "Filled", "Cancelled"],
    "everything was read": True,
    "the port is reset": 1300,
}


@pytest.mark.parametrize(
    ("environment", "library", "version"), CASES, ids=[f"{name}-py{version}" for name, _, version in CASES]
)
@pytest.mark.timeout(240)  # the first run builds an environment
async def test_a_day_of_trading_is_the_same_for_every_client(environment, library, version):
    python = python_of(environment, PYTHONS[version])
    accounts = ("DF100", "DU101", "DU102")
    options = SimulatorOptions(port=0, control_port=0, accounts=accounts, quotes_per_second=10.0, start_ns=START_NS)
    async with SimulatedGateway(options) as gateway:
        ports = (str(gateway.port), str(gateway.control_port))
        process = await asyncio.create_subprocess_exec(
            python, SCRIPT, library, *ports, "5", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(), 120)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    assert process.returncode == 0, err.decode()[-3000:]
    assert json.loads(out.decode().splitlines()[-1]) == EXPECTED
    assert gateway.counters["faults"] == 0
