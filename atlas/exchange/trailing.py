"""Stops that follow the market and never move back.

The stop lies `trail_amount`, or `trail_percent` of the price that its trigger looks at, beyond that price. A stop price that
came with the order holds until the market gives a tighter one. The limit of a trailing stop-limit order keeps its distance to
the stop.

Source: IBKR order types, "Trailing Stop Limit Orders" (interactivebrokers.com, trailingStopLimit): as the market rises a sell's
stop and limit rise with it, as it falls they stay; TWS Users' Guide, "Trailing Stop": the initial stop price is optional, and
without effect where the market gives a tighter one.
"""

from atlas.domain import Instrument, Order, OrderKind, exact

TRAILING = frozenset({OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT})
"""The kinds whose stop follows the market."""


def trailed_stop(order: Order, stop: float | None, price: float, instrument: Instrument) -> float:
    """The stop price of `order` once the market is at `price`, on the instrument's grid; `stop` is what it was."""
    trail = exact(price) * exact(order.trail_percent) / 100 if order.trail_percent else exact(order.trail_amount or 0.0)
    derived = instrument.passive_price(float(exact(price) + trail * order.side.sign), order.side.opposite)
    if stop is None or (derived - stop) * order.side.sign < 0:
        return derived
    return stop


def trailed_limit(order: Order, stop: float | None) -> float | None:
    """The limit price that belongs to `stop`; None for a trailing stop order that becomes a market order."""
    if order.kind is not OrderKind.TRAILING_STOP_LIMIT or stop is None:
        return None
    if order.limit_offset is not None:
        offset = exact(order.limit_offset)
    else:
        offset = abs(exact(order.limit_price or 0.0) - exact(order.stop_price or 0.0))
    return float(exact(stop) + offset * order.side.sign)
