"""Runs that found something once, as short as they could be made. They pass for good now, each within a moment."""

import pytest
from model.run import quiet, run
from model.steps import Step

RUNS = {
    "an order that was changed is submitted again": [
        Step("lose_on_the_line", (1, 2)), Step("submit", (0, 1, 4, 3, 3, 0)), Step("modify", (43, 0, 9)), Step("wait", (6,)),
    ],
    "a cancellation comes before the bracket that it is for": [Step("submit_bracket", (1, 1, 1, 9)), Step("cancel", (45,))],
    "the legs of a bracket are held until the last one comes": [Step("submit_bracket", (1, 0, 1, 2)), Step("wait", (3,))],
    "the broker is lost and found while the gateway stands still": [
        Step("submit", (1, 0, 2, 2, 0, 1)), Step("restored", (0,)), Step("freeze", (0,)), Step("submit", (1, 0, 4, 3, 2, 2)),
        Step("disconnect", (1,)),
    ],
    "the connection breaks while a question of before is settled": [
        Step("read_only", (0,)), Step("kill", ()), Step("wait", (6,)), Step("disconnect", (1,)),
        Step("hand_order", (0, 1, 0, 0)),
    ],
    "an order grows while it is filled, and is said to be held long after": [
        Step("lose_requests", (0,)), Step("quote", (1, 9, 0)), Step("submit", (1, 0, 2, 1, 0, 2)),
        Step("delay_messages", (1, 2)), Step("submit_bracket", (1, 1, 0, 11)), Step("modify", (21, 2, 4)),
    ],
    "a group is written in part, and nowhere else": [
        Step("fill_disk", (1,)), Step("lose_database", (2, 0)), Step("submit_bracket", (0, 0, 2, 0)), Step("kill", ()),
    ],
    "the robot gives up while the database is away": [
        Step("lose_database", (0, 5)), Step("wait", (1,)), Step("kill", ()), Step("submit", (1, 0, 3, 0, 8, 2)),
        Step("wait", (6,)), Step("repeat", (6,)),
    ],
    "of a change to a smaller quantity only the fill is heard": [
        Step("submit", (1, 1, 0, 2, 11, 1)), Step("submit", (1, 0, 2, 3, 5, 0)), Step("lose_messages", (1, 0)),
        Step("modify", (18, 1, 2)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("steps", list(RUNS.values()), ids=list(RUNS))
def test_books_agree(steps):
    with quiet():
        run(7, steps)
