"""The reference page of the simulated gateway says what the code does: options, limits, codes, routes, log lines."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from ib_gateway.simulator import OrderRules, SimulatedGateway, SimulatorOptions
from ib_gateway.simulator.__main__ import main
from ib_gateway.simulator.command import options_of
from ib_gateway.simulator.control import build_app
from ib_gateway.simulator.entitlements import Permission
from ib_gateway.simulator.faults import notices
from ib_gateway.simulator.rules import Rules
from ib_gateway.simulator.server import session

ROOT = Path(__file__).parents[3]
SIMULATOR = ROOT / "ib_gateway/simulator"
PAGE = (ROOT / "docs/reference/simulated-gateway.md").read_text(encoding="utf-8")
NO_CODES = {365}  # the longest duration in days


def chapter(title):
    """What stands under a heading."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def cells(title, number):
    """A column of the tables under a heading, without their heads."""
    rows = [line.split("|")[1:-1] for line in chapter(title).splitlines() if line.startswith("| ")]
    return [row[number].strip() for row in rows]


def trees(*folders):
    for folder in folders:
        for path in sorted((SIMULATOR / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def is_text(node):
    return isinstance(node, (ast.JoinedStr, ast.Name, ast.Attribute, ast.Call)) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def codes_in_the_code():
    """Numbers that are followed by a text, in a call or a tuple; and the tables of notices and of the reader's errors."""
    found = set(notices._NOTICES) | set(session._ERROR_CODES.values())
    for path, tree in trees("broker", "server", "faults"):
        if path.name == "kinds.py":  # numbers and names of generic ticks
            continue
        for node in ast.walk(tree):
            parts = node.args if isinstance(node, ast.Call) else node.elts if isinstance(node, ast.Tuple) else []
            for one, after in pairwise(parts):
                number = one.value if isinstance(one, ast.Constant) and type(one.value) is int else 0
                if (100 <= number < 600 or 1100 <= number < 2200 or 10000 <= number < 10400) and is_text(after):
                    found.add(number)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_Farm":
                found |= {part.value for part in node.args[:2]}
    found |= {int(code) for code in re.findall(r"Error\(-1, (\d+),", (SIMULATOR / "faults/notices.py").read_text())}
    return found - NO_CODES


def table_of(options):
    return {field.name: repr(field.default) for field in msgspec.structs.fields(type(options))}


def test_every_code_that_a_client_can_get_is_explained_and_no_other():
    listed = {int(code) for cell in cells("Errors that a client gets", 0)[1:] for code in re.findall(r"\d+", cell)}
    in_the_code = codes_in_the_code() | {1101, 1102}
    assert len(in_the_code) > 80
    assert in_the_code - listed == set()
    assert listed - in_the_code == set()


def test_every_option_is_listed_with_its_default():
    rows = dict(zip(cells("Options", 0)[1:], cells("Options", 2)[1:], strict=True))
    expected = table_of(SimulatorOptions())
    for name, default in (("orders", "OrderRules()"), ("rules", "Rules()"), ("entitlements", "Entitlements()")):
        expected[name] = default
    assert {name.strip("`"): default.strip("`").replace('"', "'") for name, default in rows.items()} == expected


def test_the_options_file_on_the_page_can_be_read(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", chapter("Options"), re.DOTALL)
    (tmp_path / "options.yaml").write_text(text)
    options = options_of(["--options", str(tmp_path / "options.yaml"), "--seed", "8"], "ib-simulator")
    assert (options.accounts, options.seed, options.rules.pace_history) == (("DU1", "DU2"), 8, False)
    assert options.entitlements.exchanges == {"CME": Permission.NONE}


def test_every_flag_of_the_command_is_listed(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    flags = set(re.findall(r"^  (--[a-z-]+)", capsys.readouterr().out, re.MULTILINE))
    assert flags == {"--options", *re.findall(r"--[a-z-]+", " ".join(cells("Options", 1)[1:]))}


@pytest.mark.parametrize(("title", "options"), [("Limits", Rules()), ("Settings of the order desk", OrderRules())])
def test_every_limit_and_setting_is_listed_with_its_default(title, options):
    rows = dict(zip(cells(title, 0)[1:], cells(title, 1)[1:], strict=True))
    assert {name.strip("`"): default.strip("`") for name, default in rows.items()} == table_of(options)


def test_every_permission_is_listed_and_the_example_is_an_option():
    assert [cell.strip("`") for cell in cells("Market data permissions", 0)[1:]] == [one.name for one in Permission]
    (program,) = re.findall(r"```python\n(.*?)```", chapter("Market data permissions"), re.DOTALL)
    names = {}
    exec(program, names)
    assert names["options"].entitlements.kinds == {"STK": Permission.DELAYED}


async def test_every_route_of_the_control_api_is_listed():
    async with SimulatedGateway(SimulatorOptions(port=0)) as gateway:
        paths = build_app(gateway).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    listed = set(re.findall(r"`((?:GET|POST|PUT|DELETE) [^`]+)`", " ".join(cells("HTTP control API", 0)[1:])))
    assert listed == routes


def test_every_log_line_and_every_complaint_is_explained():
    chapter_text = chapter("What it logs, and what it means")
    lines, kinds = set(), set()
    for _, tree in trees("."):
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = ast.unparse(node.func)
            first = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if name.startswith("_log.") and isinstance(first, str):
                lines.add(first)
            elif name in ("self._complain", "WireError", "ProtocolError", "self.counters.add", "self._hall.counters.add"):
                kinds |= {first} - {None}
    assert len(lines) > 5
    assert len(kinds) > 8
    assert {one for one in lines | kinds if f"`{one}`" not in chapter_text} == set()
