"""The simulated IB Gateway: a server of the real TWS socket protocol, for clients that cannot tell the difference.

Layers, of which no file knows two: `wire` (frames, handshake) · `codec` (messages as tables by version) · `broker` (orders,
accounts, subscriptions; over `atlas.exchange`) · `market` (recordings, the seeded market, virtual time) · `server` (sockets).
`messages` are the values in which codec and broker speak; `instruments` is what is listed.
"""

from ib_gateway.simulator.broker import OrderRules
from ib_gateway.simulator.options import SimulatorOptions
from ib_gateway.simulator.server import SimulatedGateway, instruments_of_recording, serve

__all__ = ["OrderRules", "SimulatedGateway", "SimulatorOptions", "instruments_of_recording", "serve"]
