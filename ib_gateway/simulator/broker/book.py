"""The broker's orders and executions of the day: the fold of its records."""

from collections.abc import Iterator

from msgspec.structs import replace

from atlas.exchange import Accepted, Cancelled, Executed, Expired, Modified, Rejected
from ib_gateway.simulator.broker.records import Fill, HeldOrder, Placed, Record, Snapshot


class Book:
    """Every order and fill of the day, and the highest number each client ever used for an order.

    `realized` is the day's profit by account and instrument, in the instrument's currency, for everything traded today.
    """

    def __init__(self) -> None:
        self._orders: dict[str, HeldOrder] = {}
        self.fills: list[Fill] = []
        self.realized: dict[tuple[str, str], float] = {}
        self.highest_ids: dict[int, int] = {}

    @staticmethod
    def exchange_id(client_id: int, order_id: int) -> str:
        """The name under which the exchange knows an order."""
        return f"{client_id}.{order_id}"

    def order(self, client_id: int, order_id: int) -> HeldOrder | None:
        """An order of the day."""
        return self._orders.get(self.exchange_id(client_id, order_id))

    def named(self, exchange_id: str) -> HeldOrder:
        """The order that the exchange speaks of."""
        return self._orders[exchange_id]

    def standing(self, client_id: int | None = None) -> Iterator[HeldOrder]:
        """Orders that are not done: of one client, or of all."""
        return (held for held in list(self._orders.values()) if not held.done and client_id in (None, held.client_id))

    def completed(self) -> Iterator[HeldOrder]:
        """Orders that are done."""
        return (held for held in self._orders.values() if held.done)

    def next_id(self, client_id: int) -> int:
        """A number that this client has never used for an order."""
        return self.highest_ids.get(client_id, 0) + 1

    def apply(self, record: Record) -> None:
        """Make a record so."""
        match record:
            case Snapshot(_, orders, fills, highest_ids):
                self._orders = {held.exchange_id: held for held in orders}
                self.fills = list(fills)
                self._add_up()
                self.highest_ids = dict(highest_ids)
            case Placed(exchange_id, client_id, order_id, instrument, contract, ticket):
                self._orders[exchange_id] = HeldOrder(exchange_id, client_id, order_id, instrument, contract, ticket)
                self.highest_ids[client_id] = max(self.highest_ids.get(client_id, 0), order_id)
            case Accepted(order, perm_id):
                held = self._orders[order.id]
                held.perm_id = perm_id
                held.status = "PreSubmitted" if held.ticket.order_type == "MKT" else "Submitted"
            case Modified(order):
                held = self._orders[order.id]
                held.ticket = replace(held.ticket, quantity=order.quantity, limit_price=order.limit_price)
            case Executed():
                self._fill(record)
            case Cancelled(order_id, text, at_ns):
                self._finish(order_id, "Cancelled", at_ns, text)
            case Expired(order_id, at_ns):
                self._finish(order_id, "Cancelled", at_ns, "the session is over")
            case Rejected(order, _, text, at_ns):
                self._finish(order.id, "Inactive", at_ns, text)

    def forget(self, before_ns: int) -> None:
        """Drop executions, and orders that were done, before a moment."""
        self.fills = [fill for fill in self.fills if fill.executed.execution.at_ns >= before_ns]
        self._add_up()
        self._orders = {name: held for name, held in self._orders.items() if not held.done or held.done_ns >= before_ns}

    def drop(self, exchange_id: str) -> None:
        """An order never came to be: nobody was told of it. Its number stays used."""
        del self._orders[exchange_id]

    def orders(self) -> list[HeldOrder]:
        """Every order of the day."""
        return list(self._orders.values())

    def _add_up(self) -> None:
        self.realized = {}
        for fill in self.fills:
            self._realize(fill.executed)

    def _realize(self, executed: Executed) -> None:
        key = (executed.execution.account, executed.execution.instrument)
        self.realized[key] = self.realized.get(key, 0.0) + (executed.commission.realized_pnl or 0.0)

    def _finish(self, exchange_id: str, status: str, at_ns: int, text: str) -> None:
        held = self._orders[exchange_id]
        held.status, held.done_ns, held.done_text = status, at_ns, text

    def _fill(self, executed: Executed) -> None:
        execution, commission = executed.execution, executed.commission
        held = self._orders[execution.order_id]
        before = held.filled
        held.filled = round(before + execution.quantity, 8)
        held.average_price = round((held.average_price * before + execution.price * execution.quantity) / held.filled, 10)
        held.last_price = execution.price
        held.commission = round((held.commission or 0.0) + commission.amount, 4)
        held.commission_currency = commission.currency
        held.status = "Submitted" if held.remaining else "Filled"
        if not held.remaining:
            held.done_ns = max(execution.at_ns, 1)
        self._realize(executed)
        self.fills.append(
            Fill(
                executed,
                held.exchange_id,
                held.client_id,
                held.order_id,
                held.ticket.order_ref,
                held.filled,
                held.average_price,
            )
        )
