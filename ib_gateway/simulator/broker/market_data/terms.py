"""What the market data desk is told when it is set up."""

from typing import NamedTuple

from ib_gateway.simulator.entitlements import Entitlements
from ib_gateway.simulator.rules import Rules


class MarketTerms(NamedTuple):
    """Limits, permissions, and the seed of books and of option volatilities."""

    rules: Rules = Rules()
    entitlements: Entitlements = Entitlements()
    seed: int = 1
