import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support.risk import (
    EURUSD,
    FLAT,
    FUTURE,
    GERMAN,
    NOW,
    OTHER,
    SECOND,
    STOCK,
    Account,
    Gatekeeper,
    buy,
    execution,
    holding,
    new_york,
    sell,
    working,
    worth,
)

from atlas.domain import Commission, Denial, OrderKind, Position, Side
from atlas.trading.broker import Unknown
from atlas.trading.risk import OPERATOR, Closing, LimitReached, closings

BEGINS = new_york("2026-11-19 17:00")
NEXT = new_york("2026-11-22 17:00")
MORNING = new_york("2026-11-20 09:00")


def profit(keeper, account, scope="", now_ns=NOW):
    """What `scope` made since the day began; of the exactness with which money is counted."""
    keeper.gate.set_limit(scope, "daily_profit_lock", 1e-9)
    keeper.gate.set_limit(scope, "max_daily_loss", 1e-9)
    hits = [hit for hit in keeper.gate.watch(account, now_ns) if hit.scope == scope]
    return sum(hit.found if hit.name == "daily_profit_lock" else -hit.found for hit in hits)


@pytest.fixture
def keeper():
    """Yesterday's last quotes are in; the first profit that is looked at is the one that counts."""
    keeper = Gatekeeper()
    keeper.quote(99.0, 101.0, at_ns=BEGINS - 1)
    keeper.quote(49.0, 51.0, OTHER, at_ns=BEGINS - 1)
    return keeper


# What was made


def test_a_position_from_yesterday_gains_from_the_last_price_before_the_day(keeper):
    keeper.quote(104.0, 106.0)
    assert profit(keeper, holding(10)) == 50


def test_a_short_position_loses_what_a_long_one_gains(keeper):
    keeper.quote(104.0, 106.0)
    assert profit(keeper, holding(-10)) == -50


def test_what_was_bought_today_gains_from_its_own_price(keeper):
    keeper.quote(104.0, 106.0)
    keeper.gate.on_execution(execution(10, 103.0))
    assert profit(keeper, holding(20)) == 50 + 20


def test_what_was_sold_today_gained_up_to_its_own_price(keeper):
    keeper.quote(104.0, 106.0)
    keeper.gate.on_execution(execution(-10, 103.0))
    assert profit(keeper, FLAT) == 30


def test_what_was_bought_and_sold_today_needs_no_quote():
    keeper = Gatekeeper()
    keeper.quote(1.0, 1.0, OTHER)  # the day begins
    keeper.gate.on_execution(execution(10, 103.0))
    keeper.gate.on_execution(execution(-10, 104.5, number=2))
    assert profit(keeper, FLAT) == 15


def test_commissions_are_subtracted(keeper):
    keeper.gate.on_execution(execution(10, 100.0))
    keeper.gate.on_commission(Commission("e.01.01", 2.5, "USD"))
    assert profit(keeper, holding(10)) == -2.5


def test_a_commission_that_comes_twice_or_corrected_counts_once(keeper):
    keeper.gate.on_execution(execution(10, 100.0))
    keeper.gate.on_commission(Commission("e.01.01", 2.5, "USD"))
    keeper.gate.on_commission(Commission("e.01.02", 3.5, "USD"))
    keeper.gate.on_commission(Commission("unheard.01.01", 100.0, "USD"))
    assert profit(keeper, holding(10)) == -3.5


def test_an_execution_that_comes_twice_counts_once(keeper):
    keeper.gate.on_execution(execution(10, 99.0))
    keeper.gate.on_execution(execution(10, 99.0))
    assert profit(keeper, holding(10)) == 10


def test_a_correction_takes_the_place_of_what_it_corrects(keeper):
    keeper.gate.on_execution(execution(10, 99.0))
    keeper.gate.on_execution(execution(10, 98.0, revision=2))
    keeper.gate.on_execution(execution(10, 99.0))
    assert profit(keeper, holding(10)) == 20


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from(["execution", "commission"]), st.integers(1, 50)),
        max_size=30,
    )
)
def test_what_is_told_again_and_corrected_sums_up_to_what_was_said_last(told):
    def ready():
        keeper = Gatekeeper()
        keeper.quote(99.0, 101.0, at_ns=BEGINS - 1)
        return keeper

    piecemeal, at_once = ready(), ready()
    executions, commissions = {}, {}
    for number, revision, what, value in told:
        if what == "execution":
            one = execution(value, 90.0 + value, number=number, revision=revision)
            piecemeal.gate.on_execution(one, "sma")
            if number not in executions or executions[number][0] < revision:
                executions[number] = (revision, one)
        elif number in executions:
            commissions[number] = Commission(f"e.{number:02d}.{revision:02d}", value / 4, "USD")
            piecemeal.gate.on_commission(commissions[number])
    for number, (_, one) in executions.items():
        at_once.gate.on_execution(one, "sma")
        if number in commissions:
            at_once.gate.on_commission(commissions[number])
    for scope in ("", "account:DU1", "robot:sma", "robot:other", f"instrument:{STOCK.id}", f"instrument:{OTHER.id}"):
        assert profit(piecemeal, FLAT, scope) == profit(at_once, FLAT, scope)


def test_executions_of_yesterday_are_in_the_position_already(keeper):
    keeper.gate.on_execution(execution(10, 50.0, at_ns=BEGINS - 1))
    keeper.gate.on_execution(execution(10, 99.0, at_ns=BEGINS, number=2))
    assert profit(keeper, holding(20)) == 10


def test_executions_that_were_told_before_the_first_quote_count_by_their_time():
    keeper = Gatekeeper()
    keeper.gate.on_execution(execution(10, 50.0, at_ns=BEGINS - 1))
    keeper.gate.on_execution(execution(10, 99.0, at_ns=BEGINS, number=2))
    keeper.gate.on_commission(Commission("e.01.01", 100.0, "USD"))
    keeper.gate.on_commission(Commission("e.02.01", 1.0, "USD"))
    keeper.quote(100.0, 100.0)
    assert profit(keeper, holding(20)) == 9


def test_profit_is_multiplied_and_converted(keeper):
    keeper.quote(6000.0, 6000.0, FUTURE)
    keeper.quote(6001.0, 6001.0, FUTURE)
    keeper.quote(80.0, 80.0, GERMAN)
    keeper.quote(81.0, 81.0, GERMAN)
    keeper.quote(1.1, 1.1, EURUSD)
    account = Account({FUTURE.id: Position(2, 1.0), GERMAN.id: Position(10, 1.0)})
    assert profit(keeper, account) == pytest.approx(100 + 11)


def test_a_scope_has_its_own_profit(keeper):
    keeper.quote(104.0, 106.0)
    keeper.quote(40.0, 40.0, OTHER)
    keeper.gate.on_execution(execution(10, 100.0), "sma")
    keeper.gate.on_execution(execution(10, 101.0, number=2), "other")
    account = Account({STOCK.id: Position(20, 1.0), OTHER.id: Position(1, 1.0)})
    assert profit(keeper, account, "robot:sma") == 50
    assert profit(keeper, account, "robot:other") == 40
    assert profit(keeper, account, "robot:idle") == 0
    assert profit(keeper, account, f"instrument:{STOCK.id}") == 90
    assert profit(keeper, account, f"instrument:{OTHER.id}") == -10
    assert profit(keeper, account, "account:DU1") == 80
    assert profit(keeper, account) == 80


def test_what_a_robot_holds_from_yesterday_is_its_own_too(keeper):
    keeper.gate.on_execution(execution(10, 50.0, at_ns=BEGINS - 1), "sma")
    keeper.quote(104.0, 106.0)
    assert profit(keeper, holding(30), "robot:sma") == 50


# The limits


@pytest.fixture
def limited():
    keeper = Gatekeeper(max_daily_loss=100, daily_profit_lock=200)
    keeper.quote(100.0, 100.0, at_ns=BEGINS - 1)
    keeper.quote(100.0, 100.0)
    return keeper


def at(keeper, price, account=holding(10)):  # noqa: B008 # never changed
    keeper.quote(price, price)
    return keeper.check(buy(), account)


def test_below_its_limits_the_day_goes_on(limited):
    assert at(limited, 90.01) is None
    assert at(limited, 119.99) is None


def test_a_loss_of_the_limit_denies_what_opens(limited):
    text = "the loss of the session day came to 100, max_daily_loss 100 of the desk; nothing is opened until the next"
    assert at(limited, 90.0) == Denial("max_daily_loss", text, 100.0, 100.0, temporary=True)
    assert limited.passes(sell(10), holding(10))


def test_a_profit_of_the_limit_denies_what_opens(limited):
    text = "the profit of the session day came to 200, daily_profit_lock 200 of the desk; nothing is opened until the next"
    assert at(limited, 120.0) == Denial("daily_profit_lock", text, 200.0, 200.0, temporary=True)


def test_one_limit_does_not_need_the_other():
    keeper = Gatekeeper(daily_profit_lock=200)
    keeper.quote(100.0, 100.0)
    assert at(keeper, 1.0) is None
    assert at(keeper, 120.0).rule == "daily_profit_lock"
    keeper = Gatekeeper(max_daily_loss=200)
    keeper.quote(100.0, 100.0)
    assert at(keeper, 500.0) is None
    assert at(keeper, 80.0).rule == "max_daily_loss"


def test_what_was_reached_stays_so_when_the_market_comes_back(limited):
    assert at(limited, 89.0) is not None
    denial = at(limited, 100.0)
    assert denial.found == 110


def test_the_next_session_day_begins_anew_from_its_first_prices(limited):
    assert at(limited, 89.0) is not None
    assert not limited.passes(buy(), holding(10), now_ns=NEXT - 1)
    assert limited.passes(buy(), holding(10), now_ns=NEXT)
    limited.quote(80.0, 80.0, at_ns=NEXT + 1)
    assert limited.passes(buy(), holding(10), now_ns=NEXT + 1)
    limited.quote(79.0, 79.0, at_ns=NEXT + 1)
    assert limited.denial(buy(), holding(10), now_ns=NEXT + 1).found == 100


def test_another_limit_ends_it(limited):
    assert at(limited, 89.0) is not None
    limited.gate.set_limit("", "max_daily_loss", 111)
    assert limited.passes(buy(), holding(10))
    limited.gate.set_limit("", "max_daily_loss", 110)
    assert not limited.passes(buy(), holding(10))


@pytest.mark.parametrize(
    ("account", "missing"),
    [
        (holding(1, OTHER), "there is no quote of MSFT@SMART"),
        (holding(1, GERMAN), "there is no rate of EUR in USD"),
        (Account({"GONE@SMART": Position(1, 1.0)}), "GONE@SMART, which is held, is not an instrument of this desk"),
    ],
)
def test_what_cannot_be_valued_refuses_and_is_named(limited, account, missing):
    limited.quote(80.0, 80.0, GERMAN)
    limited.quote(81.0, 81.0, GERMAN)
    denial = limited.denial(buy(), account)
    assert (denial.rule, denial.found, denial.limit, denial.temporary) == ("max_daily_loss", None, 100.0, True)
    assert denial.text.startswith(f"{missing}, so max_daily_loss 100 of the desk cannot be judged")


def test_a_profit_that_cannot_be_known_is_told_by_the_limit_that_there_is():
    keeper = Gatekeeper(daily_profit_lock=200)
    denial = keeper.denial(buy(), holding(1))
    assert (denial.rule, denial.limit) == ("daily_profit_lock", 200.0)
    assert "so daily_profit_lock 200 of" in denial.text


def test_while_the_account_is_unknown_nothing_is_opened(limited):
    limited.gate.on_account(Unknown("no answer"))
    assert "the account's values are not known (no answer)" in limited.denial(buy()).text


def test_what_was_reached_is_told_although_the_account_is_unknown_now(limited):
    assert at(limited, 89.0) is not None
    limited.gate.on_account(Unknown("no answer"))
    assert limited.denial(buy()).found == 110


def test_a_rate_is_not_missed_where_nothing_was_made(limited):
    limited.gate.on_execution(execution(1, 80.0, GERMAN))
    limited.gate.on_execution(execution(-1, 80.0, GERMAN, number=2))
    assert limited.passes(buy())


# What is done about it


def watched(keeper, account, price, now_ns=NOW):
    keeper.quote(price, price, at_ns=now_ns)
    return keeper.gate.watch(account, now_ns)


def test_a_limit_that_is_reached_is_told_once(limited):
    assert watched(limited, holding(10), 90.01) == []
    assert watched(limited, holding(10), 90.0) == [LimitReached("", "max_daily_loss", 100.0, 100.0, NEXT)]
    assert watched(limited, holding(10), 80.0) == []
    assert [hit.name for hit in watched(limited, holding(10), 120.0)] == ["daily_profit_lock"]
    assert watched(limited, holding(10), 120.0, NEXT) == []


def test_it_is_told_again_the_next_day(limited):
    assert watched(limited, holding(10), 90.0)
    assert watched(limited, holding(10), 80.0, NEXT)[0].until_ns == new_york("2026-11-23 17:00")


def test_without_limits_of_the_day_nothing_is_watched():
    keeper = Gatekeeper(max_position=1)
    keeper.quote(100.0, 100.0)
    assert watched(keeper, holding(10), 1.0) == []


LOSER, WINNER = Position(10, 110.0), Position(-20, 60.0)  # at 90 and 50
PROTECTS = working(sell(10, id="a-1-0", kind=OrderKind.STOP, stop_price=80.0))
OPENS = working(buy(5, id="a-2-0", kind=OrderKind.LIMIT, limit_price=70.0))
OPENS_BESIDE = working(sell(5, OTHER, id="a-3-0", robot="other"))
BOTH = Account({STOCK.id: LOSER, OTHER.id: WINNER}, [PROTECTS, OPENS, OPENS_BESIDE])


def done(*actions, account=BOTH, price=90.0):
    keeper = Gatekeeper(max_daily_loss=100, at_daily_limit=actions)
    keeper.quote(50.0, 50.0, OTHER)
    keeper.quote(100.0, 100.0)
    (hit,) = watched(keeper, account, price)
    return hit.cancel, hit.close


CLOSE_LOSER, CLOSE_WINNER = Closing(STOCK.id, Side.SELL, 10.0), Closing(OTHER.id, Side.BUY, 20.0)


def test_without_an_action_nothing_is_done():
    assert done() == ((), ())


def test_pending_orders_that_open_are_cancelled_and_those_that_protect_stay():
    assert done("cancel_pending") == (("a-2-0", "a-3-0"), ())


def test_losers_are_closed_once_what_would_close_them_too_is_cancelled():
    assert done("close_losers") == (("a-1-0",), (CLOSE_LOSER,))


def test_winners_are_closed():
    assert done("close_winners") == ((), (CLOSE_WINNER,))


def test_all_of_it_can_be_done_at_once():
    cancel, close = done("cancel_pending", "close_losers", "close_winners")
    assert (set(cancel), set(close)) == ({"a-1-0", "a-2-0", "a-3-0"}, {CLOSE_LOSER, CLOSE_WINNER})


def test_a_position_at_its_price_is_no_loser():
    account = Account({STOCK.id: Position(10, 90.0)})
    assert done("close_losers", account=account) == ((), ())
    assert done("close_winners", account=account)[1] == (CLOSE_LOSER,)


def test_a_position_without_a_quote_passes_for_a_loser():
    keeper = Gatekeeper(max_daily_loss=100, at_daily_limit=["close_losers"])
    keeper.quote(100.0, 100.0)
    assert at(keeper, 90.0) is not None
    (hit,) = keeper.gate.watch(holding(3, OTHER), NOW)
    assert hit.close == (Closing(OTHER.id, Side.SELL, 3.0),)
    keeper = Gatekeeper(max_daily_loss=100, at_daily_limit=["close_winners"])
    keeper.quote(100.0, 100.0)
    assert at(keeper, 90.0) is not None
    (hit,) = keeper.gate.watch(holding(3, OTHER), NOW)
    assert hit.close == ()


def test_a_robots_limit_cancels_and_closes_what_is_its_own():
    keeper = Gatekeeper({"robot:sma": {"max_daily_loss": 100, "at_daily_limit": ["cancel_pending", "close_losers"]}})
    keeper.quote(100.0, 100.0)
    keeper.gate.on_execution(execution(10, 100.0), "sma")
    keeper.gate.on_execution(execution(30, 100.0, number=2), "other")
    mine, others = working(buy(1, id="a-1-0")), working(buy(1, id="a-2-0", robot="other"))
    (hit,) = watched(keeper, holding(40, STOCK, mine, others), 90.0)
    assert (hit.scope, hit.cancel, hit.close) == ("robot:sma", ("a-1-0",), (CLOSE_LOSER,))
    assert keeper.passes(buy(1, robot="other"), holding(40))
    assert not keeper.passes(buy(1), holding(40))


def test_what_closes_passes_the_gate_when_the_rest_is_cancelled():
    keeper = Gatekeeper(max_daily_loss=100)
    keeper.quote(100.0, 100.0)
    assert at(keeper, 90.0) is not None
    assert keeper.passes(sell(10, robot=OPERATOR), holding(10))


def test_flat_positions_need_no_closing():
    assert closings([(STOCK.id, Position(0.0, 0.0)), (OTHER.id, WINNER)]) == (CLOSE_WINNER,)


def test_a_small_long_position_is_sold():
    assert closings([(STOCK.id, Position(0.5, 1.0))]) == (Closing(STOCK.id, Side.SELL, 0.5),)


# Restarts


def restarted(before):
    keeper = Gatekeeper(max_daily_loss=100, daily_profit_lock=200)
    keeper.gate.recall(before.gate.memory(), NOW)
    return keeper


def test_a_restart_changes_nothing_about_the_day(limited):
    watched(limited, holding(10), 90.0)
    after = restarted(limited)
    assert watched(after, holding(10), 100.0) == []
    assert after.denial(buy(), holding(10)).found == 100
    assert after.gate.memory() == limited.gate.memory()


def test_after_a_restart_the_first_prices_of_the_day_are_known(limited):
    after = restarted(limited)
    assert at(after, 90.01) is None
    assert at(after, 90.0) is not None


def test_without_what_was_remembered_the_first_quote_stands_for_them():
    keeper = Gatekeeper(max_daily_loss=100)
    assert at(keeper, 95.0) is None
    assert at(keeper, 85.01) is None
    assert at(keeper, 85.0) is not None


def test_the_memory_of_another_day_is_not_taken_over(limited):
    watched(limited, holding(10), 90.0)
    keeper = Gatekeeper(max_daily_loss=100)
    keeper.gate.recall(limited.gate.memory(), NEXT)
    keeper.quote(50.0, 50.0, at_ns=NEXT + SECOND)
    assert keeper.passes(buy(), holding(10), now_ns=NEXT + SECOND)
    assert keeper.gate.memory().marks == {STOCK.id: 50.0}


def test_the_base_currency_is_the_accounts():
    keeper = Gatekeeper(max_daily_loss=100)
    keeper.gate.on_account(worth(1000.0, "EUR"))
    keeper.quote(2.0, 2.0, EURUSD)
    keeper.quote(100.0, 100.0)
    assert at(keeper, 80.01) is None
    assert at(keeper, 80.0).found == 100


# What is watched


def test_a_profit_lock_is_watched_without_a_limit_of_the_loss():
    keeper = Gatekeeper(daily_profit_lock=100)
    keeper.quote(100.0, 100.0)
    assert [hit.name for hit in watched(keeper, holding(10), 110.0)] == ["daily_profit_lock"]


def test_scopes_without_limits_of_the_day_do_not_hide_others():
    keeper = Gatekeeper({"instrument:AAPL@SMART": {"max_daily_loss": 100}}, max_position=1000)
    keeper.quote(100.0, 100.0)
    assert [hit.scope for hit in watched(keeper, holding(10), 90.0)] == ["instrument:AAPL@SMART"]


def test_an_instrument_whose_name_has_a_colon_has_a_day_of_its_own():
    keeper = Gatekeeper({f"instrument:{GERMAN.id}": {"max_daily_loss": 100}})
    keeper.gate.on_account(worth(1000.0, "EUR"))
    keeper.gate.on_execution(execution(10, 100.0, GERMAN))
    keeper.quote(90.0, 90.0, GERMAN)
    assert [hit.found for hit in keeper.gate.watch(holding(10, GERMAN), NOW)] == [100.0]


def test_what_was_executed_at_the_very_begin_of_the_day_is_of_that_day():
    keeper = Gatekeeper(max_daily_loss=100)
    keeper.quote(100.0, 100.0, at_ns=NEXT)
    keeper.gate.on_execution(execution(10, 110.0, at_ns=NEXT))
    assert keeper.denial(buy(), holding(10), now_ns=NEXT + SECOND).found == 100


def test_an_execution_of_what_nobody_knows_is_no_harm(limited):
    limited.gate.on_execution(replace(execution(1, 1.0), instrument="GONE@SMART"), "sma")
    assert limited.denial(buy()).text.startswith("GONE@SMART, which is held, is not an instrument of this desk")


def test_a_quote_that_cannot_be_read_is_no_price_of_the_begin():
    keeper = Gatekeeper(max_daily_loss=100)
    keeper.quote(0.0, 50.0)
    keeper.quote(100.0, 100.0)
    assert at(keeper, 90.01) is None
    assert at(keeper, 90.0).found == 100


def test_a_correction_takes_the_place_of_an_execution_and_of_what_it_cost():
    keeper = Gatekeeper(max_daily_loss=1)
    keeper.quote(100.0, 100.0)
    keeper.gate.on_execution(execution(10, 100.0))
    for amount in (5.0, 7.0):
        keeper.gate.on_commission(Commission("e.01.01", amount, "USD"))
    keeper.gate.on_execution(execution(10, 101.0, revision=2))
    keeper.gate.on_execution(execution(10, 130.0, revision=1))
    assert keeper.denial(buy(), holding(10)).found == 17
