"""What the broker itself changes in the books: corrections, busts, and what exercising an option brings.

A correction books the day once more with what is right. Where the beginning of the day is not known, it is booked as the
opposite of what was executed and then as what it should have been: quantity and cash are exact then too, the split of profit
between realised and open is not.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from atlas.domain import Commission, Execution, exact
from atlas.exchange import Exchange, ExchangeEvent, Executed
from ib_gateway.simulator.broker.held import Booked, Corrected, HeldOrder
from ib_gateway.simulator.broker.records import Record
from ib_gateway.simulator.broker.restatement import amended


def book(exchange: Exchange, record: Record) -> None:
    """Make so what a record does to the books of the exchange."""
    match record:
        case Corrected():
            _correct(exchange, record)
        case Booked(executed):
            exchange.book(executed)
        case _ if isinstance(record, ExchangeEvent):
            exchange.apply(record)


def _correct(exchange: Exchange, correction: Corrected) -> None:
    restated = amended(exchange.ledger.state(), correction.restatement) if correction.restatement else None
    if restated is not None:
        exchange.ledger.restore(restated)
        return
    by = correction.new.execution.id
    for old, new in correction.pairs:
        undo(exchange, old, by)
        # Under an id of its own: by its right one the books would take it for a correction, and put the old one right, too.
        execution = replace(new.execution, id=f"{new.execution.id} booked by {by}.1")
        if execution.quantity:
            exchange.ledger.apply(execution, replace(new.commission, execution_id=execution.id))


def undo(exchange: Exchange, executed: Executed, by: str) -> None:
    """Book the opposite of an execution, and give its commission back."""
    execution, commission = executed.execution, executed.commission
    opposite = replace(execution, id=f"{execution.id} undone by {by}.1", side=execution.side.opposite)
    exchange.ledger.apply(opposite, Commission(opposite.id, -commission.amount, commission.currency))


def next_id(execution_id: str) -> str:
    """The id of a correction: the last part counts up."""
    head, _, last = execution_id.rpartition(".")
    return f"{head}.{int(last) + 1:02d}"


def corrected(executed: Executed, price: float | None, quantity: float | None) -> Execution:
    """An execution as it should have been."""
    execution = executed.execution
    return replace(
        execution,
        id=next_id(execution.id),
        price=execution.price if price is None else price,
        quantity=execution.quantity if quantity is None else quantity,
    )


class Charged(NamedTuple):
    """What an order was filled for and charged before: units, the sum of quantity times price, commissions."""

    quantity: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)


def before_today(held: HeldOrder, today: Iterable[Executed]) -> Charged:
    """What the order of one account was filled for and charged on earlier days."""
    quantity, commission = exact(held.filled), exact(held.commission or 0.0)
    paid = exact(held.average_price) * quantity
    for one in today:
        units = exact(one.execution.quantity)
        quantity, paid = quantity - units, paid - units * exact(one.execution.price)
        commission -= exact(one.commission.amount)
    return Charged(quantity, paid, commission) if quantity else Charged()


def repriced(
    price: Callable[[Decimal, Decimal], Decimal], before: Charged, executed: Iterable[Executed], old: Executed, right: Execution
) -> list[tuple[Executed, Executed]]:
    """Executions of one order and account from `old` on, each with what it is once `old` is `right`: that one is the first.

    `executed` are all of them in order, after `before`. Minimum and ceiling of a commission count per order, so each execution
    costs the price of all that is filled until then (`price`, of units and quantity times price) less what was charged before.
    A bust costs nothing.
    """
    quantity, paid, charged = before
    pairs: list[tuple[Executed, Executed]] = []
    for one in executed:
        execution = right if one == old else one.execution
        units = exact(execution.quantity)
        quantity, paid = quantity + units, paid + units * exact(execution.price)
        amount = exact(one.commission.amount)
        if pairs or one == old:
            amount = max(price(quantity, paid) - charged, Decimal(0)) if units else Decimal(0)
            new = replace(one.commission, execution_id=execution.id, amount=float(amount), realized_pnl=None)
            pairs.append((one, Executed(execution, new)))
        charged += amount
    return pairs
