"""Whatever comes in at a port changes nothing but a counter and one log line."""

import asyncio

import pytest
from structlog.testing import capture_logs
from support.bus_peers import ATTACKS, DOORS, Attack, Keys

TIMES = 3

CASES = [
    pytest.param(attack, door, curve, id=f"{attack.name}, on {door}, {'CURVE' if curve else 'open'}")
    for attack in ATTACKS
    for door in attack.only
    for curve in attack.curve
]


@pytest.mark.parametrize(("attack", "door_kind", "curve"), CASES)
async def test_a_hostile_peer_changes_nothing_but_a_counter_and_one_log_line(tmp_path, attack: Attack, door_kind, curve):
    door = DOORS[door_kind](Keys(tmp_path, curve=curve))
    kind = attack.fault_on(door_kind)
    try:
        with capture_logs() as lines:
            await door.serves()
            for times in range(1, TIMES + 1):
                await asyncio.to_thread(attack.do, door)
                await door.seen(kind, times)
                await door.serves()
        assert door.bus.faults[door.name, kind] >= TIMES
        told = [line for line in lines if line["kind"] == kind and line["socket"] == door.name]
        assert len(told) == 1
        others = {line["kind"] for line in lines} - {kind, "disconnected"}
        assert others == set()
    finally:
        door.close()
