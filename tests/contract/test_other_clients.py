"""The same trading program on ib_insync and on ib_async, and one on IB's own ibapi, each in its own environment."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from tests.contract.environments import python_of

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = Path(__file__).parent / "clients"

EXPECTED = {
    "accounts": ["DU1000001"],
    "contract": [12087792, "EUR.USD", 0.00005, "US/Eastern"],
    "ticks are quotes": True,
    "market order": ["Filled", 20_000, "BOT", "script-1", 2.0, "USD"],
    "positions": [["DU1000001", 12087792, 20_000]],
    "open orders": [["script-2", 9.25, "Submitted"]],
    "cancelled": [202],
    "completed": [["script-1", "Filled"], ["script-2", "Cancelled"]],
    "executions": ["script-1"],
    "bars are whole": True,
    "what if": [True, 2.0],
    "off the grid": [110, 0.0],
    "profit is net of its commission": True,
    "cash": [0.0, 0.0],
}


@pytest.fixture(scope="session", params=["ib_insync", "ib_async"])
def client_library(request) -> tuple[str, Path]:
    """A client library, and the interpreter that has it."""
    name = request.param
    return name, Path(sys.executable) if name == "ib_insync" else python_of(name)


@pytest.fixture(scope="session")
def ibapi_python() -> Path:
    """The interpreter that has ibapi."""
    return python_of("ibapi")


async def run(python: Path, script: str, *arguments: str) -> dict[str, object]:
    """What a client program prints, as it runs in its own process."""
    process = await asyncio.create_subprocess_exec(
        python,
        CLIENTS / script,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()[-3000:]
    return json.loads(out.decode().splitlines()[-1])


@pytest.mark.timeout(600)  # the first run builds an environment
async def test_the_same_program_sees_the_same_with_either_library(make_gateway, client_library):
    library, python = client_library
    gateway = await make_gateway()
    assert await run(python, "trade.py", library, str(gateway.port)) == EXPECTED


@pytest.mark.timeout(600)  # the first run builds an environment
async def test_our_own_side_works_on_either_library(make_gateway, client_library):
    library, python = client_library
    gateway = await make_gateway()
    seen = await run(python, "desk_side.py", str(gateway.port))
    assert seen == {
        "library": library,
        "con id": 12087792,
        "ticks are quotes in whole seconds": True,
        "executed": [["d-1", 20_000.0]],
        "completed": [["d-1", "filled"], ["d-2", "cancelled"]],
        "errors": [110, 202],
        "positions": {"DU1000001": {"EUR.USD@IDEALPRO": 20_000.0}},
        "euros": "20000.00",
        "the gateway tells the time": True,
    }


@pytest.mark.timeout(600)  # the first run builds an environment
async def test_ibapi_decodes_everything_it_asks_for(make_gateway, ibapi_python):
    gateway = await make_gateway()
    seen = await run(ibapi_python, "ibapi_trade.py", str(gateway.port))
    assert seen == {
        "version": 157,
        "accounts": "DU1000001",
        "contract": [12087792, 0.00005, "EUR.USD"],
        "future": "20260918",
        "market order": ["BOT", 20_000, "ibapi", 2.0, "USD"],
        "same execution": True,
        "completed": ["Cancelled", "Filled"],
        "positions": [["DU1000001", 12087792, 20_000]],
        "errors": [202, 110],
        "reader lives": True,
    }
