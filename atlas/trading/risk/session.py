"""What came of the session day so far: what robots hold, what each scope made, and the worst and best that it came to. Pure.

The profit of an instrument since the day began is exact, whether realised or not, and needs no average price:

    held now * price now - held at first * price at first - paid for what was bought since + received for what was sold since

with the middles of bid and ask as prices, times the multiplier, less commissions, and converted to the account's base currency.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from atlas.domain import Books, Commission, Execution, Instrument, Quote, exact, execution_base, execution_revision
from atlas.domain._struct import Value
from atlas.trading.risk.prices import Prices
from atlas.trading.risk.view import OrdersView, Scoped


class Extremes(Value, frozen=True):
    """The lowest and the highest profit of a scope that was seen since the session day began, in base currency."""

    worst: float = 0.0
    best: float = 0.0


class SessionMemory(Value, frozen=True, tag="session_memory"):
    """What of a session day has to survive a restart.

    `marks` are the prices at its begin by instrument, `extremes` the lowest and highest profits by scope, `reached` the limits
    of the day that were reached, as (scope, name), so that what is done about them is done once. `closing` are the instruments
    whose positions are still to be closed.
    """

    began_ns: int
    marks: dict[str, float]
    extremes: dict[str, Extremes]
    reached: list[tuple[str, str]]
    closing: list[str] = msgspec.field(default_factory=list)


@dataclass(slots=True)
class _Traded:
    """What was bought less what was sold since the day began, and what it cost."""

    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)

    def add(self, execution: Execution, times: int) -> None:
        signed = exact(execution.quantity) * execution.side.sign * times
        self.quantity += signed
        self.cost += signed * exact(execution.price)


@dataclass(slots=True)
class _Day:
    """What happened in one day, and its sums by owner: "" has all, a robot what is its own.

    An order is judged by the sums, which take the same time however much was traded.
    """

    began_ns: int
    marks: dict[str, float] = field(default_factory=dict)
    extremes: dict[str, Extremes] = field(default_factory=dict)
    reached: set[tuple[str, str]] = field(default_factory=set)
    executions: dict[str, tuple[Execution, str]] = field(default_factory=dict)  # as last corrected, with the robot
    commissions: dict[str, Commission] = field(default_factory=dict)
    traded: dict[str, dict[str, _Traded]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(_Traded)))
    costs: dict[str, dict[tuple[str, str], Decimal]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Decimal)))

    def count(self, base: str, times: int = 1) -> None:
        """Add an execution and what it cost to the sums, or with -1 take it back; nothing if it is not of this day."""
        if base not in self.executions:
            return
        execution, robot = self.executions[base]
        commission = self.commissions.get(base)
        for owner in {"", robot}:
            self.traded[owner][execution.instrument].add(execution, times)
            if commission is not None:
                self.costs[owner][execution.instrument, commission.currency] += exact(commission.amount) * times


class Session:
    """One session day after the other. Nothing here happens before the first `roll`."""

    def __init__(self, instruments: Mapping[str, Instrument], prices: Prices) -> None:
        self.robots = Books()
        self._robot_of: dict[str, str] = {}  # of an execution and all its corrections
        self._instruments = instruments
        self._prices = prices
        self._day = _Day(0)

    @property
    def began_ns(self) -> int:
        """When the day began."""
        return self._day.began_ns

    @property
    def reached(self) -> set[tuple[str, str]]:
        """The limits of the day, as (scope, name), that were found to be reached."""
        return self._day.reached

    def roll(self, began_ns: int) -> None:
        """A day began at `began_ns`; the last quotes before are its first prices."""
        last = self._day
        executions = {base: one for base, one in last.executions.items() if one[0].at_ns >= began_ns}
        commissions = {base: one for base, one in last.commissions.items() if base in executions}
        self._day = _Day(began_ns, self._prices.mids(), executions=executions, commissions=commissions)
        for base in executions:
            self._day.count(base)

    def memory(self) -> SessionMemory:
        """What has to survive a restart."""
        day = self._day
        return SessionMemory(day.began_ns, dict(day.marks), dict(day.extremes), sorted(day.reached))

    def recall(self, memory: SessionMemory) -> None:
        """Take over what was remembered, if it is of this day."""
        if memory.began_ns == self._day.began_ns:
            self._day.marks.update(memory.marks)
            self._day.extremes.update(memory.extremes)
            self._day.reached.update(memory.reached)

    def on_quote(self, quote: Quote) -> None:
        """The first quote of the day stands for the price at its begin, where that is not known."""
        self._day.marks.setdefault(quote.instrument, quote.mid)

    def on_execution(self, execution: Execution, robot: str) -> None:
        """An order of `robot` was filled; "" when it is nobody's. Once per execution; a correction takes its place."""
        base = execution_base(execution.id)
        robot = self._robot_of.setdefault(base, robot)
        instrument = self._instruments.get(execution.instrument)
        if robot and instrument is not None:
            self.robots.execute(msgspec.structs.replace(execution, account=robot), instrument)
        if execution.at_ns < self._day.began_ns:
            return
        before = self._day.executions.get(base)
        if before is None or execution_revision(before[0].id) < execution_revision(execution.id):
            self._day.count(base, -1)
            self._day.executions[base] = (execution, robot)
            self._day.count(base)

    def on_commission(self, commission: Commission) -> None:
        """What an execution cost; one of an earlier day is of no interest."""
        base = execution_base(commission.execution_id)
        if base in self._day.executions:
            self._day.count(base, -1)
            self._day.commissions[base] = commission
            self._day.count(base)

    def profit(self, scope: str, view: OrdersView, base_currency: str) -> float | str:
        """What `scope` made since the day began, in `base_currency`; or which input is missing to say so."""
        seen = Scoped(view, scope, self.robots)
        kind, _, only = scope.partition(":")
        owner = only if kind == "robot" else ""
        traded = {name: one for name, one in self._day.traded[owner].items() if kind != "instrument" or name == only}
        made_in: dict[str, Decimal] = defaultdict(Decimal)  # by currency
        for (name, currency), cost in self._day.costs[owner].items():
            if name in traded:
                made_in[currency] -= cost
        for name in sorted({*seen.held(), *traded}):
            made = self._made(name, exact(seen.position(name)), traded.get(name, _Traded()))
            if isinstance(made, str):
                return made
            made_in[self._instruments[name].currency] += made
        total = 0.0
        for currency, amount in made_in.items():
            rate = self._prices.rate(currency, base_currency)
            if rate is None and amount:
                return f"there is no rate of {currency} in {base_currency}"
            total += float(amount) * (rate or 0.0)
        return total

    def extremes(self, scope: str, profit: float | None = None) -> Extremes:
        """The lowest and highest profit of `scope` so far, with `profit` if that is what it is now."""
        last = self._day.extremes.get(scope, Extremes())
        if profit is None:
            return last
        found = Extremes(min(last.worst, profit), max(last.best, profit))
        self._day.extremes[scope] = found
        return found

    def _made(self, name: str, held: Decimal, traded: _Traded) -> Decimal | str:
        """The profit with one instrument, in its currency."""
        instrument = self._instruments.get(name)
        if instrument is None:
            return f"{name}, which is held, is not an instrument of this desk"
        at_first = held - traded.quantity
        made = -traded.cost
        for quantity, price in ((held, self._prices.mid(name)), (-at_first, self._day.marks.get(name))):
            if not quantity:
                continue
            if price is None:
                return f"there is no quote of {name}"
            made += quantity * exact(price)
        return made * exact(instrument.multiplier)
