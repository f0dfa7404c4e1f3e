"""What the books would be if an execution of the day had been another from the start: the day is booked once more. Pure.

So a correction or a bust changes what later executions realise and what the position costs, exactly as if it had been right at
once; booking only the opposite would leave the average cost of a trade that never was.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from atlas.domain import Instrument
from atlas.domain.books import BooksState
from atlas.exchange import Executed, Ledger
from atlas.exchange.ledger import LedgerState

_Key = tuple[str, str]
_Row = TypeVar("_Row", bound=tuple[Any, ...])


class Restatement(msgspec.Struct, frozen=True, array_like=True):
    """One account's books of one instrument, as they were and as they are right; and its executions of the day, right."""

    before: LedgerState
    after: LedgerState
    executed: list[Executed]


def opening_of(state: LedgerState) -> LedgerState:
    """What of a ledger is needed to book a day once more: what is held, at which cost, and what was realised."""
    books = BooksState(state.books.holdings, [], state.books.realised, [], [])
    return LedgerState(books, state.opening_commissions, {})


def restated(
    instrument: Instrument, opening: LedgerState, day: Iterable[Executed], pairs: Sequence[tuple[Executed, Executed]]
) -> Restatement:
    """The books of one account and instrument with the second of each pair in the place of the first.

    `day` is all that was executed since `opening`. At least one pair; all are of the same account and instrument.
    """
    first = pairs[0][0].execution
    key = (first.account, first.instrument)
    right = {old.execution.id: new for old, new in pairs}
    mine = [one for one in day if (one.execution.account, one.execution.instrument) == key]
    before, _ = _booked(instrument, opening, key, mine)
    after, executed = _booked(instrument, opening, key, [right.get(one.execution.id, one) for one in mine])
    return Restatement(before, after, executed)


def amended(state: LedgerState, restatement: Restatement) -> LedgerState | None:
    """`state` with the restated books in place of the wrong ones; None if it holds something else than was to be restated."""
    before, after = restatement.before, restatement.after
    keys = {row[:2] for row in before.books.holdings + after.books.holdings}
    if _of(state.books.holdings, keys) != _of(before.books.holdings, keys):
        return None
    cash = {(account, currency): amount for account, currency, amount in state.books.cash}
    for sign, side in ((-1, before), (1, after)):
        for account, currency, amount in side.books.cash:
            cash[account, currency] = cash.get((account, currency), Decimal(0)) + sign * amount
    books = BooksState(
        _without(state.books.holdings, keys) + after.books.holdings,
        [(account, currency, amount) for (account, currency), amount in sorted(cash.items())],
        _without(state.books.realised, keys) + after.books.realised,
        sorted({*state.books.counted, *after.books.counted}),
        state.books.uncharged,
    )
    return LedgerState(books, _without(state.opening_commissions, keys) + after.opening_commissions, state.initial)


def _booked(
    instrument: Instrument, opening: LedgerState, key: _Key, day: Iterable[Executed]
) -> tuple[LedgerState, list[Executed]]:
    """A day of one account and instrument, booked anew; and its executions with what each realises."""
    instruments: Mapping[str, Instrument] = {instrument.id: instrument}
    ledger = Ledger(instruments, {key[0]: {}})
    books = BooksState(_of(opening.books.holdings, {key}), [], _of(opening.books.realised, {key}), [], [])
    ledger.restore(LedgerState(books, _of(opening.opening_commissions, {key}), {}))
    executed = []
    for one in day:
        profit = ledger.closing_profit(one.execution, one.commission) if one.execution.quantity else None
        if one.execution.quantity:
            ledger.apply(one.execution, one.commission)
        executed.append(replace(one, commission=replace(one.commission, realized_pnl=profit)))
    return ledger.state(), executed


def _of(rows: list[_Row], keys: set[_Key]) -> list[_Row]:
    return [row for row in rows if row[:2] in keys]


def _without(rows: list[_Row], keys: set[_Key]) -> list[_Row]:
    return [row for row in rows if row[:2] not in keys]
