"""The model is strong enough: a trader that is wrong in one way is found out, by the offence that it commits.

Each run was found by chance within a few dozen, and is as short as it could be made. The same runs pass with the real trader.
"""

import pytest
from model.mutants import MUTANTS
from model.run import Disagreement, quiet, run
from model.steps import Step

RUNS = {
    "an_order_is_sent_before_it_is_written": ("not in the database", [Step("submit", (0, 1, 1, 3, 11, 0))]),
    "a_change_is_sent_before_it_is_written": (
        "with terms that are not written", [Step("submit_bracket", (1, 1, 2, 2)), Step("modify", (14, 0, 2))],
    ),
    "an_unknown_answer_is_read_as_an_empty_one": (
        "an answer that is unknown .* made",
        [Step("wait", (5,)), Step("submit_bracket", (0, 1, 2, 11)), Step("partition", (5,)), Step("wait", (6,))],
    ),
    "a_cancellation_is_final_once_it_is_sent": (
        "is cancelled in our books and Submitted at the broker", [Step("submit", (0, 1, 1, 3, 11, 0)), Step("cancel", (47,))],
    ),
    "another_stop_price_is_sent_than_was_asked_for": (
        "with terms that are not written", [Step("submit", (1, 1, 4, 2, 0, 0)), Step("modify", (14, 0, 2))],
    ),
    "positions_are_not_compared": ("moved by 1000.0: break alarmed False", []),
    "the_trading_state_is_ignored": (
        "while trading was reducing", [Step("set_state", (1,)), Step("submit", (1, 1, 3, 0, 11, 0))],
    ),
    "events_are_told_before_they_are_written": ("was told and is not in the database", [Step("hand_order", (0, 1, 1, 8))]),
    "orders_are_taken_in_doubt": (
        "was taken in doubt", [Step("restored", (1,)), Step("submit", (1, 0, 4, 2, 10, 1))],
    ),
    "an_order_that_was_cancelled_still_leaves": (
        "left, and was pending, cancelled True",
        [Step("lose_database", (2, 5)), Step("submit", (0, 1, 3, 0, 6, 2)), Step("cancel_all", ())],
    ),
}  # fmt: skip
SEED = 1


def test_there_is_a_run_for_every_way_to_be_wrong():
    assert RUNS.keys() == MUTANTS.keys()


@pytest.mark.parametrize("name", MUTANTS)
def test_a_trader_that_is_wrong_is_found_out(name, monkeypatch):
    offence, steps = RUNS[name]
    MUTANTS[name](monkeypatch)
    with quiet(), pytest.raises(Disagreement, match=offence):
        run(SEED, steps)


@pytest.mark.parametrize("name", MUTANTS)
def test_the_real_trader_is_not(name):
    with quiet():
        run(SEED, RUNS[name][1])
