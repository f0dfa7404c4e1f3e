"""Prices that an order of its kind needs, on the grid of its instrument."""

import math
from typing import ClassVar

from atlas.domain import Denial, Instrument, Order, OrderKind
from atlas.trading.risk.case import shown

_K = OrderKind
_NEEDED = {
    _K.LIMIT: ("limit_price",),
    _K.STOP: ("stop_price",),
    _K.STOP_LIMIT: ("stop_price", "limit_price"),
    _K.MARKET_IF_TOUCHED: ("stop_price",),
    _K.LIMIT_IF_TOUCHED: ("stop_price", "limit_price"),
    _K.LIMIT_ON_CLOSE: ("limit_price",),
}
_TRAILING = (_K.TRAILING_STOP, _K.TRAILING_STOP_LIMIT)
_ON_GRID = ("limit_price", "stop_price", "limit_offset")


class PossiblePrice:
    """Every price that the kind of order needs is there; each that is there is a positive number on the instrument's grid."""

    name: ClassVar[str] = "price"

    def check(self, order: Order, instrument: Instrument) -> Denial | None:
        """See `Check`."""
        for name in _NEEDED.get(order.kind, ()):
            if getattr(order, name) is None:
                return Denial(self.name, f"a {_words(order.kind.value)} order needs a {_words(name)}")
        return self._trail(order) or self._grid(order, instrument)

    def _trail(self, order: Order) -> Denial | None:
        if order.kind not in _TRAILING:
            return None
        amount, percent = order.trail_amount, order.trail_percent
        if (amount is None) is (percent is None):
            return Denial(self.name, "a trailing order needs either a trail amount or a trail percent")
        if amount is not None and not 0 < amount < math.inf:
            return Denial(self.name, f"the trail amount {shown(amount)} is not a positive number", amount)
        if percent is not None and not 0 < percent < 100:
            return Denial(self.name, f"the trail percent {shown(percent)} is not between 0 and 100", percent, 100.0)
        priced = order.limit_price is not None and order.stop_price is not None
        if order.kind is _K.TRAILING_STOP_LIMIT and order.limit_offset is None and not priced:
            return Denial(self.name, "a trailing stop limit order needs a limit offset, or a stop price and a limit price")
        return None

    def _grid(self, order: Order, instrument: Instrument) -> Denial | None:
        for name in _ON_GRID:
            price = getattr(order, name)
            if price is None:
                continue
            if not math.isfinite(price) or (price <= 0 and name != "limit_offset"):
                return Denial(self.name, f"the {_words(name)} {shown(price)} is not a positive number", price)
            if not instrument.on_tick(price):
                tick = instrument.tick_size
                text = f"the {_words(name)} {shown(price)} is not a multiple of the tick {shown(tick)}"
                return Denial(self.name, text, price, tick)
        return None


def _words(name: str) -> str:
    return name.replace("_", " ")
