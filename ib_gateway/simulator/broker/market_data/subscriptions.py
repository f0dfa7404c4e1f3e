"""What a client has subscribed to of the market, and what it was last told."""

from dataclasses import dataclass, field

from ib_gateway.simulator.broker.market_data.kinds import LIVE, LIVE_TYPES, TickTypes
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.market.book import Row


@dataclass(slots=True)
class Face:
    """What an instrument shows: its first level and its day. 0 is not known, -1 is a side without a price."""

    bid: float = 0.0
    ask: float = 0.0
    bid_size: float = 0.0
    ask_size: float = 0.0
    last: float = 0.0
    last_size: float = 0.0
    last_ns: int = 0
    volume: float = 0.0
    high: float = 0.0
    low: float = 0.0
    open: float = 0.0
    close: float = 0.0


@dataclass(slots=True)
class Stream:
    """A stream, or snapshot, of the first level. `told` is what was said last; `ends_ns` is when a snapshot gives up."""

    req_id: int
    listing: Listing
    generic: frozenset[int] = frozenset()
    granted: int = LIVE
    kind: int = LIVE
    types: TickTypes = LIVE_TYPES
    closed: bool = False
    ends_ns: int = 0
    told: Face = field(default_factory=Face)
    others: dict[int, object] = field(default_factory=dict)
    year_told: bool = False


@dataclass(slots=True)
class TickStream:
    """Ticks by tick of a kind. `ignore_size` leaves out quotes of which only sizes are new."""

    instrument: str
    kind: str
    ignore_size: bool = False
    bid: float = 0.0
    ask: float = 0.0


@dataclass(slots=True)
class BookStream:
    """A book, and the rows of it that the client has."""

    req_id: int
    listing: Listing
    rows: int
    smart: bool
    makers: tuple[str, ...]
    sides: tuple[list[Row], list[Row]] = field(default_factory=lambda: ([], []))


@dataclass(slots=True)
class Subscriptions:
    """A client's market data. `data_type` is what it permits; the maps by instrument say under which request ticks go out."""

    data_type: int = LIVE
    streams: dict[int, Stream] = field(default_factory=dict)
    ticks: dict[int, TickStream] = field(default_factory=dict)
    bid_ask: dict[str, int] = field(default_factory=dict)
    mid_point: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    all_last: dict[str, int] = field(default_factory=dict)
    books: dict[int, BookStream] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.streams or self.ticks or self.books)

    def requests(self) -> list[int]:
        """The ids of all."""
        return [*self.streams, *self.ticks, *self.books]

    def taken(self, req_id: int) -> bool:
        """Whether an id is in use."""
        return req_id in self.streams or req_id in self.ticks or req_id in self.books
