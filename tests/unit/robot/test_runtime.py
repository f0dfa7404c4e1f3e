"""States, events, errors: what the runtime makes of what comes."""

import msgspec
import pytest

from atlas.domain import (
    BadInput,
    ConfigurationError,
    Execution,
    OrderEvent,
    OrderEventKind,
    OrderStatus,
    Quote,
    Side,
    Trade,
    action_id,
)
from atlas.robot import Decided, Parameters, RobotRecord, RobotState, Runtime, Stopped, Strategy, started

KIND = OrderEventKind


def test_a_robot_begins_installed_and_runs_once_it_is_started(bench):
    robot = bench(Strategy)
    assert robot.runtime.state is RobotState.INSTALLED
    robot.start()
    assert robot.runtime.state is RobotState.RUNNING
    robot.stop()
    assert robot.runtime.state is RobotState.STOPPED


def test_a_strategy_hears_what_happens_in_order(desk):
    desk.quote(1.1, 1.2)
    desk.bar(1.15)
    desk.control("hello", name="world")
    desk.stop()
    start, quote, bar, control, stop = desk.puppet.heard
    assert (start[0], quote.ask, bar.close, control, stop[0]) == (
        "start",
        1.2,
        1.15,
        ("hello", {"name": "world"}),
        "stop",
    )


def test_an_order_event_is_counted_before_the_strategy_hears_it(desk):
    order = desk.buy()
    desk.tell(order, KIND.PENDING)
    desk.tell(order, KIND.SENT)
    kind, state = desk.puppet.heard[-1]
    assert (kind, state.status) == (KIND.SENT, OrderStatus.SENT)


def test_only_what_a_strategy_overrides_is_wanted():
    class OnlyTrades(Strategy):
        def on_trade(self, ctx, trade):
            ctx.buy(trade.instrument, trade.size)

    from atlas.robot import wants

    assert wants(OnlyTrades) == {"trade"}
    assert wants(Strategy) == frozenset()


def test_what_a_strategy_does_not_listen_to_costs_nothing_and_does_nothing(bench, eurusd):
    class OnlyTrades(Strategy):
        def on_trade(self, ctx, trade):
            ctx.buy(trade.instrument, trade.size)

    robot = bench(OnlyTrades)
    robot.start()
    assert robot.quote() == []
    assert robot.bar() == []
    assert len(robot.feed(Trade(eurusd.id, 1.1, 5.0, 1, 1))) == 1


def test_nothing_is_heard_before_the_start_and_after_the_stop(desk):
    desk.stop()
    heard = len(desk.puppet.heard)
    desk.quote()
    desk.control("hello")
    desk.timer(desk.now_ns + 10**12)
    desk.stop()
    assert len(desk.puppet.heard) == heard


def test_a_stopped_robot_knows_what_happens_to_its_orders(desk, eurusd):
    order = desk.buy(10)
    desk.stop()
    desk.fill(order)
    assert desk.runtime.view().positions == {"DU1": {eurusd.id: 10.0}}


def test_a_start_anew_brings_a_fresh_strategy_and_keeps_orders_and_positions(desk, eurusd):
    desk.fill(desk.buy(10))
    working = desk.sell(5, limit_price=2.0)
    desk.do(lambda ctx: ctx.timer("old", after_ns=1))
    before = desk.puppet
    desk.stop()
    desk.start()
    assert desk.puppet is not before
    assert desk.runtime.next_timer_ns is None
    assert desk.look(lambda ctx: ctx.position(eurusd.id).quantity) == 10.0
    assert [state.order.id for state in desk.look(lambda ctx: ctx.orders)] == [working.id]


def test_a_paused_robot_decides_nothing_and_goes_on_where_it_was(desk):
    desk.control("pause")
    assert desk.runtime.state is RobotState.PAUSED
    heard = len(desk.puppet.heard)
    desk.quote()
    desk.bar()
    assert len(desk.puppet.heard) == heard
    desk.control("hello")
    assert desk.puppet.heard[-1] == ("hello", {}), "commands are answered all the same"
    desk.control("resume")
    desk.quote()
    assert isinstance(desk.puppet.heard[-1], Quote)


def test_pause_and_resume_do_not_wake_what_is_stopped(desk):
    desk.stop()
    desk.control("pause")
    desk.control("resume")
    assert desk.runtime.state is RobotState.STOPPED


def test_an_order_event_that_is_repeated_changes_nothing(desk, eurusd):
    order = desk.buy(10)
    desk.work(order)
    desk.execute(order, 10, 1.1)
    _, last = desk.records[-1]
    heard = len(desk.puppet.heard)
    assert desk.feed(last) == []
    assert len(desk.puppet.heard) == heard
    assert desk.runtime.view().positions == {"DU1": {eurusd.id: 10.0}}
    assert desk.runtime.last_trader_sequence == desk.trader_sequence


def test_an_execution_that_comes_under_two_numbers_counts_once(desk, eurusd):
    order = desk.buy(10)
    desk.work(order)
    desk.execute(order, 4, 1.1)
    _, last = desk.records[-1]
    desk.tell(order, KIND.EXECUTED, execution=last.execution)
    assert desk.runtime.view().positions == {"DU1": {eurusd.id: 4.0}}
    assert desk.look(lambda ctx: ctx.order(order.id).filled) == 4.0


def test_events_of_other_robots_count_as_heard_and_for_nothing_else(desk, eurusd):
    execution = Execution("y", "other-1-0", "DU1", eurusd.id, Side.BUY, 5.0, 1.1, 1)
    desk.feed(OrderEvent(41, "other-1-0", "other", KIND.EXECUTED, 1, execution=execution))
    assert desk.runtime.last_trader_sequence == 41
    assert desk.runtime.view().positions == {}


def test_an_event_that_cannot_happen_is_noticed_once_and_changes_nothing(desk):
    order = desk.buy(10)
    desk.work(order)
    desk.tell(order, KIND.CANCELLED)
    desk.tell(order, KIND.WORKING)
    (notice,) = desk.runtime.take_notices()
    assert order.id in notice.text
    assert desk.runtime.take_notices() == []
    assert desk.look(lambda ctx: ctx.order(order.id).status) is OrderStatus.CANCELLED
    assert desk.runtime.state is RobotState.RUNNING


def test_an_execution_in_an_instrument_that_was_never_given_is_noticed(desk):
    execution = Execution("z", "bot-1-0", "DU1", "AAPL@SMART", Side.BUY, 5.0, 1.1, 1)
    desk.tell("bot-1-0", KIND.EXECUTED, execution=execution)
    (notice,) = desk.runtime.take_notices()
    assert "AAPL@SMART" in notice.text


def test_the_robots_own_side_may_deny_an_order_that_never_got_out(desk):
    order = desk.buy(10)
    for _ in range(2):
        desk.feed(OrderEvent(0, order.id, "bot", KIND.DENIED, desk.now_ns, reason="trader away", order=order))
    assert desk.look(lambda ctx: ctx.order(order.id).status) is OrderStatus.DENIED
    assert desk.runtime.last_trader_sequence == 0


def test_commissions_reach_the_books(desk):
    order = desk.buy(10)
    desk.fill(order, 1.1)
    desk.charge(2.0)
    assert float(desk.runtime.books.cash_changes()["DU1"]["USD"]) == -13.0


def test_what_nobody_has_answered_is_known_until_it_is_answered(desk):
    order = desk.buy(10, limit_price=1.0)
    assert [action_id(action) for action in desk.runtime.unanswered] == [order.id]
    desk.work(order)
    assert desk.runtime.unanswered == []
    (modify,) = desk.do(lambda ctx: ctx.modify(order.id, quantity=5))
    (cancel,) = desk.do(lambda ctx: ctx.cancel(order.id))
    assert desk.runtime.unanswered == [modify, cancel]
    desk.tell(msgspec.structs.replace(order, quantity=5.0), KIND.MODIFIED)
    assert desk.runtime.unanswered == [cancel]
    desk.tell(order, KIND.CANCEL_REQUESTED)
    assert desk.runtime.unanswered == []


def test_what_concerns_an_order_that_is_over_needs_no_answer(desk):
    order = desk.buy(10, limit_price=1.0)
    desk.work(order)
    desk.do(lambda ctx: ctx.cancel(order.id))
    desk.execute(order, 10, 1.0)
    assert desk.runtime.unanswered == []


class Faulty(Strategy):
    def on_quote(self, ctx, quote):
        ctx.buy(quote.instrument, 1)
        if quote.bid == 0.0:
            raise ZeroDivisionError("bid\nis zero")
        if quote.bid < 0.0:
            raise SystemExit(1)

    def on_order(self, ctx, _event):
        ctx.buy("EUR.USD@IDEALPRO", 1)


@pytest.fixture
def faulty(bench):
    robot = bench(Faulty)
    robot.start()
    return robot


@pytest.mark.parametrize(("bid", "name"), [(0.0, "ZeroDivisionError"), (-1.0, "SystemExit")])
def test_a_strategy_that_raises_stops_with_one_notice_and_its_traceback(faulty, bid, name):
    assert faulty.quote(bid) == []
    assert faulty.runtime.state is RobotState.ERROR
    assert "in on_quote" in faulty.runtime.error
    (notice,) = faulty.runtime.take_notices()
    assert name in notice.text
    assert "\n" not in notice.text
    for _ in range(3):
        assert faulty.quote(1.0) == []
    assert faulty.runtime.take_notices() == []


def test_the_orders_of_the_event_that_failed_never_were(faulty):
    faulty.quote(0.0)
    assert faulty.runtime.view().orders == ()
    assert faulty.runtime.unanswered == []


def test_the_positions_of_a_robot_in_error_stay_true(faulty, orders, eurusd):
    (order,) = orders(faulty.quote(1.0))
    faulty.quote(0.0)
    assert faulty.tell(order, KIND.PENDING) == []
    assert faulty.execute(order, 1, 1.1) == []
    assert faulty.runtime.view().positions == {"DU1": {eurusd.id: 1.0}}
    faulty.stop()
    assert faulty.runtime.state is RobotState.ERROR


def test_a_robot_in_error_can_be_started_anew(faulty):
    faulty.quote(0.0)
    faulty.start()
    assert (faulty.runtime.state, faulty.runtime.error) == (RobotState.RUNNING, "")
    assert len(faulty.quote(1.0)) == 1


def test_a_strategy_that_cannot_be_made_is_in_error_and_not_running(bench):
    class Unmakeable(Strategy):
        def __init__(self, _parameters):
            raise RuntimeError("no")

    robot = bench(Unmakeable)
    assert robot.start() == []
    assert robot.runtime.state is RobotState.ERROR
    assert robot.quote() == []


def test_events_must_be_numbered_up(desk):
    with pytest.raises(BadInput, match="comes after"):
        desk.runtime.apply(desk.runtime.last_sequence, Stopped(1))


def test_a_journal_belongs_to_one_robot(desk):
    stranger = started("other", "the_file", Strategy, {}, (), 1)
    with pytest.raises(BadInput, match="journal of its own"):
        desk.runtime.apply(desk.runtime.last_sequence + 1, stranger)


class Spread(Parameters, frozen=True):
    ticks: int = 2
    instruments: tuple[str, ...] = ()


class Quoter(Strategy):
    parameters: Spread


@pytest.mark.parametrize("robot", ["", "Bot", "bot 1", "bot.1", "b" * 33, "bot\n"])
def test_a_robot_must_have_a_plain_name(robot):
    with pytest.raises(BadInput, match="1 to 32"):
        started(robot, "quoter", Quoter, {}, (), 1)


def test_a_start_holds_every_parameter_and_travels(eurusd):
    start = started("bot", "quoter", Quoter, {"instruments": ["a"]}, (eurusd,), 1)
    assert start.parameters == {"ticks": 2, "instruments": ["a"]}
    on_disk = msgspec.msgpack.decode(msgspec.msgpack.encode(start), type=RobotRecord)
    assert on_disk == start
    runtime = Runtime(Quoter)
    runtime.apply(1, on_disk)
    assert runtime.strategy is not None
    assert runtime.strategy.parameters == Spread(2, ("a",))


@pytest.mark.parametrize("wrong", [{"tick": 3}, {"ticks": "3"}, {"ticks": 2.5}, {"instruments": [1]}])
def test_wrong_parameters_are_refused_before_the_start(wrong):
    with pytest.raises(ConfigurationError, match="Quoter") as refused:
        started("bot", "quoter", Quoter, wrong, (), 1)
    assert "its parameters are: ticks, instruments" in str(refused.value)


def test_the_view_of_a_robot_is_plain_and_travels(desk, eurusd):
    desk.fill(desk.buy(10))
    working = desk.sell(3, limit_price=2.0)
    view = desk.runtime.view()
    assert (view.robot, view.state, view.positions) == ("bot", RobotState.RUNNING, {"DU1": {eurusd.id: 10.0}})
    assert [state.order for state in view.orders] == [working]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(view), type=type(view)) == view


def test_decisions_of_a_journal_are_believed_over_those_of_the_moment(desk, eurusd):
    desk.puppet.script = lambda ctx: ctx.buy(eurusd.id, 10)
    sequence = len(desk.records) + 1
    (wanted,) = desk.runtime.apply(sequence, Quote(eurusd.id, 1.1, 1.2, 1, 1, 1, 1))
    sent = msgspec.structs.replace(wanted, order=msgspec.structs.replace(wanted.order, quantity=7.0))
    desk.runtime.apply(sequence + 1, Decided(sequence, (sent,)))
    assert [state.order.quantity for state in desk.runtime.view().orders] == [7.0]
    assert desk.runtime.unanswered == [sent]
