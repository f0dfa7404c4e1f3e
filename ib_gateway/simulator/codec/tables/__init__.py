"""The protocol as tables, by subject: what clients send, what the gateway sends, and what is not simulated."""

from ib_gateway.simulator.codec.layout import Layout
from ib_gateway.simulator.codec.tables import accounts, history, market, orders, reference, research, session
from ib_gateway.simulator.codec.tables.session import NOT_SIMULATED, SILENT

__all__ = ["NOT_SIMULATED", "REPLIES", "REQUESTS", "SILENT"]

_SUBJECTS = (accounts, history, market, orders, reference, research, session)
REQUESTS: tuple[Layout, ...] = tuple(layout for subject in _SUBJECTS for layout in subject.REQUESTS)
REPLIES: tuple[Layout, ...] = tuple(layout for subject in _SUBJECTS for layout in subject.REPLIES)
