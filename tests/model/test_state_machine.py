"""Whatever happens to a desk, in whatever order: once it is connected and calm, database, gateway and robot agree.

Everything is real but the wires: the engine of the trader, its adapter to Interactive Brokers, the simulated gateway with its
faults, the journal, and the robot's ledger run in one process under virtual time. `make soak` does the same runs by number.
"""

import gc

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from model.run import quiet, settle
from model.steps import KINDS, Step, perform
from model.world import World

EXAMPLES = 500
STEPS = 25


class Desk(RuleBasedStateMachine):
    """A desk to which a random step happens at a time. At the end of a run it is calmed, and all books are compared."""

    world: World | None = None
    ended = 0

    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed):
        self.world = World(seed)

    @rule(data=st.data(), name=st.sampled_from([name for name, kind in KINDS.items() for _ in range(kind.weight)]))
    def step(self, data, name):
        numbers = tuple(data.draw(st.integers(0, bound - 1)) for bound in KINDS[name].bounds)
        perform(self.world, Step(name, numbers))

    def teardown(self):
        if self.world is not None:
            try:
                settle(self.world)
            finally:
                self.world.end()
        Desk.ended += 1
        if Desk.ended % 10 == 0:
            gc.collect()


@pytest.fixture
def undisturbed():
    """Nothing is logged, and what lies about is collected between the runs."""
    with quiet():
        gc.collect()
        gc.freeze()
        gc.disable()
        yield
        gc.enable()
        gc.unfreeze()


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("undisturbed")
def test_books_agree_after_whatever_happened():
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
            print_blob=True,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
