"""Bytes: frames of NUL-terminated fields, and the handshake that opens a connection. Knows no message."""

from ib_gateway.simulator.wire.framing import MAX_FRAME, FrameReader, WireError, frame
from ib_gateway.simulator.wire.handshake import CURRENT, OLDEST, Handshake

__all__ = ["CURRENT", "MAX_FRAME", "OLDEST", "FrameReader", "Handshake", "WireError", "frame"]
