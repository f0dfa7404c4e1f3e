"""Forks: one order of ours that works at the broker under two perm ids. Pure.

Which is the order, and which the surplus? The one that was heard of first is the order, until it is done; then the other one
takes its place. While both live, the surplus is to be cancelled, and nothing is opened in the instrument. Fills of both count:
they are ours.
"""

from collections import defaultdict

from atlas.domain import OrderState
from atlas.trading.blotter import Blotter
from atlas.trading.broker import BrokerOrder, BrokerStatus
from atlas.trading.effects import NOTHING, CancelSurplus, Decision
from atlas.trading.troubles import Troubles

LIVE = frozenset({BrokerStatus.RECEIVED, BrokerStatus.WORKING, BrokerStatus.CANCELLING})
"""Statuses in which an order may still be filled."""


class Forks:
    """What lives under further perm ids of our orders."""

    def __init__(self, blotter: Blotter, troubles: Troubles) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._surplus: dict[str, dict[int, BrokerOrder]] = defaultdict(dict)  # by order: what lives beside it, by perm id
        self._forked: set[str] = set()

    def is_surplus(self, state: OrderState, report: BrokerOrder) -> bool:
        """Whether `report` is about another perm id than the order's."""
        return bool(report.perm_id and state.perm_id and report.perm_id != state.perm_id)

    def note(self, state: OrderState, report: BrokerOrder) -> Decision:
        """Take a report about a surplus: it lives and is to be cancelled, or it is done."""
        order_id = state.order.id
        if report.status not in LIVE:
            self._surplus[order_id].pop(report.perm_id, None)
            return self._settled(order_id)
        self._surplus[order_id][report.perm_id] = report
        self._forked.add(order_id)
        self._blotter.link(report.perm_id, order_id)
        number = report.broker_order_id if report.ours else 0
        by_hand = "" if number > 0 else "; it was placed by another client: cancel it there"
        text = (
            f"order {order_id} works twice at the broker, as {state.perm_id} and as {report.perm_id}: the second one is to be "
            f"cancelled, and nothing is opened in {state.order.instrument} until one is left{by_hand}"
        )
        decision = self._troubles.begin(f"fork:{order_id}", text, blocks=state.order.instrument, critical=True)
        if number > 0 and report.status is not BrokerStatus.CANCELLING:
            decision += Decision(effects=(CancelSurplus(order_id, number, report.perm_id),))
        return decision

    def has_forked(self, order_id: str) -> bool:
        """Whether the order was ever two: what names only its number may be about either."""
        return order_id in self._forked

    def successor(self, order_id: str) -> BrokerOrder | None:
        """What takes the place of an order that is done: the surplus that was heard of first."""
        return next(iter(self._surplus[order_id].values()), None) if self.has_forked(order_id) else None

    def succeed(self, order_id: str) -> tuple[BrokerOrder, Decision]:
        """Take the successor, which there is: it is the order now, and no surplus any more."""
        beside = self._surplus[order_id]
        return beside.pop(next(iter(beside))), self._settled(order_id)

    def keep(self, living: set[int]) -> Decision:
        """The broker has told all that works: what is not among it is done."""
        decision = NOTHING
        for order_id, beside in list(self._surplus.items()):
            for perm_id in [perm_id for perm_id in beside if perm_id not in living]:
                del beside[perm_id]
            decision += self._settled(order_id)
        return decision

    def _settled(self, order_id: str) -> Decision:
        if self._surplus[order_id]:
            return NOTHING
        return self._troubles.end(f"fork:{order_id}")
