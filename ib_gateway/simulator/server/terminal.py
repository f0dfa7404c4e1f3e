"""The broker's own terminal: what it shows of clients, orders and accounts, and what can be entered by hand."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from atlas.domain import BadInput
from atlas.exchange import Exchange
from ib_gateway.simulator.broker import Broker
from ib_gateway.simulator.broker.orders.terms import Turned
from ib_gateway.simulator.messages import Contract, Ticket
from ib_gateway.simulator.server.hall import Hall


class ClientRow(NamedTuple):
    """A client that has started the API. `state` is connected, or stalled by a fault."""

    client_id: int
    peer: str
    version: int
    state: str


class OrderRow(NamedTuple):
    """An order of the day."""

    perm_id: int
    client_id: int
    order_id: int
    instrument: str
    account: str
    action: str
    order_type: str
    quantity: float
    limit_price: float | None
    time_in_force: str
    status: str
    filled: float
    average_price: float
    order_ref: str


class ExecutionRow(NamedTuple):
    """An execution of the day; corrected ones as they are now. `commission` is what it cost, in its own currency."""

    execution_id: str
    perm_id: int
    client_id: int
    order_id: int
    account: str
    instrument: str
    side: str
    quantity: float
    price: float
    at_ns: int
    commission: float


class Terminal:
    """Looks into the broker's books, and enters and cancels orders at its own terminal."""

    def __init__(self, hall: Hall, broker: Broker, exchange: Exchange) -> None:
        self._hall = hall
        self._broker = broker
        self._exchange = exchange

    def clients(self) -> Sequence[ClientRow]:
        """Who is connected."""
        sessions = sorted(self._hall.sessions.items())
        return [ClientRow(number, s.peer, s.version, "stalled" if s.stalled else "connected") for number, s in sessions]

    def orders(self) -> Sequence[OrderRow]:
        """The orders of the day, standing or done."""
        return [
            OrderRow(
                held.perm_id, held.client_id, held.order_id, held.instrument, held.ticket.account, held.ticket.action,
                held.ticket.order_type, held.ticket.quantity, held.ticket.limit_price, held.ticket.time_in_force, held.status,
                held.filled, held.average_price, held.ticket.order_ref,
            )
            for held in self._broker.orders_of_the_day()
        ]  # fmt: skip

    def executions(self) -> Sequence[ExecutionRow]:
        """The executions of the day."""
        return [
            ExecutionRow(
                one.id, one.perm_id, fill.client_id, fill.order_id, one.account, one.instrument, one.side.value, one.quantity,
                one.price, one.at_ns, fill.executed.commission.amount,
            )
            for fill in self._broker.executions_of_the_day()
            for one in (fill.executed.execution,)
        ]  # fmt: skip

    def positions(self) -> Mapping[tuple[str, str], float]:
        """Units held by account and instrument; what is flat is left out."""
        ledger = self._exchange.ledger
        held = {(account, name): one for account in ledger.accounts for name, one in ledger.positions(account).items()}
        return {key: one.quantity for key, one in held.items() if one.quantity}

    def cash(self) -> Mapping[tuple[str, str], float]:
        """Cash by account and currency."""
        ledger = self._exchange.ledger
        rows = ((account, currency, amount) for account in ledger.accounts for currency, amount in ledger.cash(account).items())
        return {(account, currency): float(amount) for account, currency, amount in rows}

    def enter_order(self, contract: Contract, ticket: Ticket) -> int:
        """Enter an order by hand; returns its number for good.

        Raises:
            BadInput: the broker turns it down; the text is IB's.
            StateLost: it could not be written down.
        """
        try:
            perm_id = self._broker.enter_order(contract, ticket)
        except Turned as error:
            raise BadInput(str(error)) from None
        self._written()
        return perm_id

    def cancel_order(self, perm_id: int) -> None:
        """Cancel any client's order.

        Raises:
            BadInput: there is no such standing order.
            StateLost: it could not be written down.
        """
        try:
            self._broker.cancel_order(perm_id)
        except Turned as error:
            raise BadInput(str(error)) from None
        self._written()

    def _written(self) -> None:
        self._hall.flush()
        if self._hall.over is not None:
            raise self._hall.over
