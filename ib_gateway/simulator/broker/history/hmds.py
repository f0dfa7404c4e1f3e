"""The historical data farm: what all historical requests share. It may be down, it paces, it knows what is open."""

from collections.abc import Callable, Hashable
from typing import NamedTuple

from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor
from ib_gateway.simulator.broker.history.archive import Archive, Past
from ib_gateway.simulator.broker.history.pacing import VIOLATION, Pacing
from ib_gateway.simulator.broker.history.query import HMDS, Refusal
from ib_gateway.simulator.broker.times import IMPLIED_ZONE
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.instruments.days import TradingDays
from ib_gateway.simulator.rules import Rules

_ATTEMPT = "Historical Market Data Service query message:HMDS server disconnect occurred.  Attempting reconnection..."
_BROKEN = f"{HMDS}HMDS server connection was unsuccessful."


class HistoryTerms(NamedTuple):
    """What history there is. `past` is what was before anything was played, if there is such.

    `next_tick_ns` says when the market's next tick is due, which may be overdue; None when there are no more.
    """

    past: Past | None = None
    days: TradingDays = TradingDays()
    rules: Rules = Rules()
    next_tick_ns: Callable[[], int | None] = lambda: None


class Hmds:
    """The farm of one login. `open_heads` are head time stamps that nobody has cancelled yet: IB counts them as open."""

    def __init__(self, floor: Floor, terms: HistoryTerms) -> None:
        self.floor = floor
        self.archive = Archive(floor.tape, terms.past)
        self.days = terms.days
        self.rules = terms.rules
        self.up = True
        self.open_heads: set[tuple[int, int]] = set()
        self._next_tick_ns = terms.next_tick_ns
        self._pacing = Pacing()

    def now_ns(self) -> int:
        """The gateway's time."""
        return self.floor.clock.now_ns()

    def settled_ns(self) -> int:
        """Up to when everything was played that the market says: the clock may be ahead of the ticks."""
        now_ns, next_ns = self.now_ns(), self._next_tick_ns()
        return now_ns if next_ns is None else min(now_ns, next_ns)

    def admit(self, client: Client, req_id: int, same: Hashable, series: Hashable, what: str, *, paced: bool) -> bool:
        """Whether a request may be answered; else its client is told why not."""
        if not self.up:
            self.floor.error(client, req_id, 165, _ATTEMPT)
            self.floor.error(client, req_id, 162, _BROKEN)
            return False
        weight = 2 if what == "BID_ASK" else 1
        late = paced and self.rules.pace_history and not self._pacing.allows(same, series, weight, self.now_ns())
        if late or self._full():
            self.floor.error(client, req_id, 162, VIOLATION)
            return False
        return True

    def _full(self) -> bool:
        connected = self.floor.clients
        self.open_heads = {one for one in self.open_heads if one[0] in connected}
        count = len(self.open_heads) + sum(len(client.kept_bars) for client in connected.values())
        return 0 < self.rules.open_history <= count

    def refuse(self, client: Client, req_id: int, refusal: Refusal) -> None:
        """Tell a client that its request is not taken."""
        self.floor.error(client, req_id, refusal.code, refusal.text)

    def warn_of_zone(self, client: Client, req_id: int) -> None:
        """Tell a client that it did not say in which time zone its time is."""
        self.floor.error(client, req_id, 2174, IMPLIED_ZONE)

    def no_data(self, client: Client, req_id: int, listing: Listing, what: str) -> None:
        """Tell a client that there is nothing."""
        name = f"{listing.instrument.local_symbol or listing.instrument.symbol}@{listing.instrument.exchange}"
        self.floor.error(client, req_id, 162, f"{HMDS}HMDS query returned no data: {name} {what.capitalize()}")
