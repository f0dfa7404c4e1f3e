"""What the tests of the exchange trade: two currency pairs, a stock and a future, one rich account."""

import itertools
from typing import Any

from atlas.domain import Instrument, InstrumentKind, Order, OrderKind, Quote, Side, TimeInForce

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
