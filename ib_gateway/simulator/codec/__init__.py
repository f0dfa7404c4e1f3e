"""Messages to bytes and back, as tables keyed by protocol version. Knows neither sockets nor what a message means."""

from ib_gateway.simulator.codec.codec import Codec, ProtocolError

__all__ = ["Codec", "ProtocolError"]
