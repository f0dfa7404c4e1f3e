"""The page about instruments: its row can be listed, and what it says of the market's fields and of the shipped file is so."""

import re
from pathlib import Path

import msgspec
import yaml

from ib_gateway.simulator.instruments import load
from ib_gateway.simulator.instruments.rows import File, ModelRow

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/how-to/list-your-own-instruments.md").read_text(encoding="utf-8")
SHIPPED = (ROOT / "ib_gateway/simulator/instruments/instruments.yaml").read_text(encoding="utf-8")


def test_the_row_on_the_page_lists_a_stock(tmp_path):
    (row,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "my.yaml").write_text(SHIPPED.replace("\nstocks:\n", f"\nstocks:\n{row}", 1))
    listing = load(tmp_path / "my.yaml").by_con_id(8314)
    assert (listing.instrument.id, listing.model.trade_share) == ("IBM@SMART", 0.3)


def test_every_field_of_a_market_is_listed_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| ([^|`]+) \|", PAGE.split("## How the price behaves")[1], re.MULTILINE)
    fields = msgspec.structs.fields(ModelRow)
    assert dict(rows) == {
        field.name: "required" if field.default is msgspec.NODEFAULT else f"{field.default:g}" for field in fields
    }


def test_the_page_names_every_section_and_what_there_are_options_on():
    file = msgspec.convert(yaml.safe_load(SHIPPED), File, strict=False)
    (named,) = re.findall(r"options on ([\w, ]+)\.", " ".join(PAGE.split()))
    assert [chain.underlying.partition("@")[0] for chain in file.options] == re.findall(r"[A-Z]+", named)
    assert {field.name for field in msgspec.structs.fields(File)} <= set(re.findall(r"`(\w+)`", PAGE))
