"""Our orders through the gateway: what was placed is what the broker shows, to us and to everybody."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from msgspec.structs import replace
from support.ib_desk import IbDesk, ib_desk
from support.valid_orders import valid_orders

from atlas.domain import (
    Instrument,
    InstrumentKind,
    Order,
    OrderKind,
    Side,
    TimeInForce,
)
from atlas.trading.broker import BrokerError, BrokerStatus
from tests.contract.conftest import START_NS

EURUSD, AAPL, ES, CALL = "EUR.USD@IDEALPRO", "AAPL@SMART", "ES-202609@CME", "AAPL-20260717-250C@SMART"
DEFINED = (
    Instrument(EURUSD, InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005),
    Instrument(AAPL, InstrumentKind.STOCK, "AAPL", "SMART", "USD", 265598, 0.01),
    Instrument(ES, InstrumentKind.FUTURE, "ES", "CME", "USD", 750202609, 0.25, multiplier=50.0),
)
TOMORROW = START_NS + 86_400 * 10**9
ACCOUNT = "DU1000001"
_STOCKS_ONLY = (
    OrderKind.MARKET_ON_CLOSE, OrderKind.LIMIT_ON_CLOSE, OrderKind.MIDPRICE, OrderKind.PEGGED_TO_MIDPOINT,
)  # fmt: skip
_TRAILING = (OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT)


@pytest.fixture
async def desk(gateway) -> AsyncIterator[IbDesk]:
    async with ib_desk(gateway) as desk:
        for one in (EURUSD, AAPL, ES):
            await desk.broker.instrument(one)
        yield desk


def buy(number: int, **values: object) -> Order:
    return Order(f"robot-{number}-0", "robot", AAPL, Side.BUY, 10.0, **values)  # type: ignore[arg-type]


def taken_by_the_simulator(order: Order) -> bool:
    """Leave out what the simulated gateway lists for no product, or for none of this kind."""
    stock = order.instrument == AAPL
    if order.algo or order.advisor_group or (order.all_or_none and not stock):
        return False
    if order.kind in _STOCKS_ONLY and not stock:
        return False
    if order.kind is OrderKind.RELATIVE and order.instrument == ES:
        return False
    return stock or order.time_in_force is not TimeInForce.OPG


def told(order: Order) -> Order:
    """What travels: not who thought of it; and of a trailing order the stop moves with the market."""
    return replace(order, robot="", cause_ns=0, stop_price=None if order.kind in _TRAILING else order.stop_price)


number = iter(range(1, 1_000_000))


@given(wanted=valid_orders(DEFINED))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_is_shown_by_the_broker_as_it_was_placed(desk, wanted):
    assume(taken_by_the_simulator(wanted))
    mine = f"any-{next(number)}-0"
    rests = wanted.time_in_force not in (TimeInForce.OPG, TimeInForce.IOC, TimeInForce.FOK)
    order = replace(
        wanted,
        id=mine,
        account=ACCOUNT,
        oca_group=wanted.oca_group and mine,
        good_after_ns=max(wanted.good_after_ns, TOMORROW) if rests else 0,
        good_till_ns=max(wanted.good_till_ns, 2 * wanted.good_after_ns, 2 * TOMORROW) // 10**9 * 10**9
        if wanted.good_till_ns
        else 0,
        outside_rth=False if wanted.instrument == EURUSD else wanted.outside_rth,
    )
    broker_order_id = await desk.place(order)
    shown = await desk.until(
        lambda: (
            next((one for one in desk.said_of(mine) if one.terms), None)
            or next(
                (one for one in desk.reports if isinstance(one, BrokerError) and one.broker_order_id == broker_order_id), None
            )
        )
    )
    assert not isinstance(shown, BrokerError), (order, shown)
    assert told(shown.terms) == told(order)
    assert (shown.broker_order_id, shown.ours, shown.client_id) == (broker_order_id, True, 1)
    snapshot = await desk.snapshot()
    listed = [one for one in (*snapshot.open_orders, *snapshot.completed_orders) if one.order_id == mine]
    assert [told(one.terms) for one in listed] == [told(order)]
    if listed[0].status is BrokerStatus.WORKING:
        await desk.broker.cancel(broker_order_id)
        await desk.until(lambda: desk.said_of(mine)[-1].status is BrokerStatus.CANCELLED)
    desk.reports.clear()
