"""Measurements are run as they are, with few rounds and small counts: they must go on fitting what they measure."""

import json
import math
import sys

import pytest

from benchmarks import __main__ as command
from benchmarks import journal, trader


@pytest.fixture
def small(monkeypatch, tmp_path):
    """As little as can be measured."""
    monkeypatch.chdir(tmp_path)
    for module, counts in {
        journal: {"ROUNDS": 1, "SYNCS": 2, "ORDERS": 40, "WINDOW": 4, "EVENTS": 50},
        trader: {"ORDERS": 6, "ROBOTS": 3, "LONE_ORDERS": 2, "CHECKS": 3, "WORKING": 5, "RECONCILED": 20, "TURNS": 50},
    }.items():
        for name, count in counts.items():
            monkeypatch.setattr(module, name, count)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        (journal, ["append and sync", "orders acknowledged over ZeroMQ", "append events", "replay", "size"]),
        (
            trader,
            [
                "orders of 3 robots through the engine to the fill, durable before the receipt (floor: no journal)",
                "orders of 3 robots through the engine to the fill, durable before the receipt (floor: bare appends",
                "submit to durable receipt inside the engine",
                "risk gate, every rule on, beside 0 working orders",
                "risk gate, every rule on, beside 5 working orders",
                "reconciliation of 20 working orders",
                "an order's turn at the message limiter",
            ],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.usefixtures("small")
def test_a_measurement_gives_each_of_its_rows_beside_a_floor(module, names):
    rows = module.measure()
    for name in names:
        assert [one for one in rows if one["name"].startswith(name)], name
    for one in rows:
        assert one["ours"] > 0
        assert one["floor"] > 0
        assert math.isclose(one["ratio"], one["ours"] / one["floor"])


@pytest.mark.usefixtures("small")
def test_the_command_prints_a_table_and_writes_json(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "trader", "--json", str(tmp_path / "rows.json")])
    command.main()
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert {one["group"] for one in rows} == {"trader"}
    told = " ".join(capsys.readouterr().out.split())
    assert "reconciliation of 20 working orders" in told


def test_an_unknown_measurement_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nothing"])
    with pytest.raises(SystemExit):
        command.main()
    assert "no measurement called nothing" in capsys.readouterr().err


def test_a_gate_that_would_deny_is_no_measurement(monkeypatch):
    monkeypatch.setattr(trader, "CHECKS", 1)
    monkeypatch.setattr(trader, "every_rule", lambda: trader.LimitTree.from_plain({"": {"max_order_quantity": 1.0}}))
    with pytest.raises(RuntimeError, match="max_order_quantity"):
        trader.gate()
