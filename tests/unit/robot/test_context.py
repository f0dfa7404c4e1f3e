"""What a strategy sees, and how it asks."""

import math

import msgspec
import pytest

from atlas.domain import Cancel, Modify, OrderEventKind, OrderKind, OrderStatus, Position, Side, Submit, TimeInForce
from atlas.robot import RobotState

KIND = OrderEventKind
SECOND = 1_000_000_000


def test_an_order_is_derived_from_robot_event_and_index(desk, eurusd):
    actions = desk.do(lambda ctx: (ctx.buy(eurusd.id, 10), ctx.sell(eurusd.id, 5)))
    sequence = desk.records[-2][0]
    assert [action.order.id for action in actions] == [f"bot-{sequence}-0", f"bot-{sequence}-1"]
    assert desk.puppet.result == (f"bot-{sequence}-0", f"bot-{sequence}-1")
    assert actions[0].order.robot == "bot"
    assert actions[0].order.cause_ns == desk.now_ns, "from the tick that caused it, tick to order is measured"


def test_an_order_without_a_price_is_a_market_order_for_the_day(desk, eurusd):
    order = desk.buy(10)
    assert (order.side, order.quantity, order.kind, order.limit_price) == (Side.BUY, 10.0, OrderKind.MARKET, None)
    assert (order.time_in_force, order.instrument) == (TimeInForce.DAY, eurusd.id)


def test_a_limit_between_ticks_moves_to_the_better_one(desk):
    assert desk.buy(10, limit_price=1.08507).limit_price == 1.08505
    assert desk.sell(10, limit_price=1.08507).limit_price == 1.0851
    order = desk.buy(10, limit_price=1.085, time_in_force=TimeInForce.GTC)
    assert (order.kind, order.limit_price, order.time_in_force) == (OrderKind.LIMIT, 1.085, TimeInForce.GTC)


def test_orders_carry_the_account_for_which_the_robot_was_started(desk, desk_with_account):
    assert desk.buy().account == ""
    assert desk_with_account.buy().account == "DU7"


def test_an_order_is_pending_as_soon_as_it_is_asked_for(desk, eurusd):
    def script(ctx):
        order_id = ctx.buy(eurusd.id, 10)
        return [(state.order.id == order_id, state.status) for state in ctx.orders], ctx.expected_position(eurusd.id)

    desk.do(script)
    assert desk.puppet.result == ([(True, OrderStatus.PENDING)], 10.0)


def test_an_order_is_followed_to_its_end(desk):
    order = desk.buy(10)
    desk.work(order)
    assert desk.look(lambda ctx: ctx.order(order.id).status) is OrderStatus.WORKING
    desk.execute(order, 4, 1.1)
    assert desk.look(lambda ctx: ctx.order(order.id).remaining) == 6.0
    desk.execute(order, 6, 1.1)
    assert desk.look(lambda ctx: ctx.orders) == ()
    assert desk.look(lambda ctx: ctx.order(order.id).status) is OrderStatus.FILLED


@pytest.mark.parametrize("ending", [KIND.CANCELLED, KIND.REJECTED, KIND.EXPIRED])
def test_an_order_that_came_to_nothing_is_not_waited_for(desk, eurusd, ending):
    order = desk.buy(10)
    desk.work(order)
    desk.execute(order, 4, 1.1)
    desk.tell(order, ending)
    assert desk.look(lambda ctx: (ctx.orders, ctx.expected_position(eurusd.id))) == ((), 4.0)


def test_an_order_of_unknown_outcome_may_still_execute(desk, eurusd):
    order = desk.buy(10)
    desk.tell(order, KIND.PENDING)
    desk.tell(order, KIND.UNKNOWN)
    assert desk.look(lambda ctx: ctx.expected_position(eurusd.id)) == 10.0


def test_positions_are_the_robots_own_executions(desk, eurusd, es):
    desk.fill(desk.buy(10), 1.1)
    desk.fill(desk.buy(30), 1.3)
    desk.fill(desk.sell(20), 1.5)
    assert desk.look(lambda ctx: ctx.position(eurusd.id)) == Position(20.0, 1.25)
    assert desk.look(lambda ctx: ctx.position(es.id)) == Position(0.0, 0.0)


def test_positions_over_several_accounts_are_added_up(desk, eurusd):
    order = desk.buy(40)
    desk.work(order)
    desk.execute(order, 10, 1.0, account="DU1")
    desk.execute(order, 30, 2.0, account="DU2")
    assert desk.look(lambda ctx: ctx.position(eurusd.id)) == Position(40.0, 1.75)
    assert desk.runtime.view().positions == {"DU1": {eurusd.id: 10.0}, "DU2": {eurusd.id: 30.0}}


def test_now_is_the_time_of_the_event(desk):
    assert desk.look(lambda ctx: ctx.now_ns) == desk.now_ns


def test_the_instruments_are_there_to_look_at_and_not_to_change(desk, eurusd, es):
    assert desk.look(lambda ctx: dict(ctx.instruments)) == {eurusd.id: eurusd, es.id: es}
    desk.do(lambda ctx: ctx.instruments.clear())
    assert desk.runtime.state is RobotState.ERROR


def test_a_modify_names_the_order_and_what_changes(desk):
    order = desk.buy(10, limit_price=1.1)
    desk.work(order)
    (action,) = desk.do(lambda ctx: ctx.modify(order.id, limit_price=1.10012))
    assert action == Modify(f"bot-{desk.records[-2][0]}-0", order.id, None, 1.1001)
    changed = msgspec.structs.replace(order, limit_price=1.1001)
    desk.tell(changed, KIND.MODIFIED)
    assert desk.look(lambda ctx: ctx.order(order.id).order.limit_price) == 1.1001


def test_a_cancel_is_asked_for_once(desk):
    order = desk.buy(10, limit_price=1.1)
    desk.work(order)
    (action,) = desk.do(lambda ctx: (ctx.cancel(order.id), ctx.cancel(order.id)))
    assert action == Cancel(f"bot-{desk.records[-2][0]}-0", order.id)
    assert desk.do(lambda ctx: ctx.cancel(order.id)) == []
    desk.tell(order, KIND.CANCEL_REQUESTED)
    assert desk.do(lambda ctx: ctx.cancel(order.id)) == []


def test_a_cancel_that_was_refused_can_be_asked_for_again(desk):
    order = desk.buy(10, limit_price=1.1)
    desk.work(order)
    desk.do(lambda ctx: ctx.cancel(order.id))
    desk.tell(order, KIND.REFUSED)
    assert len(desk.do(lambda ctx: ctx.cancel(order.id))) == 1


def test_what_is_over_is_neither_cancelled_nor_modified(desk):
    order = desk.buy(10)
    desk.fill(order)
    assert desk.do(lambda ctx: (ctx.cancel(order.id), ctx.modify(order.id, quantity=1))) == []


def test_closing_makes_flat_whatever_is_held(desk, eurusd):
    assert desk.do(lambda ctx: ctx.close(eurusd.id)) == []
    desk.fill(desk.buy(30))
    (action,) = desk.do(lambda ctx: ctx.close(eurusd.id))
    assert (action.order.side, action.order.quantity, action.order.kind) == (Side.SELL, 30.0, OrderKind.MARKET)


def test_closing_twice_closes_once(desk, eurusd):
    desk.fill(desk.sell(30))
    (action,) = desk.do(lambda ctx: (ctx.close(eurusd.id), ctx.close(eurusd.id)))
    assert action.order.side is Side.BUY
    desk.work(action.order)
    desk.execute(action.order, 10, 1.1)
    assert desk.do(lambda ctx: ctx.close(eurusd.id)) == []


def test_closing_cancels_what_rests_and_leaves_other_instruments_alone(desk, eurusd, es):
    resting = desk.buy(5, limit_price=1.0)
    (other,) = desk.do(lambda ctx: ctx.buy(es.id, 1, limit_price=4000.0))
    desk.fill(desk.buy(30))
    actions = desk.do(lambda ctx: ctx.close(eurusd.id))
    assert [type(action) for action in actions] == [Cancel, Submit]
    assert actions[0].order_id == resting.id != other.order.id


def test_timers_fire_with_the_first_event_at_or_after_their_time_in_order(desk):
    desk.do(lambda ctx: (ctx.timer("late", after_ns=10 * SECOND), ctx.timer("early", after_ns=5 * SECOND)))
    set_at = desk.now_ns
    assert desk.runtime.next_timer_ns == set_at + 5 * SECOND
    desk.timer(set_at + 4 * SECOND)
    assert desk.puppet.heard[-1] != ("early", set_at + 4 * SECOND)
    desk.timer(set_at + 12 * SECOND)
    assert desk.puppet.heard[-2:] == [("early", set_at + 12 * SECOND), ("late", set_at + 12 * SECOND)]
    assert desk.runtime.next_timer_ns is None


def test_a_timer_at_a_time_fires_then_and_once(desk):
    desk.do(lambda ctx: ctx.timer("noon", at_ns=100 * SECOND))
    desk.timer(100 * SECOND)
    desk.timer(101 * SECOND)
    assert desk.puppet.heard.count(("noon", 100 * SECOND)) == 1
    assert ("noon", 101 * SECOND) not in desk.puppet.heard


@pytest.mark.parametrize(
    "mistake",
    [
        lambda ctx: ctx.buy("AAPL@SMART", 1),
        lambda ctx: ctx.buy("EUR.USD@IDEALPRO", 0),
        lambda ctx: ctx.sell("EUR.USD@IDEALPRO", -1),
        lambda ctx: ctx.buy("EUR.USD@IDEALPRO", math.nan),
        lambda ctx: ctx.buy("EUR.USD@IDEALPRO", math.inf),
        lambda ctx: ctx.buy("EUR.USD@IDEALPRO", 1, limit_price=math.nan),
        lambda ctx: ctx.cancel("bot-999-0"),
        lambda ctx: ctx.modify("bot-999-0", quantity=1),
        lambda ctx: ctx.timer("when?"),
        lambda ctx: ctx.timer("when?", after_ns=1, at_ns=1),
    ],
)
def test_a_mistake_sends_nothing_and_stops_the_robot_with_one_clear_line(desk, eurusd, mistake):
    assert desk.do(lambda ctx: (ctx.buy(eurusd.id, 1), mistake(ctx))) == []
    assert desk.runtime.state is RobotState.ERROR
    (notice,) = desk.runtime.take_notices()
    assert "robot bot is in ERROR" in notice.text
    assert "\n" not in notice.text
