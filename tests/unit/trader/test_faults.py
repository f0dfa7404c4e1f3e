"""The named steps at which a trader can be killed."""

import os
import signal
from pathlib import Path

import pytest

import services.trader
from services.trader.faults import FAULT_POINTS, FaultPoints, is_fault_point

SOURCES = "".join(path.read_text() for path in Path(services.trader.__file__).parent.glob("*.py") if path.name != "faults.py")


@pytest.mark.parametrize("point", FAULT_POINTS)
def test_every_named_step_is_on_the_way(point):
    assert f'"{point}"' in SOURCES


def test_steps_are_numbered_in_the_order_in_which_they_come():
    assert [point for point in FAULT_POINTS if point.startswith("send.")] == [
        "send.1_checked",
        "send.2_journaled",
        "send.3_receipted",
        "send.4_written",
        "send.5_probed",
        "send.6_leaving",
        "send.7_sent",
        "send.8_noted",
    ]


@pytest.mark.parametrize(
    ("armed", "known"),
    [("send.7_sent", True), ("send.7_sent:3", True), ("send.7_sent:0", False), ("send.7_sent:x", False), ("send.9", False)],
)
def test_a_step_is_armed_by_its_name_and_perhaps_a_count(armed, known):
    assert is_fault_point(armed) is known


def test_the_process_is_killed_when_the_step_is_reached_for_the_counted_time(monkeypatch):
    killed = []
    monkeypatch.setattr(os, "kill", lambda pid, number: killed.append((pid, number)))
    faults = FaultPoints("fill.1_received:2")
    for point in ("send.7_sent", "fill.1_received", "send.7_sent"):
        faults.reached(point)
    assert killed == []
    faults.reached("fill.1_received")
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_without_a_step_nothing_is_killed(monkeypatch):
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("killed"))
    for point in FAULT_POINTS:
        FaultPoints().reached(point)
