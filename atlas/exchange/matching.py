"""Fill prices and sizes against the first level of the market.

Pure: takes an order and a quote, says what happens. A side whose price is not above zero has no quote.
"""

from decimal import Decimal

from atlas.domain import Order, OrderKind, Quote, Side, exact


def touch(quote: Quote, side: Side) -> float | None:
    """The price that an order of `side` meets: a buy the ask, a sell the bid. None if that side is empty."""
    price = quote.ask if side is Side.BUY else quote.bid
    return price if price > 0 else None


def fill_price(order: Order, quote: Quote) -> float | None:
    """The price at which `order` fills against `quote`, or None while it rests.

    A limit order fills when the touch reaches its limit, and at the touch when that is better: never worse than its limit.
    """
    price = touch(quote, order.side)
    if price is None or order.kind is OrderKind.MARKET:
        return price
    if order.limit_price is None or (price - order.limit_price) * order.side.sign > 0:
        return None
    return price


def displayed_size(quote: Quote, side: Side) -> Decimal | None:
    """How much an order of `side` can take at the touch. None if the source gives no sizes: then it fills in full."""
    size = quote.ask_size if side is Side.BUY else quote.bid_size
    return exact(size) if size > 0 else None
