"""Volatility bars: the annual volatility of the last 30 days' closes, and what options imply.

HISTORICAL_VOLATILITY is the standard deviation of 30 daily logarithmic returns times the square root of 252. What options imply
is halfway from there to the model of the instrument: they know what volatility returns to.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ib_gateway.simulator.broker.history.bars import PriceBar

DAYS = 30
_YEAR = 252


def historical(closes: Sequence[float]) -> list[float]:
    """The volatility at each close from the 31st on."""
    returns = [math.log(later / earlier) for earlier, later in pairwise(closes)]
    if len(returns) < DAYS:
        return []
    spread = np.std(np.lib.stride_tricks.sliding_window_view(np.array(returns), DAYS), axis=1, ddof=1)
    values: list[float] = (spread * math.sqrt(_YEAR)).tolist()
    return values


def implied(realised: float, usual: float) -> float:
    """What options imply where `realised` was measured and `usual` is the model's."""
    return (realised + usual) / 2


def bars(prices: Sequence[PriceBar], known: Sequence[tuple[int, float]], daily: bool) -> list[PriceBar]:  # noqa: FBT001 - of a query
    """Bars of volatility at the times of price bars. `known` are days' beginnings and the volatility at their ends.

    A day's bar goes from the volatility of the day before to its own; a bar within a day stays at that of the day before.
    """
    result = []
    begins = [begin for begin, _ in known]
    for bar in prices:
        at = bisect_right(begins, bar.start_ns) - 1
        if at < 1:
            continue
        before, after = known[at - 1][1], known[at][1] if daily else known[at - 1][1]
        first, last = round(before, 8), round(after, 8)
        result.append(PriceBar(bar.start_ns, first, max(first, last), min(first, last), last, -1.0, -1.0, -1))
    return result
