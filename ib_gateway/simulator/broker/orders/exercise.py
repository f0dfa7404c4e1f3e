"""Exercising options: at once, or never.

IB exercises at the end of the day; here it happens when it is asked for, so that a program sees what it leads to. The option
goes for nothing, and its underlying is bought (call) or sold (put) at the strike; an option on an index goes for what it is
worth. Source: TWS API, "Exercising options".
"""

from collections.abc import Iterator

from atlas.domain import Commission, Execution, Instrument, InstrumentKind, OptionRight, Side
from atlas.exchange import Executed
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handlers
from ib_gateway.simulator.broker.held import Booked, Lapsed
from ib_gateway.simulator.broker.orders import bookings
from ib_gateway.simulator.broker.orders.codes import Code
from ib_gateway.simulator.broker.orders.desk import OrderDesk
from ib_gateway.simulator.broker.orders.terms import Turned
from ib_gateway.simulator.messages import requests as r

_EXERCISE, _LAPSE = 1, 2
_FIRST_PERM_ID = 2_100_000_000
"""Above those of the exchange's orders, and below 2**31."""


class ExerciseDesk:
    """Exercises options, and lets them lapse."""

    def __init__(self, floor: Floor, desk: OrderDesk) -> None:
        self._floor = floor
        self._desk = desk

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {r.ExerciseOptions: self._desk.writing(self._exercise)}

    def _exercise(self, client: Client, request: r.ExerciseOptions) -> None:
        listing = self._floor.resolve(client, request.req_id, request.contract)
        if listing is None:
            return
        account = request.account or self._floor.accounts[0]
        try:
            self._check(listing.instrument, account, request)
        except Turned as turned:
            self._floor.error(client, request.req_id, *turned.objection)
            return
        if request.action == _LAPSE:
            self._floor.record(Lapsed(account, listing.instrument.id, float(request.quantity)))
            return
        for executed in self._legs(listing.instrument, account, float(request.quantity)):
            booked = Booked(executed, client.id)
            bookings.book(self._floor.exchange, booked)
            self._floor.record(booked)
            self._desk.traded.add((account, executed.execution.instrument))
            self._desk.teller.tell_execution(self._floor.book.fills[-1])

    def _check(self, option: Instrument, account: str, request: r.ExerciseOptions) -> None:
        floor = self._floor
        if option.kind is not InstrumentKind.OPTION:
            raise _invalid(f"{option.local_symbol or option.symbol} is not an option.")
        if account not in floor.accounts:
            raise _invalid(f"Invalid account code '{account}'.")
        if request.action not in (_EXERCISE, _LAPSE):
            raise _invalid(f"Invalid exercise action {request.action}.")
        if request.quantity <= 0:
            raise _invalid(f"Invalid exercise quantity {request.quantity}.")
        lapsed = sum(one.quantity for one in floor.book.lapsed if (one.account, one.instrument) == (account, option.id))
        if floor.exchange.position(account, option.id).quantity - lapsed < request.quantity:
            raise _invalid(f"No unlapsed position exists in this option in account {account}.")
        worth = self._worth(option)
        if request.action == _EXERCISE and not request.override and (worth is None or worth <= 0):
            raise _invalid("The option is not in the money; override to exercise it all the same.")
        if request.action == _LAPSE and not request.override and worth is not None and worth > 0:
            raise _invalid("The option is in the money; override to let it lapse all the same.")

    def _worth(self, option: Instrument) -> float | None:
        """What one unit is worth if exercised now, below zero out of the money; None without a price of the underlying."""
        price = self._floor.exchange.mark(option.underlying)
        if price is None:
            return None
        return price - option.strike if option.right is OptionRight.CALL else option.strike - price

    def _legs(self, option: Instrument, account: str, quantity: float) -> Iterator[Executed]:
        """What exercising executes: the option goes, its underlying comes, or what that is worth in money."""
        underlying = self._floor.listing(option.underlying).instrument
        in_cash = underlying.kind is InstrumentKind.INDEX
        price = max(self._worth(option) or 0.0, 0.0) if in_cash else 0.0
        yield self._executed(option, account, Side.SELL, quantity, price)
        if not in_cash:
            units = quantity * option.multiplier / underlying.multiplier
            side = Side.BUY if option.right is OptionRight.CALL else Side.SELL
            yield self._executed(underlying, account, side, units, option.strike)

    def _executed(self, instrument: Instrument, account: str, side: Side, quantity: float, price: float) -> Executed:
        now, ledger = self._floor.clock.now_ns(), self._floor.exchange.ledger
        number = len(self._floor.book.fills)
        name, perm_id = f"exercise.{now:016x}.{number:04x}.01", _FIRST_PERM_ID + number
        execution = Execution(name, "", account, instrument.id, side, quantity, price, now, perm_id)
        commission = Commission(execution.id, 0.0, instrument.currency)
        profit = ledger.closing_profit(execution, commission)
        return Executed(execution, Commission(execution.id, 0.0, instrument.currency, profit))


def _invalid(cause: str) -> Turned:
    return Turned(Code.INVALID.say(cause=cause))
