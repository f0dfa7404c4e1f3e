"""One run: steps by chance, then calm, then the question whether all books agree."""

import contextlib
import logging
from collections.abc import Iterator, Sequence

import structlog
from model.steps import Step, perform
from model.world import World

CALM_SECONDS = 120.0
"""Virtual seconds that the desk has, once nothing goes wrong any more, to come to agree."""


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
