"""YAML that people write: whatever is wrong in it, one line says where: in scenarios, instruments and options alike."""

import string
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import BadInput
from ib_gateway.simulator import yaml_file
from ib_gateway.simulator.__main__ import main
from ib_gateway.simulator.faults import load, parse

STEPS = "steps:\n- at: '00:00:01'\n  fault: {kind: freeze}\n"
WRONG = [
    (f"{STEPS}{STEPS}".encode(), "line 4: 'steps' stands here already, on line 1"),
    (b"<<: {steps: [1]}\n", "line 1: `<<` is not known here"),
    (b"name: 2026-13-45\nsteps: !!timestamp 2026-02-31\n", "line 2: '2026-02-31' is no timestamp"),
    (b"seed: !!int abc", "line 1: 'abc' is no int"),
    (b"seed: !!int ''", "line 1: '' is no int"),
    (b"seed: !!float abc", "line 1: 'abc' is no float"),
    (b"seed: !!bool abc", "line 1: 'abc' is no bool"),
    (b"seed: 0x_", "line 1: '0x_' is no int"),
    (b"a: 1\nseed: " + b"9" * 5000, "line 2: '999"),
    (b"seed: " + b"9" * 40, "line 1: 99999999999999999999… is too large a number"),
    (b'name: "\\U00110000"', "line 1 is not YAML"),
    (b'name: "\\ud800"', "line 1 "),
    (b'name: "a\\0b"', "line 1: 'a\\x00b' holds what is no character"),
    (b"a\0b", "is not YAML"),
    (b"[" * 3000, "line 1: it is nested more than 50 deep"),
    (b"[" * 900 + b"]" * 900, "line 1: it is nested more than 50 deep"),
    (b"{[1]: 2}", "line 1: a name must be text or a number"),
    (b"a: &a [*a]", "line 1: *a is within what it refers to"),
    (b"a: *b", "line 1 is not YAML"),
    (b"a: &a [" + b"x," * 200 + b"]\nb: &b [" + b"*a," * 200 + b"]", "line 2: references make more than 10000 values"),
    (b"!!python/object/apply:os.system [id]", "line 1 is not YAML: could not determine a constructor"),
    (b"a: [", "line 1 is not YAML"),
    (b"\xff\xfea", "is no UTF-8 text"),
]


@pytest.mark.parametrize("flag", ["--scenario", "--instruments", "--options"])
@pytest.mark.parametrize(("content", "words"), WRONG, ids=[str(words) for _, words in WRONG])
def test_a_file_that_is_wrong_ends_the_command_with_one_line_and_code_two(tmp_path, capsys, flag, content, words):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    assert main(["--port", "0", flag, str(path)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert str(path) in error
    assert error.count("\n") == 1
    assert len(error) < 600


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "/proc/self/mem", "."])
@pytest.mark.parametrize("flag", ["--scenario", "--instruments", "--options", "--recording", "--state"])
def test_a_name_that_is_none_ends_the_command_with_one_line_and_code_two(capsys, flag, name):
    assert main(["--port", "0", flag, name]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_mistake_in_values_is_told_with_its_line(tmp_path, capsys):
    path = tmp_path / "options.yaml"
    path.write_text("seed: 7\nrules:\n  market_data_lines: many\n")
    assert main(["--options", str(path)]) == 2
    assert f"{path} line 3: Expected `int`, got `str`" in capsys.readouterr().err
    path.write_text("orders: 5\n")
    assert main(["--options", str(path), "--read-only"]) == 2
    assert f"{path} line 1: Expected `object`, got `int`" in capsys.readouterr().err


def test_dates_stay_text_and_a_reference_stands_for_what_it_names():
    document = yaml_file.parse("name: 2026-13-45\na: &days [mon, tue]\nb: *days\n", "the file")
    assert document.value == {"name": "2026-13-45", "a": ["mon", "tue"], "b": ["mon", "tue"]}
    assert (document.line("b"), document.line("a", 1), document.line("c")) == (3, 2, 1)
    with pytest.raises(BadInput, match="step 1: at is '2026-02-31'; write"):
        parse("steps:\n- at: 2026-02-31\n  fault: {kind: freeze}\n")


def test_a_name_of_a_shipped_scenario_is_not_mistaken_for_a_folder_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "half-open").mkdir()
    assert load(Path("half-open")).name == "half-open"


@given(st.text(string.ascii_letters[:3] + "[]{}:,&*!#-|>'\"\\%@`~<? \n\t0123_.", max_size=60))
def test_any_text_is_read_or_refused(text):
    with suppress(BadInput):
        assert yaml_file.parse(text, "the file").line() == 1
