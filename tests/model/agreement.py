"""What must be so after every run that ends connected: database, gateway and robot say the same, and nothing counts twice."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from model.robot import ROBOT

from atlas.domain import (
    Books,
    Commission,
    Execution,
    IllegalTransition,
    Instrument,
    OrderEvent,
    OrderState,
    OrderStatus,
    execution_base,
    execution_revision,
    fold,
)
from atlas.robot.ledger import Ledger
from ib_gateway.simulator.server.terminal import ExecutionRow, OrderRow

ACCOUNT = "DU1000001"

_S = OrderStatus
_STATUSES = {
    "PendingSubmit": {_S.SENT, _S.WORKING, _S.PARTIALLY_FILLED},
    "PreSubmitted": {_S.WORKING, _S.PARTIALLY_FILLED},
    "Submitted": {_S.WORKING, _S.PARTIALLY_FILLED},
    "Filled": {_S.FILLED},
    "Cancelled": {_S.CANCELLED, _S.EXPIRED, _S.REJECTED},
    "ApiCancelled": {_S.CANCELLED},
    "Inactive": {_S.REJECTED},
}
"""By the broker's status, where an order may be in our books."""
_NOT_THERE = {_S.DENIED, _S.REJECTED, _S.CANCELLED}
_CENT = 0.005


class Counted(NamedTuple):
    """What one execution, as last corrected, counts for."""

    instrument: str
    side: str
    quantity: float
    price: float


class Seen(NamedTuple):
    """What the three say: the database, the broker, the robot. `forked` are orders that a fault made two of."""

    events: Sequence[OrderEvent]
    orders: Mapping[str, OrderState]
    executions: Sequence[tuple[str, Execution]]
    commissions: Mapping[str, Commission]
    instruments: Mapping[str, Instrument]
    broker_orders: Sequence[OrderRow]
    broker_executions: Sequence[ExecutionRow]
    broker_positions: Mapping[str, float]
    robot: Ledger
    waiting: int
    forked: set[str] | frozenset[str] = frozenset()


def differences(seen: Seen) -> list[str]:
    """Where the books do not agree; nothing if all is well."""
    parts = (_numbers, _states, _executions, _commissions, _positions, _at_the_broker, _robot_orders, _robot_positions)
    return [found for part in parts for found in part(seen)]


def _numbers(seen: Seen) -> Iterator[str]:
    numbers = sorted(event.sequence for event in seen.events)
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"event numbers have gaps: {numbers}"


def _states(seen: Seen) -> Iterator[str]:
    """The database's orders are the fold of the database's events."""
    folded: dict[str, OrderState] = {}
    for event in seen.events:
        try:
            folded[event.order_id] = fold(folded.get(event.order_id), event)
        except IllegalTransition as error:
            yield f"event {event.sequence} in the database is illegal: {error}"
    for name in folded.keys() | seen.orders.keys():
        if folded.get(name) != seen.orders.get(name):
            yield f"order {name}: the database has {seen.orders.get(name)}, its events make {folded.get(name)}"


def _newest(executions: list[Execution]) -> dict[str, Execution]:
    newest: dict[str, Execution] = {}
    for one in sorted(executions, key=lambda one: execution_revision(one.id)):
        newest[execution_base(one.id)] = one
    return newest


def _counted(one: Execution) -> Counted:
    return Counted(one.instrument, one.side.value, one.quantity, one.price)


def _executions(seen: Seen) -> Iterator[str]:
    ours = {base: _counted(one) for base, one in _newest([one for _, one in seen.executions]).items()}
    theirs = {
        execution_base(one.execution_id): Counted(one.instrument, one.side, one.quantity, one.price)
        for one in seen.broker_executions
    }
    for base in sorted(ours.keys() | theirs.keys()):
        if ours.get(base) != theirs.get(base):
            yield f"execution {base}: the database has {ours.get(base)}, the broker {theirs.get(base)}"


def _commissions(seen: Seen) -> Iterator[str]:
    ours: dict[str, tuple[int, float]] = {}
    for name, commission in seen.commissions.items():
        base = execution_base(name)
        ours[base] = max(ours.get(base, (-1, 0.0)), (execution_revision(name), commission.amount))
    amended = {one.perm_id for one in seen.broker_executions if execution_revision(one.execution_id) > 1}
    for one in seen.broker_executions:
        base = execution_base(one.execution_id)
        # What a bust makes of the minimum that the order's other fills then have to pay, the broker tells nobody.
        if one.perm_id not in amended and abs(ours.get(base, (0, float("inf")))[1] - one.commission) > _CENT:
            yield f"commission of {base}: the database has {ours.get(base)}, the broker {one.commission}"


def _positions(seen: Seen) -> Iterator[str]:
    books = Books()
    for one in sorted(_newest([one for _, one in seen.executions]).values(), key=lambda one: one.id):
        books.execute(one, seen.instruments[one.instrument])
    ours = books.positions().get(ACCOUNT, {})
    if ours != seen.broker_positions:
        yield f"positions: by the database {ours}, by the broker {seen.broker_positions}"


def _at_the_broker(seen: Seen) -> Iterator[str]:
    """Each of our orders is at the broker once at most, and stands there as it stands in the database."""
    rows = defaultdict(list)
    for row in seen.broker_orders:
        rows[row.order_ref or f"perm {row.perm_id}"].append(row)
    states = seen.orders
    by_perm_id = {state.perm_id: state for state in states.values()}
    for name, found in sorted(rows.items()):
        perm_ids = sorted({row.perm_id for row in found})
        if len(perm_ids) > 1 and name not in seen.forked:
            yield f"order {name} is {len(perm_ids)} times at the broker: {perm_ids}"
        if name in seen.forked:
            live = [row.perm_id for row in found if row.status in ("Submitted", "PreSubmitted")]
            if len(live) > 1:
                yield f"order {name} was forked, and lives {len(live)} times: {live}"
            continue
        state = states.get(name) or by_perm_id.get(found[0].perm_id)
        if state is None and not _passed_unseen(found[0]):
            yield f"order {name} is at the broker and not in the database: {found[0]}"
        elif state is not None and state.status not in _STATUSES[found[0].status] and not _corrected(state):
            yield f"order {name} is {found[0].status} at the broker and {state.status.value} in the database"
        elif (
            state is not None
            and found[0].status in ("Submitted", "PreSubmitted")
            and (state.order.quantity != found[0].quantity or state.order.limit_price != found[0].limit_price)
        ):
            yield f"order {name} works as {found[0]}, by the database as {state.order}"
    for name, state in sorted(states.items()):
        if name not in rows and not state.adopted and state.status not in _NOT_THERE:
            yield f"order {name} is {state.status.value} in the database and not at the broker"


def _passed_unseen(row: OrderRow) -> bool:
    """Whether somebody else's order came and went without a trade: nobody has to know of it."""
    return not row.order_ref and not row.filled and row.status not in ("Submitted", "PreSubmitted")


def _corrected(state: OrderState) -> bool:
    """Whether the exchange took back some of it: what the order is called then, broker and books need not agree on."""
    return any(execution_revision(fill.id) > 1 for fill in state.fills)


def _robot_orders(seen: Seen) -> Iterator[str]:
    if seen.waiting or seen.robot.unanswered:
        yield f"the robot waits for {seen.waiting} answers, and for {list(seen.robot.unanswered)}"
    for name, state in seen.orders.items():
        if state.order.robot != ROBOT:
            continue
        told = seen.robot.orders.get(name)
        if told is None or _essence(told) != _essence(state):
            yield f"order {name}: the robot has {told and _essence(told)}, the database {_essence(state)}"
    for name, told in seen.robot.orders.items():
        if name not in seen.orders and told.status is not _S.DENIED:
            yield f"order {name} is {told.status.value} for the robot, and the database does not know it"


def _robot_positions(seen: Seen) -> Iterator[str]:
    traded: dict[str, float] = defaultdict(float)
    for one in _newest([one for owner, one in seen.executions if owner == ROBOT]).values():
        traded[one.instrument] += one.quantity * one.side.sign
    for instrument in seen.robot.instruments:
        held = seen.robot.position(instrument).quantity
        if abs(held - traded[instrument]) > 1e-9:
            yield f"position in {instrument}: the robot has {held:g}, and traded {traded[instrument]:g}"


def _essence(state: OrderState) -> tuple[object, ...]:
    return (
        state.status, state.filled, round(state.average_price, 8), round(state.commission, 6), state.order.quantity,
        state.order.limit_price, state.order.stop_price,
    )  # fmt: skip
