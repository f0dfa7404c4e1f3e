"""What the engine of the trader is measured between: a store and listeners that cost nothing, a broker that fills at once.

All of them do what their ports ask and no more, so that what is measured is the engine and its journal.
"""
# ruff: noqa: ARG002 # ports say what they are handed

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from atlas.domain import Commission, Execution, Instrument, InstrumentKind, Order, OrderEvent, OrderState, Quote
from atlas.trading.broker import (
    AccountValues,
    BrokerOrder,
    BrokerReport,
    BrokerSnapshot,
    BrokerStatus,
    Known,
    Unknown,
    WhatIf,
)
from atlas.trading.lease import LEASE_NS, Lease
from atlas.trading.risk import LimitTree
from services.trader.ports import Restored

ACCOUNT = "DU1"
PRICE = 1.1
INSTRUMENT = Instrument(
    "EUR.USD@IDEALPRO",
    InstrumentKind.CASH,
    "EUR",
    "IDEALPRO",
    "USD",
    1,
    0.00005,
    time_zone="UTC",
    trading_hours=(ALWAYS := "20200101:0000-20991231:0000"),
    liquid_hours=ALWAYS,
)
VALUES = Known(AccountValues(ACCOUNT, "USD", 1e12))

_WIDE: dict[str, Any] = {
    "max_order_quantity": 1e9,
    "max_position": 1e12,
    "max_working_orders": 10**9,
    "max_order_notional": 1e12,
    "price_collar_percent": 50.0,
    "price_collar_ticks": 10**6,
    "max_exposure": 1e12,
    "max_leverage": 1e6,
    "max_orders_per_second": 10**9,
    "max_orders_per_hour": 10**9,
    "max_daily_loss": 1e12,
    "daily_profit_lock": 1e12,
    "duplicate_seconds": 0.001,
    "max_quote_age_seconds": 1e6,
    "trading_hours": True,
    "restricted": ["TSLA@SMART"],
}


def every_rule() -> LimitTree:
    """A limit of every kind for the desk, all wide: each rule has to look, and none refuses."""
    return LimitTree.from_plain({"": _WIDE})


def quote(at_ns: int) -> Quote:
    """The market."""
    return Quote(INSTRUMENT.id, PRICE, PRICE + INSTRUMENT.tick_size, 1e6, 1e6, at_ns, at_ns)


class NoStore:
    """Takes everything and keeps nothing."""

    async def restore(self, account: str, since_ns: int) -> Restored:
        return Restored(instruments={INSTRUMENT.id: INSTRUMENT})

    async def take_lease(self, wanted: Lease, now_ns: int, reserved: float) -> Lease:
        return msgspec.structs.replace(wanted, until_ns=now_ns + LEASE_NS, epoch=1)

    async def renew_lease(self, lease: Lease, now_ns: int) -> Lease | None:
        return msgspec.structs.replace(lease, until_ns=now_ns + LEASE_NS)

    async def release_lease(self, lease: Lease) -> None: ...
    async def save_orders(self, states: Sequence[OrderState]) -> None: ...
    async def save_trades(self, facts: Sequence[tuple[str, Execution | Commission]]) -> None: ...
    async def append_events(self, events: Sequence[OrderEvent]) -> None: ...
    async def save_instrument(self, instrument: Instrument) -> None: ...
    async def save_trading_state(self, change: Any) -> None: ...
    async def save_session(self, memory: Any) -> None: ...
    async def save_limit(self, scope: str, name: str, value: Any, who: str, at_ns: int) -> None: ...
    async def save_alarm(self, alarm: Any) -> None: ...

    async def events_since(self, sequence: int, limit: int, robot: str = "") -> list[OrderEvent]:
        return []

    async def events_of(self, order_id: str) -> list[OrderEvent]:
        return []


class NoJournal:
    """No disk."""

    broken = ""
    last_sequence = 0

    def append(self, event: OrderEvent) -> int:
        self.last_sequence += 1
        return self.last_sequence

    def sync(self) -> int:
        return self.last_sequence

    def read(self, from_sequence: int = 1) -> Iterable[tuple[int, OrderEvent]]:
        return ()

    def close(self) -> None: ...


class NoListeners:
    """Nobody listens."""

    def publish(self, events: Sequence[OrderEvent]) -> None: ...
    def heartbeat(self, last_sequence: int) -> None: ...


class FillingBroker:
    """Fills every order at once, and says so as soon as the loop comes round: the execution, the status, the commission."""

    is_up = True
    accounts = [ACCOUNT]  # noqa: RUF012

    def __init__(self) -> None:
        self.sink: Callable[[BrokerReport], None] = lambda _report: None
        self._held = 0.0

    @property
    def last_heard_ns(self) -> int:
        return time.time_ns()

    def next_order_id(self) -> int:
        return 1

    async def place(self, order: Order, broker_order_id: int, *, parent_id: int = 0, transmit: bool = True) -> None:
        asyncio.get_running_loop().call_soon(self._fill, order, broker_order_id)

    def _fill(self, order: Order, number: int) -> None:
        self._held += order.quantity * order.side.sign
        execution_id = f"0001.{number:08x}.01.01"
        at_ns = time.time_ns()
        self.sink(
            Execution(
                execution_id, order.id, ACCOUNT, order.instrument, order.side, order.quantity, PRICE, at_ns, perm_id=number
            )
        )
        self.sink(BrokerOrder(order.id, number, number, BrokerStatus.FILLED))
        self.sink(Commission(execution_id, 2.0, "USD"))

    async def cancel(self, broker_order_id: int) -> None: ...
    async def cancel_all(self) -> None: ...

    async def round_trip(self) -> int:
        return time.time_ns()

    async def snapshot(self) -> Known[BrokerSnapshot] | Unknown:
        return Known(BrokerSnapshot((), (), (), (), {ACCOUNT: {INSTRUMENT.id: self._held}}))

    async def account_values(self, account: str) -> Known[AccountValues] | Unknown:
        return VALUES

    async def what_if(self, order: Order) -> Known[WhatIf] | Unknown:
        return Unknown("nobody asks")

    async def instrument(self, instrument_id: str) -> Instrument:
        return INSTRUMENT

    def learn(self, instruments: Mapping[str, Instrument]) -> None: ...
