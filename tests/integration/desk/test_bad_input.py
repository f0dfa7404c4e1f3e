"""What a desk is told wrongly is named in one line, and nothing half-started stays."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys

import psutil
import pytest
from support.desks import EURUSD, desk_of

from atlas.domain import Unavailable

pytestmark = pytest.mark.timeout(90)


def robot(**values):
    return json.dumps([{"id": "r1", "strategy": "sma_cross", "instruments": [EURUSD], **values}])


@pytest.mark.parametrize(
    ("robots", "words"),
    [
        (robot(instruments=["AAA.BBB@IDEALPRO"]), "the broker knows no instrument AAA.BBB@IDEALPRO"),
        (robot(strategy="nowhere"), "nowhere"),
        (robot(parameters={"fats": 3}), "fats"),
        (robot(parameters={"fast": 50, "slow": 10}), "must be positive and below slow"),
    ],
)
async def test_a_robot_that_cannot_be_is_named(tmp_path, robots, words):
    with pytest.raises(Unavailable) as caught:
        async with desk_of(tmp_path, ["watcher", "trader", "strategy"], {"ATLAS_STRATEGY__ROBOTS": robots}):
            pass
    told = str(caught.value)
    assert told.startswith("strategy ended with exit code 2: ")
    assert words in told
    assert "\n" not in told
    mine = [one for one in psutil.process_iter(["environ"]) if one.pid != os.getpid()]
    assert not [one for one in mine if (one.info["environ"] or {}).get("ATLAS_STATE_DIR") == str(tmp_path)]


async def test_an_account_that_the_login_has_not_got_is_named_with_those_it_has(tmp_path):
    with pytest.raises(Unavailable, match=r"no account 'DU9'; .* 0: DU1000001, 1: DU1000002"):
        async with desk_of(tmp_path, ["trader"], {"ATLAS_TRADER__ACCOUNT": "DU9"}):
            pass


async def test_two_traders_are_not_let_onto_one_journal(tmp_path):
    async with desk_of(tmp_path, ["trader"]) as desk:
        names = ("CONTROL_PORT", "METRICS_PORT", "ORDER_PORT", "EVENT_PORT")
        with contextlib.ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in names]
            for one in sockets:
                one.bind(("127.0.0.1", 0))
            ports = {f"ATLAS_TRADER__{name}": str(one.getsockname()[1]) for name, one in zip(names, sockets, strict=True)}
        second = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "atlas.cli",
            "run",
            "trader",
            stderr=subprocess.PIPE,
            env={**os.environ, **desk.plan.environment, **ports, "ATLAS_TRADER__CLIENT_ID": "2"},
        )
        _, told = await asyncio.wait_for(second.communicate(), 30)
        assert second.returncode == 2
        assert str(tmp_path / "journal" / "trader") in told.decode().splitlines()[-1]
        assert (await desk.status("trader")).ready
