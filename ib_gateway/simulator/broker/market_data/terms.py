"""What the market data desk is told when it is set up."""

from typing import NamedTuple

from atlas.exchange.calendar import AlwaysRegular, Calendar
from ib_gateway.simulator.broker.market_data.facts import Facts, NoFacts
from ib_gateway.simulator.entitlements import Entitlements
from ib_gateway.simulator.rules import Rules


class MarketTerms(NamedTuple):
    """Limits, permissions, hours, what is known of the past, and the seed of books and of option volatilities."""

    rules: Rules = Rules()
    entitlements: Entitlements = Entitlements()
    calendar: Calendar = AlwaysRegular()
    facts: Facts = NoFacts()
    seed: int = 1
