"""Reports come in any order, twice, or only when the broker is asked: the orders and books that they make are the same."""

from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from support.trading import ACCOUNT, EURUSD, INSTRUMENTS, DeskDriver, order, reconciled_desk, restarted, restored

from atlas.domain import (
    Books,
    Commission,
    Execution,
    ManualClock,
    OrderEventKind,
    OrderKind,
    OrderState,
    Side,
    execution_base,
    execution_revision,
)
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus
from atlas.trading.effects import CancelOrder, ChangeOrder, PlaceOrder

WANTED = [
    order(1, quantity=10_000, kind=OrderKind.LIMIT, limit_price=1.1),
    order(2, Side.SELL, quantity=5_000, kind=OrderKind.LIMIT, limit_price=1.2),
    order(3, quantity=8_000),
]


def two_orders_sent() -> DeskDriver:
    clock = ManualClock(1_000)
    driver = DeskDriver(clock, reconciled_desk(clock))
    for wanted in WANTED[:2]:
        driver.submit(wanted)
        driver.sent(wanted)
    return driver


@st.composite
def stories(draw) -> list[object]:
    """All that a broker tells of two orders: that they work, fills with corrections, what they cost, and maybe an end."""
    reports: list[object] = []
    for number, wanted in enumerate(WANTED[:2], 1):
        perm_id = 100 + number
        reports.append(BrokerOrder(wanted.id, number, perm_id, BrokerStatus.WORKING))
        for fill in range(draw(st.integers(0, 3))):
            revisions = draw(st.integers(1, 3))
            for revision in range(1, revisions + 1):
                quantity, price = draw(st.integers(0, 4)) * 1_000.0, 1.1 + draw(st.integers(0, 9)) * 0.00005
                name = f"x{number}.{fill}.{revision:02d}"
                facts = {"quantity": quantity, "price": price, "at_ns": 10 * fill, "perm_id": perm_id}
                named = wanted.id if draw(st.booleans()) else ""
                reports.append(Execution(name, named, ACCOUNT, wanted.instrument, wanted.side, **facts))
                reports.append(Commission(name, draw(st.integers(0, 5)) / 10, "USD"))
        if draw(st.booleans()):
            status = draw(st.sampled_from([BrokerStatus.CANCELLED, BrokerStatus.EXPIRED]))
            reports.append(BrokerOrder(wanted.id, number, perm_id, status))
    return reports


def told(driver: DeskDriver, reports: list[object]) -> DeskDriver:
    for report in reports:
        driver.report(report)
    return driver


def facts(state: OrderState) -> tuple[object, ...]:
    return (
        state.status,
        state.filled,
        state.average_price,
        state.commission,
        state.perm_id,
        state.fills,
        state.charges,
        state.order,
    )


def outcome(driver: DeskDriver) -> tuple[object, ...]:
    books = driver.desk.books
    return (
        {order_id: facts(state) for order_id, state in driver.desk.states.items()},
        books.held(ACCOUNT),
        books.cash_changes(),
        books.realised(ACCOUNT, EURUSD.id),
        books.commissions(ACCOUNT),
    )


@given(stories(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_reports_in_any_order_and_number_make_what_the_sorted_unique_ones_make(story, random):
    heard = story + random.choices(story, k=len(story))
    random.shuffle(heard)
    # A fill that names no order is known by its number for good, which some report has to have told.
    links = [report for report in story if isinstance(report, BrokerOrder) and report.status is BrokerStatus.WORKING]
    assert outcome(told(two_orders_sent(), links + heard)) == outcome(told(two_orders_sent(), story))


@given(stories(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_broker_that_is_asked_says_the_same_as_one_that_tells(story, random):
    heard = [report for report in story if random.random() < 0.5]
    random.shuffle(heard)
    driver = told(two_orders_sent(), heard)
    snapshot = as_snapshot(story)
    driver.reconcile(**snapshot)
    assert outcome(driver) == outcome(told(two_orders_sent(), story))
    assert driver.reconcile(**snapshot) == []


def as_snapshot(story: list[object]) -> dict[str, object]:
    """What the broker answers after `story`: of everything the last word."""
    orders = {report.perm_id: report for report in story if isinstance(report, BrokerOrder)}
    executions = {execution_base(one.id): one for one in story if isinstance(one, Execution)}
    commissions = {execution_base(one.execution_id): one for one in story if isinstance(one, Commission)}
    still = [one for one in orders.values() if one.status is BrokerStatus.WORKING]
    books = Books()
    for execution in executions.values():
        books.execute(execution, INSTRUMENTS[execution.instrument])
    return {
        "open_orders": tuple(one for one in still if not is_filled(one, executions)),
        "completed_orders": tuple(
            one if one not in still else replace(one, status=BrokerStatus.FILLED)
            for one in orders.values()
            if one not in still or is_filled(one, executions)
        ),
        "executions": tuple(executions.values()),
        "commissions": tuple(commissions.values()),
        "positions": books.positions(),
    }


def is_filled(report: BrokerOrder, executions: dict[str, Execution]) -> bool:
    wanted = next(one for one in WANTED if one.id == report.order_id)
    return sum(one.quantity for one in executions.values() if one.perm_id == report.perm_id) >= wanted.quantity


@dataclass
class Hand:
    """Makes of numbers steps that a desk can take: what a robot wants, what a broker says, what a shell does."""

    driver: DeskDriver

    def step(self, what: int, which: int, size: int) -> None:
        driver, wanted = self.driver, WANTED[which % 3]
        if wanted.id not in driver.desk.states:
            driver.submit(wanted)
            return
        number = driver.state(wanted).broker_order_id
        perm_id = 100 + number + (1_000 if size == 4 else 0)
        executed = {"quantity": size * 1_000.0, "price": 1.1, "at_ns": which, "perm_id": perm_id}
        name = f"x{number}.{size}.{1 + which % 3:02d}"
        statuses = list(BrokerStatus)
        pending = [
            e for e in driver.effects if isinstance(e, PlaceOrder | ChangeOrder | CancelOrder) and e.order_id == wanted.id
        ]
        if what in (7, 8, 9) and not pending:
            return  # it was denied
        match what:
            case 0:
                driver.report(BrokerOrder(wanted.id, number, perm_id, statuses[size % len(statuses)]))
            case 1 | 2:
                driver.report(Execution(name, wanted.id, ACCOUNT, wanted.instrument, wanted.side, **executed))
            case 3:
                driver.report(Commission(name, size / 10, "USD"))
            case 4:
                driver.report(BrokerError(number, (201, 202, 110, 135, 161)[size], "words"))
            case 5:
                driver.cancel(wanted)
            case 6:
                driver.modify(wanted, quantity=(size + 1) * 3_000.0)
            case 7:
                driver.take(driver.desk.sent(pending[0]))
            case 8:
                driver.take(driver.desk.unresolved(pending[0], "cut off"))
            case 9:
                driver.take(driver.desk.not_sent(pending[-1], "no link"))


STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 4)), max_size=25)


@given(STEPS)
@settings(deadline=None)
def test_a_desk_that_reads_back_what_it_wrote_is_the_same_desk(steps):
    clock = ManualClock(1_000)
    driver = DeskDriver(clock, reconciled_desk(clock))
    for step in steps:
        Hand(driver).step(*step)
    assert [event.sequence for event in driver.events] == list(range(1, len(driver.events) + 1))
    read_back = restarted(driver)
    assert read_back.desk.states == driver.desk.states
    assert outcome(read_back) == outcome(driver)
    assert read_back.desk.last_sequence == driver.desk.last_sequence
    from_database = restored(driver)
    for event in driver.events[len(driver.events) // 2 :]:
        from_database.replay(event)
    assert from_database.states == driver.desk.states
    assert from_database.books.held(ACCOUNT) == driver.desk.books.held(ACCOUNT)
    assert from_database.books.cash_changes() == driver.desk.books.cash_changes()
    assert sorted(state.order.id for state in from_database.working()) == sorted(s.order.id for s in driver.desk.working())


@given(STEPS, st.lists(st.integers(0, 5), max_size=4))
@settings(deadline=None)
def test_reconciling_again_or_after_restarts_makes_no_new_event(steps, listed):
    clock = ManualClock(1_000)
    driver = DeskDriver(clock, reconciled_desk(clock))
    for step in steps:
        Hand(driver).step(*step)
    executions = [event.execution for event in driver.events if event.execution is not None]
    foreign = [BrokerOrder("", 0, 900 + n, BrokerStatus.WORKING, terms=WANTED[0], ours=False) for n in sorted(set(listed))]
    ours = [
        driver.broker_order(WANTED[n % 3], quantity=None) for n in sorted(set(listed)) if WANTED[n % 3].id in driver.desk.states
    ]
    dark = {
        "open_orders": (*foreign, *ours),
        "executions": tuple(newest(executions)),
        "positions": driver.desk.books.positions(),
    }
    driver = restarted(driver)  # what had not left then is denied
    for _ in range(3):  # an order that is missing is over the second time
        driver.reconcile(**dark)
    assert driver.reconcile(**dark) == []
    again = restarted(driver)
    assert again.reconcile(**dark) == []
    third = restarted(again)
    assert third.reconcile(**dark) == []
    assert third.desk.states == driver.desk.states


def newest(executions: list[Execution]) -> list[Execution]:
    found: dict[str, Execution] = {}
    for one in executions:
        base = execution_base(one.id)
        if base not in found or execution_revision(found[base].id) < execution_revision(one.id):
            found[base] = one
    return list(found.values())


def test_the_kinds_of_events_that_steps_lead_to_are_many():
    """The steps above are worth something only if they lead somewhere."""
    clock = ManualClock(1_000)
    driver = DeskDriver(clock, reconciled_desk(clock))
    for what, which, size in [
        (0, 0, 0),
        (7, 0, 0),
        (0, 0, 1),
        (6, 0, 0),
        (1, 0, 2),
        (3, 0, 2),
        (5, 0, 0),
        (4, 0, 1),
        (8, 1, 0),
    ]:
        Hand(driver).step(what, which, size)
    assert len({event.kind for event in driver.events}) >= 8
    assert OrderEventKind.EXECUTED in {event.kind for event in driver.events}
