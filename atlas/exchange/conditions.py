"""Whether the conditions of an order are met, now. Pure.

They are joined from left to right, without precedence, as Interactive Brokers joins them. What is not known is not met: a price
that nobody has quoted, a change against a close that nobody has seen.

Source: TWS API, "Order Conditioning" (interactivebrokers.github.io/tws-api/order_conditions.html).
"""

from collections.abc import Callable, Mapping

from atlas.domain import (
    Condition,
    ExecutionCondition,
    Join,
    MarginCondition,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)
from atlas.exchange.margin import MarginState
from atlas.exchange.market import Market
from atlas.exchange.standing import Standing
from atlas.exchange.triggers import Way, is_reached, method_for


def are_met(standing: Standing, at_ns: int, markets: Mapping[str, Market], margin: Callable[[], MarginState]) -> bool:
    """Whether the conditions of `standing` hold at `at_ns`, joined from left to right. No conditions are always met."""
    met, join = True, Join.AND
    for number, condition in enumerate(standing.order.conditions):
        if join is Join.AND:
            met = met and _is_met(condition, number, standing, at_ns, markets, margin)
        else:
            met = met or _is_met(condition, number, standing, at_ns, markets, margin)
        join = condition.join
    return met


def instruments_of(conditions: tuple[Condition, ...]) -> set[str]:
    """The instruments whose prices or volumes `conditions` look at."""
    looking = (PriceCondition, VolumeCondition, PercentChangeCondition)
    return {condition.instrument for condition in conditions if isinstance(condition, looking)}


def cushion(margin: MarginState) -> float:
    """Excess liquidity in percent of the net liquidation value; 0 for an account that is worth nothing."""
    return (margin.equity - margin.maintenance) / margin.equity * 100 if margin.equity > 0 else 0.0


def percent_change(market: Market) -> float | None:
    """The change of the market's price since its last close, in percent; None while one of them is not known."""
    price = market.last.price if market.last is not None else None
    if price is None and market.quote is not None and market.quote.bid > 0 and market.quote.ask > 0:
        price = market.quote.mid
    return None if price is None or market.close <= 0 else (price / market.close - 1) * 100


def _is_met(
    condition: Condition,
    number: int,
    standing: Standing,
    at_ns: int,
    markets: Mapping[str, Market],
    margin: Callable[[], MarginState],
) -> bool:
    match condition:
        case PriceCondition(name, price, above, method):
            market = markets[name]
            return is_reached(price, Way.RISING if above else Way.FALLING, method_for(method, market), market)
        case TimeCondition(moment, after):
            return (at_ns >= moment) is after
        case MarginCondition(percent, above):
            return _compare(cushion(margin()), percent, above=above)
        case ExecutionCondition():
            return number in standing.seen
        case VolumeCondition(name, volume, above):
            return _compare(markets[name].volume, volume, above=above)
        case PercentChangeCondition(name, percent, above):
            change = percent_change(markets[name])
            return change is not None and _compare(change, percent, above=above)


def _compare(value: float, bound: float, *, above: bool) -> bool:
    return value >= bound if above else value <= bound
