"""How a paper broker takes orders, changes and cancellations: as the real one does."""

import pytest
from msgspec.structs import replace
from support.paper import AAPL, ES, EURUSD, USDJPY, Desk, codes, fills, order, statuses

from atlas.domain import BadInput, OrderKind, PriceCondition, Side, TimeInForce, Unavailable, UnknownInstrument
from atlas.exchange import Reason, Refused, Rejected
from atlas.paper import PaperTerms
from atlas.paper.codes import (
    CANCELLED,
    DUPLICATE_ID,
    MISSING_PARENT,
    MODIFY_FILLED,
    no_such_order,
    not_cancellable,
    objection_to,
)
from atlas.trading.broker import BrokerError, BrokerOrder, BrokerStatus, Known, Unknown
from atlas.trading.broker_codes import Meaning, meaning_of

BUY, SELL = Side.BUY, Side.SELL


def orders(told):
    return [one for one in told if isinstance(one, BrokerOrder)]


async def test_an_order_is_reported_with_its_reference_its_terms_and_its_numbers(desk):
    wish = order(AAPL, BUY, 10, 99.0)
    (told,) = await desk.place(wish, 7)
    assert (told.order_id, told.broker_order_id, told.status) == (wish.id, 7, BrokerStatus.WORKING)
    assert told.terms == replace(wish, account="DUPAPER")
    assert told.ours
    assert told.perm_id


async def test_reports_are_told_after_the_call_has_returned(desk):
    desk.quote(AAPL, 100.0, 100.2)
    await desk.broker.place(order(AAPL), 1)
    assert desk.told == []
    assert fills(await desk.heard()) == [("buy", 10, 100.2)]


async def test_placing_the_same_number_again_changes_the_order(desk):
    desk.quote(AAPL, 100.0, 100.2)
    wish = order(AAPL, BUY, 10, 99.0)
    await desk.place(wish, 1)
    (changed,) = await desk.place(replace(wish, limit_price=99.5, quantity=20.0), 1)
    assert (changed.limit_price, changed.quantity, changed.status) == (99.5, 20.0, BrokerStatus.WORKING)
    assert fills(await desk.place(replace(wish, limit_price=100.2, quantity=20.0), 1)) == [("buy", 20, 100.2)]


async def test_a_change_that_cannot_be_is_refused_and_the_order_stands_as_it_was(desk):
    wish = order(AAPL, BUY, 10, 99.0)
    await desk.place(wish, 1)
    told = await desk.place(replace(wish, side=SELL), 1)
    assert codes(told) == [105]
    told += await desk.place(replace(wish, limit_price=99.001), 1)
    assert codes(told) == [105, 110]
    assert [one.limit_price for one in orders(told)] == [99.0, 99.0]
    assert (await desk.snapshot()).open_orders[0].terms == replace(wish, account="DUPAPER")


async def test_a_filled_order_cannot_be_changed_nor_cancelled(desk):
    desk.quote(AAPL, 100.0, 100.2)
    wish = order(AAPL)
    await desk.place(wish, 1)
    assert codes(await desk.place(replace(wish, quantity=20.0), 1)) == [104]
    assert codes(await desk.cancel(1)) == [10148]


async def test_a_cancellation_is_told_with_the_order_and_202(desk):
    await desk.place(order(AAPL, BUY, 10, 99.0), 1)
    told = await desk.cancel(1)
    assert (statuses(told), codes(told)) == (["cancelled"], [202])
    assert codes(await desk.cancel(2)) == [10147]


async def test_a_number_is_used_once(desk):
    await desk.place(order(AAPL, BUY, 10, 99.0), 5)
    await desk.cancel(5)
    assert codes(await desk.place(order(AAPL, BUY, 10, 99.0), 5)) == [103]
    assert codes(await desk.place(order(AAPL, BUY, 10, 99.0), 4)) == [103]
    assert desk.broker.next_order_id() == 6


async def test_the_same_order_under_another_number_is_not_placed_twice(desk):
    wish = order(AAPL, BUY, 10, 99.0)
    await desk.place(wish, 1)
    assert codes(await desk.place(wish, 2)) == [103]
    assert len((await desk.snapshot()).open_orders) == 1


async def test_an_order_that_the_account_cannot_carry_is_rejected_with_the_code_and_the_sums(desk):
    desk.quote(AAPL, 100.0, 100.2)
    told = await desk.place(order(AAPL, BUY, 100_000))
    assert (fills(told), statuses(told), codes(told)) == ([], ["inactive"], [201])
    (error,) = [one for one in told if isinstance(one, BrokerError)]
    assert "INITIAL MARGIN" in error.text
    assert "[1000000.00 USD]" in error.text


async def test_without_margin_any_order_is_carried(make_desk):
    desk = make_desk(margin=False)
    desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.place(order(AAPL, BUY, 100_000))) == [("buy", 100_000, 100.2)]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (order(AAPL, BUY, 10, 99.001), 110),
        (order(AAPL, BUY, 10, kind=OrderKind.LIMIT), 463),
        (order(AAPL, BUY, 10, kind=OrderKind.STOP), 463),
        (order(AAPL, BUY, 0.5), 201),
        (order(AAPL, BUY, 10, account="DU9"), 435),
        (replace(order(AAPL), instrument="IBM@SMART"), 200),
    ],
    ids=lambda value: "" if isinstance(value, int) else value.kind.value,
)
async def test_an_order_that_cannot_be_is_turned_down_with_the_code_for_it(desk, wish, code):
    told = await desk.place(wish)
    assert (statuses(told), codes(told)) == (["inactive"], [code])
    assert (await desk.snapshot()).open_orders == ()


def bracket(side=BUY, quantity=10.0):
    parent = order(AAPL, side, quantity, 100.0)
    take = order(AAPL, side.opposite, quantity, 101.0, parent_id=parent.id, time_in_force=TimeInForce.GTC)
    stop = order(
        AAPL, side.opposite, quantity, kind=OrderKind.STOP, stop_price=99.0, parent_id=parent.id, time_in_force=TimeInForce.GTC
    )
    return parent, take, stop


async def place_bracket(desk, legs=None):
    parent, take, stop = legs or bracket()
    await desk.broker.place(parent, 1, transmit=False)
    await desk.broker.place(take, 2, parent_id=1, transmit=False)
    await desk.broker.place(stop, 3, parent_id=1)
    return await desk.heard()


async def test_a_bracket_waits_here_until_its_last_leg_is_transmitted(desk):
    desk.quote(AAPL, 99.9, 100.0)
    parent, take, _ = bracket()
    await desk.broker.place(parent, 1, transmit=False)
    await desk.broker.place(take, 2, parent_id=1, transmit=False)
    told = await desk.heard()
    assert (fills(told), statuses(told)) == ([], ["received", "received"])
    assert len((await desk.snapshot()).open_orders) == 2


async def test_a_filled_leg_of_a_bracket_cancels_the_other(desk):
    desk.quote(AAPL, 100.1, 100.2)
    assert fills(await place_bracket(desk)) == []
    desk.quote(AAPL, 101.0, 101.1)  # the children are not at the market before their parent is filled
    assert await desk.heard() == []
    desk.quote(AAPL, 99.9, 100.0)
    assert fills(await desk.heard()) == [("buy", 10, 100.0)]
    desk.quote(AAPL, 101.0, 101.1)
    told = await desk.heard()
    assert fills(told) == [("sell", 10, 101.0)]
    assert [one.broker_order_id for one in orders(told) if one.status is BrokerStatus.CANCELLED] == [3]
    assert (await desk.snapshot()).positions == {}


async def test_a_cancelled_parent_takes_its_children_with_it(desk):
    desk.quote(AAPL, 100.1, 100.2)
    await place_bracket(desk)
    told = await desk.cancel(1)
    assert sorted(one.broker_order_id for one in orders(told) if one.status is BrokerStatus.CANCELLED) == [1, 2, 3]


async def test_the_cancellation_of_a_bracket_that_waits_here_withdraws_it_whole(desk):
    parent, take, _ = bracket()
    await desk.broker.place(parent, 1, transmit=False)
    await desk.broker.place(take, 2, parent_id=1, transmit=False)
    await desk.heard()
    told = await desk.cancel(1)
    assert [one.broker_order_id for one in orders(told)] == [1, 2]
    assert codes(told) == [202, 202]


async def test_a_child_whose_parent_was_rejected_comes_to_nothing(desk):
    desk.quote(AAPL, 100.1, 100.2)
    told = await place_bracket(desk, bracket(quantity=1_000_000.0))
    assert {(one.broker_order_id, one.status.value) for one in orders(told) if one.status is not BrokerStatus.RECEIVED} == {
        (1, "inactive"),
        (2, "cancelled"),
        (3, "cancelled"),
    }
    assert (await desk.snapshot()).open_orders == ()


async def test_an_order_that_is_attached_to_nothing_is_turned_down(desk):
    assert codes(await desk.place(order(AAPL), 2, parent_id=1)) == [10006]


async def test_an_order_that_was_kept_can_be_changed_and_then_transmitted(desk):
    desk.quote(AAPL, 99.9, 100.0)
    wish = order(AAPL, BUY, 10, 90.0)
    await desk.place(wish, 1, transmit=False)
    await desk.place(replace(wish, limit_price=91.0), 1, transmit=False)
    told = await desk.place(replace(wish, limit_price=100.0), 1)
    assert fills(told) == [("buy", 10, 100.0)]


async def test_all_orders_are_cancelled_at_once(desk):
    desk.quote(AAPL, 100.1, 100.2)
    await place_bracket(desk)
    await desk.place(order(ES, BUY, 1, 4000.0), 4)
    await desk.place(order(ES, BUY, 1, 4000.0), 5, transmit=False)
    await desk.broker.cancel_all()
    await desk.heard()
    assert (await desk.snapshot()).open_orders == ()
    assert len((await desk.snapshot()).completed_orders) == 5


async def test_a_snapshot_holds_orders_executions_commissions_and_positions_of_the_last_days(desk):
    desk.quote(AAPL, 100.0, 100.2)
    await desk.place(order(AAPL, BUY, 10))
    await desk.place(order(AAPL, BUY, 10, 99.0))
    found = await desk.snapshot()
    assert [one.status for one in found.completed_orders] == [BrokerStatus.FILLED]
    assert [one.status for one in found.open_orders] == [BrokerStatus.WORKING]
    assert [one.price for one in found.executions] == [100.2]
    assert [one.execution_id for one in found.commissions] == [one.id for one in found.executions]
    assert found.positions == {"DUPAPER": {AAPL.id: 10.0}}
    desk.pass_time(86_400)
    assert (await desk.snapshot()).executions == found.executions  # what a trader that was killed before midnight may not know
    desk.pass_time(2 * 86_400)
    later = await desk.snapshot()
    assert (later.completed_orders, later.executions, later.commissions) == ((), (), ())
    assert (later.open_orders, later.positions) == (found.open_orders, found.positions)


async def test_what_was_not_told_yet_is_told_before_a_snapshot_shows_it(desk):
    desk.quote(AAPL, 100.0, 100.2)
    await desk.broker.place(order(AAPL, BUY, 10), 1)
    await desk.snapshot()
    assert fills(desk.told) == [("buy", 10, 100.2)]


async def test_an_account_is_worth_its_cash_and_what_it_holds_at_the_last_quotes(desk):
    desk.quote(AAPL, 100.0, 100.2)
    desk.quote(USDJPY, 150.0, 150.01)
    await desk.place(order(AAPL, BUY, 1000))
    desk.quote(AAPL, 101.0, 101.2)
    found = await desk.values()
    assert found.cash["USD"] == 1_000_000 - 100_200
    assert found.net_liquidation == pytest.approx(1_000_000 - 100_200 + 101_100)
    assert found.gross_position_value == pytest.approx(101_100)
    assert found.initial_margin == pytest.approx(50_550)
    assert found.excess_liquidity == pytest.approx(found.net_liquidation - found.maintenance_margin)


async def test_the_values_of_another_account_are_unknown(desk):
    assert isinstance(await desk.broker.account_values("DU1"), Unknown)


async def test_what_an_order_would_do_is_told_without_doing_it(desk):
    desk.quote(ES, 5000.0, 5000.25)
    found = await desk.broker.what_if(order(ES, BUY, 1))
    assert isinstance(found, Known)
    assert found.value.initial_margin_change == pytest.approx(5000.125 * 50 * 0.055)
    assert (await desk.snapshot()).completed_orders == ()
    refused = await desk.broker.what_if(order(ES, BUY, 1_000))
    assert isinstance(refused, Unknown)
    assert "INITIAL MARGIN" in refused.reason


async def test_an_instrument_is_looked_up_once_and_traded_from_then_on(make_desk):
    desk = make_desk(EURUSD)
    assert await desk.broker.instrument(AAPL.id) == AAPL
    desk.quote(AAPL, 100.0, 100.2)
    assert fills(await desk.place(order(AAPL))) == [("buy", 10, 100.2)]
    with pytest.raises(UnknownInstrument):
        await desk.broker.instrument("IBM@SMART")


async def test_while_nobody_can_say_what_an_instrument_is_the_account_goes_by_what_it_knows(make_desk):
    desk = make_desk(EURUSD)
    desk.nobody_can_say = True
    assert await desk.broker.instrument(EURUSD.id) == EURUSD
    with pytest.raises(Unavailable):
        await desk.broker.instrument(AAPL.id)


async def test_what_is_learned_before_the_account_is_opened_can_be_traded_then(desk, tmp_path):
    other = Desk(tmp_path / "other", desk.clock, PaperTerms(hours="always"), 20_000)
    other.broker.learn({AAPL.id: AAPL})
    other.open()
    other.quote(AAPL, 100.0, 100.2)
    assert fills(await other.place(order(AAPL))) == [("buy", 10, 100.2)]
    other.broker.close()


async def test_the_market_of_every_order_and_of_what_its_conditions_look_at_is_asked_for(desk):
    condition = PriceCondition(ES.id, 5000.0, above=True)
    await desk.place(order(AAPL, BUY, 10, 99.0, conditions=(condition,)))
    assert sorted(set(desk.wanted)) == [AAPL.id, ES.id]


@pytest.mark.parametrize(
    "wrong", [{"account": "U1234"}, {"account": "DU 1"}, {"latency_ms": -1}, {"fees": "cheap"}, {"hours": "sometimes"}]
)
def test_terms_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadInput):
        PaperTerms(**wrong)


def test_every_code_that_a_paper_broker_gives_has_a_meaning_for_the_order():
    events = [Rejected(order(AAPL), reason, "words", 1) for reason in Reason]
    events += [Refused("o", reason, "words", 1) for reason in Reason]
    given = {objection_to(event).code for event in events}
    given |= {DUPLICATE_ID.code, MODIFY_FILLED.code, MISSING_PARENT.code, CANCELLED}
    given |= {no_such_order(1).code, not_cancellable(1, "filled").code}
    assert [code for code in given if meaning_of(code) is Meaning.NOTICE] == []
    for event in events:
        if isinstance(event, Rejected):
            assert meaning_of(objection_to(event).code) is Meaning.REJECTED
