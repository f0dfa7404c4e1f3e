"""The reference says what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from atlas.service.settings import RiskSettings
from atlas.trading.risk import AtLimit, Limits

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "risk-rules.md").read_text(encoding="utf-8")
ROWS = [row.split("|") for row in PAGE.splitlines() if row.startswith("| `")]
DEFAULTS = {name: row[5].strip() for row in ROWS if len(row) == 7 for name in re.findall(r"`(\w+)`", row[1])}


@pytest.mark.parametrize("name", [name for name in Limits.model_fields if name != "at_daily_limit"])
def test_every_limit_is_in_the_table_with_its_default(name):
    default, told = getattr(RiskSettings(), name), DEFAULTS[name].replace(" ", "")
    if default:
        assert float(told) == default
    else:
        assert told == {None: "off", (): "empty", False: "false"}[default]


def test_the_table_has_no_limit_that_there_is_not():
    assert set(DEFAULTS) <= set(Limits.model_fields)


def test_every_action_is_explained():
    assert [row[1].strip(" `") for row in ROWS if len(row) == 4] == [action.value for action in AtLimit]


def test_the_example_is_a_configuration():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    tree = RiskSettings.model_validate(yaml.safe_load(example)["trader"]["risk"]).tree()
    assert sorted(tree) == ["", "account:DU1000001", "instrument:AAPL@SMART", "robot:sma-eurusd"]
