import pytest
from support.risk import ACCOUNT, FLAT, INSTRUMENTS, NOW, OTHER, STOCK, Gatekeeper, buy, changed, holding, sell, working

from atlas.domain import BadInput, Denial, OcaType, OrderKind, Share
from atlas.trading.risk import OPERATOR, Gate, LimitTree
from atlas.trading.trading_state import TradingState, TradingStateChange


@pytest.fixture
def keeper():
    return Gatekeeper()


def state(state, **values):
    return TradingStateChange(state, **{"who": "ann", "reason": "lunch", "at_ns": NOW, **values})


# Accounts


def test_an_order_for_another_account_is_denied_exit_or_not(keeper):
    denial = Denial("account", "this trader trades DU1, not DU2")
    assert keeper.check(buy(account="DU2")) == denial
    assert keeper.check(sell(account="DU2"), holding(100)) == denial
    assert keeper.passes(buy(account=ACCOUNT))


def test_a_share_for_another_account_is_denied(keeper):
    shares = (Share("DU1", 50), Share("DU2", 50))
    assert keeper.denial(buy(shares=shares)).text == "this trader trades DU1, not DU2"
    assert keeper.passes(buy(shares=(Share("DU1", 100),)))


def test_an_order_without_an_account_is_held_against_the_limits_of_ours():
    keeper = Gatekeeper({"account:DU1": {"max_order_quantity": 1}})
    assert keeper.denial(buy(2)).text == "the quantity is 2, above max_order_quantity 1 of the account DU1"
    keeper = Gatekeeper({"account:DU2": {"max_order_quantity": 1}})
    assert keeper.passes(buy(2))


def test_an_order_that_was_noted_without_an_account_counts_for_ours():
    keeper = Gatekeeper({"account:DU1": {"max_orders_per_second": 1}})
    keeper.gate.note_submitted(buy(), NOW)
    assert not keeper.passes(buy())


# Scopes


@pytest.mark.parametrize("scope", ["", "account:DU1", "robot:sma", "instrument:AAPL@SMART"])
def test_the_strictest_of_all_scopes_holds(scope):
    loose = {one: {"max_order_quantity": 100} for one in ("", "account:DU1", "robot:sma", "instrument:AAPL@SMART")}
    keeper = Gatekeeper({**loose, scope: {"max_order_quantity": 50}})
    assert keeper.passes(buy(50))
    assert keeper.denial(buy(51)).limit == 50


def test_limits_of_others_do_not_hold():
    strict = {"max_order_quantity": 1}
    keeper = Gatekeeper({"account:DU2": strict, "robot:other": strict, "instrument:MSFT@SMART": strict})
    assert keeper.passes(buy(100))


def test_a_limit_can_be_set_changed_and_ended_while_trading(keeper):
    keeper.gate.set_limit("robot:sma", "max_order_quantity", 10)
    assert not keeper.passes(buy(11))
    keeper.gate.set_limit("robot:sma", "max_order_quantity", 11)
    assert keeper.passes(buy(11))
    keeper.gate.set_limit("robot:sma", "max_order_quantity", 1)
    keeper.gate.set_limit("robot:sma", "max_order_quantity", None)
    assert keeper.passes(buy(11))
    assert keeper.gate.limits == LimitTree()


def test_a_limit_that_cannot_be_set_changes_nothing(keeper):
    before = keeper.gate.limits
    with pytest.raises(BadInput):
        keeper.gate.set_limit("", "max_position", "much")
    assert keeper.gate.limits is before


# What the desk blocks


def test_a_block_of_an_instrument_refuses_what_opens_there(keeper):
    keeper.gate.blocked[STOCK.id] = "our books have 1,\nthe broker has 2"
    text = "opening in AAPL@SMART is blocked: our books have 1, the broker has 2"
    assert keeper.check(buy()) == Denial("blocked", text, temporary=True)
    assert keeper.passes(buy(one=OTHER))
    assert keeper.passes(sell(), holding(100))


def test_a_block_of_everything_refuses_whatever_opens(keeper):
    keeper.gate.blocked[""] = "positions are not known"
    assert keeper.denial(buy()).text == "opening is blocked: positions are not known"
    del keeper.gate.blocked[""]
    assert keeper.passes(buy())


def test_a_block_says_how_much_would_pass(keeper):
    keeper.gate.blocked[""] = "positions are not known"
    assert keeper.denial(sell(150), holding(100)).text.endswith("known; 100 would pass as an exit")


# Trading state


def test_trading_is_active_until_somebody_says_otherwise(keeper):
    assert keeper.gate.trading_state.at(NOW) is TradingState.ACTIVE
    assert keeper.passes(buy())


def test_while_reducing_only_exits_pass(keeper):
    keeper.gate.set_state(state(TradingState.REDUCING))
    assert keeper.gate.trading_state == state(TradingState.REDUCING)
    assert keeper.passes(sell(), holding(100))
    denial = keeper.denial(sell(150), holding(100))
    assert (denial.rule, denial.temporary) == ("trading_state", True)
    assert denial.text.endswith("; 100 would pass as an exit")
    assert not keeper.passes(buy())


def test_while_halted_nothing_passes_but_what_a_person_sends_to_flatten(keeper):
    keeper.gate.set_state(state(TradingState.HALTED))
    assert not keeper.passes(buy())
    assert not keeper.passes(sell(), holding(100))
    assert keeper.passes(sell(robot=OPERATOR), holding(100))
    assert not keeper.passes(sell(101, robot=OPERATOR), holding(100))
    assert not keeper.passes(buy(robot=OPERATOR))


def test_while_halted_no_denial_promises_that_a_part_would_pass(keeper):
    keeper.gate.set_state(state(TradingState.HALTED))
    assert "would pass" not in keeper.denial(sell(150), holding(100)).text


def test_a_state_until_a_time_ends_by_itself(keeper):
    keeper.gate.set_state(state(TradingState.HALTED, until_ns=NOW + 10))
    assert not keeper.passes(buy(), now_ns=NOW + 9)
    assert keeper.passes(buy(), now_ns=NOW + 10)


def test_what_cannot_be_right_is_told_before_the_state(keeper):
    keeper.gate.set_state(state(TradingState.HALTED))
    assert keeper.denial(buy(0.5)).rule == "quantity"
    assert keeper.denial(buy(account="DU2")).rule == "account"


# Groups

ENTRY = buy(100, id="sma-1-0")
STOP = sell(100, id="sma-1-1", parent_id=ENTRY.id, kind=OrderKind.STOP, stop_price=90.0, oca_group="x")
TARGET = sell(100, id="sma-1-2", parent_id=ENTRY.id, kind=OrderKind.LIMIT, limit_price=120.0, oca_group="x")


def test_a_bracket_passes_where_its_parent_does():
    keeper = Gatekeeper(max_position=100, max_working_orders=1, max_order_quantity=100)
    assert keeper.gate.check_group([ENTRY, STOP, TARGET], FLAT, NOW) is None
    loose = keeper.gate.check_group([ENTRY, changed(STOP, parent_id="")], FLAT, NOW)
    assert loose.rule == "max_working_orders"


def test_a_bracket_is_denied_with_its_parent():
    keeper = Gatekeeper(max_order_quantity=99)
    assert keeper.gate.check_group([ENTRY, STOP], FLAT, NOW).rule == "max_order_quantity"


def test_a_bracket_whose_children_close_more_than_their_parent_opens_is_an_opening():
    keeper = Gatekeeper(max_position=100, max_working_orders=1)
    both = {"oca_type": OcaType.REDUCE}
    group = [ENTRY, changed(STOP, **both), changed(TARGET, **both)]
    assert keeper.gate.check_group(group, FLAT, NOW).rule == "max_working_orders"


def test_a_leg_that_cannot_be_right_denies_the_group(keeper):
    assert keeper.gate.check_group([ENTRY, changed(STOP, stop_price=None)], FLAT, NOW).rule == "price"
    assert keeper.gate.check_group([changed(buy(), instrument="GONE@SMART")], FLAT, NOW).rule == "instrument"


def test_legs_count_beside_what_works_already():
    keeper = Gatekeeper(max_position=250)
    account = holding(0, STOCK, working(buy(60, id="a-1-0")))
    assert keeper.gate.check_group([buy(100, id="b-1-0"), buy(90, id="b-1-1")], account, NOW) is None
    denial = keeper.gate.check_group([buy(100, id="b-1-0"), buy(91, id="b-1-1")], account, NOW)
    assert denial.found == 251


def test_an_empty_group_is_no_harm(keeper):
    assert keeper.gate.check_group([], FLAT, NOW) is None


def test_instruments_that_are_learned_later_are_known():
    instruments = {}
    gate = Gate(LimitTree(), ACCOUNT, instruments)
    assert gate.check_group([buy()], FLAT, NOW).rule == "instrument"
    instruments.update(INSTRUMENTS)
    assert gate.check_group([buy()], FLAT, NOW) is None
