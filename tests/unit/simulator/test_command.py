"""The options of the simulated gateway as a command line and a file."""

from pathlib import Path

import pytest

from atlas.domain import BadInput
from ib_gateway.simulator.command import options_of
from ib_gateway.simulator.entitlements import Permission
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.rules import Rules


def options(*arguments):
    return options_of([str(argument) for argument in arguments], "ib-simulator")


def test_without_flags_everything_is_as_usual():
    assert options() == SimulatorOptions()


def test_flags_say_what_is_wanted():
    asked = options(
        *("--port", 0, "--accounts", "DU1, DU2", "--seed", 7, "--speed", 0, "--hours", "always", "--rules", "none"),
        *("--start", "2026-06-05T15:00:00Z", "--state", "x/state", "--master-client-id", 3, "--read-only"),
    )
    assert (asked.port, asked.accounts, asked.seed, asked.speed, asked.hours) == (0, ("DU1", "DU2"), 7, 0.0, "always")
    assert (asked.rules, asked.start_ns, asked.state) == (Rules.none(), 1_780_671_600_000_000_000, Path("x/state"))
    assert (asked.orders.master_client_id, asked.orders.read_only) == (3, True)


def test_a_file_says_what_flags_do_not_and_a_flag_wins_over_it(tmp_path):
    file = tmp_path / "gateway.yaml"
    file.write_text(
        "seed: 7\nspeed: 60\nrules: {messages_per_second: 5}\norders: {percentage_constraint: 3.0}\n"
        "entitlements: {kinds: {STK: delayed}}\nrecording: quotes.csv\n"
    )
    asked = options("--options", file, "--seed", 8, "--master-client-id", 9)
    assert (asked.seed, asked.speed, asked.rules.messages_per_second) == (8, 60.0, 5)
    assert (asked.orders.percentage_constraint, asked.orders.master_client_id) == (3.0, 9)
    assert asked.entitlements.kinds == {"STK": Permission.DELAYED}
    assert asked.recording == Path("quotes.csv")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sed: 7", "unknown field `sed`"),
        ("seed: seven", "seed"),
        ("rules: {lines: 3}", "unknown field `lines`"),
        ("recording: 7", "7 is not a path"),
        ("- 1", "must hold names and values"),
        ("", "must hold names and values"),
        ("a: [", "is not YAML"),
        ("speed: -1", "speed -1"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line_that_names_what_is_wrong(tmp_path, text, words):
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    with pytest.raises(BadInput, match=words) as caught:
        options("--options", file)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        options("--options", tmp_path / "none.yaml")


@pytest.mark.parametrize("arguments", [("--prt", "1"), ("--port", "x"), ("--start", "2026-06-05"), ("--hours", "never")])
def test_a_flag_that_is_none_ends_with_code_two(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        options(*arguments)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err.splitlines()[-1]
