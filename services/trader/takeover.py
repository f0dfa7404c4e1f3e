"""Taking over what an earlier run wrote down: what the store knows, then what only the journal knows."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from atlas.domain import IllegalTransition, OrderEvent, OrderEventKind, OrderState, fold
from atlas.trading.desk import Desk
from atlas.trading.trading_state import LimitChange, TradingStateChange
from services.trader.ledger import Ledger
from services.trader.orders import Orders
from services.trader.ports import Restored, Store
from services.trader.risk_watch import RiskWatch

log = structlog.get_logger("atlas.trader")


async def file_decisions(store: Store, decided: Iterable[TradingStateChange | LimitChange]) -> None:
    """Write what people decided and a killed trader may have had in its journal only. Writing it again changes nothing.

    Raises:
        Unavailable: the store does not answer.
    """
    for one in decided:
        if isinstance(one, LimitChange):
            await store.save_limit(one.scope, one.name, one.value, one.who, one.at_ns)
        else:
            await store.save_trading_state(one)


async def agreed(store: Store, restored: Restored, journaled: Sequence[OrderEvent]) -> tuple[Restored, list[OrderEvent]]:
    """What the store knows, made to agree with itself: a trader that was killed may have written one thing and not the other.

    A state that is ahead of every event, in the store and in the journal, goes back to where its events are: what is lost, the
    broker tells again. An execution that stands in an event and not among the trades is one of them. With it come the events
    whose part is missing elsewhere in the store, to be written once more.

    Raises:
        Unavailable: the store does not answer.
    """
    known = max([restored.last_sequence, *(event.sequence for event in journaled)])
    states, lost = list[OrderState](), list[OrderEvent]()
    for state in restored.states:
        if state.sequence <= known:
            states.append(state)
        elif events := await store.events_of(state.order.id):
            states.append(_folded(events) or state)
        else:
            kind = OrderEventKind.ADOPTED if state.adopted else OrderEventKind.PENDING
            order, number = state.order, state.broker_order_id
            lost.append(
                OrderEvent(state.sequence, order.id, order.robot, kind, state.at_ns, order=order, broker_order_id=number)
            )
    trades, robots = {execution.id: (execution, cost) for execution, cost in restored.trades}, dict(restored.robots)
    sequences = {state.order.id: state.sequence for state in states}
    unwritten = []
    for event in restored.recent:
        if event.sequence > sequences.get(event.order_id, restored.last_sequence):
            continue  # all of it is taken over
        if (execution := event.execution) is not None and execution.id not in trades:
            trades[execution.id], robots[execution.id] = (execution, None), event.robot
            unwritten.append(event)
        if (paid := event.commission) is not None and trades.get(paid.execution_id, (None, paid))[1] is None:
            trades[paid.execution_id] = trades[paid.execution_id][0], paid
            unwritten.append(event)
    made = replace(
        restored,
        states=states,
        recent=(*restored.recent, *lost),
        used_ids=set(restored.used_ids) - {event.order_id for event in lost},
        trades=sorted(trades.values(), key=lambda trade: (trade[0].at_ns, trade[0].id)),
        robots=robots,
    )
    return made, unwritten


def _folded(events: Iterable[OrderEvent]) -> OrderState | None:
    state = None
    for event in events:
        with contextlib.suppress(IllegalTransition):  # an anomaly from before the order was known
            state = fold(state, event)
    return state


def highest_number(restored: Restored) -> int:
    """The highest number that any event ever had, as far as the store can tell: also of one that itself is lost."""
    return max([restored.last_sequence, *(state.sequence for state in restored.states)])


def take_over(
    restored: Restored,
    journaled: Iterable[OrderEvent],
    unwritten: Iterable[OrderEvent],
    desk: Desk,
    risk: RiskWatch,
    ledger: Ledger,
    orders: Orders,
) -> None:
    """Bring everything to where the earlier run was, and have written what it could not write to the end.

    `journaled` are the journal's events that are not in the store.
    """
    executions = [one for one, _ in restored.trades]
    desk.restore(restored.states, executions, [cost for _, cost in restored.trades if cost is not None])
    risk.restore(restored)
    ledger.published_sequence = restored.last_sequence
    tail = [(event, desk.states.get(event.order_id)) for event in unwritten]

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
    for event in journaled:
        replay(event)
        risk.note_submitted(event)
    if tail:
        log.warning("events of an earlier run were not written to the end", count=len(tail))
        ledger.reenter(tail)
    used = [restored.last_broker_order_id, *(state.broker_order_id for state in desk.states.values())]
    orders.offer_broker_order_id(max(used) + 1)
