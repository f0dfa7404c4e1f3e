"""Everything that a strategy may wish of an order, brackets, and changes of all prices; journals replay them exactly."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from atlas.domain import (
    Cancel,
    MarginCondition,
    Modify,
    OcaType,
    OrderEventKind,
    OrderKind,
    OrderStatus,
    PriceCondition,
    Side,
    Submit,
    SubmitGroup,
    TimeCondition,
    TimeInForce,
    TriggerMethod,
)
from atlas.robot import Decided, RobotState, Strategy, replay
from atlas.robot.events import RobotRecord, encode_actions
from atlas.trading.form import malformed

KIND = OrderEventKind
SECOND = 1_000_000_000


def placed(desk: Any, script: Any) -> Any:
    """The one order that a script asks for."""
    (action,) = desk.do(script)
    return action.order


def through_the_journal(desk: Any) -> list[tuple[int, RobotRecord]]:
    """The desk's records as a file gives them back."""
    encoded = [(number, msgspec.msgpack.encode(record)) for number, record in desk.records]
    return [(number, msgspec.msgpack.decode(record, type=RobotRecord)) for number, record in encoded]


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        ({"kind": OrderKind.STOP, "stop_price": 1.20003}, {"stop_price": 1.20005, "kind": OrderKind.STOP}),
        (
            {"kind": OrderKind.STOP_LIMIT, "stop_price": 1.2, "limit_price": 1.20012, "trigger_method": TriggerMethod.LAST},
            {"stop_price": 1.2, "limit_price": 1.2001, "trigger_method": TriggerMethod.LAST},
        ),
        ({"kind": OrderKind.MARKET_IF_TOUCHED, "stop_price": 1.00003}, {"stop_price": 1.0}),
        ({"kind": OrderKind.TRAILING_STOP, "trail_percent": 1.5}, {"trail_percent": 1.5, "stop_price": None}),
        (
            {"kind": OrderKind.TRAILING_STOP_LIMIT, "trail_amount": 0.00101, "limit_offset": 0.00019},
            {"trail_amount": 0.00105, "limit_offset": 0.00015},
        ),
        ({"oca_group": "pair", "oca_type": OcaType.REDUCE}, {"oca_group": "pair", "oca_type": OcaType.REDUCE}),
        ({"outside_rth": True, "all_or_none": True, "min_quantity": 5}, {"outside_rth": True, "min_quantity": 5.0}),
        ({"algo": "Adaptive", "algo_parameters": [("adaptivePriority", "Patient")]},
         {"algo": "Adaptive", "algo_parameters": (("adaptivePriority", "Patient"),)}),
        ({"advisor_group": "everybody"}, {"advisor_group": "everybody", "account": ""}),
    ],
    ids=lambda value: str(list(value))[:50],
)  # fmt: skip
def test_an_order_says_whatever_is_wished_of_it(desk_with_account, eurusd, wishes, expected):
    order = placed(desk_with_account, lambda ctx: ctx.buy(eurusd.id, 10, **wishes))
    assert {name: getattr(order, name) for name in expected} == expected
    assert malformed(Submit(order)) == ""


def test_times_move_to_whole_seconds_so_that_nothing_lasts_longer_than_was_wished(desk, eurusd):
    conditions = [TimeCondition(5 * SECOND + 1, after=True), TimeCondition(9 * SECOND + 1, after=False)]
    order = placed(
        desk,
        lambda ctx: ctx.buy(
            eurusd.id,
            10,
            time_in_force=TimeInForce.GTD,
            good_till_ns=100 * SECOND + 7,
            good_after_ns=50 * SECOND + 7,
            conditions=conditions,
        ),
    )
    assert (order.good_after_ns, order.good_till_ns) == (51 * SECOND, 100 * SECOND)
    assert [one.at_ns for one in order.conditions] == [6 * SECOND, 9 * SECOND]


def test_a_stop_price_alone_makes_neither_a_stop_order_nor_a_stop_loss(desk, eurusd):
    assert desk.do(lambda ctx: ctx.buy(eurusd.id, 10, stop_price=1.0)) == []
    (notice,) = desk.runtime.take_notices()
    assert "a market order has no stop price" in notice.text


@pytest.mark.parametrize(
    "wishes",
    [
        {"kind": OrderKind.STOP},
        {"kind": OrderKind.TRAILING_STOP, "trail_amount": 1.0, "trail_percent": 1.0},
        {"time_in_force": TimeInForce.GTD},
        {"conditions": [PriceCondition("EUR.USD@IDEALPRO", float("nan"), above=True)]},
        {"conditions": ["noon"]},
        {"oca_group": 5},
        {"algo": "Magic"},
        {"limit_price": "cheap"},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_a_wish_that_makes_no_order_stops_the_robot_and_sends_nothing(desk, eurusd, wishes):
    assert desk.do(lambda ctx: ctx.buy(eurusd.id, 10, **wishes)) == []
    assert desk.runtime.state is RobotState.ERROR


# Brackets


def test_a_bracket_is_one_wish_of_entry_stop_and_target_that_hang_together(desk, eurusd):
    (action,) = desk.do(
        lambda ctx: ctx.bracket(eurusd.id, Side.BUY, 10, entry=1.1, stop=1.05003, target=1.20003, outside_rth=True)
    )
    assert isinstance(action, SubmitGroup)
    assert malformed(action, known=()) == ""
    entry, stop, target = action.orders
    assert desk.puppet.result == (entry.id, stop.id, target.id)
    assert (entry.kind, entry.limit_price, entry.time_in_force) == (OrderKind.LIMIT, 1.1, TimeInForce.DAY)
    assert (stop.kind, stop.stop_price, target.kind, target.limit_price) == (OrderKind.STOP, 1.05, OrderKind.LIMIT, 1.20005)
    for leg in (stop, target):
        assert (leg.parent_id, leg.side, leg.quantity, leg.time_in_force) == (entry.id, Side.SELL, 10.0, TimeInForce.GTC)
        assert leg.outside_rth
        assert (leg.oca_group, leg.oca_type) == (f"{entry.id}:exits", OcaType.REDUCE_WITH_BLOCK)


def test_an_entry_at_the_market_has_a_stop_too_and_needs_no_target(desk, eurusd):
    (action,) = desk.do(lambda ctx: ctx.bracket(eurusd.id, Side.SELL, 10, trail_percent=2))
    entry, stop = action.orders
    assert (entry.kind, entry.side) == (OrderKind.MARKET, Side.SELL)
    assert (stop.kind, stop.side, stop.trail_percent, stop.oca_group) == (OrderKind.TRAILING_STOP, Side.BUY, 2.0, "")
    assert desk.puppet.result.target == ""


def test_an_entry_may_be_a_stop_itself(desk, eurusd):
    (action,) = desk.do(
        lambda ctx: ctx.bracket(eurusd.id, Side.BUY, 10, kind=OrderKind.STOP, stop_price=1.2, stop=1.1, target=1.3)
    )
    assert (action.orders[0].kind, action.orders[0].stop_price) == (OrderKind.STOP, 1.2)


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ({}, "needs one stop"),
        ({"entry": 1.1, "target": 1.2}, "needs one stop"),
        ({"stop": 1.0, "trail_percent": 1.0}, "needs one stop"),
        ({"entry": 1.1, "stop": 1.1}, "must be below its entry"),
        ({"entry": 1.1, "stop": 1.2}, "must be below its entry"),
        ({"entry": 1.1, "stop": 1.0, "target": 1.05}, "must be below its target"),
        ({"stop": 1.3, "target": 1.2}, "must be below its target"),
    ],
    ids=str,
)
def test_a_bracket_that_would_close_at_once_or_never_is_no_bracket(desk, eurusd, prices, words):
    assert desk.do(lambda ctx: ctx.bracket(eurusd.id, Side.BUY, 10, **prices)) == []
    (notice,) = desk.runtime.take_notices()
    assert words in notice.text


def test_the_prices_of_a_short_bracket_go_the_other_way(desk, eurusd):
    assert len(desk.do(lambda ctx: ctx.bracket(eurusd.id, Side.SELL, 10, entry=1.1, stop=1.2, target=1.0))) == 1
    assert desk.do(lambda ctx: ctx.bracket(eurusd.id, Side.SELL, 10, entry=1.1, stop=1.0)) == []


def test_ids_go_on_after_a_bracket(desk, eurusd):
    actions = desk.do(
        lambda ctx: (ctx.buy(eurusd.id, 1), ctx.bracket(eurusd.id, Side.BUY, 10, stop=1.0, target=2.0), ctx.buy(eurusd.id, 2))
    )
    sequence = desk.records[-2][0]
    ids = [order.id for action in actions for order in (getattr(action, "orders", None) or (action.order,))]
    assert ids == [f"bot-{sequence}-{index}" for index in range(5)]


def test_every_leg_of_a_bracket_is_pending_and_is_answered_with_the_first(desk, eurusd):
    (action,) = desk.do(lambda ctx: ctx.bracket(eurusd.id, Side.BUY, 10, stop=1.0))
    entry, stop = action.orders
    assert [state.status for state in desk.look(lambda ctx: ctx.orders)] == [OrderStatus.PENDING] * 2
    assert desk.runtime.unanswered == [action]
    desk.tell(entry, KIND.PENDING)
    assert desk.runtime.unanswered == []
    desk.tell(stop, KIND.PENDING)
    desk.tell(stop, KIND.CANCELLED)
    assert desk.look(lambda ctx: [state.order.id for state in ctx.orders]) == [entry.id]


def test_a_bracket_that_was_denied_is_over_whole(desk, eurusd):
    (action,) = desk.do(lambda ctx: ctx.bracket(eurusd.id, Side.BUY, 10, stop=1.0))
    for leg in action.orders:
        desk.tell(leg, KIND.DENIED)
    assert desk.look(lambda ctx: (ctx.orders, ctx.expected_position(eurusd.id))) == ((), 0.0)


def test_a_mistake_after_a_bracket_takes_it_back(desk, eurusd):
    assert desk.do(lambda ctx: (ctx.bracket(eurusd.id, Side.BUY, 10, stop=1.0), ctx.buy("nothing", 1))) == []
    assert desk.runtime.view().orders == ()


# Changes


def test_every_price_can_be_changed_and_moves_as_when_it_was_placed(desk, eurusd):
    order = placed(desk, lambda ctx: ctx.sell(eurusd.id, 10, 1.0, kind=OrderKind.STOP_LIMIT, stop_price=1.1))
    desk.work(order)
    (action,) = desk.do(lambda ctx: ctx.modify(order.id, limit_price=0.99997, stop_price=1.09998))
    assert isinstance(action, Modify)
    assert (action.limit_price, action.stop_price, action.quantity) == (1.0, 1.09995, None)


@pytest.mark.parametrize("change", [{}, {"stop_price": 1.0}, {"quantity": 0}, {"limit_price": float("nan")}], ids=str)
def test_a_change_that_makes_no_order_stops_the_robot(desk, change):
    order = desk.buy(10, limit_price=1.0)
    desk.work(order)
    assert desk.do(lambda ctx: ctx.modify(order.id, **change)) == []
    assert desk.runtime.state is RobotState.ERROR


def test_closing_cancels_a_market_order_that_waits_and_counts_one_that_does_not(desk, eurusd):
    waiting = placed(desk, lambda ctx: ctx.buy(eurusd.id, 5, conditions=[MarginCondition(10, above=False)]))
    desk.fill(desk.buy(30))
    actions = desk.do(lambda ctx: ctx.close(eurusd.id))
    assert [type(action) for action in actions] == [Cancel, Submit]
    assert (actions[0].order_id, actions[1].order.quantity) == (waiting.id, 30.0)


def test_closing_cancels_the_exits_of_a_bracket(desk, eurusd):
    (group,) = desk.do(lambda ctx: ctx.bracket(eurusd.id, Side.BUY, 10, stop=1.0, target=2.0))
    entry, *legs = group.orders
    for order in group.orders:
        desk.work(order)
    desk.execute(entry, 10, 1.1)
    actions = desk.do(lambda ctx: ctx.close(eurusd.id))
    assert [action.order_id for action in actions[:-1]] == [leg.id for leg in legs]
    assert (actions[-1].order.side, actions[-1].order.quantity) == (Side.SELL, 10.0)


# What the robot is told


def test_a_correction_takes_the_place_of_what_it_corrects(desk, eurusd):
    order = desk.buy(10)
    desk.work(order)
    desk.execute(order, 10, 1.1)
    executed = next(record for _, record in reversed(desk.records) if getattr(record, "execution", None))
    better = replace(executed.execution, id="x.01.02", quantity=8.0, price=1.05)
    desk.tell(order, KIND.EXECUTED, execution=better)
    assert desk.look(lambda ctx: ctx.position(eurusd.id)).quantity == 8.0
    assert desk.look(lambda ctx: ctx.position(eurusd.id)).average_price == pytest.approx(1.05)
    assert desk.look(lambda ctx: ctx.order(order.id).status) is OrderStatus.PARTIALLY_FILLED


def test_an_order_that_was_adopted_for_the_robot_is_its_order(desk):
    foreign = replace(desk.buy(10, limit_price=1.0), id="by-hand-1")
    desk.tell(foreign, KIND.ADOPTED)
    assert desk.look(lambda ctx: ctx.order("by-hand-1").status) is OrderStatus.WORKING
    assert [type(action) for action in desk.do(lambda ctx: ctx.cancel("by-hand-1"))] == [Cancel]


def test_an_anomaly_is_heard_and_changes_nothing(desk, eurusd):
    order = desk.buy(10, limit_price=1.0)
    desk.work(order)
    before = desk.look(lambda ctx: (ctx.order(order.id).status, ctx.position(eurusd.id)))
    desk.tell(order, KIND.ANOMALY, reason="filled twice")
    assert desk.puppet.heard[-1][0] is KIND.ANOMALY
    assert desk.look(lambda ctx: (ctx.order(order.id).status, ctx.position(eurusd.id))) == before


# Replay


def test_numbers_of_all_kinds_are_journaled_as_what_a_journal_gives_back(desk, eurusd):
    order = placed(
        desk,
        lambda ctx: ctx.buy(
            eurusd.id,
            np.int64(10),
            kind=OrderKind.TRAILING_STOP,
            trail_percent=np.float64(2),
            conditions=[PriceCondition(eurusd.id, 1, above=True), MarginCondition(np.float64(10), above=True)],
        ),
    )
    (decided,) = [record for _, record in desk.records if isinstance(record, Decided)]
    (again,) = [record for _, record in through_the_journal(desk) if isinstance(record, Decided)]
    assert encode_actions(again.actions) == encode_actions(decided.actions)
    assert type(order.quantity) is type(order.conditions[0].price) is float


SCRIPTS = st.sampled_from([
    lambda ctx: ctx.buy("EUR.USD@IDEALPRO", 3, 1.10003),
    lambda ctx: ctx.bracket("EUR.USD@IDEALPRO", Side.BUY, 10, entry=1.1, stop=1, target=2),
    lambda ctx: ctx.bracket("ES-202612@CME", Side.SELL, 2, trail_amount=10),
    lambda ctx: ctx.sell("EUR.USD@IDEALPRO", 1, kind=OrderKind.STOP, stop_price=1, time_in_force=TimeInForce.GTC),
    lambda ctx: [ctx.cancel(state.order.id) for state in ctx.orders],
    lambda ctx: [ctx.modify(state.order.id, quantity=state.order.quantity + 1) for state in ctx.orders[:2]],
    lambda ctx: ctx.close("EUR.USD@IDEALPRO"),
])  # fmt: skip


@given(scripts=st.lists(SCRIPTS, max_size=8), rejected=st.sets(st.integers(0, 7)))
@settings(max_examples=60, deadline=None)
def test_a_journal_of_brackets_changes_and_closes_replays_to_the_same_bytes(bench, scripts, rejected):
    class Player(Strategy):
        def __init__(self, parameters: Any) -> None:
            super().__init__(parameters)
            self.played = 0

        def on_quote(self, ctx: Any, _quote: Any) -> None:
            script, self.played = scripts[self.played], self.played + 1
            script(ctx)

    live = bench(Player)
    live.start()
    for index, _ in enumerate(scripts):
        for action in live.quote():
            for order in getattr(action, "orders", ()) or ([action.order] if isinstance(action, Submit) else []):
                live.tell(order, KIND.PENDING)
                if index in rejected:
                    live.tell(order, KIND.REJECTED)
    run = replay(Player, through_the_journal(live))
    assert run.first_difference is None
    assert run.runtime.view() == live.runtime.view()
