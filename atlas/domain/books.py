"""Positions and cash, folded from executions and commissions. Exact: sums are kept in decimals, floats only come out.

Executions count in the order of their times, whenever they arrive, and each as it was last corrected: a late one, or a
correction, leaves the books as if it had been told rightly and in time. A bust is a correction to a quantity of zero.

A stock, an option or a currency pair is paid for when it is executed: an option's premium times its multiplier. A future is
not: what it gains or loses moves to cash when it is closed, at average cost.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from atlas.domain._struct import Value
from atlas.domain.errors import BadInput
from atlas.domain.events import Commission, Execution, execution_base, execution_revision
from atlas.domain.instrument import Instrument, InstrumentKind


def exact(number: float) -> Decimal:
    """The decimal that `number` is written as: 0.1 is one tenth."""
    return Decimal(repr(number))


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of one instrument: signed quantity, and the average price paid for it (0.0 when flat)."""

    quantity: float
    average_price: float


_FLAT = Position(0.0, 0.0)


class BooksState(Value, frozen=True):
    """Books at rest, as plain values: (account, instrument or currency, amounts...).

    Of executions that are paid for, only the ids are kept: what they were is in the amounts, and cannot be corrected any more.
    """

    holdings: list[tuple[str, str, Decimal, Decimal]]
    cash: list[tuple[str, str, Decimal]]
    realised: list[tuple[str, str, Decimal]]
    counted: list[str]
    uncharged: list[Execution]
    settled: tuple[tuple[str, str, str], ...] = ()
    """(account, instrument, currency) of futures, what they realised being part of that cash."""


@dataclass(slots=True)
class _Holding:
    """What an account holds of one instrument: what it began with, and the executions since, in the order of their times."""

    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)  # signed: quantity times average price
    realised: Decimal = Decimal(0)  # in the instrument's currency
    multiplier: Decimal = Decimal(1)
    settles: str = ""  # the currency of the cash to which what is realised comes; "" where the whole price is paid
    settled: Decimal = Decimal(0)  # how much of it came there before the books rested
    began: tuple[Decimal, Decimal, Decimal] = (Decimal(0), Decimal(0), Decimal(0))
    executions: list[Execution] = field(default_factory=list)

    def book(self, execution: Execution) -> None:
        """Count `execution`, which is not counted yet."""
        in_turn = not self.executions or _place(self.executions[-1]) < _place(execution)
        self.executions.append(execution)
        if in_turn:
            self._trade(execution)
        else:
            self._again()

    def replace(self, old: Execution, new: Execution) -> None:
        """Count `new` in the place of `old`."""
        self.executions[self.executions.index(old)] = new
        self._again()

    def _again(self) -> None:
        self.executions.sort(key=_place)
        self.quantity, self.cost, self.realised = self.began
        for execution in self.executions:
            self._trade(execution)

    def _trade(self, execution: Execution) -> None:
        signed, price = exact(execution.quantity) * execution.side.sign, exact(execution.price)
        closing = Decimal(0)
        if self.quantity * signed < 0:
            closing = min(abs(signed), abs(self.quantity)).copy_sign(signed)
        average = self.cost / self.quantity if self.quantity else Decimal(0)
        self.realised -= closing * (price - average) * self.multiplier
        opening = signed - closing
        self.quantity += signed
        self.cost = self.cost + closing * average + opening * price if self.quantity else Decimal(0)


def _place(execution: Execution) -> tuple[int, str]:
    return execution.at_ns, execution_base(execution.id)


class Books:
    """Positions by account and instrument, cash changes by account and currency. Counts each execution once."""

    def __init__(self) -> None:
        self._holdings: dict[tuple[str, str], _Holding] = defaultdict(_Holding)
        self._cash: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._executions: dict[str, Execution] = {}  # by what they share with their corrections
        self._counted: dict[str, str] = {}  # executions of an earlier life: their ids, likewise
        self._commissions: dict[str, Commission] = {}  # likewise
        self._paid: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def execute(self, execution: Execution, instrument: Instrument) -> bool:
        """Count an execution, or a correction in the place of what it corrects. False if that, or a later one, is counted.

        Raises:
            BadInput: it corrects what was counted before these books rested (make them anew from all executions), or what was
                of another account or instrument.
        """
        base = execution_base(execution.id)
        before = self._executions.get(base)
        counted = before.id if before is not None else self._counted.get(base)
        if counted is not None and execution_revision(counted) >= execution_revision(execution.id):
            return False
        if counted is not None and base in self._counted:
            raise BadInput(f"{execution.id} corrects {counted}, of which these books keep nothing but the id")
        key = execution.account, execution.instrument
        if before is not None and key != (before.account, before.instrument):
            raise BadInput(f"{execution.id} corrects {before.id}, which was of {before.instrument} in {before.account}")
        self._executions[base] = execution
        holding = self._holdings[key]
        holding.multiplier = exact(instrument.multiplier)
        holding.settles = instrument.currency if instrument.kind is InstrumentKind.FUTURE else ""
        if before is None:
            holding.book(execution)
        else:
            self._pay(before, instrument, Decimal(-1))
            holding.replace(before, execution)
        self._pay(execution, instrument, Decimal(1))
        return True

    def _pay(self, execution: Execution, instrument: Instrument, times: Decimal) -> None:
        signed = exact(execution.quantity) * execution.side.sign * times
        if instrument.kind is not InstrumentKind.FUTURE:
            self._cash[execution.account, instrument.currency] -= signed * exact(execution.price) * exact(instrument.multiplier)
        if instrument.kind is InstrumentKind.CASH:
            self._cash[execution.account, instrument.symbol] += signed

    def charge(self, commission: Commission) -> bool:
        """Count a commission; that of a correction takes the place of the earlier one.

        False if it, or a later one, was counted before, or the execution is not known yet.
        """
        base = execution_base(commission.execution_id)
        execution, before = self._executions.get(base), self._commissions.get(base)
        if execution is None:
            return False
        if before is not None:
            if execution_revision(before.execution_id) >= execution_revision(commission.execution_id):
                return False
            self._charge(execution.account, before, Decimal(-1))
        self._commissions[base] = commission
        self._charge(execution.account, commission, Decimal(1))
        return True

    def _charge(self, account: str, commission: Commission, times: Decimal) -> None:
        amount = exact(commission.amount) * times
        self._cash[account, commission.currency] -= amount
        self._paid[account, commission.currency] += amount

    @property
    def executions(self) -> int:
        """How many executions were counted."""
        return len(self._executions)

    def position(self, account: str, instrument: str) -> Position:
        """What `account` holds of `instrument`."""
        holding = self._holdings.get((account, instrument))
        if holding is None or not holding.quantity:
            return _FLAT
        return Position(float(holding.quantity), float(holding.cost / holding.quantity))

    def positions(self) -> dict[str, dict[str, float]]:
        """Signed quantities by account and instrument, flat ones left out."""
        result: dict[str, dict[str, float]] = {}
        for (account, instrument), holding in sorted(self._holdings.items()):
            if holding.quantity:
                result.setdefault(account, {})[instrument] = float(holding.quantity)
        return result

    def held(self, account: str) -> dict[str, Position]:
        """All that `account` holds, by instrument, flat ones left out."""
        names = sorted(name for (owner, name), holding in self._holdings.items() if owner == account and holding.quantity)
        return {name: self.position(account, name) for name in names}

    def realised(self, account: str, instrument: str) -> float:
        """Profit from closing trades, before commissions, in the instrument's currency."""
        holding = self._holdings.get((account, instrument))
        return float(holding.realised) if holding is not None else 0.0

    def traded(self, account: str) -> list[str]:
        """The instruments that `account` has traded."""
        return sorted(instrument for owner, instrument in self._holdings if owner == account)

    def commissions(self, account: str) -> dict[str, float]:
        """What `account` paid in commissions, by currency."""
        return {currency: float(paid) for (owner, currency), paid in sorted(self._paid.items()) if owner == account}

    @property
    def uncharged(self) -> int:
        """How many executions have no commission yet."""
        return len(self._executions) - len(self._commissions)

    def cash_changes(self) -> dict[str, dict[str, Decimal]]:
        """How much cash came (+) or went (-) by account and currency."""
        result: dict[str, dict[str, Decimal]] = {}
        for (account, currency), amount in sorted(self._moved().items()):
            if amount:
                result.setdefault(account, {})[currency] = amount
        return result

    def cash(self, account: str) -> dict[str, Decimal]:
        """How much cash came to `account` (+) or went (-) by currency."""
        return self.cash_changes().get(account, {})

    def _moved(self) -> dict[tuple[str, str], Decimal]:
        """Cash by account and currency: what was paid, and what futures have gained."""
        moved = defaultdict(Decimal, self._cash)
        for (account, _), holding in sorted(self._holdings.items()):
            if holding.settles:
                moved[account, holding.settles] += holding.realised - holding.settled
        return moved

    def state(self) -> BooksState:
        """Everything that is needed to go on elsewhere."""
        return BooksState(
            [(account, name, holding.quantity, holding.cost) for (account, name), holding in sorted(self._holdings.items())],
            [(account, currency, amount) for (account, currency), amount in sorted(self._moved().items())],
            [(account, name, holding.realised) for (account, name), holding in sorted(self._holdings.items())],
            sorted({*self._counted.values(), *(execution.id for execution in self._executions.values())}),
            [execution for base, execution in self._executions.items() if base not in self._commissions],
            tuple((account, name, one.settles) for (account, name), one in sorted(self._holdings.items()) if one.settles),
        )

    @classmethod
    def from_state(cls, state: BooksState) -> "Books":
        """Books that go on from `state`."""
        books = cls()
        books._cash.update({(account, currency): amount for account, currency, amount in state.cash})
        realised = {(account, name): amount for account, name, amount in state.realised}
        settles = {(account, name): currency for account, name, currency in state.settled}
        for account, name, quantity, cost in state.holdings:
            gained, currency = realised.get((account, name), Decimal(0)), settles.get((account, name), "")
            began = (quantity, cost, gained)
            holding = _Holding(*began, settles=currency, began=began)
            if currency:  # counted apart again, so that going on is exactly as if the books had never rested
                books._cash[account, currency] -= gained
            else:
                holding.settled = gained
            books._holdings[account, name] = holding
        books._executions.update({execution_base(execution.id): execution for execution in state.uncharged})
        books._counted.update({execution_base(counted): counted for counted in state.counted})
        return books
