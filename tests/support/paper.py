"""A paper account in a folder, a clock that stands, and everything that was told."""

import asyncio
import itertools
import os
from pathlib import Path
from typing import Any

from atlas.domain import (
    NS_PER_SECOND,
    Commission,
    Execution,
    Instrument,
    InstrumentKind,
    ManualClock,
    Order,
    OrderKind,
    Quote,
    Side,
    Trade,
    Unavailable,
    UnknownInstrument,
)
from atlas.paper import PaperBroker, PaperTerms
from atlas.trading.broker import AccountValues, BrokerError, BrokerOrder, BrokerReport, BrokerSnapshot, Known

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 1, 0.00005)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 2, 0.01)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 3, 0.25, multiplier=50)
USDJPY = Instrument("USD.JPY@IDEALPRO", InstrumentKind.CASH, "USD", "IDEALPRO", "JPY", 4, 0.005)
KNOWN = {one.id: one for one in (EURUSD, AAPL, ES, USDJPY)}
NOON = 1_780_678_800 * NS_PER_SECOND  # Friday 2026-06-05 17:00 UTC


class Desk:
    """Drives a paper broker as the trader does, and keeps every report."""

    def __init__(self, folder: Path, clock: ManualClock, terms: PaperTerms, rest_after: int) -> None:
        self.clock = clock
        self.told: list[BrokerReport] = []
        self.wanted: list[str] = []
        self.broker = PaperBroker(
            folder, terms, clock, self.told.append, find=self._find, want=self.wanted.append, rest_after=rest_after
        )
        self.next_id = 0
        self.nobody_can_say = False

    async def _find(self, instrument_id: str) -> Instrument:
        if self.nobody_can_say:
            raise Unavailable("the watcher is away")
        if instrument_id not in KNOWN:
            raise UnknownInstrument(f"there is no {instrument_id}")
        return KNOWN[instrument_id]

    def open(self, *instruments: Instrument) -> "Desk":
        self.broker.open()
        self.broker.learn({one.id: one for one in instruments})
        self.next_id = self.broker.next_order_id() - 1
        return self

    def quote(self, instrument: Instrument, bid: float, ask: float, bid_size: float = 0.0, ask_size: float = 0.0) -> None:
        now_ns = self.clock.now_ns()
        self.broker.on_market(Quote(instrument.id, bid, ask, bid_size, ask_size, now_ns - 7, now_ns))

    def trade(self, instrument: Instrument, price: float, size: float = 1.0) -> None:
        now_ns = self.clock.now_ns()
        self.broker.on_market(Trade(instrument.id, price, size, now_ns - 7, now_ns))

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(round(seconds * NS_PER_SECOND))
        self.broker.on_time()

    async def place(self, order: Order, number: int | None = None, **how: Any) -> list[BrokerReport]:
        """Place `order`; what is told because of it."""
        self.next_id = max(self.next_id + 1, number or 0)
        await self.broker.place(order, self.next_id if number is None else number, **how)
        return await self.heard()

    async def cancel(self, number: int) -> list[BrokerReport]:
        await self.broker.cancel(number)
        return await self.heard()

    async def heard(self) -> list[BrokerReport]:
        """What was told since the last time."""
        await asyncio.sleep(0)
        told = list(self.told)
        self.told.clear()
        return told

    async def snapshot(self) -> BrokerSnapshot:
        found = await self.broker.snapshot()
        assert isinstance(found, Known), found
        return found.value

    async def values(self) -> AccountValues:
        found = await self.broker.account_values("DUPAPER")
        assert isinstance(found, Known), found
        return found.value


def kill(desk: Desk) -> None:
    """End it as SIGKILL would: nothing more is written, and the system lets go of its lock."""
    vault = desk.broker._vault
    assert vault is not None
    desk.broker._vault = None
    journal = vault._journal
    assert journal._segment is not None
    journal._segment.abandon()
    journal._segment = None
    journal._buffer.clear()
    os.close(journal._lock)


_numbers = itertools.count(1)


def order(
    instrument: Instrument, side: Side = Side.BUY, quantity: float = 10.0, limit: float | None = None, **more: Any
) -> Order:
    kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
    values = {"id": f"robot-{next(_numbers)}-0", "kind": kind, "limit_price": limit} | more
    return Order(robot="robot", instrument=instrument.id, side=side, quantity=quantity, **values)


def fills(told: list[BrokerReport]) -> list[tuple[str, float, float]]:
    return [(one.side.value, one.quantity, one.price) for one in told if isinstance(one, Execution)]


def statuses(told: list[BrokerReport]) -> list[str]:
    return [one.status.value for one in told if isinstance(one, BrokerOrder)]


def codes(told: list[BrokerReport]) -> list[int]:
    return [one.code for one in told if isinstance(one, BrokerError)]


def commissions(told: list[BrokerReport]) -> list[float]:
    return [one.amount for one in told if isinstance(one, Commission)]
