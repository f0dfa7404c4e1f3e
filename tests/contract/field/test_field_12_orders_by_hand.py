"""Open orders of other clients, and those that a person placed by hand, are not seen.

Here all open and completed orders of the account are asked for, known by their perm ids, and adopted, claimed or quarantined as
the configuration says.
"""

import pytest
from support.field import Field
from support.field_trader import FieldTrader

from atlas.bus.orders import AccountRequest, Release
from atlas.domain import OrderEventKind, OrderStatus, Refused
from atlas.ib.library import library
from atlas.trading.adoption import ForeignOrders, Policy
from atlas.trading.outcome import Verdict


async def placed_elsewhere(field, order, client_id=5):
    other = field.connection(client_id)
    await other.open_within(60, orders=True)
    other.ib.client.placeOrder(other.next_order_id(), library.Forex("EURUSD"), order)
    await other.round_trip()
    return other


def foreign(trader):
    return [state for state in trader.store.orders.values() if state.adopted]


@pytest.mark.parametrize(
    ("policy", "robot", "blocks"),
    [
        (Policy(), "", False),
        (Policy(ForeignOrders.CLAIM, {"hand-": "robot"}), "robot", False),
        (Policy(ForeignOrders.QUARANTINE), "", True),
    ],
    ids=["adopt", "claim", "quarantine"],
)
def test_an_order_of_another_client_is_seen_and_dealt_with_as_configured(tmp_path, policy, robot, blocks):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, policy=policy)
        await trader.begin()
        await trader.working()  # so that it knows the instrument
        by_hand = library.LimitOrder("BUY", 30_000, 1.0, tif="GTC", orderRef="hand-1")
        await placed_elsewhere(field, by_hand)
        trader.engine.on_link_up()
        await field.until(lambda: foreign(trader))
        (state,) = foreign(trader)
        assert state.order.id == f"ext-{state.perm_id}"
        assert (state.status, state.order.quantity, state.order.robot) == (OrderStatus.WORKING, 30_000, robot)
        first = next(event for event in trader.store.all_events() if event.order_id == state.order.id)
        assert first.kind is OrderEventKind.ADOPTED
        blocked = (await trader.ask(AccountRequest())).blocked
        assert ("EUR.USD@IDEALPRO" in blocked) is blocks
        await trader.end()

    Field(hours="always").run(scenario)


def test_a_quarantine_ends_when_an_operator_says_so_and_stays_ended_after_a_restart(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, policy=Policy(ForeignOrders.QUARANTINE), operators=("anna",))
        await trader.begin()
        await trader.working()
        await placed_elsewhere(field, library.LimitOrder("BUY", 30_000, 1.0, tif="GTC"))
        trader.engine.on_link_up()
        await field.until(lambda: foreign(trader))
        (state,) = foreign(trader)
        with pytest.raises(Refused):
            await trader.ask(Release(state.order.id), "bob")
        receipt = await trader.ask(Release(state.order.id), "anna")
        assert (receipt.status, receipt.verdict, receipt.denial) == (OrderStatus.WORKING, Verdict.ACCEPTED, None)
        await trader.end()
        await trader.begin()
        assert (await trader.ask(AccountRequest())).blocked == {}
        assert foreign(trader)[0].released
        await trader.end()

    Field(hours="always").run(scenario)


def test_a_fill_by_hand_is_in_the_books_and_makes_no_break(tmp_path):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path)
        await trader.begin()
        await trader.working()  # so that it knows the instrument
        await placed_elsewhere(field, library.MarketOrder("BUY", 30_000))
        trader.engine.on_link_up()
        await field.until(lambda: trader.position() == 30_000)
        await trader.ready()
        assert foreign(trader)[0].status is OrderStatus.FILLED
        assert not trader.alarms.raised
        await trader.end()

    Field(hours="always").run(scenario)


@pytest.mark.parametrize("policy", [Policy(), Policy(ForeignOrders.QUARANTINE)], ids=["adopt", "quarantine"])
def test_what_others_trade_is_booked_and_blocked_under_our_id_also_where_the_trader_never_traded_it(tmp_path, policy):
    async def scenario(field):
        trader = FieldTrader(field, tmp_path, policy=policy)
        await trader.begin()
        await placed_elsewhere(field, library.MarketOrder("BUY", 30_000))
        other = await placed_elsewhere(field, library.LimitOrder("BUY", 40_000, 1.0, tif="GTC"), client_id=6)
        trader.engine.on_link_up()
        await field.until(lambda: len(foreign(trader)) == 2 and trader.position() == 30_000)
        assert {state.order.instrument for state in foreign(trader)} == {"EUR.USD@IDEALPRO"}
        assert await trader.ask_positions() == {"EUR.USD@IDEALPRO": 30_000}
        await field.until(lambda: "EUR.USD@IDEALPRO" in trader.store.instruments)
        blocked = (await trader.ask(AccountRequest())).blocked
        assert list(blocked) == (["EUR.USD@IDEALPRO"] if policy.foreign is ForeignOrders.QUARANTINE else [])
        assert [text for text in trader.alarms.raised if not text.startswith("quarantine:")] == []
        other.close()
        await trader.end()

    Field(hours="always").run(scenario)
