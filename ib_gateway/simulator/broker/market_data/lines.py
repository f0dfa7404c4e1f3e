"""What all market data of the login have in common: limits, permissions, and whether data flow at all."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from atlas.domain import NS_PER_SECOND
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.farms import MARKET_DATA, Farms
from ib_gateway.simulator.broker.floor import Floor
from ib_gateway.simulator.broker.market_data.kinds import DELAYED, DELAYED_FROZEN, LIVE
from ib_gateway.simulator.broker.market_data.subscriptions import Subscriptions
from ib_gateway.simulator.broker.market_data.terms import MarketTerms
from ib_gateway.simulator.entitlements import Permission
from ib_gateway.simulator.instruments import Listing

COMPETING = "No market data during competing live session"
MAX_LINES = "Max number of tickers has been reached"
DUPLICATE = "Duplicate ticker id"
_REMIND_NS = 30 * NS_PER_SECOND

_NOT_SUBSCRIBED = "Requested market data is not subscribed."
_SHOWN_DELAYED = f"{_NOT_SUBSCRIBED} Displaying delayed market data."
_NOT_ENABLED = f"{_NOT_SUBSCRIBED} Delayed market data is not enabled."
_CHECK = (
    f"{_NOT_SUBSCRIBED} Check API status by selecting the Account menu then under Management choose Market Data Subscription "
    "Manager and/or availability of delayed data."
)
_FOR_API = "additional subscription for API. See link in 'Market Data Connections' dialog for more details."
_REQUIRES = f"Requested market data requires {_FOR_API}"
_PART_REQUIRES = f"Part of requested market data requires {_FOR_API}"
_PART = "Part of requested market data is not subscribed. Subscription-independent ticks are still active."


class Grant(NamedTuple):
    """What a request gets: data of a type (0 is none), and an error or advice that goes with it (code 0 is none)."""

    kind: int
    code: int = 0
    text: str = ""
    generic: bool = True


class Lines:
    """Permissions, limits and interruptions."""

    def __init__(self, floor: Floor, farms: Farms, terms: MarketTerms) -> None:
        self._floor = floor
        self._farms = farms
        self._entitlements = terms.entitlements
        self.rules = terms.rules
        self.competing = False
        self._reminded_ns = 0

    # Who may see what.

    def grant(self, listing: Listing, asked: int, service: str = "TOP") -> Grant:
        """What a client that permits market data type `asked` sees of a listing.

        354, 10089 and 10168 refuse it; 10167 announces delayed data, 10090 and 10091 that something is missing.
        """
        permission = self._entitlements.of(listing)
        delayed = asked in (DELAYED, DELAYED_FROZEN) and service == "TOP"
        where = _where(listing, service)
        if permission is Permission.NONE:
            return Grant(0, 354, f"{_CHECK}Delayed market data is not available.{where}")
        if permission in (Permission.DELAYED, Permission.TERMINAL):
            if delayed:
                return Grant(DELAYED, 10167, _SHOWN_DELAYED)
            if permission is Permission.TERMINAL or service != "TOP":
                return Grant(0, 10089, f"{_REQUIRES}Delayed market data is available.{where}")
            return Grant(0, 10168, _NOT_ENABLED)
        if permission is Permission.PARTIAL:
            return Grant(LIVE, 10090, f"{_PART}Delayed market data is available.{where}", generic=False)
        return Grant(LIVE, *self._part(listing))

    def _part(self, listing: Listing) -> tuple[int, str]:
        """What the greeks of an option need and the login does not have: the underlying's data."""
        under = self._floor.catalogue.get(listing.instrument.underlying)
        if under is None:
            return 0, ""
        permission = self._entitlements.of(under)
        if permission in (Permission.NONE, Permission.DELAYED):
            return 10090, f"{_PART}Delayed market data is not available.{_where(under, 'TOP')}"
        if permission is Permission.TERMINAL:
            return 10091, f"{_PART_REQUIRES}Delayed market data is available.{_where(under, 'TOP')}"
        return 0, ""

    def sees(self, listing: Listing) -> bool:
        """Whether the login sees a listing live."""
        return self._entitlements.of(listing) in (Permission.LIVE, Permission.PARTIAL)

    # How much.

    def full(self, held: Callable[[Subscriptions], int], limit: int) -> bool:
        """Whether what all clients hold together makes up a limit; 0 is none."""
        return bool(limit) and sum(held(client.market) for client in self._floor.clients.values()) >= limit

    # Whether anything flows.

    @property
    def flowing(self) -> bool:
        """Whether market data reach the gateway."""
        return not self.competing and self._farms.up(MARKET_DATA)

    def compete(self, now_ns: int, *, on: bool) -> None:
        """Another session of the login takes the market data, or gives them back."""
        self.competing = on
        if on:
            self._reminded_ns = now_ns
            for client in self._floor.clients.values():
                self.say_competing(client, client.market.requests())

    def remind(self, now_ns: int) -> None:
        """While the other session lasts, say so again every half minute: the gateway goes on trying."""
        if self.competing and now_ns - self._reminded_ns >= _REMIND_NS:
            self.compete(now_ns, on=True)

    def say_competing(self, client: Client, req_ids: Iterable[int]) -> None:
        """Tell a client that requests get nothing."""
        for req_id in req_ids:
            self._floor.error(client, req_id, 10197, COMPETING)


def _where(listing: Listing, service: str) -> str:
    """An instrument, as messages about permissions end with it."""
    instrument = listing.instrument
    venue = listing.venue
    if instrument.trading_class in ("NMS", "SCM"):
        venue = f"{venue}.{instrument.trading_class}"
    return f"{instrument.symbol} {venue}/{service}" + ("/ALL" if service == "TOP" else "")
