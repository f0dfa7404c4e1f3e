"""Positions and cash, folded from executions and commissions. Exact: sums are kept in decimals, floats only come out.

A stock, an option or a currency pair is paid for when it is executed: an option's premium times its multiplier. A future is
not: what it gains or loses moves to cash when it is closed, at average cost.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from atlas.domain._struct import Value
from atlas.domain.events import Commission, Execution
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
    """Books at rest, as plain values: (account, instrument or currency, amounts...)."""

    holdings: list[tuple[str, str, Decimal, Decimal]]
    cash: list[tuple[str, str, Decimal]]
    realised: list[tuple[str, str, Decimal]]
    counted: list[str]
    uncharged: list[Execution]


@dataclass(slots=True)
class _Holding:
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)  # signed: quantity times average price

    def trade(self, signed: Decimal, price: Decimal) -> Decimal:
        """Apply a trade; returns the profit it realised, per unit of multiplier."""
        closing = Decimal(0)
        if self.quantity * signed < 0:
            closing = min(abs(signed), abs(self.quantity)).copy_sign(signed)
        average = self.cost / self.quantity if self.quantity else Decimal(0)
        realised = -closing * (price - average)
        opening = signed - closing
        self.quantity += signed
        self.cost = self.cost + closing * average + opening * price if self.quantity else Decimal(0)
        return realised


class Books:
    """Positions by account and instrument, cash changes by account and currency. Counts each execution id once."""

    def __init__(self) -> None:
        self._holdings: dict[tuple[str, str], _Holding] = defaultdict(_Holding)
        self._cash: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._realised: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._executions: dict[str, Execution] = {}
        self._counted: set[str] = set()  # executions of an earlier life
        self._commissions: set[str] = set()
        self._paid: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def execute(self, execution: Execution, instrument: Instrument) -> bool:
        """Count an execution. False if its id was counted before."""
        if execution.id in self._executions or execution.id in self._counted:
            return False
        self._executions[execution.id] = execution
        account = execution.account
        signed = exact(execution.quantity) * execution.side.sign
        price = exact(execution.price)
        multiplier = exact(instrument.multiplier)
        realised = self._holdings[account, execution.instrument].trade(signed, price) * multiplier
        self._realised[account, execution.instrument] += realised
        if instrument.kind is InstrumentKind.FUTURE:
            self._cash[account, instrument.currency] += realised
        else:
            self._cash[account, instrument.currency] -= signed * price * multiplier
        if instrument.kind is InstrumentKind.CASH:
            self._cash[account, instrument.symbol] += signed
        return True

    def charge(self, commission: Commission) -> bool:
        """Count a commission. False if that execution's was counted before, or the execution is not known yet."""
        execution = self._executions.get(commission.execution_id)
        if execution is None or commission.execution_id in self._commissions:
            return False
        self._commissions.add(commission.execution_id)
        self._cash[execution.account, commission.currency] -= exact(commission.amount)
        self._paid[execution.account, commission.currency] += exact(commission.amount)
        return True

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
        return float(self._realised.get((account, instrument), Decimal(0)))

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
        for (account, currency), amount in sorted(self._cash.items()):
            if amount:
                result.setdefault(account, {})[currency] = amount
        return result

    def cash(self, account: str) -> dict[str, Decimal]:
        """How much cash came to `account` (+) or went (-) by currency."""
        return {currency: amount for (owner, currency), amount in sorted(self._cash.items()) if owner == account and amount}

    def state(self) -> BooksState:
        """Everything that is needed to go on elsewhere."""
        return BooksState(
            [(account, name, holding.quantity, holding.cost) for (account, name), holding in sorted(self._holdings.items())],
            [(account, currency, amount) for (account, currency), amount in sorted(self._cash.items())],
            [(account, name, amount) for (account, name), amount in sorted(self._realised.items())],
            sorted(self._executions.keys() | self._counted),
            [execution for execution in self._executions.values() if execution.id not in self._commissions],
        )

    @classmethod
    def from_state(cls, state: BooksState) -> "Books":
        """Books that go on from `state`."""
        books = cls()
        for account, name, quantity, cost in state.holdings:
            books._holdings[account, name] = _Holding(quantity, cost)
        books._cash.update({(account, currency): amount for account, currency, amount in state.cash})
        books._realised.update({(account, name): amount for account, name, amount in state.realised})
        books._executions.update({execution.id: execution for execution in state.uncharged})
        books._counted.update(state.counted)
        return books
