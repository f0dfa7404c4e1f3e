"""The server's shell: sockets and timers. It joins the layers and decides nothing."""

from ib_gateway.simulator.server.gateway import SimulatedGateway, instruments_of_recording, serve

__all__ = ["SimulatedGateway", "instruments_of_recording", "serve"]
