"""What a market-data service decides: bars from ticks, desired subscriptions, staleness. Pure."""

from atlas.market.bars import BarBuilder
from atlas.market.expectations import Expectations
from atlas.market.staleness import Stale, StalenessClock
from atlas.market.subscriptions import Difference, Subscription, Subscriptions, SubscriptionState

__all__ = [
    "BarBuilder",
    "Difference",
    "Expectations",
    "Stale",
    "StalenessClock",
    "Subscription",
    "SubscriptionState",
    "Subscriptions",
]
