"""What an option is worth: Black, Scholes and Merton on stocks and indices, Black's model of 1976 on futures.

Pure. Options are valued as European ones without dividends, also those that may be exercised early: for an American call on
such a stock that makes no difference, a put comes out a little cheap. Sources: F. Black and M. Scholes, "The Pricing of Options
and Corporate Liabilities" (1973); F. Black, "The pricing of commodity contracts" (1976), by the library `blackscholes`.

Volatilities are per year (0.2 is 20 %). Greeks are as IB shows them: gamma per unit of price, vega per hundredth of volatility,
theta per calendar day; all of one unit of the underlying, not of a contract.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from blackscholes import Black76Call, Black76Put, BlackScholesCall, BlackScholesPut

from atlas.domain import NS_PER_SECOND, OptionRight

RATE = 0.04
"""The interest rate of all valuations, per year."""

_YEAR_NS = 365 * 24 * 3600 * NS_PER_SECOND
_STEP = 1e-6
_STEPS = range(1, 10_000_000)  # volatilities from 0.0001 % to 1000 %
_LEAST_VOLATILITY, _MOST_VOLATILITY = 0.02, 3.0


class Option(NamedTuple):
    """The terms of an option. `expires_ns` is when it ends, UTC nanoseconds."""

    strike: float
    right: OptionRight
    expires_ns: int
    on_future: bool = False


class Valuation(NamedTuple):
    """What an option is worth, at which volatility and price of the underlying, and how that would change."""

    price: float
    volatility: float
    under_price: float
    delta: float
    gamma: float
    vega: float
    theta: float


class Smile(NamedTuple):
    """Volatility by strike: `level` at the money, changed by `skew` and `curvature` in units of a standard deviation."""

    level: float
    skew: float
    curvature: float

    def volatility(self, option: Option, under_price: float, at_ns: int) -> float:
        """The volatility of an option; wings grow no further than three standard deviations from the money."""
        deviation = self.level * math.sqrt(max(years_left(option, at_ns), 1 / 365))
        away = max(-3.0, min(3.0, math.log(option.strike / under_price) / deviation))
        wanted = self.level * (1 + self.skew * away + self.curvature * away * away)
        return max(_LEAST_VOLATILITY, min(_MOST_VOLATILITY, wanted))


def seeded_smile(underlying: str, level: float, seed: int) -> Smile:
    """The smile of the options on an underlying: low strikes dear, as at equity exchanges; the same for the same seed."""
    random = Random(f"{seed}/{underlying}/smile")
    return Smile(level, skew=-random.uniform(0.06, 0.12), curvature=random.uniform(0.02, 0.05))


def years_left(option: Option, at_ns: int) -> float:
    """Years until the option ends; 0 once it has."""
    return max(0, option.expires_ns - at_ns) / _YEAR_NS


def intrinsic(option: Option, under_price: float) -> float:
    """What exercising the option would bring now, per unit."""
    gain = under_price - option.strike if option.right is OptionRight.CALL else option.strike - under_price
    return max(0.0, gain)


def value(option: Option, under_price: float, volatility: float, at_ns: int) -> Valuation:
    """What an option is worth at `at_ns`, with the underlying at `under_price`. At its end that is what exercise brings.

    Raises:
        ValueError: the price of the underlying or the volatility is not positive.
    """
    if not (under_price > 0 and volatility > 0):
        raise ValueError(f"underlying at {under_price} and volatility {volatility}: both must be positive")
    years = years_left(option, at_ns)
    if not years:
        now = intrinsic(option, under_price)
        side = 1.0 if option.right is OptionRight.CALL else -1.0
        return Valuation(now, volatility, under_price, side if now else 0.0, 0.0, 0.0, 0.0)
    model = _model(option, under_price, years, volatility)
    return Valuation(
        model.price(), volatility, under_price, model.delta(), model.gamma(), model.vega() / 100, model.theta() / 365
    )


def implied_volatility(option: Option, price: float, under_price: float, at_ns: int) -> float | None:
    """The volatility at which an option is worth `price`, to a millionth; None if it is worth that at none.

    The price grows with the volatility, so the root is bracketed and the bracket halved until nothing is between.
    """
    years = years_left(option, at_ns)
    if not (under_price > 0 and price > 0 and years):
        return None
    price_at = _price_by_step(option, under_price, years)
    if not price_at(_STEPS[0]) < price < price_at(_STEPS[-1]):
        return None
    found = bisect_left(_STEPS, price, key=price_at)
    return round(_STEPS[found] * _STEP, 6)


def _price_by_step(option: Option, under_price: float, years: float) -> Callable[[int], float]:
    return lambda step: float(_model(option, under_price, years, step * _STEP).price())


def _model(
    option: Option, under_price: float, years: float, volatility: float
) -> Black76Call | Black76Put | BlackScholesCall | BlackScholesPut:
    call = option.right is OptionRight.CALL
    if option.on_future:
        return (Black76Call if call else Black76Put)(F=under_price, K=option.strike, T=years, r=RATE, sigma=volatility)
    return (BlackScholesCall if call else BlackScholesPut)(
        S=under_price, K=option.strike, T=years, r=RATE, sigma=volatility, q=0.0
    )
