"""Do the books agree? Three that know of the same trades are asked: the robots, the database, the gateway."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from atlas.bus.robots import RobotReport
from atlas.domain import Books, OrderStatus, UnknownInstrument, exact
from atlas.store import Database, InstrumentRepository, OrderRepository, TradeRepository
from atlas.trading.broker import BrokerSnapshot
from atlas.trading.risk import OPERATOR

Positions = dict[str, dict[str, float]]
Cash = dict[str, Decimal]

_CENT = Decimal("0.01")  # the gateway tells cash to the cent


@dataclass(frozen=True)
class DatabaseBooks:
    """What the database says happened. `executions` are ids by account, `by_hand` the positions that no robot made."""

    orders: int
    rejected: int
    executions: Mapping[str, frozenset[str]]
    uncharged: int
    positions: Positions
    cash_changes: dict[str, Cash]
    by_hand: Positions = field(default_factory=dict)

    @property
    def fills(self) -> int:
        """How many executions there were."""
        return sum(len(ids) for ids in self.executions.values())


async def read_database(database: Database) -> DatabaseBooks:
    """Fold the trades in the database, and count its orders.

    Raises:
        DatabaseAway: the database does not answer.
        UnknownInstrument: an instrument was traded, and its definition is missing.
    """
    instruments = await InstrumentRepository(database).all()
    counts = await OrderRepository(database).count_by_status()
    trades = TradeRepository(database)
    robots = await trades.robots()
    books, by_hand = Books(), Books()
    executions: dict[str, set[str]] = defaultdict(set)
    for execution, commission in await trades.all():
        if execution.instrument not in instruments:
            raise UnknownInstrument(f"the database has trades of {execution.instrument}, but not what that is; restore it")
        executions[execution.account].add(execution.id)
        books.execute(execution, instruments[execution.instrument])
        if robots.get(execution.id, "") in ("", OPERATOR):
            by_hand.execute(execution, instruments[execution.instrument])
        if commission is not None:
            books.charge(commission)
    return DatabaseBooks(
        orders=sum(counts.values()),
        rejected=sum(counts.get(status.value, 0) for status in (OrderStatus.REJECTED, OrderStatus.DENIED)),
        executions={account: frozenset(ids) for account, ids in executions.items()},
        uncharged=books.uncharged,
        positions=books.positions(),
        cash_changes=books.cash_changes(),
        by_hand=by_hand.positions(),
    )


def sum_robots(robots: list[RobotReport]) -> Positions:
    """The positions of all robots together, by account and instrument."""
    total: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for robot in robots:
        for account, held in robot.positions.items():
            for instrument, quantity in held.items():
                total[account][instrument] += exact(quantity)
    kept = {account: {name: float(quantity) for name, quantity in held.items() if quantity} for account, held in total.items()}
    return {account: held for account, held in kept.items() if held}


@dataclass(frozen=True)
class Audit:
    """The three views side by side. `differences` names each disagreement in words."""

    robot: Positions
    database: Positions
    gateway: Positions
    cash: dict[str, dict[str, str]]
    differences: list[str]

    @property
    def agree(self) -> bool:
        """Whether there is no difference."""
        return not self.differences


def audit(
    robots: list[RobotReport], database: DatabaseBooks, gateway: BrokerSnapshot, account: str, before: Cash, after: Cash
) -> Audit:
    """Compare positions of all three, executions, and the cash that moved at the gateway with what the trades say.

    `before` is the account's cash by currency before the first trade in the database, `after` its cash now.
    """
    ours = sum_robots(robots)
    differences = [
        *_compare("robots", ours, "database", _without(database.positions, database.by_hand)),
        *_compare("database", database.positions, "gateway", gateway.positions),
    ]
    executed = {execution.id for execution in gateway.executions if execution.account == account}
    written = database.executions.get(account, frozenset())
    differences += [f"execution {one} is in the database and not at the gateway" for one in sorted(written - executed)]
    differences += [f"execution {one} is at the gateway and not in the database" for one in sorted(executed - written)]
    if database.uncharged:
        differences.append(f"{database.uncharged} executions have no commission")
    changes = database.cash_changes.get(account, {})
    cash: dict[str, dict[str, str]] = {}
    for currency in sorted({*before, *after, *changes}):
        moved = after.get(currency, Decimal(0)) - before.get(currency, Decimal(0))
        expected = changes.get(currency, Decimal(0))
        cash[currency] = {"gateway": str(moved), "trades": str(expected)}
        if abs(moved - expected) > _CENT:
            differences.append(f"{currency}: cash moved by {moved} at the gateway, the trades make {expected}")
    return Audit(ours, database.positions, gateway.positions, cash, differences)


def _without(book: Positions, part: Positions) -> Positions:
    keys = {(account, name) for one in (book, part) for account, held in one.items() for name in held}
    rest: Positions = defaultdict(dict)
    for account, name in keys:
        rest[account][name] = float(exact(_held(book, account, name)) - exact(_held(part, account, name)))
    return rest


def _compare(one_name: str, one: Positions, other_name: str, other: Positions) -> list[str]:
    keys = {(account, name) for book in (one, other) for account, held in book.items() for name in held}
    return [
        f"{account} {name}: {one_name} {_held(one, account, name):g}, {other_name} {_held(other, account, name):g}"
        for account, name in sorted(keys)
        if _held(one, account, name) != _held(other, account, name)
    ]


def _held(book: Positions, account: str, name: str) -> float:
    return book.get(account, {}).get(name, 0.0)
