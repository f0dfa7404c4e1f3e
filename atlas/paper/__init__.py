"""The paper trader's broker: a whole account at the simulated exchange, kept on disk, behind the port of a real one."""

from atlas.paper.broker import PaperBroker
from atlas.paper.terms import PaperTerms

__all__ = ["PaperBroker", "PaperTerms"]
