"""The server's shell: sockets and timers. It joins the layers and decides nothing."""

from ib_gateway.simulator.server.gateway import SimulatedGateway, serve

__all__ = ["SimulatedGateway", "serve"]
