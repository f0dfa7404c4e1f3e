"""A connected client and what it has subscribed to. All of it is gone when the client is."""

from dataclasses import dataclass, field
from typing import NamedTuple

from ib_gateway.simulator.broker.history.lasting_bars import KeptBars, LiveBars
from ib_gateway.simulator.broker.market_data.subscriptions import Subscriptions
from ib_gateway.simulator.broker.research.subscriptions import ResearchSubscriptions


class Summary(NamedTuple):
    """A subscription to an account summary."""

    accounts: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(slots=True)
class Client:
    """One client of the API."""

    id: int
    market: Subscriptions = field(default_factory=Subscriptions)
    research: ResearchSubscriptions = field(default_factory=ResearchSubscriptions)
    live_bars: dict[int, LiveBars] = field(default_factory=dict)
    kept_bars: dict[int, KeptBars] = field(default_factory=dict)
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
        for name in ("market", "live_bars", "kept_bars"):
            setattr(self, name, getattr(fresh, name))
