"""What must be so after every run that ends connected: database, gateway and robot say the same, and nothing counts twice."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from model.robot import ROBOT
from model.world import ACCOUNT, World

from atlas.domain import (
    Books,
    Execution,
    IllegalTransition,
    OrderState,
    OrderStatus,
    execution_base,
    execution_revision,
    fold,
)

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


def differences(world: World) -> list[str]:
    """Where the books do not agree; nothing if all is well."""
    return [
        *_numbers(world),
        *_states(world),
        *_executions(world),
        *_commissions(world),
        *_positions(world),
        *_at_the_broker(world),
        *_robot(world),
        *world.sent_unwritten,
    ]


def _numbers(world: World) -> Iterator[str]:
    numbers = sorted(world.store.events)
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"event numbers have gaps: {numbers}"


def _states(world: World) -> Iterator[str]:
    """The database's orders are the fold of the database's events."""
    folded: dict[str, OrderState] = {}
    for event in world.store.all_events():
        try:
            folded[event.order_id] = fold(folded.get(event.order_id), event)
        except IllegalTransition as error:
            yield f"event {event.sequence} in the database is illegal: {error}"
    for name in folded.keys() | world.store.orders.keys():
        if folded.get(name) != world.store.orders.get(name):
            yield f"order {name}: the database has {world.store.orders.get(name)}, its events make {folded.get(name)}"


def _newest(executions: list[Execution]) -> dict[str, Execution]:
    newest: dict[str, Execution] = {}
    for one in sorted(executions, key=lambda one: execution_revision(one.id)):
        newest[execution_base(one.id)] = one
    return newest


def _counted(one: Execution) -> Counted:
    return Counted(one.instrument, one.side.value, one.quantity, one.price)


def _executions(world: World) -> Iterator[str]:
    ours = {base: _counted(one) for base, one in _newest([one for _, one in world.store.executions.values()]).items()}
    fills = world.broker_fills()
    theirs = {execution_base(fill.executed.execution.id): _counted(fill.executed.execution) for fill in fills}
    for base in sorted(ours.keys() | theirs.keys()):
        if ours.get(base) != theirs.get(base):
            yield f"execution {base}: the database has {ours.get(base)}, the broker {theirs.get(base)}"


def _commissions(world: World) -> Iterator[str]:
    ours: dict[str, tuple[int, float]] = {}
    for name, commission in world.store.commissions.items():
        base = execution_base(name)
        ours[base] = max(ours.get(base, (-1, 0.0)), (execution_revision(name), commission.amount))
    for fill in world.broker_fills():
        base, amount = execution_base(fill.executed.execution.id), fill.executed.commission.amount
        if abs(ours.get(base, (0, float("inf")))[1] - amount) > _CENT and fill.executed.execution.quantity:
            yield f"commission of {base}: the database has {ours.get(base)}, the broker {amount}"


def _positions(world: World) -> Iterator[str]:
    books = Books()
    for one in sorted(_newest([one for _, one in world.store.executions.values()]).values(), key=lambda one: one.id):
        books.execute(one, world.store.instruments[one.instrument])
    ours = books.positions().get(ACCOUNT, {})
    theirs = {name: quantity for (_, name), quantity in world.gateway.terminal.positions().items()}
    if ours != theirs:
        yield f"positions: by the database {ours}, by the broker {theirs}"


def _at_the_broker(world: World) -> Iterator[str]:
    """Each of our orders is at the broker once at most, and stands there as it stands in the database."""
    rows = defaultdict(list)
    for row in world.gateway.terminal.orders():
        rows[row.order_ref or f"perm {row.perm_id}"].append(row)
    states = world.store.orders
    by_perm_id = {state.perm_id: state for state in states.values()}
    for name, found in sorted(rows.items()):
        perm_ids = sorted({row.perm_id for row in found})
        if len(perm_ids) > 1 and name not in world.forked:
            yield f"order {name} is {len(perm_ids)} times at the broker: {perm_ids}"
        if name in world.forked:
            live = [row.perm_id for row in found if row.status in ("Submitted", "PreSubmitted")]
            if len(live) > 1:
                yield f"order {name} was forked, and lives {len(live)} times: {live}"
            continue
        state = states.get(name) or by_perm_id.get(found[0].perm_id)
        if state is None:
            yield f"order {name} is at the broker and not in the database: {found[0]}"
        elif state.status not in _STATUSES[found[0].status] and not _corrected(state):
            yield f"order {name} is {found[0].status} at the broker and {state.status.value} in the database"
        elif found[0].status in ("Submitted", "PreSubmitted") and (
            state.order.quantity != found[0].quantity or state.order.limit_price != found[0].limit_price
        ):
            yield f"order {name} works as {found[0]}, by the database as {state.order}"
    for name, state in sorted(states.items()):
        if name not in rows and not state.adopted and state.status not in _NOT_THERE:
            yield f"order {name} is {state.status.value} in the database and not at the broker"


def _corrected(state: OrderState) -> bool:
    """Whether the exchange took back some of it: what the order is called then, broker and books need not agree on."""
    return any(execution_revision(fill.id) > 1 for fill in state.fills)


def _robot(world: World) -> Iterator[str]:
    robot = world.robot
    yield from (f"the robot was told what cannot be: {text}" for text in robot.illegal)
    if robot.waiting or robot.ledger.unanswered:
        yield f"the robot waits for {robot.waiting} answers, and for {list(robot.ledger.unanswered)}"
    for name, state in world.store.orders.items():
        if state.order.robot != ROBOT:
            continue
        seen = robot.ledger.orders.get(name)
        if seen is None or _essence(seen) != _essence(state):
            yield f"order {name}: the robot has {seen and _essence(seen)}, the database {_essence(state)}"
    for name, seen in robot.ledger.orders.items():
        if name not in world.store.orders and seen.status is not _S.DENIED:
            yield f"order {name} is {seen.status.value} for the robot, and the database does not know it"
    mine = _newest([one for owner, one in world.store.executions.values() if owner == ROBOT])
    expected: dict[str, float] = defaultdict(float)
    for one in mine.values():
        expected[one.instrument] += one.quantity * one.side.sign
    for instrument in robot.ledger.instruments:
        held = robot.ledger.position(instrument).quantity
        if abs(held - expected[instrument]) > 1e-9:
            yield f"position in {instrument}: the robot has {held:g}, and traded {expected[instrument]:g}"


def _essence(state: OrderState) -> tuple[object, ...]:
    return (
        state.status, state.filled, round(state.average_price, 8), round(state.commission, 6), state.order.quantity,
        state.order.limit_price, state.order.stop_price,
    )  # fmt: skip
