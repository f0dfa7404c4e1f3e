"""What market data the login has subscribed to.

Source: TWS API documentation on market data types and on error codes 354, 10089, 10090, 10091, 10167 and 10168.
"""

import enum

import msgspec

from ib_gateway.simulator.instruments import Listing


class Permission(enum.Enum):
    """How much of an instrument's data may be seen.

    LIVE      everything
    PARTIAL   quotes and trades live, generic ticks not: 10090, and the data flow
    TERMINAL  subscribed to, but not for use by the API: 10089, or delayed data where the client permits them
    DELAYED   no subscription: 10168, or delayed data where the client permits them
    NONE      no subscription, and the exchange gives no delayed data either: 354
    """

    LIVE = "live"
    PARTIAL = "partial"
    TERMINAL = "terminal"
    DELAYED = "delayed"
    NONE = "none"


class Entitlements(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Permissions, the most particular first: by instrument id, by exchange, by IB's security type, and for all others.

    The exchange of a smart-routed stock is its primary one.
    """

    instruments: dict[str, Permission] = {}
    exchanges: dict[str, Permission] = {}
    kinds: dict[str, Permission] = {}
    default: Permission = Permission.LIVE

    def of(self, listing: Listing) -> Permission:
        """What may be seen of a listing."""
        name, venue = listing.instrument.id, listing.venue
        found = self.instruments.get(name) or self.exchanges.get(venue) or self.kinds.get(listing.sec_type)
        return found or self.default

    @property
    def delays(self) -> bool:
        """Whether anything may be seen delayed only."""
        late = (Permission.DELAYED, Permission.TERMINAL)
        return any(one in late for table in (self.instruments, self.exchanges, self.kinds) for one in table.values()) or (
            self.default in late
        )
