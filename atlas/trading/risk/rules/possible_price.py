"""Prices that an order of its kind needs, on the grid of its instrument."""

import math
from typing import ClassVar

from atlas.domain import Denial, Instrument, Order
from atlas.domain.order_prices import ORDER_PRICES
from atlas.trading.risk.case import shown
from atlas.trading.risk.prices import BELOW_ZERO


class PossiblePrice:
    """Every price that the kind of order needs is there; limit and stop are on the instrument's grid, and above zero.

    Those of futures may be at zero and below.
    """

    name: ClassVar[str] = "price"

    def check(self, order: Order, instrument: Instrument) -> Denial | None:
        """See `Check`."""
        return self._missing(order) or self._off_grid(order, instrument)

    def _missing(self, order: Order) -> Denial | None:
        kind, prices = _words(order.kind.value), ORDER_PRICES[order.kind]
        for name in prices.needed:
            if getattr(order, name) is None:
                return Denial(self.name, f"a {kind} order needs a {_words(name)}")
        if prices.one_of and sum(getattr(order, name) is not None for name in prices.one_of) != 1:
            return Denial(self.name, f"a {kind} order needs either a {' or a '.join(map(_words, prices.one_of))}")
        return None

    def _off_grid(self, order: Order, instrument: Instrument) -> Denial | None:
        for name, price in (("limit price", order.limit_price), ("stop price", order.stop_price)):
            if price is None:
                continue
            if not math.isfinite(price) or (price <= 0 and instrument.kind not in BELOW_ZERO):
                return Denial(self.name, f"the {name} {shown(price)} is not a positive number", price)
            if not instrument.on_tick(price):
                tick = instrument.tick_at(price)
                return Denial(self.name, f"the {name} {shown(price)} is not a multiple of the tick {shown(tick)}", price, tick)
        return None


def _words(name: str) -> str:
    return name.replace("_", " ")
