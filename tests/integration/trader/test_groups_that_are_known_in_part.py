"""A group is taken whole or not at all, whatever of it is known already."""

from msgspec.structs import replace
from support.field import Field
from support.field_trader import FieldTrader

from atlas.domain import OrderKind, OrderStatus, Side
from atlas.trading.outcome import Verdict


def bracket(trader):
    """An entry with a target and a stop."""
    entry = trader.resting()
    target = trader.order(Side.SELL, kind=OrderKind.LIMIT, limit_price=1.6, parent_id=entry.id)
    stop = trader.order(Side.SELL, kind=OrderKind.STOP, stop_price=0.9, parent_id=entry.id)
    return entry, target, stop


def run(folder, scenario):
    async def whole(field):
        trader = FieldTrader(field, folder)
        await trader.begin()
        await scenario(trader)
        await trader.end()

    Field(hours="always").run(whole)


def test_a_group_whose_first_leg_is_known_alone_is_denied_with_what_is_missing(tmp_path):
    async def scenario(trader):
        entry, target, stop = bracket(trader)
        await trader.submit(entry)
        await trader.until_status(entry, OrderStatus.WORKING)
        receipt = await trader.submit(entry, target, stop)
        assert (receipt.verdict, receipt.denial.rule) == (Verdict.DENIED, "group")
        assert (
            receipt.reason
            == f"order {entry.id} is working without {target.id}, {stop.id}: a group is taken whole or not at all"
        )
        for leg in (target, stop):
            await trader.until_status(leg, OrderStatus.DENIED)
        assert trader.status(entry) is OrderStatus.WORKING

    run(tmp_path, scenario)


def test_a_group_of_which_a_leg_is_another_than_before_is_denied(tmp_path):
    async def scenario(trader):
        entry, target, stop = bracket(trader)
        assert (await trader.submit(entry, target, stop)).verdict is Verdict.ACCEPTED
        await trader.until_status(entry, OrderStatus.WORKING)
        receipt = await trader.submit(entry, target, replace(stop, kind=OrderKind.LIMIT, limit_price=1.7, stop_price=None))
        assert (receipt.verdict, receipt.denial.rule) == (Verdict.DENIED, "group")
        assert (await trader.submit(entry, target, stop)).verdict is Verdict.ACCEPTED

    run(tmp_path, scenario)
