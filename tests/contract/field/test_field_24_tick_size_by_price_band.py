"""Error 110: ticks that differ by price band. Whatever price is wished, what is sent lies on the broker's own grid."""

from collections.abc import AsyncIterator
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.ib_desk import IbDesk, ib_desk

from atlas.domain import Order, OrderKind, PriceBand, Side, TimeInForce, fitted, off_grid
from atlas.trading.broker import BrokerError, BrokerStatus
from tests.contract.conftest import START_NS

PUT, AAPL = "ES-20260918-6700P@CME", "AAPL@SMART"
BANDS = (PriceBand(0.0, 0.05), PriceBand(10.0, 0.25))
PRICES = st.floats(min_value=0.05, max_value=60.0)
NUMBERS = count(1)
TOMORROW = START_NS + 86_400 * 10**9


@pytest.fixture
async def desk(gateway) -> AsyncIterator[IbDesk]:
    async with ib_desk(gateway) as desk:
        await desk.broker.instrument(PUT)
        yield desk


async def said_to(desk, order):
    """What the broker answers to an order: how it stands, or an error."""
    number = await desk.place(order)
    return await desk.until(
        lambda: (
            next((one for one in desk.reports if isinstance(one, BrokerError) and one.broker_order_id == number), None)
            or next((one for one in desk.said_of(order.id)), None)
        )
    )


async def test_the_bands_of_an_option_on_a_future_are_the_brokers_market_rule(desk):
    put = desk.instruments[PUT]
    assert put.price_bands == BANDS
    assert (put.tick_size, put.tick_at(9.95), put.tick_at(10.0)) == (0.05, 0.05, 0.25)


async def test_an_instrument_with_one_tick_at_all_prices_has_no_bands(desk):
    aapl = await desk.broker.instrument(AAPL)
    assert (aapl.price_bands, aapl.tick_size) == ((), 0.01)


@pytest.mark.parametrize(("price", "taken"), [(9.95, True), (9.97, False), (10.05, False), (10.25, True), (12.5, True)])
async def test_the_broker_refuses_with_110_just_what_we_call_off_the_grid(desk, price, taken):
    order = Order("grid-1-0", "grid", PUT, Side.BUY, 1.0, OrderKind.LIMIT, price)
    assert bool(off_grid(order, desk.instruments[PUT])) is not taken
    answer = await said_to(desk, order)
    assert isinstance(answer, BrokerError) is not taken
    if not taken:
        assert answer.code == 110


@given(
    kind=st.sampled_from([
        OrderKind.LIMIT, OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.MARKET_IF_TOUCHED, OrderKind.LIMIT_IF_TOUCHED,
        OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT,
    ]),
    side=st.sampled_from(Side),
    limit=PRICES,
    stop=PRICES,
)  # fmt: skip
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_price_that_was_fitted_is_ever_refused(desk, kind, side, limit, stop):
    prices = {
        OrderKind.LIMIT: {"limit_price": limit},
        OrderKind.STOP: {"stop_price": stop},
        OrderKind.MARKET_IF_TOUCHED: {"stop_price": stop},
        OrderKind.TRAILING_STOP: {"trail_amount": limit, "stop_price": stop},
        OrderKind.TRAILING_STOP_LIMIT: {"trail_amount": limit, "stop_price": stop, "limit_offset": 0.3},
    }.get(kind, {"limit_price": limit, "stop_price": stop})
    put = desk.instruments[PUT]
    wanted = Order(
        f"grid-{next(NUMBERS)}-0", "grid", PUT, side, 1.0, kind, time_in_force=TimeInForce.GTC, good_after_ns=TOMORROW, **prices
    )
    order = fitted(wanted, put)
    for name in ("limit_price", "stop_price"):
        if getattr(order, name) == 0.0:
            return  # a buy below the first tick has no price at all
    answer = await said_to(desk, order)
    assert not isinstance(answer, BrokerError), (order, answer)
    await desk.broker.cancel_all()
    await desk.until(lambda: desk.said_of(order.id)[-1].status is BrokerStatus.CANCELLED)
    desk.reports.clear()
