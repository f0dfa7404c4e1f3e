"""Whatever happens to a trader, a gateway and a database that are processes: once all is calm, their books and a robot's agree.

The same questions as of the model under virtual time, put to real sockets, real signals and a real database server.
"""

import asyncio

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from model.processes import AAPL, EURUSD, process_desk
from model.robot import ROBOT

from atlas.domain import Cancel, Modify, Order, OrderKind, Side, Submit

EXAMPLES = 20
STEPS = 12
UNITS = {EURUSD: 25_000.0, AAPL: 10.0}
FAR = {EURUSD: (1.0, 1.3), AAPL: (200.0, 350.0)}  # limits that surely rest, and surely are reached, for buys

PARTS = st.sampled_from(["trader", "gateway", "database"])
INSTRUMENTS = st.sampled_from([EURUSD, AAPL])
NUMBERS = st.integers(0, 49)
MESSAGES = st.sampled_from(["OrderStatus", "OpenOrder", "Execution", "CommissionReport"])


class Desk(RuleBasedStateMachine):
    """One desk for all examples; each leaves its orders behind, and the next goes on from there."""

    desk = None
    runner = None
    kills = 0

    def do(self, work):
        return self.runner.run(work)

    def passing(self, seconds):
        self.do(asyncio.sleep(seconds))

    @rule(instrument=INSTRUMENTS, side=st.sampled_from(Side), kind=st.sampled_from(["market", "rests", "fills"]), units=NUMBERS)
    def submit(self, instrument, side, kind, units):
        low, high = FAR[instrument]
        desk = self.desk
        desk.orders += 1
        reached = (kind == "fills") == (side is Side.BUY)
        values = {} if kind == "market" else {"kind": OrderKind.LIMIT, "limit_price": high if reached else low}
        order = Order(f"{ROBOT}-{desk.orders}-0", ROBOT, instrument, side, (units % 4 + 1) * UNITS[instrument], **values)

        async def ask():
            desk.robot.ask(Submit(order))

        self.do(ask())
        self.passing(0.05)

    def working(self, which):
        found = list(self.desk.robot.ledger.working.values())
        return found[which % len(found)].order if found else None

    @rule(which=NUMBERS)
    def cancel(self, which):
        async def ask(order):
            self.desk.changes += 1
            self.desk.robot.ask(Cancel(f"{ROBOT}-c{self.desk.changes}", order.id))

        if (order := self.working(which)) is not None:
            self.do(ask(order))
        self.passing(0.02)

    @rule(which=NUMBERS, units=st.integers(1, 4))
    def modify(self, which, units):
        async def ask(order):
            self.desk.changes += 1
            wish = Modify(f"{ROBOT}-m{self.desk.changes}", order.id, quantity=units * UNITS[order.instrument])
            self.desk.robot.ask(wish)

        if (order := self.working(which)) is not None:
            self.do(ask(order))
        self.passing(0.02)

    @rule(which=NUMBERS)
    def repeat(self, which):
        async def again(asked):
            self.desk.robot.repeat(asked[which % len(asked)])

        if asked := [one for one in self.desk.robot.asked if isinstance(one, Submit)]:
            self.do(again(asked))

    @precondition(lambda self: self.kills < 2)
    @rule(part=st.sampled_from(["trader", "trader", "trader", "gateway", "database"]))
    def kill(self, part):
        """SIGKILL, while orders are under way; what goes on meanwhile meets nobody there."""
        self.kills += 1
        self.do(self.desk.kill(part))

    @rule(part=PARTS, tenths=st.integers(1, 15))
    def stop_for_a_while(self, part, tenths):
        """SIGSTOP, and SIGCONT later."""
        self.do(self.desk.stop_for(part, tenths / 10))

    @rule(kind=st.sampled_from(["duplicate", "reorder", "delay", "drop"]), message=MESSAGES)
    def disturb_messages(self, kind, message):
        more = {"delay_seconds": 0.3} if kind == "delay" else {}
        self.do(self.desk.inject(kind=kind, message=message, for_seconds=3.0, count=3, **more))

    @rule(reset=st.booleans())
    def disconnect(self, reset):
        self.do(self.desk.inject(kind="disconnect", reset=reset))

    @rule(data=st.sampled_from(["maintained", "lost"]), requests=st.sampled_from(["held", "lost"]))
    def lose_ib(self, data, requests):
        self.do(self.desk.inject(kind="connectivity-lost", data=data, requests=requests, for_seconds=1.0))

    @rule(which=NUMBERS, bust=st.booleans())
    def amend_an_execution(self, which, bust):
        async def amend():
            if fills := await self.desk.broker_executions():
                one = fills[which % len(fills)]
                price = {} if bust else {"price": round(one.price * 1.001, 2)}
                kind = "bust-execution" if bust else "correct-execution"
                await self.desk.inject(kind=kind, execution_id=one.execution_id, **price)

        self.do(amend())

    @rule(tenths=st.integers(1, 10))
    def wait(self, tenths):
        self.passing(tenths / 10)

    def teardown(self):
        self.do(self.desk.calm())


@pytest.mark.timeout(400)
def test_books_agree_after_whatever_happened_to_processes(tmp_path):
    with asyncio.Runner() as runner:
        context = process_desk(tmp_path)
        Desk.runner, Desk.desk = runner, runner.run(context.__aenter__())
        try:
            run_state_machine_as_test(
                Desk,
                settings=settings(
                    max_examples=EXAMPLES,
                    stateful_step_count=STEPS,
                    deadline=None,
                    derandomize=True,
                    database=None,
                    phases=(Phase.generate,),  # the desk lives on: what led to a failure cannot be done again with fewer steps
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(context.__aexit__(None, None, None))
