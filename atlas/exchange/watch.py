"""Which prices of a market concern the orders that stand in it or look at it, as four bounds.

An over-estimate does no harm but for time; what is left out would be missed. With these bounds a quote that concerns nobody
costs two comparisons.
"""

import math
from collections.abc import Iterable, Sequence

from atlas.domain import Order, PercentChangeCondition, PriceCondition, Side, TriggerMethod, VolumeCondition
from atlas.exchange.events import Stage
from atlas.exchange.market import Market
from atlas.exchange.sessions import FOR_NEXT_PRICE
from atlas.exchange.standing import Standing
from atlas.exchange.triggers import LAST_ONLY, QUOTES_ONLY, Way, method_for, way_of


def set_bounds(market: Market, orders: Iterable[Standing], observers: Sequence[Standing]) -> None:
    """Bind `market` to `orders` and `observers`, whose conditions look at it.

    Of the orders that rest in it the first of each side are enough: they are the next that a quote meets.
    """
    market.unbound()
    for standing in orders:
        _bind(market, standing)
    for standing in observers:
        _bind_conditions(market, standing.order)


def _bind(market: Market, standing: Standing) -> None:
    order = standing.order
    if standing.stage is Stage.WORKING:
        _bind_working(market, standing)
    elif standing.stage is Stage.ARMED:
        level = None if standing.is_trailing else standing.stop_price
        _bind_level(market, level, way_of(order.kind, order.side), order.trigger_method)


def _bind_working(market: Market, standing: Standing) -> None:
    order, limit = standing.order, standing.limit_price
    if standing.is_pegged or order.time_in_force in FOR_NEXT_PRICE:
        _bind_quotes(market, None, Way.RISING)
        _bind_trades(market, None, Way.RISING)
    elif order.side is Side.BUY:
        market.ask_within = max(market.ask_within, math.inf if limit is None else limit)
    else:
        market.bid_within = min(market.bid_within, -math.inf if limit is None else limit)


def _bind_conditions(market: Market, order: Order) -> None:
    for condition in order.conditions:
        if isinstance(condition, PriceCondition) and condition.instrument == market.instrument.id:
            _bind_level(market, condition.price, Way.RISING if condition.above else Way.FALLING, condition.method)
        elif isinstance(condition, (VolumeCondition, PercentChangeCondition)) and condition.instrument == market.instrument.id:
            _bind_quotes(market, None, Way.RISING)
            _bind_trades(market, None, Way.RISING)


def _bind_level(market: Market, level: float | None, way: Way, method: TriggerMethod) -> None:
    """What can trigger `level`, None for every price. The first trade may change what the default method means."""
    quotes, trades = True, True
    if method is not TriggerMethod.DEFAULT or market.has_traded:
        resolved = method_for(method, market)
        quotes, trades = resolved not in LAST_ONLY, resolved not in QUOTES_ONLY
        level = None if resolved is TriggerMethod.MIDPOINT else level
    if quotes:
        _bind_quotes(market, level, way)
    if trades:
        _bind_trades(market, level, way)


def _bind_quotes(market: Market, level: float | None, way: Way) -> None:
    if level is None:
        market.ask_within, market.bid_within = math.inf, -math.inf
    elif way is Way.RISING:
        market.bid_within = min(market.bid_within, level)
    else:
        market.ask_within = max(market.ask_within, level)


def _bind_trades(market: Market, level: float | None, way: Way) -> None:
    if level is None:
        market.last_below = math.inf
    elif way is Way.RISING:
        market.last_above = min(market.last_above, level)
    else:
        market.last_below = max(market.last_below, level)
