"""Accounts: cash in several currencies, positions, and what they are worth.

Quantities, cash and profit are folded by `atlas.domain.Books`. What is added here is how the broker reports them: the average
cost of stocks and futures carries the commissions paid to open, and the profit of a closing fill is net of both.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from atlas.domain import Books, Commission, Execution, Instrument, InstrumentKind, Position, Side, exact
from atlas.domain._struct import Value
from atlas.domain.books import BooksState
from atlas.exchange.margin import MarginRate, MarginState, requirement
from atlas.exchange.rates import Rates

Mark = Callable[[str], float | None]
"""The price at which an instrument is valued now, None while it has no quote."""

_OWNED = frozenset({InstrumentKind.STOCK, InstrumentKind.OPTION})  # what is paid for, and worth its price


class LedgerState(Value, frozen=True):
    """A ledger at rest. `initial` is the cash that each account began with."""

    books: BooksState
    opening_commissions: list[tuple[str, str, Decimal]]
    initial: dict[str, dict[str, Decimal]]


class Ledger:
    """The books of every account, and their value in the base currency."""

    def __init__(self, instruments: Mapping[str, Instrument], cash: Mapping[str, Mapping[str, float]]) -> None:
        self.accounts = tuple(cash)
        self._instruments = instruments
        self._initial = {account: {currency: exact(amount) for currency, amount in c.items()} for account, c in cash.items()}
        self._books = Books()
        self._opening: dict[tuple[str, str], Decimal] = {}
        self._touched: dict[str, set[str]] = {}
        self._now: dict[str, tuple[dict[str, Position], dict[str, float]]] = {}  # until something is booked

    def apply(self, execution: Execution, commission: Commission) -> None:
        """Book a fill and its commission."""
        self._now.clear()
        instrument = self._instruments[execution.instrument]
        carried, _ = self._split(execution, commission)
        self._opening[execution.account, execution.instrument] = carried
        self._books.execute(execution, instrument)
        self._books.charge(commission)
        touched = self._touched.setdefault(execution.account, set())
        touched.update((instrument.currency, commission.currency))
        if instrument.kind is InstrumentKind.CASH:
            touched.add(instrument.symbol)

    def closing_profit(self, execution: Execution, commission: Commission) -> float | None:
        """What `execution`, not yet booked, realises net of commissions; None if it closes nothing."""
        held = exact(self.position(execution.account, execution.instrument).quantity)
        closing = _closing(held, execution)
        if not closing:
            return None
        _, spent = self._split(execution, commission)
        average = exact(self.position(execution.account, execution.instrument).average_price)
        multiplier = exact(self._instruments[execution.instrument].multiplier)
        gross = -execution.side.sign * closing * (exact(execution.price) - average) * multiplier
        return float(gross - spent)

    def _split(self, execution: Execution, commission: Commission) -> tuple[Decimal, Decimal]:
        """Commissions that the position carries after `execution`, and those that its closing part takes out.

        Those in another currency than the instrument's are not carried: whoever reports profit in one currency counts them.
        """
        instrument = self._instruments[execution.instrument]
        if commission.currency != instrument.currency:
            return Decimal(0), Decimal(0)
        held = exact(self.position(execution.account, execution.instrument).quantity)
        closing, quantity, charged = _closing(held, execution), exact(execution.quantity), exact(commission.amount)
        before = self._opening.get((execution.account, execution.instrument), Decimal(0))
        released = before * closing / abs(held) if closing else Decimal(0)
        closing_share = charged * closing / quantity
        return before - released + charged - closing_share, released + closing_share

    def position(self, account: str, instrument: str) -> Position:
        """What `account` holds of `instrument`, at its average price without commissions."""
        return self._books.position(account, instrument)

    def positions(self, account: str) -> dict[str, Position]:
        """All that `account` holds, by instrument id."""
        return self._books.held(account)

    def traded(self, account: str) -> list[str]:
        """Every instrument that `account` has ever traded."""
        return self._books.traded(account)

    def average_cost(self, account: str, instrument: str) -> float:
        """Paid per unit held: average price times multiplier, with the opening commissions of stocks and futures in it."""
        position = self.position(account, instrument)
        if not position.quantity:
            return 0.0
        cost = exact(position.average_price) * exact(self._instruments[instrument].multiplier)
        if self._instruments[instrument].kind is InstrumentKind.CASH:
            return float(cost)
        carried = self._opening.get((account, instrument), Decimal(0))
        return float(cost + carried / exact(position.quantity))

    def realised(self, account: str, instrument: str) -> float:
        """Profit of closing trades before commissions, in the instrument's currency."""
        return self._books.realised(account, instrument)

    def cash(self, account: str) -> dict[str, Decimal]:
        """Cash of `account` by currency: what it began with, and every change since. A currency once held stays, at zero."""
        result = {currency: Decimal(0) for currency in sorted(self._touched.get(account, ()))} | self._initial.get(account, {})
        for currency, change in self._books.cash(account).items():
            result[currency] = result.get(currency, Decimal(0)) + change
        return result

    def margin(
        self,
        account: str,
        mark: Mark,
        rates: Rates,
        rate_of: Callable[[Instrument], MarginRate],
        extra: Mapping[str, float] | None = None,
    ) -> MarginState:
        """Equity and margin of `account` in the base currency, as if it also held `extra` (signed quantity by instrument).

        An instrument that has no quote yet is valued at what was paid for it; a currency nobody has a rate for counts nothing.
        """
        held, cash = self._holdings(account)
        equity = sum(amount * (rates.rate(currency) or 0.0) for currency, amount in cash.items())
        initial = maintenance = 0.0
        for name in sorted({*held, *(extra or {})}):
            instrument = self._instruments[name]
            position = held.get(name) or Position(0.0, 0.0)
            price = mark(name) or position.average_price
            in_base = rates.rate(instrument.currency) or 0.0
            if instrument.kind in _OWNED:
                equity += position.quantity * price * instrument.multiplier * in_base
            elif instrument.kind is InstrumentKind.FUTURE:
                equity += position.quantity * (price - position.average_price) * instrument.multiplier * in_base
            quantity = position.quantity + (extra or {}).get(name, 0.0)
            underlying = mark(instrument.underlying) if instrument.underlying else None
            to_open, to_hold = requirement(instrument, quantity, price, rate_of(instrument), underlying)
            initial += to_open * in_base
            maintenance += to_hold * in_base
        return MarginState(equity, initial, maintenance)

    def _holdings(self, account: str) -> tuple[dict[str, Position], dict[str, float]]:
        """Positions and cash of `account`: they are asked for with every order, and change with fills only."""
        if account not in self._now:
            cash = {currency: float(amount) for currency, amount in self.cash(account).items()}
            self._now[account] = (self.positions(account), cash)
        return self._now[account]

    def state(self) -> LedgerState:
        """Everything that is needed to go on elsewhere."""
        return LedgerState(
            self._books.state(),
            [(account, name, amount) for (account, name), amount in sorted(self._opening.items()) if amount],
            {account: dict(cash) for account, cash in self._initial.items()},
        )

    def restore(self, state: LedgerState) -> None:
        """Go on from `state`. An account that is not in it begins with the cash it was given here."""
        self._initial |= {account: cash for account, cash in state.initial.items() if account in self._initial}
        self._now.clear()
        self._books = Books.from_state(state.books)
        self._opening = {(account, name): amount for account, name, amount in state.opening_commissions}
        self._touched = {}
        for account, currency, _ in state.books.cash:
            self._touched.setdefault(account, set()).add(currency)


def _closing(held: Decimal, execution: Execution) -> Decimal:
    """How much of `execution` closes what is held: 0 if it opens or adds."""
    against = (held > 0) != (execution.side is Side.BUY)
    return min(abs(held), exact(execution.quantity)) if held and against else Decimal(0)


def signed(quantities: Iterable[tuple[str, Side, float]]) -> dict[str, float]:
    """Net signed quantity by instrument."""
    result: dict[str, float] = {}
    for name, side, quantity in quantities:
        result[name] = result.get(name, 0.0) + side.sign * quantity
    return result
