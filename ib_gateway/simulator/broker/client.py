"""A connected client and what it has subscribed to. All of it is gone when the client is."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

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
    live_bars: dict[int, Any] = field(default_factory=dict)
    kept_bars: dict[int, Any] = field(default_factory=dict)
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
        for name in ("streams", "streams_by_instrument", "ticks", "tick_requests", "live_bars", "kept_bars"):
            setattr(self, name, getattr(fresh, name))
