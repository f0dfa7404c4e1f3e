"""The page of differences from IB names what the order desk does not take, and every order type that it does."""

import re
from pathlib import Path

from ib_gateway.simulator.broker.orders.checks import _NOT_SIMULATED
from ib_gateway.simulator.broker.orders.terms import SHAPES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/differences-from-ib.md").read_text(encoding="utf-8")


def test_everything_that_an_order_cannot_have_is_on_the_page():
    (row,) = re.findall(r"^\| ([^|]*) \| 321, \"... is not simulated\" \|$", PAGE, re.MULTILINE)
    assert row.casefold().replace(" or ", " ").split(", ") == [what for what, _ in _NOT_SIMULATED]


def test_every_order_type_there_is_is_on_the_page():
    (types,) = re.findall(r"Order types other than (.*?) \(", PAGE)
    assert types.replace(" and ", ", ").split(", ") == list(SHAPES)


def test_every_link_between_the_pages_leads_somewhere():
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text):
            found = page.parent / target if target else page
            assert found.exists(), f"{page}: {target}"
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE) if anchor else []
            names = {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
            assert not anchor or anchor in names, f"{page}: {target}#{anchor}"
