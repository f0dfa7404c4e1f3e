"""A connected client and what it has subscribed to. All of it is gone when the client is."""

from dataclasses import dataclass, field
from typing import NamedTuple

from ib_gateway.simulator.instruments import Listing


@dataclass(slots=True)
class Stream:
    """A market data stream, and what was last said on it."""

    listing: Listing
    snapshot: bool = False
    trade_volume: bool = False
    bid: float = -1.0
    ask: float = -1.0
    bid_size: float = -1.0
    ask_size: float = -1.0


@dataclass(slots=True)
class LiveBars:
    """Bars that go on: of five seconds, or the newest of a historical request."""

    listing: Listing
    what: str
    next_ns: int
    size_seconds: int = 5
    format_date: int = 2
    historical: bool = False
    last_close: float = 0.0


class Summary(NamedTuple):
    """A subscription to an account summary."""

    accounts: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(slots=True)
class Client:
    """One client of the API."""

    id: int
    streams: dict[int, Stream] = field(default_factory=dict)
    streams_by_instrument: dict[str, list[int]] = field(default_factory=dict)
    ticks: dict[str, dict[str, int]] = field(default_factory=lambda: {k: {} for k in ("BidAsk", "MidPoint", "Last", "AllLast")})
    tick_requests: dict[int, tuple[str, str]] = field(default_factory=dict)
    live_bars: dict[int, LiveBars] = field(default_factory=dict)
    account_updates: str = ""
    account_multi: dict[int, tuple[tuple[str, ...], bool]] = field(default_factory=dict)
    summaries: dict[int, Summary] = field(default_factory=dict)
    positions: bool = False
    positions_multi: dict[int, tuple[str, ...]] = field(default_factory=dict)
    pnl: dict[int, str] = field(default_factory=dict)
    pnl_single: dict[int, tuple[str, int]] = field(default_factory=dict)
    told: dict[object, object] = field(default_factory=dict)
    binds_orders: bool = False

    def lose_subscriptions(self) -> None:
        """Nothing of the market is subscribed to any more. Accounts, positions and profits still are."""
        fresh = Client(self.id)
        for name in ("streams", "streams_by_instrument", "ticks", "tick_requests", "live_bars"):
            setattr(self, name, getattr(fresh, name))
