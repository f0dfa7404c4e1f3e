"""Strategies out of files."""

import traceback

import pytest

from atlas.domain import BadInput, ConfigurationError
from atlas.robot import Strategy, load_strategy, make_parameters

GOOD = """
from __future__ import annotations
from atlas import Bar, Context, Parameters, Quote, Strategy

class GoodParameters(Parameters, frozen=True):
    quantity: float = 1.0

class Base(GoodParameters, frozen=True):
    pass

class Good(Strategy):
    parameters: GoodParameters

    def on_quote(self, ctx: Context, quote: Quote) -> None:
        ctx.buy(quote.instrument, self.parameters.quantity)
"""


@pytest.fixture
def write(tmp_path):
    def written(text, name="robot.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return written


def test_a_strategy_is_the_one_class_of_its_file(write):
    strategy = load_strategy(write(GOOD))
    assert issubclass(strategy, Strategy)
    assert strategy.__name__ == "Good"
    assert make_parameters(strategy, {"quantity": 3}).quantity == 3.0


def test_two_files_of_one_name_stay_apart(write, tmp_path):
    (tmp_path / "other").mkdir()
    one = load_strategy(write(GOOD))
    other = load_strategy(write(GOOD.replace("1.0", "2.0"), "other/robot.py"))
    assert make_parameters(one, {}).quantity == 1.0
    assert make_parameters(other, {}).quantity == 2.0


def test_an_edit_counts_at_the_next_loading_however_soon(write):
    for number in range(5):  # same size, same second: bytecode kept beside the file would be stale
        strategy = load_strategy(write(GOOD.replace("1.0", f"{number}.0")))
        assert make_parameters(strategy, {}).quantity == float(number)


def test_loading_leaves_nothing_beside_the_file(write, tmp_path):
    load_strategy(write(GOOD))
    assert [path.name for path in tmp_path.iterdir()] == ["robot.py"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("def on_quote(:\n", "line 1"),
        ("\n\nx = (", "line 3"),
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(0)", "SystemExit"),
        ("", "it defines: none"),
        ("from atlas import Strategy", "it defines: none"),
        (GOOD + "\nclass Second(Strategy):\n    pass\n", "it defines: Good, Second"),
        ("x = '\x00'", "null"),
    ],
)
def test_a_file_that_cannot_be_a_strategy_is_refused_in_one_line_with_its_name(write, text, complaint):
    path = write(text)
    with pytest.raises(BadInput) as refused:
        load_strategy(path)
    assert str(path) in str(refused.value)
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path / "nowhere.py", tmp_path):
        with pytest.raises(BadInput, match="there is no strategy at"):
            load_strategy(path)


@pytest.mark.parametrize("annotation", ["dict", "Unheard", "int | None"])
def test_parameters_must_be_annotated_with_a_class_of_parameters(write, annotation):
    path = write(GOOD.replace("parameters: GoodParameters", f"parameters: {annotation}"))
    with pytest.raises(ConfigurationError, match="parameters"):
        load_strategy(path)


def test_a_traceback_shows_the_line_of_the_file(write):
    strategy = load_strategy(write(GOOD.replace("ctx.buy(quote.instrument, self.parameters.quantity)", "ctx.fly()")))
    try:
        strategy(make_parameters(strategy, {})).on_quote(None, None)
    except AttributeError:
        assert "ctx.fly()" in traceback.format_exc()
    else:
        pytest.fail("it should have raised")


@pytest.mark.parametrize(("text", "number"), [("10", 10.0), ("1.5", 1.5)])
def test_parameters_can_be_read_from_text(write, text, number):
    strategy = load_strategy(write(GOOD))
    assert make_parameters(strategy, {"quantity": text}, from_text=True).quantity == number
    with pytest.raises(ConfigurationError):
        make_parameters(strategy, {"quantity": text})
