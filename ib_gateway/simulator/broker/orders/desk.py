"""The order desk: placing, changing and cancelling orders, and saying what became of them.

What a client hears, in order: openOrder and orderStatus when its order stands or comes nearer to the market; execution,
openOrder, orderStatus and commission report for every fill. An order is its client's: others cannot change or cancel it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from atlas.domain import Order, Side
from atlas.exchange import Accepted, Cancelled, ExchangeEvent, Executed, Expired, Refused, Rejected, Settled, Trailed, attached
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import Floor, Handler, Handlers
from ib_gateway.simulator.broker.held import LOCATING, UNTRANSMITTED, Changed, HeldOrder, Placed, Withdrawn
from ib_gateway.simulator.broker.orders import checks, hours
from ib_gateway.simulator.broker.orders.codes import BEFORE_THE_BOOK, Code, Objection, rejection
from ib_gateway.simulator.broker.orders.events import order_id_of
from ib_gateway.simulator.broker.orders.intake import Intake
from ib_gateway.simulator.broker.orders.lists import Lists
from ib_gateway.simulator.broker.orders.rules import OrderRules
from ib_gateway.simulator.broker.orders.telling import Teller
from ib_gateway.simulator.broker.orders.terms import SIDES, Turned
from ib_gateway.simulator.broker.orders.what_if import what_if
from ib_gateway.simulator.instruments import Listing
from ib_gateway.simulator.messages import Contract, Ticket, replies
from ib_gateway.simulator.messages import requests as r

_PARENT_GONE = "Parent order is cancelled."


class OrderDesk:
    """Orders, executions and order ids."""

    def __init__(self, floor: Floor, rules: OrderRules) -> None:
        self._floor = floor
        self._rules = rules
        self._intake = Intake(floor, rules)
        self.teller = Teller(floor, rules)
        self._lists = Lists(floor, self.teller)
        self.read_only = rules.read_only
        self.traded: set[tuple[str, str]] = set()

    def handlers(self) -> Handlers:
        """What this desk answers."""
        lists, writing = self._lists, self.writing
        return {
            r.PlaceOrder: writing(self._place),
            r.CancelOrder: writing(self._cancel),
            r.GlobalCancel: writing(self._cancel_all),
            r.OpenOrders: writing(lists.open_orders),
            r.AllOpenOrders: writing(lists.all_open_orders),
            r.CompletedOrders: writing(lists.completed_orders),
            r.Executions: lists.executions,
            r.Ids: lambda client, _: self._floor.send(client.id, replies.NextValidId(self._floor.book.next_id(client.id))),
        }

    def writing(self, handler: Handler) -> Handler:
        """A handler of requests that a read-only API does not take: those about orders, even to look at them."""

        def handle(client: Client, request: Any) -> None:
            if self.read_only:
                number = getattr(request, "order_id", getattr(request, "req_id", -1))
                self._floor.error(client, number, *Code.READ_ONLY.say())
            else:
                handler(client, request)

        return handle

    # Placing.

    def _place(self, client: Client, request: r.PlaceOrder) -> None:
        floor, order_id = self._floor, request.order_id
        held = floor.book.order(client.id, order_id)
        if held is not None and not held.done:
            self._change(client, held, request)
            return
        if held is not None and held.status == "Filled":
            floor.error(client, order_id, *Code.MODIFY_FILLED.say())
            return
        if order_id <= 0 or held is not None or order_id < floor.book.next_id(client.id):
            floor.error(client, order_id, *Code.DUPLICATE_ID.say())
            return
        listing = floor.resolve(client, order_id, request.contract)
        if listing is None:
            return
        ticket = self._intake.completed(request.ticket)
        try:
            if ticket.what_if:
                self._what_if(client, request, listing, ticket)
            else:
                self._enter(client, request, listing, ticket)
        except Turned as turned:
            floor.error(client, order_id, *turned.objection)

    def _enter(self, client: Client, request: r.PlaceOrder, listing: Listing, ticket: Ticket) -> None:
        """A new order: it goes to the exchange, unless it has to wait here."""
        order_id = request.order_id
        exchange_id = self._floor.book.exchange_id(client.id, order_id)
        parent = self._parent(client, ticket)
        order = self._intake.order(exchange_id, listing, ticket, parent=parent.exchange_id if parent else "")
        kept = self._must_wait(listing, ticket, order, parent)
        contract = listing.contract(request.contract.exchange or None)
        placed = Placed(exchange_id, client.id, order_id, order.instrument, contract, ticket, kept)
        if kept:
            self._keep(placed, transmit=ticket.transmit and kept == UNTRANSMITTED)
        else:
            self._submit(placed, listing, order)

    def _parent(self, client: Client, ticket: Ticket) -> HeldOrder | None:
        """The order that a ticket is attached to, None if there is none or its fill has released what is attached.

        Raises:
            Turned: there is no such order, or it is gone.
        """
        if not ticket.parent_id:
            return None
        parent = self._floor.book.order(client.id, ticket.parent_id)
        if parent is None:
            raise Turned(Code.NO_SUCH_ORDER.say(order_id=ticket.parent_id))
        if parent.done and parent.status != "Filled":
            raise Turned(Code.REJECTED.say(reason=_PARENT_GONE))
        return None if parent.done else parent

    def _must_wait(self, listing: Listing, ticket: Ticket, order: Order, parent: HeldOrder | None) -> str:
        """Why an order is kept here, empty if it is not."""
        if not ticket.transmit or (parent is not None and parent.kept):
            return parent.kept if parent is not None and parent.kept == LOCATING else UNTRANSMITTED
        if listing.instrument.con_id in self._rules.hard_to_borrow and self._opens_short(order):
            return LOCATING
        return ""

    def _opens_short(self, order: Order) -> bool:
        held = self._floor.exchange.position(order.account, order.instrument).quantity
        return order.side is Side.SELL and held < order.quantity

    def _keep(self, placed: Placed, *, transmit: bool) -> None:
        self._floor.record(placed)
        held = self._floor.book.named(placed.exchange_id)
        if transmit:
            self._release(self._bracket(held))
            return
        self.teller.tell(held)
        if held.kept == LOCATING:
            self.teller.warn(held, Code.LOCATING.say())

    def _submit(self, placed: Placed, listing: Listing, order: Order) -> HeldOrder:
        """Give a new order to the exchange.

        Raises:
            Turned: it cannot be there at all; its number stays free.
        """
        floor = self._floor
        order = self._grouped(order, floor.book.order(placed.client_id, placed.ticket.parent_id))
        events = self._ask_exchange(lambda now: floor.exchange.submit(order, now))
        first = events[0]
        if isinstance(first, Rejected) and first.reason in BEFORE_THE_BOOK:
            raise Turned(rejection(first))
        floor.record(placed)
        held = floor.book.named(order.id)
        self._happened_to_new(held, listing, order, events)
        return held

    def enter(self, placed: Placed, listing: Listing) -> HeldOrder:
        """Take an order that comes from the broker's own terminal.

        Raises:
            Turned: it is turned down.
        """
        ticket = self._intake.completed(placed.ticket)
        order = self._intake.order(placed.exchange_id, listing, ticket)
        contract = listing.contract(placed.contract.exchange or None)
        return self._submit(replace(placed, contract=contract, ticket=ticket), listing, order)

    def _happened_to_new(self, held: HeldOrder, listing: Listing, order: Order, events: Sequence[ExchangeEvent]) -> None:
        """Tell what the exchange said to a new order, and what else there is to say about it."""
        self._intake.want_market(order)
        self.happened(events)
        if not isinstance(events[0], Accepted):
            return
        if held.ticket.outside_rth and not order.outside_rth:
            self.teller.warn(held, Code.RTH_IGNORED.say())
        waiting = hours.waiting(self._floor.exchange.calendar, order, listing, self._floor.clock.now_ns())
        if waiting and not held.done:
            self.teller.warn(held, waiting)
            self.teller.tell_status(held)

    def _ask_exchange(self, ask: Callable[[int], Sequence[ExchangeEvent]]) -> Sequence[ExchangeEvent]:
        """What the exchange says to a request; whatever was due until now is told before."""
        now = self._floor.clock.now_ns()
        self.happened(self._floor.exchange.on_time(now))
        return ask(now)

    @staticmethod
    def _grouped(order: Order, parent: HeldOrder | None) -> Order:
        """An attached order on the other side of its parent cancels or reduces the others like it: TWS makes them one group."""
        return order if parent is None else attached(order, parent.exchange_id, SIDES[parent.ticket.action])

    def _what_if(self, client: Client, request: r.PlaceOrder, listing: Listing, ticket: Ticket) -> None:
        order = self._intake.order(self._floor.book.exchange_id(client.id, request.order_id), listing, ticket)
        contract = listing.contract(request.contract.exchange or None)
        answer = what_if(self._floor.exchange, client.id, request.order_id, contract, ticket, order)
        self._floor.send(client.id, answer)

    # Brackets: orders that wait for the one that transmits them all.

    def _bracket(self, held: HeldOrder) -> list[HeldOrder]:
        """All kept orders that are attached to each other, `held` among them, parents before their children."""
        top = held
        while (parent := self._floor.book.parent(top)) is not None and parent.kept:
            top = parent
        return list(self._with_children(top))

    def _with_children(self, held: HeldOrder) -> Iterator[HeldOrder]:
        yield held
        for child in self._floor.book.children(held):
            if child.kept:
                yield from self._with_children(child)

    def _release(self, bracket: Sequence[HeldOrder]) -> None:
        """Transmit a bracket: whole, or not at all if a leg is not valid any more."""
        legs: list[tuple[HeldOrder, Listing]] = [(held, self._floor.listing(held.instrument)) for held in bracket]
        for held, listing in legs:
            try:
                self._intake.order(held.exchange_id, listing, held.ticket)
            except Turned as turned:
                self._refuse(held, turned.objection)
                self._tell_kept(leg for leg in bracket if leg is not held)
                return
        for held, listing in legs:
            if not held.done:
                self._transmit(held, listing)

    def _tell_kept(self, legs: Iterable[HeldOrder]) -> None:
        """Orders that cannot be transmitted because one that belongs to them is not valid."""
        for held in legs:
            self._refuse(held, Code.CANNOT_TRANSMIT.say(order_id=held.order_id))

    def _transmit(self, held: HeldOrder, listing: Listing) -> None:
        parent = self._floor.book.parent(held)
        if parent is not None and parent.done and parent.status != "Filled":
            self._withdraw([held], _PARENT_GONE)
            return
        name = parent.exchange_id if parent is not None and not parent.done else ""
        order = self._grouped(self._intake.order(held.exchange_id, listing, held.ticket, parent=name), parent)
        events = self._ask_exchange(lambda now: self._floor.exchange.submit(order, now))
        self._happened_to_new(held, listing, order, events)

    def locate(self, instrument: str) -> None:
        """Shares of `instrument` can be borrowed: orders that waited for them go to the market."""
        for held in [held for held in self._floor.book.standing() if held.kept == LOCATING and held.instrument == instrument]:
            if held.kept:  # it may have gone with its parent
                self._release(self._bracket(held))

    def _withdraw(self, kept: Iterable[HeldOrder], text: str) -> None:
        """Kept orders are cancelled, and those attached to them."""
        for held in kept:
            for one in list(self._with_children(held)):
                self._floor.record(Withdrawn(one.exchange_id, "Cancelled", text, self._floor.clock.now_ns()))
                self.teller.tell_status(one)
                self.teller.warn(one, Code.CANCELLED.say(reason=text))

    # Changing.

    def _change(self, client: Client, held: HeldOrder, request: r.PlaceOrder) -> None:
        floor = self._floor
        listing = floor.listing(held.instrument)
        ticket = self._intake.completed(request.ticket)
        try:
            self._check_contract(held, request.contract)
            parent = floor.book.parent(held)
            checks.check_change(held.ticket, ticket, parent_stands=parent is not None and not parent.done)
            order = self._intake.order(held.exchange_id, listing, ticket)
        except Turned as turned:
            self._refuse(held, turned.objection)
            return
        if ticket.what_if:
            self._what_if(client, request, listing, ticket)
            return
        floor.record(Changed(held.exchange_id, ticket))
        if not held.kept:
            self._modify(held, order)
        elif ticket.transmit and held.kept == UNTRANSMITTED:
            self._release(self._bracket(held))
        else:
            self.teller.tell(held)

    def _check_contract(self, held: HeldOrder, contract: Contract) -> None:
        found = self._floor.catalogue.find(contract, self._floor.today())
        if all(listing.instrument.id != held.instrument for listing in found):
            raise Turned(Code.MISMATCH.say(what="contract"))

    def _modify(self, held: HeldOrder, order: Order) -> None:
        """Ask the exchange for new terms. What it has moved itself stays where it is unless its client moved it."""
        standing = self._floor.exchange.standing(held.exchange_id)
        assert standing is not None  # noqa: S101 - it is not kept and not done
        order = replace(order, parent_id=standing.order.parent_id, oca_group=standing.order.oca_group)
        if held.ticket.order_type.startswith("TRAIL") and self.teller.has_told_stop(held, order.stop_price):
            order = replace(order, stop_price=standing.stop_price)
        self._intake.want_market(order)
        self.happened(self._floor.exchange.modify(order, self._floor.clock.now_ns()))

    def reduce(self, order: Order, quantity: float) -> None:
        """Give a standing order a smaller size, as the broker itself may.

        Raises:
            Turned: the exchange refuses.
        """
        events = self._ask_exchange(lambda now: self._floor.exchange.modify(replace(order, quantity=quantity), now))
        refused = next((event for event in events if isinstance(event, Refused)), None)
        if refused is not None:
            raise Turned(rejection(refused))
        self.happened(events)

    def _refuse(self, held: HeldOrder, objection: Objection) -> None:
        """Something was turned down: say so, and then how the order stands, since clients take an error for its end."""
        self.teller.warn(held, objection)
        self.teller.tell(held)

    # Cancelling.

    def _cancel(self, client: Client, request: r.CancelOrder) -> None:
        floor, order_id = self._floor, request.order_id
        forks = floor.book.forks(client.id, order_id)
        standing = [held for held in forks if not held.done]
        if not forks:
            floor.error(client, order_id, *Code.CANCEL_UNKNOWN.say(order_id=order_id))
        elif not standing:
            floor.error(client, order_id, *Code.CANCEL_DONE.say(order_id=order_id, state=forks[0].status))
        for held in standing:
            self.cancel(held)

    def _cancel_all(self, _client: Client, _request: r.GlobalCancel) -> None:
        for held in self._floor.book.standing():
            if not held.done:  # it may have gone with its parent
                self.cancel(held)

    def cancel(self, held: HeldOrder, text: str = "") -> None:
        """Cancel an order that stands or is kept."""
        if held.kept:
            self._withdraw([held], text)
        else:
            self.happened(self._floor.exchange.cancel(held.exchange_id, self._floor.clock.now_ns(), text))

    # What happened, and who is told.

    def happened(self, events: Sequence[ExchangeEvent]) -> None:
        """Write down what the exchange said, and tell the clients whose orders it is about."""
        floor = self._floor
        for event in events:
            if isinstance(event, Settled):
                floor.record(event)
                self.teller.tell_execution(floor.book.fills[-1])
                self.traded.add((event.execution.account, event.execution.instrument))
                continue
            held = floor.book.named(order_id_of(event))
            if isinstance(event, Refused):
                if held.proposed is not None:
                    floor.record(Changed(held.exchange_id, None))
                self._refuse(held, rejection(event))
                continue
            floor.record(event)
            self._tell(held, event)
            if isinstance(event, Executed):
                self.traded.add((event.execution.account, event.execution.instrument))
            if isinstance(event, (Cancelled, Expired, Rejected)):
                self._withdraw([child for child in floor.book.children(held) if child.kept], _PARENT_GONE)

    def _tell(self, held: HeldOrder, event: ExchangeEvent) -> None:
        match event:
            case Executed():
                self.teller.tell_fill(held, self._floor.book.fills[-1])
            case Cancelled() | Expired():
                self.teller.tell_status(held)
                self.teller.warn(held, Code.CANCELLED.say(reason=held.done_text))
            case Rejected():
                self.teller.tell(held)
                self.teller.warn(held, rejection(event))
            case Trailed():
                pass  # told when somebody asks
            case _:
                self.teller.tell(held)

    def resume(self) -> None:
        """After a restart: what stands needs its market."""
        for held in self._floor.book.standing():
            standing = self._floor.exchange.standing(held.exchange_id)
            if standing is None:
                self._floor.interest(held.instrument, False)
            else:
                self._intake.want_market(standing.order)
