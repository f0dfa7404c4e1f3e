"""Scenario files: what they may say, and how what they may not say is told."""

from pathlib import Path

import pytest

from atlas.domain import BadInput
from ib_gateway.simulator.__main__ import main
from ib_gateway.simulator.faults import Injector, load, parse, shipped
from ib_gateway.simulator.faults.model import Restart
from ib_gateway.simulator.server.faults import message_kinds

GOOD = """
name: a bad night
seed: 7
steps:
  - at: "00:10:00"
    fault: {kind: farm-outage, farm: usfarm, for_seconds: 30}
  - at: "23:45 America/New_York"
    days: [mon, tue]
    fault: {kind: restart, down_seconds: 90}
  - after: {message: PlaceOrder, direction: request, number: 3, client_id: 1}
    fault: {kind: drop, message: OrderStatus, count: 1}
  - each: {message: Execution, probability: 0.1}
    fault: {kind: duplicate, message: CommissionReport, count: 1}
"""


def test_a_scenario_has_a_name_a_seed_and_steps():
    scenario = parse(GOOD)
    assert (scenario.name, scenario.seed, len(scenario.steps)) == ("a bad night", 7, 4)
    assert scenario.steps[1].fault == Restart(down_seconds=90)


@pytest.mark.parametrize("name", ["flaky-farm", "half-open", "lost-fills", "nightly-restart"])
def test_shipped_scenarios_are_known_by_name_and_can_be_played(name):
    assert name in shipped()
    scenario = load(Path(name))
    assert scenario.name == name
    Injector(message_kinds()).load(scenario, 0)


STEP = 'steps:\n- at: "00:00:01"\n  fault: '


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["expected a mapping with name, seed, steps"]),
        ("steps:", ["has no steps"]),
        ("steps: []", ["has no steps"]),
        ("step: 1", ["there is no 'step'; there are name, seed, steps"]),
        ("seed: x\nsteps: [1]", ["seed", "Expected `int`"]),
        ("steps: [", ["line 1 is not YAML"]),
        ("a: b: c", ["line 1 is not YAML"]),
        ("steps: [1]", ["line 1, step 1: expected a mapping with at, days, after, each, fault"]),
        ("steps:\n- fault: {kind: freeze}", ["line 2, step 1", "exactly one of at, after and each; it has none"]),
        (f"{STEP}{{kind: freeze}}\n  each: {{}}", ["it has at and each"]),
        ('steps:\n- at: "00:00:01"', ["a step needs a fault, one of connectivity-lost"]),
        (f"{STEP}{{kind: melt}}", ["line 2, step 1: there is no fault 'melt'; there are connectivity-lost, "]),
        (f"{STEP}freeze", ["a fault is a mapping with its `kind`"]),
        (f"{STEP}{{kind: freeze, seconds: 5}}", ["line 2, step 1: freeze has no field 'seconds'; it has for_seconds"]),
        (f"{STEP}{{kind: freeze, for_seconds: five}}", ["step 1: freeze: Expected `float | null`"]),
        (f"{STEP}{{kind: drop}}", ["step 1: drop: Object missing required field `message`"]),
        (f"{STEP}{{kind: connectivity-restored, for: 1}}", ["connectivity-restored has no field 'for'; it has data"]),
        ("steps:\n- at: noon\n  fault: {kind: freeze}", ["at is 'noon'", "HH:MM:SS", "America/New_York"]),
        ("steps:\n- at: 600\n  fault: {kind: freeze}", ["at is 600"]),
        ('steps:\n- at: "25:00 UTC"\n  fault: {kind: freeze}', ["'25:00 UTC' is no time of day"]),
        ('steps:\n- at: "12:00 Nowhere/Land"\n  fault: {kind: freeze}', ["is no time of day with a zone"]),
        ('steps:\n- at: "12:00 UTC"\n  days: [monday]\n  fault: {kind: freeze}', ["days is ['monday']", "mon, tue"]),
        ('steps:\n- at: "12:00"\n  days: [mon]\n  fault: {kind: freeze}', ["days need a time of day with its zone"]),
        ("steps:\n- after: {message: any, number: 0}\n  fault: {kind: freeze}", ["after: Expected `int` >= 1"]),
        ("steps:\n- after: {message: any}\n  fault: {kind: freeze}", ["after needs message and number"]),
        ("steps:\n- after: {message: any, number: 1, times: 2}\n  fault: {kind: freeze}", ["there is no 'times'"]),
        ("steps:\n- each: {message: any, probability: 2}\n  fault: {kind: freeze}", ["each: Expected `float` <= 1"]),
        ("steps:\n- each: {message: any, number: 1}\n  fault: {kind: freeze}", ["there is no 'number'; there are message"]),
        ("steps:\n- after: {message: any, number: 1}\n  days: [mon]\n  fault: {kind: freeze}", ["days go with at"]),
    ],
)
def test_what_a_scenario_may_not_say_is_told_in_one_line_with_what_is_possible(tmp_path, capsys, text, words):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    assert main(["--port", "0", "--scenario", str(path)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert str(path) in told
    assert all(word in told for word in words), told


def test_the_line_that_is_told_is_the_steps():
    with pytest.raises(BadInput, match="line 8, step 2: there is no fault 'melt'"):
        parse(GOOD.replace("kind: restart", "kind: melt").lstrip("\n").replace("name", "\n\nname"))


@pytest.mark.parametrize("name", ["none.yaml", "nightly"])
def test_a_scenario_that_is_not_there_is_told_with_those_that_are(capsys, name):
    assert main(["--port", "0", "--scenario", name]) == 2
    assert "cannot be read" in (told := capsys.readouterr().err)
    assert "nightly-restart" in told


def test_a_scenario_of_an_unknown_message_ends_the_command_with_one_line(tmp_path, capsys):
    path = tmp_path / "bad.yaml"
    path.write_text(f"{STEP}{{kind: drop, message: Nothing}}")
    assert main(["--port", "0", "--scenario", str(path)]) == 2
    assert capsys.readouterr().err.startswith("error: there is no reply 'Nothing'; there are any, ")
