"""Run a robot's journal again, and compare what it wants now with what it wanted then.

Pure: takes an iterator of records. Recovery after a crash is the same thing, and goes on with what came out:

    run = replay(strategy, journal.read())
    if run.unrecorded is not None:
        run.runtime.apply(journal.append(run.unrecorded), run.unrecorded)

`run.runtime.unanswered` then holds what was asked for and perhaps never sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from atlas.domain import Action
from atlas.robot.events import Decided, RobotRecord, encode_actions
from atlas.robot.runtime import RobotView, Runtime
from atlas.robot.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Difference:
    """The first event upon which the robot wants something else than it did."""

    sequence: int
    journaled: tuple[Action, ...]
    regenerated: tuple[Action, ...]
    state: RobotView


@dataclass(slots=True)
class Replay:
    """What came out of a replay.

    `actions` are the regenerated ones with the number of their event. `unrecorded` is what the last event led to, if the
    journal ends before that was written down: it was never sent, and belongs into the journal next. `runtime` stands where
    the journal ends, with the orders that the journal says were asked for.
    """

    runtime: Runtime
    actions: list[tuple[int, Action]] = field(default_factory=list)
    first_difference: Difference | None = None
    unrecorded: Decided | None = None

    @property
    def state(self) -> RobotView:
        """Where the robot stands at the end."""
        return self.runtime.view()


def replay(strategy_type: type[Strategy], records: Iterable[tuple[int, RobotRecord]]) -> Replay:
    """Apply the `records` of a journal to a fresh robot of `strategy_type`.

    A difference does not end the replay: from there on the journal is believed about what was sent.
    """
    run = Replay(Runtime(strategy_type))
    runtime = run.runtime
    cause = 0
    wanted: tuple[Action, ...] = ()
    for sequence, record in records:
        if isinstance(record, Decided):
            if record.cause != cause or encode_actions(record.actions) != encode_actions(wanted):
                _differ(run, record.cause, record.actions, wanted if record.cause == cause else ())
            wanted = ()
        elif wanted:  # the journal went on without a decision where there is one now
            _differ(run, cause, (), wanted)
            runtime.disown(cause)
            wanted = ()
        actions = runtime.apply(sequence, record)
        if actions:
            cause, wanted = sequence, tuple(actions)
            run.actions.extend((sequence, action) for action in actions)
    run.unrecorded = Decided(cause, wanted) if wanted else None
    return run


def _differ(run: Replay, sequence: int, journaled: tuple[Action, ...], regenerated: tuple[Action, ...]) -> None:
    if run.first_difference is None:
        run.first_difference = Difference(sequence, journaled, regenerated, run.runtime.view())
