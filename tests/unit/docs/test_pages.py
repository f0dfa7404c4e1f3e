"""What the pages say by name is there: files, headings, settings, steps, collections, alarms, decisions."""

import ast
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from atlas.cli import trade
from atlas.service.config import _SETTINGS, load
from atlas.service.settings import Settings
from services.trader.faults import FAULT_POINTS

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
ALARMING = ("atlas/trading", "atlas/service", "services")
SECTIONS = sorted({key.split(".")[0] for key in _SETTINGS if "." in key})


def text_of(page):
    return page.read_text(encoding="utf-8")


def headings(page):
    """The anchors of a page, as they are made of its headings."""
    lines = re.sub(r"```.*?```", "", text_of(page), flags=re.DOTALL).splitlines()
    titles = [line.lstrip("#").strip().lower() for line in lines if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if link.startswith(("http://", "https://")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in headings(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_that_is_named_is_one(page):
    text = text_of(page)
    sections = [one for one in SECTIONS if one != "gateway" or "imulated gateway" not in text]  # there it is an object
    named = set(re.findall(rf"`((?:{'|'.join(sections)})(?:\.[a-z_]+)+)`", text))
    groups = {key.rpartition(".")[0] for key in _SETTINGS}
    assert {name for name in named - set(_SETTINGS) - groups if not name.endswith((".py", ".yaml", ".lock"))} == set()


def test_every_step_at_which_the_trader_can_be_killed_is_on_the_page_about_its_way_and_no_other():
    page = text_of(DOCS / "architecture.md")
    assert set(re.findall(r"`((?:send|fill|cancel|modify|group|reconcile)\.\d_\w+)`", page)) == set(FAULT_POINTS)


def test_every_collection_of_the_database_is_listed_and_no_other():
    sources = "".join(text_of(path) for path in (ROOT / "atlas/store").glob("*.py"))
    collections = set(re.findall(r'\.collection\("(\w+)"\)', sources))
    collections |= set(re.findall(r'^ORDERS, REQUESTS = "(\w+)", "(\w+)"', sources, re.MULTILINE)[0])
    table = text_of(DOCS / "architecture.md").split("| collection | written by")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) == collections


def test_every_decision_is_in_the_list_of_decisions_by_its_title():
    listed = re.findall(r"^\| \[(\d+)\]\((\d{4})-[\w-]+\.md\) \| (.+) \|$", text_of(DOCS / "decisions/README.md"), re.MULTILINE)
    records = sorted((DOCS / "decisions").glob("0*.md"))
    titles = [text_of(record).splitlines()[0].removeprefix("# ") for record in records]
    assert [f"{number}. {title}" for number, _, title in listed] == titles
    assert [number for _, number, _ in listed] == [f"{number:04}" for number in range(1, len(records) + 1)]


def test_every_command_of_trading_is_shown():
    commands = {command.name or command.callback.__name__.replace("_", "-") for command in trade.app.registered_commands}
    pages = "".join(text_of(page) for page in (DOCS / "how-to").glob("*.md"))
    assert len(commands) > 8
    assert {name for name in commands if f"atlas trade {name}" not in pages} == set()


def test_every_command_over_http_is_listed():
    sources = text_of(ROOT / "services/monitor/commands.py")
    routes = {re.sub(r"\{\w+\}", "{id}", path) for path in re.findall(r'@router\.\w+\("([^"]+)"', sources)}
    page = text_of(DOCS / "how-to/trade-from-the-command-line.md").split("| route | does |")[1]
    assert len(routes) > 8
    assert {route for route in routes if f"{route}`" not in page and f"{route}?" not in page} == set()


def test_every_package_that_is_needed_has_a_reason():
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    needed = {re.split(r"[^\w-]", need)[0] for need in (*project["dependencies"], *project["optional-dependencies"]["dev"])}
    page = text_of(DOCS / "dependencies.md")
    assert {name for name in needed if f"`{name}`" not in page and not name.startswith("types-")} == set()
    rows = set(re.findall(r"`([\w-]+)`", " ".join(re.findall(r"^\| (`.*?) \|", page, re.MULTILINE))))
    assert rows <= needed


@pytest.mark.parametrize("page", sorted((DOCS / "how-to").glob("*.md")), ids=lambda page: page.stem)
def test_every_configuration_on_a_page_can_be_loaded(page, tmp_path):
    for text in re.findall(r"```yaml\n(.*?)```", text_of(page), re.DOTALL):
        content = yaml.safe_load(text)
        if isinstance(content, dict) and content.keys() <= Settings.model_fields.keys():
            (tmp_path / "atlas.yaml").write_text(text)
            assert load([], {}, tmp_path / "atlas.yaml").origins


def beginning(node, names):
    """How the text begins that an expression gives, as far as the source says it: "fork:" of f"fork:{id}"."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=[first, *_]):
            return beginning(first, names)
        case ast.BinOp(left=left):
            return beginning(left, names)
        case ast.Name(id=name):
            return names.get(name, "")
    return ""


def alarm_keys():
    """The keys of all alarms, up to where what they are about begins."""
    found = set()
    for path in sorted(path for folder in ALARMING for path in (ROOT / folder).rglob("*.py")):
        tree, names = ast.parse(text_of(path)), {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                targets = node.targets[0].elts if isinstance(node.targets[0], ast.Tuple) else node.targets[:1]
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                pairs = zip(targets, values, strict=False)
                names |= {target.id: beginning(value, names) for target, value in pairs if isinstance(target, ast.Name)}
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names[node.target.id] = beginning(node.value, names)
            if isinstance(node, ast.ImportFrom):
                names |= {one.name: alarm_constants().get(one.name, "") for one in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and getattr(node.func, "attr", "") in ("raise_", "begin"):
                found.add(beginning(node.args[0], names))
        if path.name == "gateway.py":
            found |= {names[name] for name in ("LOST", "DOWN", "HELP")}
        if path.name == "subscriber.py":
            found |= {"market-data:"} if 'f"market-data:' in text_of(path) else set()
    return found - {""}


def alarm_constants():
    sources = "".join(text_of(ROOT / "atlas/trading" / f"{name}.py") for name in ("reconcile", "troubles", "lost_fills"))
    return dict(re.findall(r'^([A-Z]+) = "([a-z-]+:?)"', sources, re.MULTILINE))


def test_every_alarm_has_a_paragraph_that_says_what_to_do_and_no_other_has():
    told = re.findall(r"^\*\*`([a-z-]+:?)", text_of(DOCS / "reference/alarms.md"), re.MULTILINE)
    assert len(told) == len(set(told))
    keys = alarm_keys()
    assert len(keys) > 15
    assert {key if ":" not in key else key[: key.index(":") + 1] for key in keys} == set(told)
