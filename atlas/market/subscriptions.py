"""Which market data should flow, and which does. A value: the shell asks it for the difference and does only that.

What is wanted outlives every connection. What was asked for does not: after a loss nothing counts as asked for, and the
difference is everything again. A subscription is up only once its first tick has come; a broker's "done" is not enough.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from atlas.domain import Refused
from atlas.domain._struct import Value


class Subscription(Value, frozen=True, order=True):
    """One stream: `kind` is "quote", "trade" or "bar"."""

    instrument: str
    kind: str


class SubscriptionState(enum.Enum):
    """How far a subscription has come."""

    WANTED = "wanted"
    ASKED = "asked"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Difference:
    """What there is to do, in an order that is always the same."""

    subscribe: tuple[Subscription, ...]
    cancel: tuple[Subscription, ...]


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Who wants what, what was asked for, and what has ticked since. `limit` is the broker's number of market-data lines."""

    limit: int = 100
    wishes: frozenset[tuple[str, Subscription]] = frozenset()
    asked: frozenset[Subscription] = frozenset()
    up: frozenset[Subscription] = field(default=frozenset())

    @property
    def wanted(self) -> frozenset[Subscription]:
        """What at least one owner wants."""
        return frozenset(subscription for _, subscription in self.wishes)

    def want(self, owner: str, subscriptions: Iterable[Subscription]) -> "Subscriptions":
        """`owner` wants these as well.

        Raises:
            Refused: that would take more lines than there are; the text names who holds them.
        """
        wishes = self.wishes | {(owner, subscription) for subscription in subscriptions}
        needed = len({subscription for _, subscription in wishes})
        if needed > self.limit:
            raise Refused(
                f"{owner} cannot have its market data: {needed} lines would be needed and there are {self.limit}; "
                f"held by {self._holders()}"
            )
        return replace(self, wishes=wishes)

    def _holders(self) -> str:
        owners = sorted({owner for owner, _ in self.wishes})
        counts = ((owner, sum(1 for other, _ in self.wishes if other == owner)) for owner in owners)
        return ", ".join(f"{owner} ({count})" for owner, count in counts) or "nobody"

    def release(self, owner: str, subscriptions: Iterable[Subscription] | None = None) -> "Subscriptions":
        """`owner` does not want these any more; by default, nothing at all."""
        gone = None if subscriptions is None else frozenset(subscriptions)
        kept = {wish for wish in self.wishes if wish[0] != owner or (gone is not None and wish[1] not in gone)}
        return replace(self, wishes=frozenset(kept))

    def difference(self) -> Difference:
        """What to ask for and what to cancel, so that what was asked for is what is wanted."""
        wanted = self.wanted
        return Difference(tuple(sorted(wanted - self.asked)), tuple(sorted(self.asked - wanted)))

    def after_asking(self, subscription: Subscription) -> "Subscriptions":
        """The broker was asked for it. It is not up yet."""
        return replace(self, asked=self.asked | {subscription}, up=self.up - {subscription})

    def after_cancel(self, subscription: Subscription) -> "Subscriptions":
        """The broker was told to stop it, or said that it has none."""
        return replace(self, asked=self.asked - {subscription}, up=self.up - {subscription})

    def after_tick(self, subscription: Subscription) -> "Subscriptions":
        """A tick came. One that was never asked for changes nothing."""
        if subscription in self.up or subscription not in self.asked:
            return self
        return replace(self, up=self.up | {subscription})

    def after_loss(self, subscriptions: Iterable[Subscription] | None = None) -> "Subscriptions":
        """The connection, or the farm behind these, is gone: they must be asked for again."""
        lost = self.asked if subscriptions is None else frozenset(subscriptions)
        return replace(self, asked=self.asked - lost, up=self.up - lost)

    def state(self, subscription: Subscription) -> SubscriptionState | None:
        """How far it has come; None if nobody wants it."""
        if subscription not in self.wanted:
            return None
        if subscription in self.up:
            return SubscriptionState.UP
        return SubscriptionState.ASKED if subscription in self.asked else SubscriptionState.WANTED

    @property
    def down(self) -> tuple[Subscription, ...]:
        """What is wanted and not up."""
        return tuple(sorted(self.wanted - self.up))
