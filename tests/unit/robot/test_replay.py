"""The promise: the same journal gives the same orders, to the last byte, and a difference is named."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.domain import Action, OrderEventKind, OrderState, TimeInForce
from atlas.journal import Journal
from atlas.robot import Decided, RobotRecord, Strategy, encode_actions, replay

KIND = OrderEventKind


class Restless(Strategy):
    """Uses everything that a context offers, as the digits of the bid say."""

    def __init__(self, parameters):
        super().__init__(parameters)
        self.seen = 0

    def on_start(self, ctx):
        ctx.timer("first", after_ns=3_000_000_000)

    def on_quote(self, ctx, quote):
        self.seen += 1
        choice = round(quote.bid * 100_000) % 8
        working = ctx.orders
        name = quote.instrument
        if choice == 0:
            ctx.buy(name, 1 + self.seen % 5)
        elif choice == 1:
            ctx.sell(name, 2, limit_price=quote.ask + 0.00003, time_in_force=TimeInForce.IOC)
            ctx.buy(name, 3, limit_price=quote.bid - 0.00001)
        elif choice == 2 and working:
            ctx.cancel(working[0].order.id)
        elif choice == 3 and working:
            ctx.modify(working[-1].order.id, quantity=7, limit_price=quote.mid)
        elif choice == 4:
            ctx.close(name)
        elif choice == 5:
            ctx.timer(f"t{self.seen}", after_ns=self.seen * 1_000_000_000)
        elif choice == 6 and self.seen % 11 == 10:
            raise RuntimeError(f"{quote.bid}")

    def on_order(self, ctx, event):
        if event.kind is KIND.REJECTED:
            state: OrderState | None = ctx.order(event.order_id)
            assert state is not None
            ctx.sell(state.order.instrument, state.order.quantity)

    def on_timer(self, ctx, name):
        ctx.buy("ES-202612@CME", len(name))

    def on_control(self, ctx, command, _arguments):
        if command == "close":
            ctx.close("EUR.USD@IDEALPRO")

    def on_stop(self, ctx):
        for state in ctx.orders:
            ctx.cancel(state.order.id)


HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("quote"), st.integers(100_000, 100_100)),
        st.tuples(st.just("quote"), st.integers(100_000, 100_100)),
        st.tuples(st.sampled_from(["fill", "part", "reject", "cancel", "unknown", "repeat"]), st.integers(0, 9)),
        st.tuples(st.sampled_from(["timer", "pause", "resume", "close", "stop", "start"]), st.integers(0, 9)),
    ),
    max_size=60,
)


def live(robot, happenings):
    """A live run: what happens to orders happens to those that are working."""
    robot.start()
    for what, number in happenings:
        working = [state.order for state in robot.runtime.view().orders]
        order = working[number % len(working)] if working else None
        if what == "quote":
            robot.quote(number / 100_000, number / 100_000 + 0.0001)
        elif what == "timer":
            robot.timer(robot.tick() + number * 1_000_000_000)
        elif what in ("pause", "resume", "close"):
            robot.control(what)
        elif what in ("stop", "start"):
            getattr(robot, what)()
        elif what == "repeat":
            events = [record for _, record in robot.records if not isinstance(record, Decided)]
            if getattr(events[-1], "sequence", None):
                robot.feed(events[-1])
        elif order is not None:
            answer(robot, order, what)
    return robot


def answer(robot, order, what):
    state = robot.runtime._ledger.orders[order.id]
    if state.sequence == 0:
        robot.tell(order, KIND.PENDING)
    if what in ("fill", "part"):
        robot.execute(order, max(state.remaining / (2 if what == "part" else 1), 0.5), 1.1)
    else:
        robot.tell(order, {"reject": KIND.REJECTED, "cancel": KIND.CANCELLED, "unknown": KIND.UNKNOWN}[what])


def actions_of(records) -> list[Action]:
    return [action for _, record in records if isinstance(record, Decided) for action in record.actions]


@given(happenings=HAPPENINGS)
@settings(max_examples=150, deadline=None)
def test_whatever_a_robot_lived_through_its_journal_gives_the_same_orders_and_state(bench, tmp_path_factory, happenings):
    robot = live(bench(Restless), happenings)
    with Journal.open(tmp_path_factory.mktemp("robot"), RobotRecord) as journal:
        for sequence, record in robot.records:
            assert journal.append(record) == sequence
        journal.sync()
        first = replay(Restless, journal.read())
        second = replay(Restless, journal.read())
    for run in (first, second):
        assert run.first_difference is None
        assert run.unrecorded is None
        assert encode_actions([action for _, action in run.actions]) == encode_actions(actions_of(robot.records))
        assert msgspec.msgpack.encode(run.state) == msgspec.msgpack.encode(robot.runtime.view())
        assert run.runtime.unanswered == robot.runtime.unanswered
        assert run.runtime.next_timer_ns == robot.runtime.next_timer_ns


@given(happenings=HAPPENINGS, at=st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_a_robot_that_is_killed_anywhere_goes_on_as_if_nothing_had_been(bench, happenings, at):
    undisturbed = live(bench(Restless), happenings).records
    at = min(at, len(undisturbed))
    run = replay(Restless, undisturbed[:at])
    rest = undisturbed[at:]
    again = []
    if run.unrecorded is not None:  # it was killed between event and decision: nothing had been sent
        again.append((at + 1, run.unrecorded))
        run.runtime.apply(*again[0])
        rest = rest[1:]
    for sequence, record in rest:
        if isinstance(record, Decided):
            assert run.runtime.apply(sequence, record) == []
            continue
        actions = run.runtime.apply(sequence, record)
        if actions:
            again.append((sequence + 1, Decided(sequence, tuple(actions))))
    decided = [(sequence, record) for sequence, record in undisturbed[at:] if isinstance(record, Decided)]
    assert again == decided


@pytest.fixture
def journaled(bench):
    """A journal in which three quotes have caused orders."""
    robot = bench(Restless)
    live(robot, [("quote", 100_000), ("fill", 0), ("quote", 100_001), ("quote", 100_000)])
    assert len(actions_of(robot.records)) == 4
    return robot.records


def test_the_first_difference_is_named_with_both_decisions_and_the_state(journaled):
    index = next(index for index, (_, record) in enumerate(journaled) if isinstance(record, Decided))
    sequence, decided = journaled[index]
    order = decided.actions[0].order
    changed = msgspec.structs.replace(decided.actions[0], order=msgspec.structs.replace(order, quantity=order.quantity + 1))
    records = [*journaled[:index], (sequence, Decided(decided.cause, (changed,))), *journaled[index + 1 :]]
    difference = replay(Restless, records).first_difference
    assert difference is not None
    assert difference.sequence == decided.cause
    assert difference.journaled == (changed,)
    assert difference.regenerated == decided.actions
    assert difference.state.last_sequence == decided.cause


def test_a_decision_that_is_not_made_any_more_is_a_difference(journaled):
    class Calm(Restless):
        def on_quote(self, ctx, quote):
            pass

    difference = replay(Calm, journaled).first_difference
    assert difference is not None
    assert difference.regenerated == ()
    assert difference.journaled != ()


def test_a_decision_that_was_not_made_then_is_a_difference_and_leaves_no_order(journaled):
    index = next(index for index, (_, record) in enumerate(journaled) if isinstance(record, Decided))
    without = [*journaled[:index], *journaled[index + 1 :]]
    run = replay(Restless, without[: index + 1])
    assert run.first_difference is not None
    assert run.first_difference.journaled == ()
    assert run.first_difference.regenerated == journaled[index][1].actions
    assert run.unrecorded is None


def test_after_a_difference_the_journal_is_believed_about_what_was_sent(journaled):
    class Calm(Restless):
        def on_quote(self, ctx, quote):
            pass

    truth = replay(Restless, journaled).state
    calm = replay(Calm, journaled).state
    assert calm.positions == truth.positions
    assert calm.orders == truth.orders


def test_what_the_last_event_wanted_and_nobody_wrote_down_was_never_sent(journaled):
    assert isinstance(journaled[-1][1], Decided)
    run = replay(Restless, journaled[:-1])
    assert run.first_difference is None
    assert run.unrecorded == journaled[-1][1]
    assert list(run.unrecorded.actions) == run.runtime.unanswered[-len(run.unrecorded.actions) :]


def test_an_empty_journal_is_an_installed_robot():
    run = replay(Restless, [])
    assert (run.actions, run.first_difference, run.state.last_sequence) == ([], None, 0)
