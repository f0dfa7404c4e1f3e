"""The order desk: placing, changing and cancelling orders, and saying what became of them.

What a client hears, in order: openOrder and orderStatus when its order stands; execution, openOrder, orderStatus and commission
report for every fill. An order is its client's: others cannot cancel it and are not told of it.
"""

from collections.abc import Iterable, Sequence

from atlas.domain import Order, OrderKind, Side, TimeInForce
from atlas.exchange import Accepted, Cancelled, ExchangeEvent, Executed, Expired, Modified, Refused, Rejected
from ib_gateway.simulator.broker import order_checks as checks
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import LOGIN_ZONE, Floor, Handlers, local_date
from ib_gateway.simulator.broker.records import Fill, HeldOrder, Placed
from ib_gateway.simulator.broker.times import client_time
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import Ticket, replies
from ib_gateway.simulator.messages import requests as r

_CANCEL_REASON = "Order Canceled - reason:{}"


class OrderDesk:
    """Orders, executions and order ids."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._sessions: dict[str, int] = {}
        self.traded: set[tuple[str, str]] = set()

    def handlers(self) -> Handlers:
        """What this desk answers."""
        return {
            r.PlaceOrder: self._place,
            r.CancelOrder: self._cancel,
            r.GlobalCancel: self._cancel_all,
            r.OpenOrders: lambda client, _: self._list_open(client, client.id),
            r.AllOpenOrders: lambda client, _: self._list_open(client, None),
            r.AutoOpenOrders: self._bind,
            r.CompletedOrders: self._list_completed,
            r.Executions: self._list_executions,
            r.Ids: lambda client, _: self._floor.send(client.id, replies.NextValidId(self._floor.book.next_id(client.id))),
        }

    # Placing and changing.

    def _place(self, client: Client, request: r.PlaceOrder) -> None:
        floor, order_id = self._floor, request.order_id
        held = floor.book.order(client.id, order_id)
        if held is not None and not held.done:
            self._modify(client, held, request)
            return
        if order_id <= 0 or held is not None or order_id < floor.book.next_id(client.id):
            floor.error(client, order_id, 103, "Duplicate order id")
            return
        listing = floor.resolve(client, order_id, request.contract)
        if listing is None:
            return
        ticket = checks.completed(request.ticket, floor.accounts)
        objection = checks.objection(ticket, listing, floor.accounts)
        if objection:
            floor.error(client, order_id, *objection)
            return
        order = _order(client.id, order_id, listing, ticket)
        if ticket.what_if:
            self._what_if(client, request, listing, ticket, order)
            return
        self._submit(client, request, listing, ticket, order)

    def _submit(self, client: Client, request: r.PlaceOrder, listing: Listing, ticket: Ticket, order: Order) -> None:
        floor = self._floor
        now = floor.clock.now_ns()
        events = floor.exchange.submit(order, now)
        first = events[0]
        if isinstance(first, Rejected) and first.reason in checks.BEFORE_THE_BOOK:
            floor.error(client, request.order_id, *checks.rejection(first))
            return
        contract = listing.contract(request.contract.exchange or None)
        floor.record(Placed(order.id, client.id, request.order_id, order.instrument, contract, ticket))
        floor.interest(order.instrument, False)
        if order.time_in_force is TimeInForce.DAY and order.instrument not in self._sessions:
            self._sessions[order.instrument] = listing.trading.session_at(now).close_ns
        self.happened(events)

    def _modify(self, client: Client, held: HeldOrder, request: r.PlaceOrder) -> None:
        floor = self._floor
        ticket = checks.completed(request.ticket, floor.accounts)
        listing = floor.listing(held.instrument)
        objection = checks.change_objection(held.ticket, ticket) or checks.objection(ticket, listing, floor.accounts)
        if objection:
            self._refuse(client, held, *objection)
            return
        limit = ticket.limit_price if ticket.order_type == "LMT" else None
        self.happened(
            floor.exchange.modify(held.exchange_id, floor.clock.now_ns(), quantity=ticket.quantity, limit_price=limit)
        )

    def _refuse(self, client: Client, held: HeldOrder, code: int, text: str) -> None:
        """A change was turned down: say so, and that the order stands as it was."""
        self._floor.error(client, held.order_id, code, text)
        self._floor.send(client.id, open_order(held))
        self._floor.send(client.id, order_status(held))

    def _what_if(self, client: Client, request: r.PlaceOrder, listing: Listing, ticket: Ticket, order: Order) -> None:
        answer = self._floor.exchange.what_if(order)
        before, after = answer.before, answer.after
        state = replies.OrderState(
            "PreSubmitted",
            initial_before=round(before.initial, 2),
            maintenance_before=round(before.maintenance, 2),
            equity_before=round(before.equity, 2),
            initial_change=round(after.initial - before.initial, 2),
            maintenance_change=round(after.maintenance - before.maintenance, 2),
            equity_change=round(after.equity - before.equity, 2),
            initial_after=round(after.initial, 2),
            maintenance_after=round(after.maintenance, 2),
            equity_after=round(after.equity, 2),
            commission=answer.commission,
            commission_currency=answer.currency,
        )
        contract = listing.contract(request.contract.exchange or None)
        self._floor.send(client.id, replies.OpenOrder(request.order_id, client.id, 0, contract, ticket, state))

    # Cancelling.

    def _cancel(self, client: Client, request: r.CancelOrder) -> None:
        floor, order_id = self._floor, request.order_id
        held = floor.book.order(client.id, order_id)
        if held is None:
            floor.error(client, order_id, 10147, f"OrderId {order_id} that needs to be cancelled is not found.")
        elif held.done:
            text = f"OrderId {order_id} that needs to be cancelled can not be cancelled, state: {held.status}."
            floor.error(client, order_id, 10148, text)
        else:
            self.happened(floor.exchange.cancel(held.exchange_id, floor.clock.now_ns()))

    def _cancel_all(self, _client: Client, _request: r.GlobalCancel) -> None:
        for held in self._floor.book.standing():
            self.happened(self._floor.exchange.cancel(held.exchange_id, self._floor.clock.now_ns()))

    # What happened, and who is told.

    def happened(self, events: Sequence[ExchangeEvent]) -> None:
        """Write down what the exchange said, and tell the clients whose orders it is about."""
        for event in events:
            if isinstance(event, Refused):
                held = self._floor.book.named(event.order_id)
                client = self._floor.clients.get(held.client_id)
                if client:
                    self._refuse(client, held, *checks.rejection(event))
                continue
            self._floor.record(event)
            if isinstance(event, Executed):
                self.traded.add((event.execution.account, event.execution.instrument))
            held = self._floor.book.named(_order_of(event))
            if held.client_id in self._floor.clients:
                self._tell(held, event)

    def _tell(self, held: HeldOrder, event: ExchangeEvent) -> None:
        send, client_id = self._floor.send, held.client_id
        match event:
            case Executed():
                send(client_id, self._execution(-1, self._floor.book.fills[-1]))
                send(client_id, open_order(held))
                send(client_id, order_status(held))
                send(client_id, _commission(event))
            case Cancelled(_, text):
                send(client_id, order_status(held))
                send(client_id, replies.Error(held.order_id, 202, _CANCEL_REASON.format(text)))
            case Expired():
                send(client_id, order_status(held))
                send(client_id, replies.Error(held.order_id, 202, _CANCEL_REASON.format(held.done_text)))
            case Rejected():
                send(client_id, open_order(held))
                send(client_id, order_status(held))
                send(client_id, replies.Error(held.order_id, *checks.rejection(event)))
            case Accepted() | Modified():
                send(client_id, open_order(held))
                send(client_id, order_status(held))

    def close_sessions(self, now_ns: int) -> None:
        """Let day orders expire whose session is over."""
        for name in [name for name, close_ns in self._sessions.items() if close_ns <= now_ns]:
            self.happened(self._floor.exchange.close_session(name, self._sessions.pop(name)))

    def resume(self) -> None:
        """After a restart: day orders that still stand end with the session they were in."""
        now = self._floor.clock.now_ns()
        for held in self._floor.book.standing():
            if held.ticket.time_in_force == "DAY":
                listing = self._floor.listing(held.instrument)
                self._sessions.setdefault(held.instrument, listing.trading.session_at(now).close_ns)
            self._floor.interest(held.instrument, False)

    # Lists.

    def _list_open(self, client: Client, owner: int | None) -> None:
        for held in self._floor.book.standing(owner):
            self._floor.send(client.id, open_order(held))
            self._floor.send(client.id, order_status(held))
        self._floor.send(client.id, replies.OpenOrderEnd())

    def _bind(self, client: Client, _request: r.AutoOpenOrders) -> None:
        if client.id != 0:
            self._floor.error(client, -1, 327, "Only the default client (i.e. 0) can auto bind orders.")

    def _list_completed(self, client: Client, _request: r.CompletedOrders) -> None:
        for held in self._floor.book.completed():
            self._floor.send(client.id, self._completed(held))
        self._floor.send(client.id, replies.CompletedOrdersEnd())

    def _completed(self, held: HeldOrder) -> replies.CompletedOrder:
        zone = self._floor.listing(held.instrument).instrument.time_zone
        text = f"Filled Size: {held.filled:g}" if held.status == "Filled" else held.done_text or "Cancelled by Trader"
        return replies.CompletedOrder(
            held.perm_id, held.contract, held.ticket, held.status, held.filled, replies.Moment(held.done_ns, zone), text
        )

    def _list_executions(self, client: Client, request: r.Executions) -> None:
        try:
            since = client_time(request.time, LOGIN_ZONE) if request.time.strip() else 0
        except ValueError as error:
            self._floor.error(client, request.req_id, 321, f"Error validating request.-'bc' : cause - {error}.")
            return
        wanted = [fill for fill in self._floor.book.fills if self._passes(fill, request, since)]
        for fill in wanted:
            self._floor.send(client.id, self._execution(request.req_id, fill))
            self._floor.send(client.id, _commission(fill.executed))
        self._floor.send(client.id, replies.ExecutionsEnd(request.req_id))

    def _passes(self, fill: Fill, request: r.Executions, since: int) -> bool:
        execution = fill.executed.execution
        listing = self._floor.listing(execution.instrument)
        if local_date(execution.at_ns) != self._floor.today():
            return False
        pairs: Iterable[tuple[object, object]] = (
            (request.client_id or None, fill.client_id),
            (request.account or None, execution.account),
            (request.symbol or None, listing.instrument.symbol),
            (request.sec_type or None, listing.sec_type),
            (request.side[:1].upper() or None, "B" if execution.side is Side.BUY else "S"),
        )
        exchanges = ("", listing.venue, listing.instrument.exchange)
        return all(asked in (None, is_) for asked, is_ in pairs) and request.exchange in exchanges and execution.at_ns >= since

    def _execution(self, req_id: int, fill: Fill) -> replies.Execution:
        execution = fill.executed.execution
        listing = self._floor.listing(execution.instrument)
        return replies.Execution(
            req_id=req_id,
            order_id=fill.order_id,
            contract=listing.contract(listing.venue),
            execution_id=execution.id,
            time=replies.Moment(execution.at_ns, listing.instrument.time_zone),
            account=execution.account,
            exchange=listing.venue,
            side="BOT" if execution.side is Side.BUY else "SLD",
            shares=execution.quantity,
            price=execution.price,
            perm_id=execution.perm_id,
            client_id=fill.client_id,
            cumulative=fill.cumulative,
            average_price=fill.average_price,
            order_ref=fill.order_ref,
        )


def open_order(held: HeldOrder) -> replies.OpenOrder:
    """The order as openOrder says it."""
    state = replies.OrderState(held.status, commission=held.commission, commission_currency=held.commission_currency)
    return replies.OpenOrder(held.order_id, held.client_id, held.perm_id, held.contract, held.ticket, state)


def order_status(held: HeldOrder) -> replies.OrderStatus:
    """The order as orderStatus says it."""
    remaining = 0.0 if held.status == "Inactive" else held.remaining
    return replies.OrderStatus(
        held.order_id, held.status, held.filled, remaining, held.average_price, held.perm_id, held.ticket.parent_id,
        held.last_price, held.client_id,
    )  # fmt: skip


def _commission(executed: Executed) -> replies.CommissionReport:
    commission = executed.commission
    return replies.CommissionReport(commission.execution_id, commission.amount, commission.currency, commission.realized_pnl)


def _order(client_id: int, order_id: int, listing: Listing, ticket: Ticket) -> Order:
    return Order(
        id=f"{client_id}.{order_id}",
        robot=ticket.order_ref,
        instrument=listing.instrument.id,
        side=checks.SIDES[ticket.action],
        quantity=ticket.quantity,
        kind=checks.KINDS[ticket.order_type],
        limit_price=ticket.limit_price if checks.KINDS[ticket.order_type] is OrderKind.LIMIT else None,
        time_in_force=checks.TIMES_IN_FORCE[ticket.time_in_force],
        account=ticket.account,
    )


def _order_of(event: ExchangeEvent) -> str:
    match event:
        case Accepted() | Modified() | Rejected():
            return event.order.id
        case Executed():
            return event.execution.order_id
        case _:
            return event.order_id
