"""The protocol as tables, by subject: what clients send and what the gateway sends."""

from ib_gateway.simulator.codec.layout import Layout
from ib_gateway.simulator.codec.tables import accounts, history, market, orders, reference, research, session

__all__ = ["REPLIES", "REQUESTS"]

_SUBJECTS = (accounts, history, market, orders, reference, research, session)
REQUESTS: tuple[Layout, ...] = tuple(layout for subject in _SUBJECTS for layout in subject.REQUESTS)
REPLIES: tuple[Layout, ...] = tuple(layout for subject in _SUBJECTS for layout in subject.REPLIES)
