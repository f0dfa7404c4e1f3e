"""What the tests of the exchange trade: two currency pairs, a stock and a future, one rich account."""

import itertools
from typing import Any

from atlas.domain import Instrument, InstrumentKind, Order, OrderKind, Quote, Side, TimeInForce, Trade
from atlas.exchange import Phase

EURUSD = Instrument("EUR.USD@IDEALPRO", InstrumentKind.CASH, "EUR", "IDEALPRO", "USD", 1, 0.00005, size_step=1, min_size=1)
AAPL = Instrument("AAPL@SMART", InstrumentKind.STOCK, "AAPL", "SMART", "USD", 2, 0.01)
ES = Instrument("ES-202612@CME", InstrumentKind.FUTURE, "ES", "CME", "USD", 3, 0.25, multiplier=50)
USDJPY = Instrument("USD.JPY@IDEALPRO", InstrumentKind.CASH, "USD", "IDEALPRO", "JPY", 4, 0.005)
INSTRUMENTS = (EURUSD, AAPL, ES, USDJPY)
ACCOUNT = "DU1"


def quote(instrument: Instrument, bid: float, ask: float, bid_size: float = 0.0, ask_size: float = 0.0, at: int = 1) -> Quote:
    return Quote(instrument.id, bid, ask, bid_size, ask_size, at, at)


def order(instrument: Instrument, side: Side, quantity: float, limit: float | None = None, /, **more: Any) -> Order:
    number = next(_numbers)
    kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
    return Order(
        **{
            "id": f"o{number}",
            "robot": "r",
            "instrument": instrument.id,
            "side": side,
            "quantity": quantity,
            "kind": kind,
            "limit_price": limit,
            "time_in_force": TimeInForce.DAY,
            "account": ACCOUNT,
        }
        | more
    )


_numbers = itertools.count(1)


def trade(instrument: Instrument, price: float, size: float = 0.0, at: int = 1) -> Trade:
    return Trade(instrument.id, price, size, at, at)


class Days:
    """Trading days of 1000 nanoseconds: extended from 100 and from 700, regular from 200, closed from 800 on."""

    _changes = ((0, Phase.CLOSED), (100, Phase.EXTENDED), (200, Phase.REGULAR), (700, Phase.EXTENDED), (800, Phase.CLOSED))

    def phase(self, _instrument: str, at_ns: int) -> Phase:
        return [phase for start, phase in self._changes if start <= at_ns % 1000][-1]

    def next_change(self, _instrument: str, at_ns: int) -> int:
        day = at_ns - at_ns % 1000
        return next(day + start for start in (100, 200, 700, 800, 1100) if day + start > at_ns)
