"""What the database holds, folded into the books that the audit compares."""

from decimal import Decimal

import pytest

from atlas.domain import (
    Commission,
    Execution,
    Instrument,
    InstrumentKind,
    Order,
    OrderState,
    OrderStatus,
    Side,
    UnknownInstrument,
)
from atlas.session.audit import read_database
from atlas.store import InstrumentRepository, OrderRepository, TradeRepository

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 12087792, 0.00005)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 1, 0.25, 50.0)
ACCOUNT = "DU1"

TRADES = [
    Execution("e1", "a-1-0", ACCOUNT, EURUSD.id, Side.BUY, 20_000, 1.1, 1),
    Commission("e1", 2.0, "USD"),
    Execution("e2", "a-2-0", ACCOUNT, ES.id, Side.SELL, 2, 5000.0, 2),
    Commission("e2", 4.5, "USD"),
    Execution("e3", "a-3-0", ACCOUNT, ES.id, Side.BUY, 1, 4990.0, 3),
]


@pytest.fixture
async def traded(database):
    await InstrumentRepository(database).save([EURUSD, ES])
    await TradeRepository(database).save([("a", one) for one in TRADES])
    statuses = [OrderStatus.FILLED, OrderStatus.FILLED, OrderStatus.REJECTED, OrderStatus.DENIED]
    states = [OrderState(Order(f"a-{n}-0", "a", EURUSD.id, Side.BUY, 1), one, n) for n, one in enumerate(statuses)]
    await OrderRepository(database).save(states)
    return database


async def test_trades_become_positions_and_cash(traded):
    books = await read_database(traded)
    assert books.positions == {ACCOUNT: {EURUSD.id: 20_000.0, ES.id: -1.0}}
    assert books.cash_changes == {ACCOUNT: {"EUR": Decimal(20_000), "USD": Decimal(-22000) - Decimal("6.5") + Decimal(500)}}


async def test_orders_executions_and_missing_commissions_are_counted(traded):
    books = await read_database(traded)
    assert (books.orders, books.rejected, books.fills, books.uncharged) == (4, 2, 3, 1)
    assert books.executions == {ACCOUNT: {"e1", "e2", "e3"}}


async def test_an_empty_database_has_empty_books(database):
    books = await read_database(database)
    assert (books.orders, books.fills, books.uncharged, books.positions, books.cash_changes) == (0, 0, 0, {}, {})


async def test_a_trade_of_an_instrument_that_is_not_defined_is_named(database):
    await TradeRepository(database).save([("a", TRADES[0])])
    with pytest.raises(UnknownInstrument, match=r"EUR\.USD@IDEALPRO"):
        await read_database(database)
