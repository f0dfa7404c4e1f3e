"""What is to be published, in order, many events of a topic in one message; and the pressure back when nobody takes it."""

from collections.abc import Callable, Sequence

from atlas.bus import Publisher
from atlas.domain import MARKET_KINDS, MarketEvent, topic


class Outbox:
    """Runs of events of one topic. The order of an instrument's events is kept across topics.

    Args:
        publisher: where they go. When it takes no more, what is left stays here.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._runs: dict[str, list[tuple[str, list[MarketEvent]]]] = {}

    def put(self, event: MarketEvent) -> None:
        """Add an event behind those of its instrument."""
        name = topic(event.instrument, MARKET_KINDS[type(event)])
        runs = self._runs.setdefault(event.instrument, [])
        if runs and runs[-1][0] == name:
            runs[-1][1].append(event)
        else:
            runs.append((name, [event]))

    def flush(self) -> bool:
        """Publish all. False when a subscriber is full and something is left."""
        for instrument in list(self._runs):
            if not _all_out(self._runs[instrument], self._publisher.publish):
                return False
            del self._runs[instrument]
        return True


def _all_out(runs: list[tuple[str, list[MarketEvent]]], publish: Callable[[str, Sequence[object]], bool]) -> bool:
    while runs:
        if not publish(*runs[0]):
            return False
        runs.pop(0)
    return True
