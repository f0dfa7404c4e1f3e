"""What the gateway says beyond prices: news, scanners, fundamentals."""

from collections.abc import Sequence

from ib_gateway.simulator.messages.replies.base import Reply


class NewsProviders(Reply, frozen=True):
    """Code and name of each news source."""

    providers: Sequence[tuple[str, str]]
