"""Forks: one order of ours that works at the broker under two perm ids. Pure.

Which is the order, and which the surplus? The one that was heard of first is the order, until it is done; then the other one
takes its place. While both live, the surplus is to be cancelled, and nothing is opened in the instrument. Fills of both count:
they are ours.

The protocol cancels by the client's number and knows no other name. Where both go under one number nobody can say whether a
cancellation ends one of them, which, or both; whatever it ends was meant once only, and what is left is then the order. Asked
for once too often it could end that one as well: so a report never asks for it, only an answer that lists both alive, and again
only one that was asked for when the last cancellation had had its time.
"""

from collections import defaultdict
from collections.abc import Iterable

from atlas.domain import NS_PER_SECOND, OrderState
from atlas.trading.blotter import Blotter
from atlas.trading.broker import BrokerOrder, BrokerStatus
from atlas.trading.effects import NOTHING, AskBroker, CancelSurplus, Decision
from atlas.trading.troubles import Troubles

LIVE = frozenset({BrokerStatus.RECEIVED, BrokerStatus.WORKING, BrokerStatus.CANCELLING})
"""Statuses in which an order may still be filled."""

PATIENCE_NS = 5 * NS_PER_SECOND
"""So long a cancellation has for taking effect."""


class Forks:
    """What lives under further perm ids of our orders."""

    def __init__(self, blotter: Blotter, troubles: Troubles) -> None:
        self._blotter = blotter
        self._troubles = troubles
        self._surplus: dict[str, dict[int, BrokerOrder]] = defaultdict(dict)  # by order: what lives beside it, by perm id
        self._forked: set[str] = set()
        self._asked: dict[str, int] = {}  # by order: when a cancellation under its number was asked for

    def is_surplus(self, state: OrderState, report: BrokerOrder) -> bool:
        """Whether `report` is about another perm id than the order's."""
        return bool(report.perm_id and state.perm_id and report.perm_id != state.perm_id)

    def note(self, state: OrderState, report: BrokerOrder, *, ask: bool) -> Decision:
        """Take a report about a surplus: it lives and is to be cancelled, or it is done."""
        order_id = state.order.id
        if report.status not in LIVE:
            self._surplus[order_id].pop(report.perm_id, None)
            return self._settled(order_id)
        self._surplus[order_id][report.perm_id] = report
        self._forked.add(order_id)
        self._blotter.link(report.perm_id, order_id)
        number = report.broker_order_id if report.ours else 0
        then = "if both stay, cancel one in the terminal" if number > 0 else "it was placed by another client: cancel it there"
        text = (
            f"order {order_id} works twice at the broker, as {state.perm_id} and as {report.perm_id}: the second one is to be "
            f"cancelled, and nothing is opened in {state.order.instrument} until one is left; {then}"
        )
        decision = self._troubles.begin(f"fork:{order_id}", text, blocks=state.order.instrument, critical=True)
        if number <= 0 or report.status is BrokerStatus.CANCELLING:
            return decision
        if number != state.broker_order_id:
            return decision + Decision(effects=(CancelSurplus(order_id, number, report.perm_id),))
        return decision + Decision(effects=(AskBroker(f"order {order_id} works twice at the broker"),) if ask else ())

    def cancel(self, listed: Iterable[BrokerOrder], asked_ns: int) -> Decision:
        """Cancel, under the number that both share, where an answer to a question of `asked_ns` lists both alive."""
        alive = {report.perm_id for report in listed if report.status in LIVE and report.status is not BrokerStatus.CANCELLING}
        decision = NOTHING
        for order_id, beside in self._surplus.items():
            state = self._blotter.states[order_id]
            for perm_id, report in beside.items():
                number = report.broker_order_id if report.ours else 0
                both = {perm_id, state.perm_id} <= alive or (perm_id in alive and state.status.is_final)
                in_time = order_id not in self._asked or asked_ns > self._asked[order_id] + PATIENCE_NS
                if number > 0 and number == state.broker_order_id and both and in_time:
                    self._asked[order_id] = self._blotter.clock.now_ns()
                    decision += Decision(effects=(CancelSurplus(order_id, number, perm_id),))
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
