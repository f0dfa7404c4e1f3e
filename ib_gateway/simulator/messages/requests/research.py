"""What a client asks beyond prices: news, scanners, fundamentals."""

from ib_gateway.simulator.messages.requests.base import Request


class NewsProviders(Request, frozen=True):
    """News sources of the login."""
