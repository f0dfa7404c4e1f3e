"""The market: where ticks come from, and when. Knows neither clients nor orders."""

from ib_gateway.simulator.market.clock import VirtualClock
from ib_gateway.simulator.market.feed import Feed, Source
from ib_gateway.simulator.market.recording import Recording
from ib_gateway.simulator.market.seeded_past import SeededPast
from ib_gateway.simulator.market.synthetic import SyntheticMarket

__all__ = ["Feed", "Recording", "SeededPast", "Source", "SyntheticMarket", "VirtualClock"]
