"""The broker's orders and executions of the day: the fold of its records."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from atlas.exchange import Accepted, Cancelled, Executed, Expired, Modified, Rejected, Settled, Stage, Staged, Trailed
from ib_gateway.simulator.broker.held import (
    UNTRANSMITTED,
    Booked,
    Bound,
    Changed,
    Corrected,
    Fill,
    HeldOrder,
    Lapsed,
    Placed,
    Withdrawn,
)
from ib_gateway.simulator.broker.records import Record, Snapshot
from ib_gateway.simulator.messages import Ticket

_BUSTED = "All executions of the order were busted."


class Book:
    """Every order and fill of the day, and the highest number each client ever used for an order.

    `realized` is the day's profit by account and instrument, in the instrument's currency, for everything traded today, and
    `paid` its commissions by currency.
    `hand_numbers` counts orders that were entered by hand, and those of them that client 0 has bound.
    """

    def __init__(self) -> None:
        self._orders: dict[str, HeldOrder] = {}
        self._names: dict[tuple[int, int], list[str]] = {}
        self._attached: dict[tuple[int, int], list[str]] = {}
        self.fills: list[Fill] = []
        self.realized: dict[tuple[str, str], float] = {}
        self.paid: dict[tuple[str, str], dict[str, float]] = {}
        self.highest_ids: dict[int, int] = {}
        self.hand_numbers = (0, 0)
        self.lapsed: list[Lapsed] = []

    # What may be asked.

    @staticmethod
    def exchange_id(client_id: int, order_id: int) -> str:
        """The name under which the exchange knows a client's order."""
        return f"{client_id}.{order_id}"

    def order(self, client_id: int, order_id: int) -> HeldOrder | None:
        """An order of the day: of forks the one that stands, or else the first."""
        every = self.forks(client_id, order_id)
        return next((held for held in every if not held.done), every[0] if every else None)

    def forks(self, client_id: int, order_id: int) -> list[HeldOrder]:
        """All that goes under a client's number: more than one once the broker has forked the order."""
        return [self._orders[name] for name in self._names.get((client_id, order_id), ())]

    def named(self, exchange_id: str) -> HeldOrder:
        """The order that the exchange speaks of."""
        return self._orders[exchange_id]

    def find(self, exchange_id: str) -> HeldOrder | None:
        """An order by the exchange's name for it, None if it is forgotten."""
        return self._orders.get(exchange_id)

    def by_perm_id(self, perm_id: int) -> HeldOrder | None:
        """The order of a number for good."""
        return next((held for held in self._orders.values() if held.perm_id == perm_id), None) if perm_id else None

    def parent(self, held: HeldOrder) -> HeldOrder | None:
        """The order that `held` is attached to."""
        return self.order(held.client_id, held.ticket.parent_id) if held.ticket.parent_id else None

    def children(self, held: HeldOrder) -> list[HeldOrder]:
        """Orders that are attached to `held` and not done."""
        attached = (self._orders[name] for name in self._attached.get((held.client_id, held.order_id), ()))
        return [one for one in attached if not one.done]

    def standing(self, client_id: int | None = None) -> Iterator[HeldOrder]:
        """Orders that are not done: of one client, or of all."""
        return (held for held in list(self._orders.values()) if not held.done and client_id in (None, held.client_id))

    def completed(self) -> Iterator[HeldOrder]:
        """Orders that are done."""
        return (held for held in self._orders.values() if held.done)

    def orders(self) -> list[HeldOrder]:
        """Every order of the day."""
        return list(self._orders.values())

    def fill(self, execution_id: str) -> Fill | None:
        """The fill of an execution as it stands now, by any of its ids: corrections count the last part up."""
        base = execution_id.rpartition(".")[0]
        return next((fill for fill in self.fills if fill.executed.execution.id.rpartition(".")[0] == base), None)

    def next_id(self, client_id: int) -> int:
        """A number that this client has never used for an order."""
        return self.highest_ids.get(client_id, 0) + 1

    # How it changes.

    def apply(self, record: Record) -> None:
        """Make a record so."""
        match record:
            case Snapshot():
                self._restore(record)
            case Placed():
                self._place(record)
            case Changed(exchange_id, ticket):
                self._change(self._orders[exchange_id], ticket)
            case Withdrawn(exchange_id, status, text, at_ns):
                self._finish(exchange_id, status, at_ns, text)
            case Bound(exchange_id, order_id):
                self._bind(self._orders[exchange_id], order_id)
            case Corrected():
                self._correct(record)
            case Booked(executed, client_id):
                self._count(executed, _fill_of_no_order(executed, client_id))
            case Settled(execution, commission):
                executed = Executed(execution, commission)
                self._count(executed, _fill_of_no_order(executed, 0))
            case Lapsed():
                self.lapsed.append(record)
            case Accepted(order, perm_id):
                held = self._orders[order.id]
                held.perm_id, held.kept, held.stage = perm_id, "", record.stage
                held.set_stop = order.stop_price
                if order.quantity != held.ticket.quantity:
                    held.ticket = replace(held.ticket, quantity=order.quantity)
                held.status = "PreSubmitted" if held.ticket.order_type == "MKT" else _status(record.stage)
            case Staged(order_id, stage):
                held = self._orders[order_id]
                held.stage, held.status = stage, _status(stage)
            case Trailed(order_id, stop_price, limit_price):
                held = self._orders[order_id]
                held.stop_price, held.limit_price = stop_price, limit_price
            case Modified(order):
                held = self._orders[order.id]
                held.ticket = replace(held.proposed or held.ticket, quantity=order.quantity)
                held.proposed = None
                if order.stop_price != held.set_stop:
                    held.set_stop = held.stop_price = order.stop_price
            case Executed():
                self._execute(record)
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
        self._index([held for held in self._orders.values() if not held.done or held.done_ns >= before_ns])

    def drop(self, exchange_id: str) -> None:
        """An order never came to be: nobody was told of it. Its number stays used."""
        self._index([held for held in self._orders.values() if held.exchange_id != exchange_id])

    def settle_proposals(self) -> None:
        """After a restart: what the exchange had not answered was never told to anyone."""
        for held in self._orders.values():
            held.proposed = None

    def _restore(self, snapshot: Snapshot) -> None:
        self._index(snapshot.orders)
        self.fills = list(snapshot.fills)
        self._add_up()
        self.highest_ids = dict(snapshot.highest_ids)
        self.hand_numbers, self.lapsed = snapshot.hand_numbers, list(snapshot.lapsed)

    def _index(self, orders: Iterable[HeldOrder]) -> None:
        self._orders, self._names, self._attached = {}, {}, {}
        for held in orders:
            self._enter(held)

    def _enter(self, held: HeldOrder) -> None:
        self._orders[held.exchange_id] = held
        if held.order_id:
            self._names.setdefault((held.client_id, held.order_id), []).append(held.exchange_id)
        if held.ticket.parent_id:
            self._attached.setdefault((held.client_id, held.ticket.parent_id), []).append(held.exchange_id)

    def _place(self, placed: Placed) -> None:
        held = HeldOrder(
            placed.exchange_id, placed.client_id, placed.order_id, placed.instrument, placed.contract, placed.ticket,
            kept=placed.kept, by_hand=placed.by_hand,
        )  # fmt: skip
        held.status = {"": "PendingSubmit", UNTRANSMITTED: "Inactive"}.get(placed.kept, "PreSubmitted")
        self._enter(held)
        if placed.by_hand:
            self.hand_numbers = (self.hand_numbers[0] + 1, self.hand_numbers[1])
            return
        self.highest_ids[placed.client_id] = max(self.highest_ids.get(placed.client_id, 0), placed.order_id)

    @staticmethod
    def _change(held: HeldOrder, ticket: Ticket | None) -> None:
        if held.kept and ticket is not None:
            held.ticket = ticket
        else:
            held.proposed = ticket

    def _bind(self, held: HeldOrder, order_id: int) -> None:
        held.order_id = order_id
        self._names[held.client_id, order_id] = [held.exchange_id]
        self.hand_numbers = (self.hand_numbers[0], max(self.hand_numbers[1], -order_id))

    def _finish(self, exchange_id: str, status: str, at_ns: int, text: str) -> None:
        held = self._orders[exchange_id]
        held.status, held.done_ns, held.done_text, held.kept = status, max(at_ns, 1), text, ""

    # Fills.

    def _execute(self, executed: Executed) -> None:
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
        self._count(executed, _fill(executed, held))

    def _correct(self, corrected: Corrected) -> None:
        old, new = corrected.old.execution, corrected.new.execution
        held = self._orders.get(old.order_id)
        if held is not None:
            paid = held.average_price * held.filled - old.price * old.quantity + new.price * new.quantity
            held.filled = round(held.filled - old.quantity + new.quantity, 8)
            held.corrected = round(held.corrected + old.quantity - new.quantity, 8)
            held.average_price = round(paid / held.filled, 10) if held.filled else 0.0
            more = sum(one.commission.amount - before.commission.amount for before, one in corrected.pairs)
            held.commission = round((held.commission or 0.0) + more, 4)
            if held.status == "Filled" and not held.filled:
                held.status, held.done_text, held.corrected = "Cancelled", _BUSTED, 0.0
        repriced = {before.execution.id: one for before, one in corrected.repriced}
        self.fills = [
            self._replaced(fill, corrected, held)
            if fill.executed == corrected.old
            else replace(fill, executed=repriced.get(fill.executed.execution.id, fill.executed))
            for fill in self.fills
        ]
        if corrected.restatement is not None:
            right = {one.execution.id: one for one in corrected.restatement.executed}
            self.fills = [replace(fill, executed=right.get(fill.executed.execution.id, fill.executed)) for fill in self.fills]
        self._add_up()

    @staticmethod
    def _replaced(fill: Fill, corrected: Corrected, held: HeldOrder | None) -> Fill:
        new = corrected.new
        if held is None:
            return replace(fill, executed=new, cumulative=new.execution.quantity, average_price=new.execution.price)
        cumulative = round(fill.cumulative - corrected.old.execution.quantity + new.execution.quantity, 8)
        return replace(fill, executed=new, cumulative=cumulative, average_price=held.average_price)

    def _count(self, executed: Executed, fill: Fill) -> None:
        self._realize(executed)
        self.fills.append(fill)

    def _add_up(self) -> None:
        self.realized, self.paid = {}, {}
        for fill in self.fills:
            self._realize(fill.executed)

    def _realize(self, executed: Executed) -> None:
        key = (executed.execution.account, executed.execution.instrument)
        amount, currency = executed.commission.amount, executed.commission.currency
        self.realized[key] = self.realized.get(key, 0.0) + (executed.commission.realized_pnl or 0.0)
        paid = self.paid.setdefault(key, {})
        paid[currency] = paid.get(currency, 0.0) + amount


def _status(stage: Stage) -> str:
    """IB's status of an order that stands."""
    return "Submitted" if stage is Stage.WORKING else "PreSubmitted"


def _fill_of_no_order(executed: Executed, client_id: int) -> Fill:
    execution = executed.execution
    return Fill(executed, "", client_id, 0, "", execution.quantity, execution.price)


def _fill(executed: Executed, held: HeldOrder) -> Fill:
    return Fill(
        executed, held.exchange_id, held.client_id, held.order_id, held.ticket.order_ref, held.filled, held.average_price
    )
