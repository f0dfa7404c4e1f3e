"""Which prices each kind of order has, and how each moves onto the price grid of its instrument.

A price moves in the direction that is safe for whoever gave it:

limit prices            never to the worse: a buy down, a sell up
stops                   away from the market: a buy stop up, a sell stop down. A stop that triggers a tick early has ended a
                        position that the market had not decided on; one tick later costs that tick and no more
touches                 away from the market too, which for them is a buy down, a sell up: never met earlier than was asked
trailing amounts        wider, for the reason of stops
offsets of limits       smaller where an offset concedes something (stop to limit, relative), larger where it asks for more
                        (pegged to midpoint)

Percentages have no grid: the broker rounds the stop that comes of them.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from atlas.domain.instrument import Instrument
from atlas.domain.order import Modify, Order, OrderKind
from atlas.domain.price_grid import rounded_distance


class KindPrices(NamedTuple):
    """What an order of a kind says: `needed` all of them, `one_of` exactly one, `optional` if it likes."""

    needed: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Every price that means something for the kind."""
        return self.needed + self.one_of + self.optional


_LIMIT, _STOP, _OFFSET = "limit_price", "stop_price", "limit_offset"
_TRAIL = ("trail_amount", "trail_percent")

ORDER_PRICES: Mapping[OrderKind, KindPrices] = {
    OrderKind.MARKET: KindPrices(),
    OrderKind.LIMIT: KindPrices((_LIMIT,)),
    OrderKind.STOP: KindPrices((_STOP,)),
    OrderKind.STOP_LIMIT: KindPrices((_LIMIT, _STOP)),
    OrderKind.MARKET_IF_TOUCHED: KindPrices((_STOP,)),
    OrderKind.LIMIT_IF_TOUCHED: KindPrices((_LIMIT, _STOP)),
    OrderKind.TRAILING_STOP: KindPrices(one_of=_TRAIL, optional=(_STOP,)),
    OrderKind.TRAILING_STOP_LIMIT: KindPrices((_OFFSET,), _TRAIL, (_STOP,)),
    OrderKind.MARKET_ON_CLOSE: KindPrices(),
    OrderKind.LIMIT_ON_CLOSE: KindPrices((_LIMIT,)),
    OrderKind.MIDPRICE: KindPrices(optional=(_LIMIT,)),
    OrderKind.PEGGED_TO_MIDPOINT: KindPrices(optional=(_LIMIT, _OFFSET)),
    OrderKind.RELATIVE: KindPrices(optional=(_LIMIT, _OFFSET)),
}
"""The prices of each kind."""

PRICE_NAMES = (_LIMIT, _STOP, *_TRAIL, _OFFSET)
"""All fields of an order that are prices, distances or percentages of prices."""

_TOUCHES = frozenset({OrderKind.MARKET_IF_TOUCHED, OrderKind.LIMIT_IF_TOUCHED})


def fitted(order: Order, instrument: Instrument) -> Order:
    """`order` with every price on the grid of `instrument`, moved in the safe direction."""
    fits = {name: fit(order, instrument) for name, fit in _FITS.items() if getattr(order, name) is not None}
    return replace(order, **fits) if any(getattr(order, name) != value for name, value in fits.items()) else order


def fitted_change(wish: Modify, order: Order, instrument: Instrument) -> Modify:
    """`wish` with the prices that it gives `order` on the grid of `instrument`, as `fitted` moves them."""
    changed = fitted(wish.changed(order), instrument)
    return replace(wish, **{name: getattr(changed, name) for name in PRICE_NAMES if getattr(wish, name) is not None})


def off_grid(order: Order, instrument: Instrument) -> str:
    """The name of the first price of `order` that is off the grid of `instrument`, or ""; the broker refuses such an order."""
    for name in (_LIMIT, _STOP):
        price = getattr(order, name)
        if price is not None and not instrument.on_tick(price):
            return name
    return ""


def _stop(order: Order, instrument: Instrument) -> float:
    assert order.stop_price is not None  # noqa: S101 - asked only where there is one
    if order.kind in _TOUCHES:
        return instrument.passive_price(order.stop_price, order.side)
    return instrument.patient_price(order.stop_price, order.side)


def _limit(order: Order, instrument: Instrument) -> float:
    assert order.limit_price is not None  # noqa: S101 - as above
    return instrument.passive_price(order.limit_price, order.side)


def _trail(order: Order, instrument: Instrument) -> float:
    assert order.trail_amount is not None  # noqa: S101 - as above
    return rounded_distance(instrument.grid, order.trail_amount, up=True, near=order.stop_price)


def _offset(order: Order, instrument: Instrument) -> float:
    assert order.limit_offset is not None  # noqa: S101 - as above
    asks_for_more = order.kind is OrderKind.PEGGED_TO_MIDPOINT
    return rounded_distance(instrument.grid, order.limit_offset, up=asks_for_more, near=order.stop_price or order.limit_price)


_FITS: Mapping[str, Callable[[Order, Instrument], float]] = {
    _LIMIT: _limit,
    _STOP: _stop,
    "trail_amount": _trail,
    _OFFSET: _offset,
}
