"""Fill prices and sizes against the first level of the market.

Pure: takes an order's terms and a quote, says what happens. A side whose price is not above zero has no quote.
"""

from decimal import Decimal

from atlas.domain import Instrument, Quote, Side, exact
from atlas.exchange.terms import Terms


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


def slipped(price: float, side: Side, limit: float | None, instrument: Instrument, terms: Terms) -> float:
    """What an order of `side` pays where the touch is `price` and `terms` let it slip; never worse than its limit."""
    if not terms.slippage_ticks and not terms.slippage_percent:
        return price
    ticks = exact(instrument.tick_size) * exact(terms.slippage_ticks)
    worse = exact(price) + side.sign * (ticks + exact(price) * exact(terms.slippage_percent) / 100)
    paid = instrument.passive_price(float(worse), side.opposite)
    if paid <= 0:  # there is no price below zero to sell at
        return price
    return paid if limit is None or within(paid, side, limit) else limit
