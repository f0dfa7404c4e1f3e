"""Prices that hang on the quote: midprice, pegged to midpoint, relative.

MIDPRICE is the middle of bid and ask; PEGGED_TO_MIDPOINT the same, less aggressive by its offset; RELATIVE the best price of
the order's own side, more aggressive by its offset. None is ever worse than the order's limit price. A peg hangs on the market
of others: a quote first meets the price that stood before it, and then moves it.

Sources: IBKR order types "Pegged-to-Midpoint" and "IBKR ATS Pegged-to-Midpoint" (an offset is subtracted for a buy and added
for a sell; the limit price caps), "Relative/Pegged-to-Primary" (moves one way only), "Midprice"; TWS API
order types, "Basic Orders".
"""

from decimal import Decimal

from atlas.domain import Instrument, Order, OrderKind, Quote, Side, exact

PEGGED = frozenset({OrderKind.MIDPRICE, OrderKind.PEGGED_TO_MIDPOINT, OrderKind.RELATIVE})
"""The kinds whose limit price follows every quote."""


def pegged_price(order: Order, quote: Quote, instrument: Instrument, current: float | None = None) -> float | None:
    """The limit price of `order` with `quote`; None while the side it hangs on is empty, or the price is not above zero.

    The middle of two prices may lie between two ticks, as it does at the venues that match there. A relative order only moves
    to be more aggressive than its `current` price: where the market leaves it, it stays to be filled.
    """
    bid, ask = exact(quote.bid), exact(quote.ask)
    offset, sign = exact(order.limit_offset or 0.0), order.side.sign
    if order.kind is OrderKind.RELATIVE:
        own = bid if order.side is Side.BUY else ask
        if own <= 0:
            return None
        price = exact(instrument.passive_price(float(own + offset * sign), order.side))
        if current is not None and (price - exact(current)) * sign < 0:
            return capped(order, current)
    else:
        if bid <= 0 or ask <= 0:
            return None
        price = (bid + ask) / 2 - (offset * sign if order.kind is OrderKind.PEGGED_TO_MIDPOINT else Decimal(0))
    return capped(order, float(price)) if price > 0 else None


def capped(order: Order, price: float) -> float:
    """`price`, or the limit price of `order` where that is better for it."""
    if order.limit_price is None:
        return price
    return min(price, order.limit_price) if order.side is Side.BUY else max(price, order.limit_price)
