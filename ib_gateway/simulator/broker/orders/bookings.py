"""What the broker itself changes in the books: corrections, busts, and what exercising an option brings.

A correction books the day once more with what is right. Where the beginning of the day is not known, it is booked as the
opposite of what was executed and then as what it should have been: quantity and cash are exact then too, the split of profit
between realised and open is not.
"""

from msgspec.structs import replace

from atlas.domain import Commission, Execution, exact
from atlas.exchange import Exchange, ExchangeEvent, Executed
from ib_gateway.simulator.broker.held import Booked, Corrected
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
    undo(exchange, correction.old, correction.new.execution.id)
    if correction.new.execution.quantity:
        exchange.ledger.apply(correction.new.execution, correction.new.commission)


def undo(exchange: Exchange, executed: Executed, by: str) -> None:
    """Book the opposite of an execution, and give its commission back."""
    execution, commission = executed.execution, executed.commission
    opposite = replace(execution, id=f"{execution.id} undone by {by}", side=execution.side.opposite)
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


def scaled(commission: Commission, old: Execution, new: Execution) -> float:
    """The commission of a correction: that of what it corrects, for as many units."""
    if not new.quantity:
        return 0.0
    return float(round(exact(commission.amount) * exact(new.quantity) / exact(old.quantity), 4))
