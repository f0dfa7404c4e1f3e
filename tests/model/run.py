"""One run: steps by chance, then calm, then the question whether all books agree."""

import contextlib
import logging
from collections.abc import Iterator, Sequence

import structlog
from model.steps import Step, perform
from model.trader import VALUES
from model.world import QUOTES, World

CALM_SECONDS = 600.0
"""Virtual seconds that the desk has, once nothing goes wrong any more, to come to agree: an order that nobody knows is looked
for over minutes before it is given up."""


_BREAK_SECONDS = 3 * VALUES.reconcile_seconds


class Disagreement(AssertionError):
    """What did not agree after a run, and the steps that led there."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nobody reads what thousands of desks log."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False)
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)


def run(seed: int, steps: Sequence[Step]) -> World:
    """Do the steps in a world of their own.

    Raises:
        Disagreement: the books do not agree afterwards.
    """
    world = World(seed)
    try:
        for step in steps:
            perform(world, step)
        settle(world)
    finally:
        world.end()
    return world


def settle(world: World) -> None:
    """Let the run end connected, and demand that everybody agrees: at once, after a while, and after one more restart.

    Raises:
        Disagreement: they do not.
    """
    world.calm()
    _agree(world, "after calm")
    world.pass_time(10.0)
    _demand(world, "a reconciliation later")
    events = len(world.store.events)
    world.kill()
    _agree(world, "after one more restart")
    if len(world.store.events) != events:
        extra = [world.store.events[number] for number in range(events + 1, max(world.store.events) + 1)]
        raise Disagreement(f"a restart in calm made events: {extra}")
    _notices_a_break(world)


def _notices_a_break(world: World) -> None:
    """The broker's position moves, and nobody says why: that is an alarm, until it has moved back."""
    instrument = next(iter(QUOTES))
    for moved, wanted in ((1000.0, True), (-1000.0, False)):
        world.move_position(instrument, moved)
        world.pass_time(_BREAK_SECONDS)
        assert world.trader is not None  # it was ready
        if world.trader.alarms.is_raised(f"position-break:{instrument}") is not wanted:
            raise Disagreement(f"the broker's position in {instrument} moved by {moved}: break alarmed {not wanted}")


def _agree(world: World, when: str) -> None:
    deadline = world.loop.now + CALM_SECONDS
    while True:
        world.pass_time(2.0)
        if world.ready and not world.differences():
            return
        if world.loop.now > deadline:
            _demand(world, when)
            raise Disagreement(f"{when} the trader is not ready: {world.problems}")


def _demand(world: World, when: str) -> None:
    found = world.differences() + world.loop.failures
    if found:
        raise Disagreement(f"{when}: " + "\n  ".join(found))
