"""A gate without a desk: orders, positions and quotes are handed to it one by one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from atlas.domain import (
    NS_PER_SECOND,
    Denial,
    Execution,
    Instrument,
    InstrumentKind,
    OptionRight,
    Order,
    OrderState,
    OrderStatus,
    Position,
    Quote,
    Side,
    from_datetime,
)
from atlas.trading.broker import AccountValues, Known
from atlas.trading.risk import Gate, LimitTree

ACCOUNT = "DU1"
STOCK = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 1, 0.01, time_zone="US/Eastern")
OTHER = Instrument("MSFT@SMART", InstrumentKind.STOCK, "MSFT", "SMART", "USD", 2, 0.01)
EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 3, 0.00005)
USDJPY = Instrument("USD.JPY@IDEALPRO", InstrumentKind.CASH, "USD", "IDEALPRO", "JPY", 4, 0.005)
FUTURE = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 5, 0.25, multiplier=50.0)
GERMAN = Instrument("BMW@IBIS:EUR", InstrumentKind.STOCK, "BMW", "IBIS", "EUR", 6, 0.01)
JAPANESE = Instrument("7203@TSEJ:JPY", InstrumentKind.STOCK, "7203", "TSEJ", "JPY", 7, 1.0)
PUT = Instrument(
    "AAPL-20261218-90P@SMART", InstrumentKind.OPTION, "AAPL", "SMART", "USD", 8, 0.01, 100.0, strike=90.0, right=OptionRight.PUT
)
INSTRUMENTS = {one.id: one for one in (STOCK, OTHER, EURUSD, USDJPY, FUTURE, GERMAN, JAPANESE, PUT)}


def new_york(text: str) -> int:
    """UTC nanoseconds of a New York time, as "2026-11-20 10:00"."""
    return from_datetime(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/New_York")))


NOW = new_york("2026-11-20 10:00")  # a Friday
SECOND = NS_PER_SECOND


def order(quantity: float = 100, side: Side = Side.BUY, one: Instrument = STOCK, **values: Any) -> Order:
    return Order(**{"id": "sma-1-0", "robot": "sma", "instrument": one.id, "side": side, "quantity": quantity, **values})


def buy(quantity: float = 100, one: Instrument = STOCK, **values: Any) -> Order:
    return order(quantity, Side.BUY, one, **values)


def sell(quantity: float = 100, one: Instrument = STOCK, **values: Any) -> Order:
    return order(quantity, Side.SELL, one, **values)


def working(wanted: Order, filled: float = 0.0, **values: Any) -> OrderState:
    """The order at the broker; it belongs to the account."""
    status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.WORKING
    return OrderState(_of(wanted, account=ACCOUNT), status, NOW, filled=filled, **values)


def _of(wanted: Order, **values: Any) -> Order:
    return Order(**{**{name: getattr(wanted, name) for name in wanted.__struct_fields__}, **values})


changed = _of


@dataclass
class Account:
    """Positions and orders, as a desk shows them."""

    positions: dict[str, Position] = field(default_factory=dict)
    states: list[OrderState] = field(default_factory=list)
    broker_has: dict[str, float] = field(default_factory=dict)

    def position(self, instrument: str) -> float:
        return self.positions[instrument].quantity if instrument in self.positions else 0.0

    def told(self, instrument: str) -> float | None:
        return self.broker_has.get(instrument)

    def held(self) -> Mapping[str, Position]:
        return self.positions

    def working(self) -> Iterable[OrderState]:
        return self.states


FLAT = Account()


def holding(quantity: float, one: Instrument = STOCK, *states: OrderState, price: float = 100.0) -> Account:
    return Account({one.id: Position(quantity, price)} if quantity else {}, list(states))


def quote(bid: float, ask: float, one: Instrument = STOCK, at_ns: int = NOW) -> Quote:
    return Quote(one.id, bid, ask, 1.0, 1.0, at_ns, at_ns)


def execution(
    quantity: float, price: float, one: Instrument = STOCK, at_ns: int = NOW, number: int = 1, revision: int = 1
) -> Execution:
    """A purchase, or with a negative quantity a sale."""
    side = Side.BUY if quantity > 0 else Side.SELL
    return Execution(f"e.{number:02d}.{revision:02d}", "sma-0-0", ACCOUNT, one.id, side, abs(quantity), price, at_ns)


def worth(net_liquidation: float = 100_000.0, currency: str = "USD") -> Known[AccountValues]:
    return Known(AccountValues(ACCOUNT, currency, net_liquidation))


class Gatekeeper:
    """A gate with limits, whose account is known, at a standing time."""

    def __init__(self, scopes: Mapping[str, Mapping[str, Any]] | None = None, **desk: Any) -> None:
        self.gate = Gate(LimitTree.from_plain({"": desk, **(scopes or {})}), ACCOUNT, INSTRUMENTS)
        self.gate.on_account(worth())

    def check(self, wanted: Order, account: Account = FLAT, now_ns: int = NOW, replacing: str = "") -> Denial | None:
        instrument = INSTRUMENTS.get(wanted.instrument)
        return self.gate.check(wanted, instrument, account, now_ns, replacing=replacing)

    def passes(self, wanted: Order, account: Account = FLAT, now_ns: int = NOW, replacing: str = "") -> bool:
        return self.check(wanted, account, now_ns, replacing) is None

    def denial(self, wanted: Order, account: Account = FLAT, now_ns: int = NOW, replacing: str = "") -> Denial:
        """Why the order is denied; that it is denied is asserted."""
        denial = self.check(wanted, account, now_ns, replacing)
        assert denial is not None
        return denial

    def quote(self, bid: float, ask: float, one: Instrument = STOCK, at_ns: int = NOW) -> None:
        self.gate.on_quote(quote(bid, ask, one, at_ns))
