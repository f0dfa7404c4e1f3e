"""When a stop, an if-touched order or a price condition is triggered.

A level above the market is reached from below (rising), one below it from above. In quotes the bid must reach a rising level
and the ask a falling one: both sides of the market are then beyond it. Two prices in a row are the last two; of bids and asks
the second must show a greater size where it repeats the first one's price and sizes are known.

Source: TWS Users' Guide, "Modify the Stop Trigger Method" (ibkrguides.com/tws/usersguidebook/configuretws): what each method
compares, and the defaults: last for stocks and futures, bid/ask for currencies, double bid/ask for US options.
"""

import enum
from collections.abc import Callable, Mapping

from atlas.domain import InstrumentKind, OrderKind, Quote, Side, TriggerMethod
from atlas.exchange.market import Market

_STOPS = frozenset({OrderKind.STOP, OrderKind.STOP_LIMIT, OrderKind.TRAILING_STOP, OrderKind.TRAILING_STOP_LIMIT})
TRIGGERED = _STOPS | {OrderKind.MARKET_IF_TOUCHED, OrderKind.LIMIT_IF_TOUCHED}
"""The kinds whose trigger is watched before they are released."""

LAST_ONLY = frozenset({TriggerMethod.LAST, TriggerMethod.DOUBLE_LAST})
"""The methods that look at trades alone."""

QUOTES_ONLY = frozenset({TriggerMethod.BID_ASK, TriggerMethod.DOUBLE_BID_ASK, TriggerMethod.MIDPOINT})
"""The methods that look at quotes alone."""


class Way(enum.Enum):
    """From where a level is reached: RISING from below, FALLING from above."""

    RISING = 1
    FALLING = -1


def way_of(kind: OrderKind, side: Side) -> Way:
    """How the trigger of such an order is reached: of buy stops, and sells that wait to be touched, from below."""
    return Way.RISING if (side is Side.BUY) == (kind in _STOPS) else Way.FALLING


def method_for(method: TriggerMethod, market: Market) -> TriggerMethod:
    """What the default method means in `market`; any other means itself."""
    if method is not TriggerMethod.DEFAULT:
        return method
    if market.kind is InstrumentKind.OPTION:
        return TriggerMethod.DOUBLE_BID_ASK
    return TriggerMethod.LAST if market.has_traded and market.kind is not InstrumentKind.CASH else TriggerMethod.BID_ASK


def is_reached(level: float, way: Way, method: TriggerMethod, market: Market) -> bool:
    """Whether the prices of `market`, as they are now, trigger `level`. `method` is not the default one."""
    sign = way.value
    return _METHODS[method](market, lambda price: price > 0 and (price - level) * sign >= 0, way)


def reference(way: Way, method: TriggerMethod, market: Market) -> float | None:
    """The price that such a trigger looks at, as it is now; None while there is none."""
    quote, last = market.quote, market.last
    if method in LAST_ONLY or (method is TriggerMethod.LAST_OR_BID_ASK and last is not None):
        return last.price if last is not None else None
    if quote is None or quote.bid <= 0 or quote.ask <= 0:
        return None
    if method is TriggerMethod.MIDPOINT:
        return quote.mid
    return quote.bid if way is Way.RISING else quote.ask


_Reached = Callable[[float], bool]


def _last(market: Market, reached: _Reached, _way: Way) -> bool:
    return market.last is not None and reached(market.last.price)


def _double_last(market: Market, reached: _Reached, way: Way) -> bool:
    return _last(market, reached, way) and market.last_before is not None and reached(market.last_before.price)


def _bid_ask(market: Market, reached: _Reached, way: Way) -> bool:
    return market.quote is not None and reached(_price(market.quote, way))


def _double_bid_ask(market: Market, reached: _Reached, way: Way) -> bool:
    now, before = market.quote, market.quote_before
    if now is None or before is None or not (reached(_price(now, way)) and reached(_price(before, way))):
        return False
    size, size_before = _size(now, way), _size(before, way)
    return _price(now, way) != _price(before, way) or size > size_before or not size


def _midpoint(market: Market, reached: _Reached, _way: Way) -> bool:
    quote = market.quote
    return quote is not None and quote.bid > 0 and quote.ask > 0 and reached(quote.mid)


def _last_or_bid_ask(market: Market, reached: _Reached, way: Way) -> bool:
    return _last(market, reached, way) or _bid_ask(market, reached, way)


def _price(quote: Quote, way: Way) -> float:
    return quote.bid if way is Way.RISING else quote.ask


def _size(quote: Quote, way: Way) -> float:
    return quote.bid_size if way is Way.RISING else quote.ask_size


_METHODS: Mapping[TriggerMethod, Callable[[Market, _Reached, Way], bool]] = {
    TriggerMethod.LAST: _last,
    TriggerMethod.DOUBLE_LAST: _double_last,
    TriggerMethod.BID_ASK: _bid_ask,
    TriggerMethod.DOUBLE_BID_ASK: _double_bid_ask,
    TriggerMethod.MIDPOINT: _midpoint,
    TriggerMethod.LAST_OR_BID_ASK: _last_or_bid_ask,
}
