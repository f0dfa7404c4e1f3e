"""Taking over what an earlier run wrote down: what the store knows, then what only the journal knows."""

from collections.abc import Iterable

import structlog

from atlas.domain import OrderEvent, OrderState
from atlas.trading.desk import Desk
from services.trader.ledger import Ledger
from services.trader.orders import Orders
from services.trader.ports import Restored
from services.trader.risk_watch import RiskWatch

log = structlog.get_logger("atlas.trader")


def take_over(
    restored: Restored,
    journal: Iterable[tuple[int, OrderEvent]],
    desk: Desk,
    risk: RiskWatch,
    ledger: Ledger,
    orders: Orders,
) -> None:
    """Bring everything to where the earlier run was, and have written what it could not write to the end."""
    executions = [one for one, _ in restored.trades]
    desk.restore(restored.states, executions, [cost for _, cost in restored.trades if cost is not None])
    risk.restore(restored)
    ledger.published_sequence = written = restored.last_sequence
    tail: list[tuple[OrderEvent, OrderState | None]] = []

    def replay(event: OrderEvent) -> None:
        desk.replay(event)
        risk.on_events((event,))
        tail.append((event, desk.states.get(event.order_id)))

    stored = frozenset(restored.used_ids)
    for event in restored.recent:  # a trader that was killed may have written events and not yet what they made
        state = desk.states.get(event.order_id)
        is_first = event.order is not None and event.order_id not in stored
        if event.sequence > state.sequence if state is not None else is_first:
            replay(event)
    first = 0
    for number, event in journal:
        first = first or number
        if event.sequence > written:
            replay(event)
            risk.note_submitted(event)
    ledger.rolled_at = max(first - 1, 0)
    if tail:
        log.warning("events of an earlier run were not written to the end", count=len(tail))
        ledger.reenter(tail)
    used = [restored.last_broker_order_id, *(state.broker_order_id for state in desk.states.values())]
    orders.offer_broker_order_id(max(used) + 1)
