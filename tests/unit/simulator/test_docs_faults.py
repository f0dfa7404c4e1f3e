"""The page of faults: every kind is there with all its fields, and its three examples are one and the same fault."""

import json
import re
import shlex
from pathlib import Path

import msgspec
import pytest
import yaml

from ib_gateway.simulator import faults

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/faults.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `([\w-]+)`\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL))


def default_of(field):
    """A field's default as the page writes it."""
    if field.default is msgspec.NODEFAULT:
        return "required"
    if isinstance(field.default, str):
        return f"`{field.default}`" if field.default else "empty"
    return f"{field.default:g}" if type(field.default) is float else json.dumps(field.default)


def rows_of(section):
    """Names and defaults in a section's table of fields."""
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", section, re.MULTILINE))


def test_the_page_has_every_kind_of_fault_and_no_other():
    assert list(SECTIONS) == list(faults.KINDS)


@pytest.mark.parametrize("kind", faults.KINDS)
def test_a_section_names_every_field_with_its_default(kind):
    section = SECTIONS[kind]
    rows = rows_of(section)
    shared = {
        name
        for line in re.findall(r"^(?:Also|Fields): (.*)\.$", section, re.MULTILINE)
        for name in line.strip("`").split("`, `")
    }
    fields = {field.name: default_of(field) for field in msgspec.structs.fields(faults.KINDS[kind])}
    assert rows.keys() | shared == fields.keys()
    assert rows == {name: fields[name] for name in rows}
    assert shared <= rows_of(PAGE.split("## The gateway and IB")[0]).keys()


@pytest.mark.parametrize("kind", faults.KINDS)
def test_the_three_examples_of_a_kind_are_the_same_fault(kind):
    (lines,) = re.findall(r"```\n(python .*?)```", SECTIONS[kind], re.DOTALL)
    in_python, with_curl, in_yaml = (line.split(maxsplit=1) for line in lines.splitlines())
    assert (in_python[0], with_curl[0], in_yaml[0]) == ("python", "curl", "yaml")
    injected = []
    control = type("Control", (), {"inject": staticmethod(injected.append)})
    exec(in_python[1], {"control": control, "faults": faults})
    command = shlex.split(with_curl[1])
    assert (command[:2], command[3:]) == (["curl", "--json"], ["$FAULTS"])
    assert injected == [faults.fault_of(json.loads(command[2]))] == [faults.fault_of(yaml.safe_load(in_yaml[1])["fault"])]
    assert type(injected[0]) is faults.KINDS[kind]


def test_the_scenario_on_the_page_can_be_read_and_every_shipped_one_is_named():
    (scenario,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert len(faults.parse(scenario).steps) == 3
    table = PAGE.split("| shipped | what happens |")[1]
    assert set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)) == faults.shipped().keys()
