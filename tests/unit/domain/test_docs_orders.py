"""The reference of orders says what the tables say."""

import re
from pathlib import Path

import pytest

from atlas.domain import ORDER_PRICES, Condition, Order, OrderKind, TimeInForce
from atlas.domain.algos import ALGORITHMS
from atlas.trading.preflight import _REMEDIES

PAGE = (Path(__file__).parents[3] / "docs/reference/orders.md").read_text()
ROWS = {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in
        (line.strip("|").split("|") for line in PAGE.splitlines() if line.startswith("| `"))}  # fmt: skip


@pytest.mark.parametrize("kind", OrderKind)
def test_each_kind_is_there_with_its_prices(kind):
    _, needs, may_have = ROWS[kind.value]
    prices = ORDER_PRICES[kind]
    named = set(re.findall(r"[a-z]+_[a-z]+", needs))
    assert named == {*prices.needed, *prices.one_of}
    assert set(re.findall(r"[a-z]+_[a-z]+", may_have)) == set(prices.optional)


def test_times_in_force_conditions_algorithms_and_remedies_are_there():
    for word in (
        *(f"`{one.value}`" for one in TimeInForce),
        *(f"`{one.__name__}`" for one in Condition.__args__),
        *ALGORITHMS,
        *(str(code) for code in _REMEDIES if code < 10_268 or code > 10_269),
    ):
        assert word in PAGE, word


def test_what_hangs_together_is_there_by_the_names_of_the_fields():
    fields = set(Order.__struct_fields__)
    for name in ("parent_id", "oca_group", "oca_type", "advisor_group", "advisor_method", "conditions_cancel", "good_after_ns"):
        assert name in fields
        assert f"`{name}`" in PAGE
