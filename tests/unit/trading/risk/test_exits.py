"""What an exit is: never refused by a limit, whatever else there is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed_state
from support.risk import INSTRUMENTS, NOW, OTHER, STOCK, Account, Gatekeeper, buy, changed, holding, sell, working

from atlas.domain import OcaType, OrderKind, OrderStatus, Position, Side, TimeInForce
from atlas.robot.wishes import Exits, exits
from atlas.trading.broker import Unknown
from atlas.trading.trading_state import TradingState, TradingStateChange

BLOCK = {"oca_group": "exit", "oca_type": OcaType.CANCEL_WITH_BLOCK}
ENTRY = buy(100, id="sma-1-0")
STOP = sell(100, id="sma-1-1", parent_id=ENTRY.id, kind=OrderKind.STOP, stop_price=90.0)
TARGET = sell(100, id="sma-1-2", parent_id=ENTRY.id, kind=OrderKind.LIMIT, limit_price=120.0)


@pytest.fixture
def gate():
    """Nothing that opens passes it."""
    keeper = Gatekeeper(restricted=["*"])
    return keeper.gate


def is_exit(gate, order, account, replacing=""):
    """Whether the gate lets it pass; it must say the same when it is asked for the reason."""
    found = gate.is_exit(order, account, replacing=replacing)
    denial = gate.check(order, INSTRUMENTS[order.instrument], account, NOW, replacing=replacing)
    assert (denial is None) is found
    return found


@pytest.mark.parametrize(
    ("order", "position", "found"),
    [
        (sell(100), 100, True),
        (sell(1), 100, True),
        (sell(101), 100, False),
        (buy(100), -100, True),
        (buy(101), -100, False),
        (buy(1), 100, False),
        (sell(1), -100, False),
        (sell(1), 0, False),
        (buy(1), 0, False),
    ],
)
def test_an_exit_reduces_the_position_and_does_not_turn_it_round(gate, order, position, found):
    assert is_exit(gate, order, holding(position)) is found


def test_what_is_held_of_another_instrument_does_not_make_an_exit(gate):
    assert not is_exit(gate, sell(1), holding(100, OTHER))


def test_what_works_on_its_side_is_taken_as_filled(gate):
    account = holding(100, STOCK, working(sell(70, id="a-1-0"), filled=10))
    assert is_exit(gate, sell(40), account)
    assert not is_exit(gate, sell(41), account)


def test_what_works_on_the_other_side_or_elsewhere_does_not_matter(gate):
    account = holding(100, STOCK, working(buy(70, id="a-1-0")), working(sell(70, OTHER, id="a-2-0")))
    assert is_exit(gate, sell(100), account)
    assert not is_exit(gate, sell(101), account)


def test_a_change_that_the_broker_has_not_granted_counts_with_what_it_asks_for(gate):
    account = holding(100, STOCK, working(sell(10, id="a-1-0"), requested_quantity=60.0))
    assert is_exit(gate, sell(40), account)
    assert not is_exit(gate, sell(41), account)


def test_orders_of_which_only_one_can_be_filled_count_once(gate):
    account = holding(100, STOCK, working(sell(100, id="a-1-0", **BLOCK)))
    assert is_exit(gate, sell(100, **BLOCK), account)
    assert not is_exit(gate, sell(101, **BLOCK), account)
    assert not is_exit(gate, sell(1), account)
    assert not is_exit(gate, sell(1, oca_group="another"), account)


def test_orders_that_can_be_filled_beyond_one_of_them_add_up(gate):
    both = {"oca_group": "exit", "oca_type": OcaType.REDUCE}
    assert not is_exit(gate, sell(100, **both), holding(100, STOCK, working(sell(100, id="a-1-0", **both))))


def test_orders_without_a_group_are_no_group(gate):
    assert not is_exit(gate, sell(100), holding(100, STOCK, working(sell(100, id="a-1-0"))))


def test_a_child_is_an_exit_of_its_parent(gate):
    account = holding(0, STOCK, working(ENTRY))
    assert is_exit(gate, STOP, account)
    assert not is_exit(gate, changed(STOP, quantity=101), account)
    assert not is_exit(gate, changed(STOP, parent_id="nobody"), account)
    assert not is_exit(gate, changed(STOP, parent_id=""), account)


def test_children_share_what_their_parent_opens(gate):
    account = holding(0, STOCK, working(ENTRY), working(changed(STOP, quantity=60)))
    assert is_exit(gate, changed(TARGET, quantity=40), account)
    assert not is_exit(gate, changed(TARGET, quantity=41), account)


def test_children_of_which_only_one_can_be_filled_count_once(gate):
    account = holding(0, STOCK, working(ENTRY), working(changed(STOP, **BLOCK)))
    assert is_exit(gate, changed(TARGET, **BLOCK), account)


def test_a_parent_covers_as_much_as_it_can_still_open(gate):
    account = holding(40, STOCK, working(ENTRY, filled=40))
    assert is_exit(gate, STOP, account)
    assert not is_exit(gate, STOP, holding(39, STOCK, working(ENTRY, filled=40)))
    assert not is_exit(gate, changed(STOP, quantity=101), account)


def test_a_parent_on_the_same_side_covers_nothing(gate):
    account = holding(0, STOCK, working(sell(100, id=ENTRY.id)))
    assert not is_exit(gate, STOP, account)


def test_a_parent_in_another_instrument_covers_nothing(gate):
    assert not is_exit(gate, STOP, holding(0, STOCK, working(buy(100, OTHER, id=ENTRY.id))))


def test_children_that_wait_for_their_parent_leave_other_exits_alone(gate):
    account = holding(50, STOCK, working(ENTRY), working(STOP))
    assert is_exit(gate, sell(50), account)
    assert not is_exit(gate, sell(51), account)


def test_once_the_parent_is_filled_its_children_count_against_the_position(gate):
    account = holding(100, STOCK, working(STOP))
    assert not is_exit(gate, sell(1, kind=OrderKind.STOP, stop_price=80.0), account)
    assert is_exit(gate, changed(STOP, stop_price=91.0), account, replacing=STOP.id)


def test_a_changed_exit_counts_with_what_is_left_of_it(gate):
    account = holding(60, STOCK, working(sell(100, id="a-1-0", kind=OrderKind.LIMIT, limit_price=101.0), filled=40))
    cheaper = sell(100, id="a-1-0", kind=OrderKind.LIMIT, limit_price=100.0)
    assert is_exit(gate, cheaper, account, replacing="a-1-0")
    assert not is_exit(gate, changed(cheaper, quantity=101), account, replacing="a-1-0")


def test_an_exit_passes_every_limit_and_every_block():
    scopes = ("account:DU1", "robot:sma", f"instrument:{STOCK.id}")
    keeper = Gatekeeper(
        {scope: {"max_order_quantity": 1, "restricted": ["*"]} for scope in scopes},
        max_order_quantity=1, max_position=1, max_working_orders=1, max_order_notional=1, price_collar_percent=1,
        price_collar_ticks=1, max_exposure=1, max_leverage=1, max_orders_per_second=1, max_orders_per_hour=1, max_daily_loss=1,
        daily_profit_lock=1, duplicate_seconds=10, max_quote_age_seconds=1, trading_hours=True, restricted=["*"],
    )  # fmt: skip
    keeper.gate.blocked.update({"": "everything", STOCK.id: "this"})
    assert keeper.passes(sell(kind=OrderKind.LIMIT, limit_price=1.0), holding(100))
    assert not keeper.passes(buy(), holding(100))


@pytest.mark.parametrize(
    ("order", "account", "room"),
    [
        (sell(150), holding(100), "; 100 would pass as an exit"),
        (sell(150), holding(1), "; 1 would pass as an exit"),
        (sell(150), holding(100, STOCK, working(sell(30, id="a-1-0"))), "; 70 would pass as an exit"),
        (sell(0.5), holding(0.25), ""),
        (sell(150), holding(0), ""),
        (sell(150), holding(100, STOCK, working(sell(100, id="a-1-0"))), ""),
        (buy(150), holding(100), ""),
    ],
)
def test_a_denial_says_how_much_would_pass_as_an_exit(order, account, room):
    denial = Gatekeeper(restricted=["*"]).denial(order, account)
    assert denial.text.partition(";")[2] == room.removeprefix(";")


def test_an_order_that_turns_the_position_round_passes_where_its_limits_let_it():
    assert Gatekeeper(max_position=50).passes(sell(150), Account({STOCK.id: Position(100, 1.0)}))


def test_of_a_group_whose_parents_are_over_one_is_filled_whoever_was_its_parent(gate):
    account = holding(100, STOCK, working(sell(100, id="a-1-0", parent_id="gone", **BLOCK)))
    assert is_exit(gate, sell(100, parent_id="gone too", **BLOCK), account)


@pytest.mark.parametrize("side", Side)
def test_the_exits_of_a_strategy_s_bracket_count_once_before_its_entry_is_filled_and_after(gate, side):
    sign = side.sign
    entry = changed(ENTRY, side=side, kind=OrderKind.LIMIT, limit_price=100.0)
    leave = Exits(stop=100.0 - 10 * sign, target=100.0 + 10 * sign)
    stop, target = exits(entry, leave, TimeInForce.GTC, ("sma-1-1", "sma-1-2"))
    assert is_exit(gate, stop, holding(0, STOCK, working(entry)))
    assert is_exit(gate, target, holding(0, STOCK, working(entry), working(stop)))
    assert is_exit(gate, target, holding(60 * sign, STOCK, working(entry, filled=60), working(stop)))
    assert is_exit(gate, target, holding(100 * sign, STOCK, working(stop)))
    assert gate.check_group([stop, target], holding(0, STOCK, working(entry)), NOW) is None
    another = changed(target, id="sma-2-0", quantity=1, oca_group="", parent_id="", limit_price=100.0 + 20 * sign)
    assert not is_exit(gate, another, holding(100 * sign, STOCK, working(stop), working(target)))


RESTING_STOP = working(sell(100, id="a-1-0", kind=OrderKind.STOP, stop_price=90.0))
RESTING_TARGET = working(sell(100, id="a-2-0", kind=OrderKind.LIMIT, limit_price=120.0))
LEAVING = {
    "at the market": {},
    "at once": {"kind": OrderKind.LIMIT, "limit_price": 120.0, "time_in_force": TimeInForce.IOC},
    "before the target": {"kind": OrderKind.LIMIT, "limit_price": 119.0},
}


@pytest.mark.parametrize("how", LEAVING)
@pytest.mark.parametrize("resting", [(RESTING_STOP,), (RESTING_TARGET,), (RESTING_STOP, RESTING_TARGET)])
def test_what_rests_to_protect_a_position_keeps_nobody_from_leaving_it(gate, how, resting):
    account = holding(100, STOCK, *resting)
    assert is_exit(gate, sell(100, id="a-3-0", **LEAVING[how]), account)
    assert not is_exit(gate, sell(101, id="a-3-0", **LEAVING[how]), account)


@pytest.mark.parametrize("first", LEAVING)
@pytest.mark.parametrize("second", LEAVING)
def test_a_position_is_left_once_only(gate, first, second):
    leaving = working(sell(100, id="a-3-0", **LEAVING[first]))
    on_its_way = changed_state(leaving, status=OrderStatus.SENT)
    assert not is_exit(gate, sell(1, id="a-4-0", **LEAVING[second]), holding(100, STOCK, RESTING_STOP, on_its_way))


def test_one_layer_of_targets_can_be_overtaken_and_no_more(gate):
    nearer = working(sell(100, id="a-3-0", kind=OrderKind.LIMIT, limit_price=119.0))
    nearest = sell(1, id="a-4-0", kind=OrderKind.LIMIT, limit_price=118.0)
    assert not is_exit(gate, nearest, holding(100, STOCK, RESTING_TARGET, nearer))
    assert is_exit(gate, changed(nearest, kind=OrderKind.MARKET, limit_price=None), holding(100, STOCK, RESTING_TARGET, nearer))


def test_a_second_stop_or_a_further_target_is_too_much(gate):
    assert not is_exit(gate, sell(1, kind=OrderKind.STOP, stop_price=95.0), holding(100, STOCK, RESTING_STOP))
    assert not is_exit(gate, sell(1, kind=OrderKind.LIMIT, limit_price=130.0), holding(100, STOCK, RESTING_TARGET))


def test_a_robot_does_not_leave_over_the_stop_of_another_but_a_person_does(gate):
    account = holding(100, STOCK, RESTING_STOP)
    assert not is_exit(gate, sell(1, id="b-1-0", robot="other"), account)
    assert is_exit(gate, sell(100, id="b-1-0", robot="operator"), account)


@pytest.mark.parametrize(
    ("order", "ours", "broker_has", "found"),
    [
        (sell(100), 0, 100, True),
        (sell(101), 0, 100, False),
        (buy(1), 0, 100, False),
        (sell(100), 100, 0, True),
        (buy(30), 100, -30, True),
        (buy(31), 100, -30, False),
        (sell(60), 40, 60, True),
        (sell(61), 40, 60, False),
    ],
)
def test_what_reduces_what_the_broker_is_known_to_hold_is_an_exit(gate, order, ours, broker_has, found):
    account = holding(ours)
    account.broker_has[STOCK.id] = broker_has
    assert is_exit(gate, order, account) is found


@pytest.mark.parametrize("blocked", [{}, {"": "nobody answers"}, {STOCK.id: "a break"}])
@pytest.mark.parametrize("state", [TradingState.ACTIVE, TradingState.REDUCING])
@pytest.mark.parametrize("sign", [1, -1])
@given(data=st.data())
def test_an_exit_is_never_refused_with_protective_orders_working(blocked, state, sign, data):
    position = data.draw(st.integers(1, 300))
    side = Side.SELL if sign > 0 else Side.BUY
    protective = [
        working(
            changed(one.order, id=f"p-{number}", side=side, quantity=data.draw(st.integers(1, 300))),
        )
        for number, one in enumerate(data.draw(st.lists(st.sampled_from([RESTING_STOP, RESTING_TARGET]), max_size=3)))
    ]
    keeper = Gatekeeper(restricted=["*"])
    keeper.gate.set_state(TradingStateChange(state, "test", "", NOW))
    keeper.gate.on_account(Unknown("no answer"))
    keeper.gate.blocked.update(blocked)
    wanted = changed(sell(data.draw(st.integers(1, position))), id="x-1-0", side=side)
    assert keeper.check(wanted, holding(sign * position, STOCK, *protective)) is None
