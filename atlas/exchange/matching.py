"""Fill prices and sizes against the first level of the market.

Pure: takes an order's terms and a quote, says what happens. A side whose price is not above zero has no quote.
"""

from decimal import Decimal

from atlas.domain import Quote, Side, exact


def touch(quote: Quote, side: Side) -> float | None:
    """The price that an order of `side` meets: a buy the ask, a sell the bid. None if that side is empty."""
    price = quote.ask if side is Side.BUY else quote.bid
    return price if price > 0 else None


def within(price: float, side: Side, limit: float | None) -> bool:
    """Whether `price` is not worse for an order of `side` than its limit; None is no limit."""
    return limit is None or (price - limit) * side.sign <= 0


def fill_price(side: Side, limit: float | None, quote: Quote) -> float | None:
    """The price at which an order with that limit fills against `quote`, or None while it rests.

    A limit order fills when the touch reaches its limit, and at the touch when that is better: never worse than its limit.
    """
    price = touch(quote, side)
    return price if price is not None and within(price, side, limit) else None


def displayed_size(quote: Quote, side: Side) -> Decimal | None:
    """How much an order of `side` can take at the touch. None if the source gives no sizes: then it fills in full."""
    size = quote.ask_size if side is Side.BUY else quote.bid_size
    return exact(size) if size > 0 else None
