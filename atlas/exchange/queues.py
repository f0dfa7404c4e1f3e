"""Who is served first: the orders of each market that can meet a quote, by side, always in their places."""

from bisect import bisect_left, insort

from atlas.domain import Side
from atlas.exchange.standing import Standing

Place = tuple[float, int]
"""Where an order stands in its queue: lower is served first."""


class Queue:
    """One side of one market: market orders, then the best price, then the earliest."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._orders: dict[Place, Standing] = {}

    def enter(self, place: Place, standing: Standing) -> None:
        """An order takes its place. No two have the same."""
        insort(self._places, place)
        self._orders[place] = standing

    def leave(self, place: Place) -> None:
        """A place is empty."""
        del self._orders[place]
        del self._places[bisect_left(self._places, place)]

    @property
    def first(self) -> Standing | None:
        """Who is served first."""
        return self._orders[self._places[0]] if self._places else None

    def all(self) -> list[Standing]:
        """Everybody, in order."""
        return [self._orders[place] for place in self._places]


class Queues:
    """The queues of all markets, and where in them each order stands."""

    def __init__(self) -> None:
        self._buys: dict[str, Queue] = {}
        self._sells: dict[str, Queue] = {}
        self._places: dict[str, tuple[Queue, Place]] = {}

    def of(self, instrument: str, side: Side) -> Queue:
        """One side of one market."""
        queues = self._buys if side is Side.BUY else self._sells
        queue = queues.get(instrument)
        if queue is None:
            queue = queues[instrument] = Queue()
        return queue

    def place(self, standing: Standing) -> None:
        """Give an order the place that it has now, none if it cannot meet a quote."""
        self.leave(standing.order.id)
        if standing.is_matchable:
            order, place = standing.order, standing.rank()
            queue = self.of(order.instrument, order.side)
            queue.enter(place, standing)
            self._places[order.id] = (queue, place)

    def leave(self, order_id: str) -> None:
        """An order is gone."""
        found = self._places.pop(order_id, None)
        if found is not None:
            queue, place = found
            queue.leave(place)
