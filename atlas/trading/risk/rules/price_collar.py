"""How far beyond the market a price may lie."""

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

from atlas.domain import Denial, Order, OrderKind, Quote, Side, exact
from atlas.trading.risk.case import Case, above, shown, unreadable
from atlas.trading.risk.limits import Limits

_STOPS = frozenset({OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT})
_TOUCHES = frozenset({OrderKind.MARKET_IF_TOUCHED, OrderKind.LIMIT_IF_TOUCHED})


class PriceCollar:
    """No price lies on the wrong side of the last quote by more than `price_collar_percent`, or `price_collar_ticks`.

    The wrong side is where the order would give more than the market asks, or be released at once: a buy's limit above the ask,
    its stop below it, its touch above it; a sell's limit below the bid, and so on. The limit of a stop-limit order is held
    against its stop, if that is further out: there the market will be. Of a
    market at zero every price beyond it is too far in percent.
    """

    name: ClassVar[str] = "price_collar_percent"

    def check(self, case: Case, scope: str, limits: Limits) -> Denial | None:
        """See `Rule`."""
        percent, ticks = limits.price_collar_percent, limits.price_collar_ticks
        either = percent or ticks
        if either is None or (case.order.limit_price is None and case.order.stop_price is None):
            return None
        quote = case.prices.quote(case.order.instrument)
        if quote is None:
            name = self.name if percent else "price_collar_ticks"
            return unreadable(name, scope, either, f"there is no quote of {case.order.instrument}")
        for what, price, market, beyond in _beyond(case.order, quote):
            if beyond <= 0:
                continue
            text = f"the {what} {shown(price)} is beyond the market at {shown(market)} by"
            in_percent = float(beyond / abs(exact(market)) * 100) if market else math.inf
            if percent is not None and in_percent > percent:
                return above(self.name, scope, text, in_percent, percent, temporary=True)
            in_ticks = float(beyond / exact(case.instrument.tick_at(market)))
            if ticks is not None and in_ticks > ticks:
                return above("price_collar_ticks", scope, text, in_ticks, ticks, temporary=True)
        return None


def _beyond(order: Order, quote: Quote) -> Iterator[tuple[str, float, float, Decimal]]:
    """Each price of the order: its name, itself, what it is held against, and how far it is beyond that."""
    market = quote.ask if order.side is Side.BUY else quote.bid
    if order.limit_price is not None:
        against = market
        if order.kind in _STOPS and order.stop_price is not None:
            against = max(market, order.stop_price) if order.side is Side.BUY else min(market, order.stop_price)
        yield "limit price", order.limit_price, against, _distance(order.limit_price, against) * order.side.sign
    if order.stop_price is not None and order.kind in _STOPS:
        yield "stop price", order.stop_price, market, _distance(market, order.stop_price) * order.side.sign
    if order.stop_price is not None and order.kind in _TOUCHES:
        yield "stop price", order.stop_price, market, _distance(order.stop_price, market) * order.side.sign


def _distance(price: float, other: float) -> Decimal:
    return exact(price) - exact(other)
