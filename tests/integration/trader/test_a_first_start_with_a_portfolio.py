"""The account was traded before: what it holds can be left, flattened, and taken over."""

from dataclasses import replace

import pytest
from support.field import Field
from support.field_trader import EURUSD, FieldTrader

from atlas.bus.orders import AdoptPositions, Kill, PositionsRequest
from atlas.domain import BadInput, OrderStatus, Refused, Side
from atlas.trading.broker import Known
from atlas.trading.outcome import Verdict

ACCOUNT = "DU1000001"


def run(folder, scenario, **values):
    """Run it with a trader whose account holds 20,000 that its books lack."""

    async def whole(field):
        trader = FieldTrader(field, folder, **values)
        await trader.begin()
        whole_truth = trader.broker.snapshot

        async def with_more():
            answer = await whole_truth()
            if not isinstance(answer, Known):
                return answer
            held = dict(answer.value.positions.get(ACCOUNT, {}))
            held[EURUSD] = held.get(EURUSD, 0.0) + 20_000.0
            costs = {ACCOUNT: {EURUSD: 1.05}}
            return Known(
                replace(answer.value, positions={ACCOUNT: {name: one for name, one in held.items() if one}}, costs=costs)
            )

        trader.broker.snapshot = with_more
        trader.engine.on_link_up()
        await field.until(lambda: f"position-break:{EURUSD}" in trader.alarms.raised, 60)
        await scenario(field, trader)
        await trader.end()

    Field(hours="always").run(whole)


def test_it_can_be_sold_but_not_more_than_it(tmp_path):
    async def scenario(_, trader):
        too_much, all_of_it = trader.order(Side.SELL, 20_001), trader.order(Side.SELL, 20_000)
        assert (await trader.submit(too_much)).verdict is Verdict.DENIED
        assert (await trader.submit(all_of_it)).verdict is Verdict.ACCEPTED
        await trader.until_status(all_of_it, OrderStatus.FILLED)

    run(tmp_path, scenario)


def test_a_kill_flattens_what_the_broker_holds(tmp_path):
    async def scenario(field, trader):
        await trader.ask(Kill("enough", flatten=True))
        await field.until(lambda: trader.position() == -20_000)  # by our books, which never had what was sold

    run(tmp_path, scenario)


def test_it_is_taken_over_and_trading_goes_on(tmp_path):
    async def scenario(field, trader):
        assert (await trader.submit(trader.order())).verdict is Verdict.DENIED
        (held,) = (await trader.ask(AdoptPositions())).held
        assert (held.instrument, held.quantity, held.average_price) == (EURUSD, 20_000, 1.05)
        await field.until(lambda: not trader.engine.problems(), 60)
        assert (await trader.submit(trader.order())).verdict is Verdict.ACCEPTED

    run(tmp_path, scenario)


def test_only_operators_take_over_and_only_what_differs(tmp_path):
    async def scenario(_, trader):
        with pytest.raises(Refused, match="AdoptPositions is for operators"):
            await trader.ask(AdoptPositions(), "robot")
        await trader.ask(AdoptPositions(EURUSD))
        with pytest.raises(BadInput, match="not known to hold anything else than our books"):
            await trader.ask(AdoptPositions(EURUSD))
        assert [held.quantity for held in (await trader.ask(PositionsRequest())).held] == [20_000]

    run(tmp_path, scenario, operators=("cli",))
