"""The broker's own terminal: orders entered and cancelled by hand, and what a broker does to orders and executions later.

Orders entered by hand belong to client 0, which hears of them once it binds them: then they get numbers below zero.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from atlas.domain import Commission, Execution, exact
from atlas.exchange import Executed
from ib_gateway.simulator.broker.client import Client
from ib_gateway.simulator.broker.floor import AMBIGUOUS, NO_DEFINITION, Floor, Handlers
from ib_gateway.simulator.broker.held import Bound, Corrected, Fill, HeldOrder, Placed
from ib_gateway.simulator.broker.orders import bookings
from ib_gateway.simulator.broker.orders.codes import Code, Objection
from ib_gateway.simulator.broker.orders.desk import OrderDesk
from ib_gateway.simulator.broker.orders.terms import Turned
from ib_gateway.simulator.broker.restatement import restated
from ib_gateway.simulator.messages import Contract, Ticket, replies
from ib_gateway.simulator.messages import requests as r


class Terminal:
    """What happens at the broker's side of the desk."""

    def __init__(self, floor: Floor, desk: OrderDesk) -> None:
        self._floor = floor
        self._desk = desk

    def handlers(self) -> Handlers:
        """What is answered here."""
        return {r.AutoOpenOrders: self._desk.writing(self._auto_open)}

    # By hand.

    def enter_order(self, contract: Contract, ticket: Ticket) -> int:
        """Enter an order; returns its number for good.

        Raises:
            Turned: the order is turned down, with IB's code and words.
        """
        floor = self._floor
        found = floor.catalogue.find(contract, floor.today())
        if len(found) != 1:
            raise Turned(Objection(200, AMBIGUOUS.format(symbol=contract.symbol) if found else NO_DEFINITION))
        exchange_id = f"hand.{floor.book.hand_numbers[0] + 1}"
        held = self._desk.enter(Placed(exchange_id, 0, 0, found[0].instrument.id, contract, ticket, by_hand=True), found[0])
        if held.perm_id and self._binds():
            self._bind(held)
        return held.perm_id

    def cancel_order(self, perm_id: int) -> None:
        """Cancel any order that stands.

        Raises:
            Turned: there is no such order, or it is done.
        """
        held = self._floor.book.by_perm_id(perm_id)
        if held is None:
            raise Turned(Code.NO_SUCH_ORDER.say(order_id=perm_id))
        if held.done:
            raise Turned(Code.NOT_CANCELLABLE.say(perm_id=perm_id))
        self._desk.cancel(held)

    # Client 0.

    def _auto_open(self, client: Client, request: r.AutoOpenOrders) -> None:
        if client.id != 0:
            self._floor.error(client, -1, *Code.AUTO_BIND.say())
            return
        client.binds_orders = request.bind
        if request.bind:
            for held in self._floor.book.standing():
                if held.by_hand:
                    self._bind(held)

    def _binds(self) -> bool:
        return 0 in self._floor.clients and self._floor.clients[0].binds_orders

    def _bind(self, held: HeldOrder) -> None:
        floor = self._floor
        if not held.order_id:
            floor.record(Bound(held.exchange_id, -(floor.book.hand_numbers[1] + 1)))
        floor.send(0, replies.OrderBound(held.perm_id, 0, held.order_id))
        self._desk.teller.tell(held)

    # What a broker does to orders and executions.

    def fork_order(self, client_id: int, order_id: int) -> int:
        """Divide what is left of an order in two; the second half goes on under a number for good of its own: returns it.

        Both halves keep the client's number and reference, so the client sees one order with two numbers for good.

        Raises:
            Turned: there is no such order, it does not work, or there is too little left to divide.
        """
        floor = self._floor
        held = floor.book.order(client_id, order_id)
        standing = floor.exchange.standing(held.exchange_id) if held is not None else None
        if held is None or standing is None:
            raise Turned(Code.NO_SUCH_ORDER.say(order_id=order_id))
        if standing.order.shares:
            raise Turned(Code.INVALID.say(cause="An order of several accounts is not divided any further."))
        listing = floor.listing(held.instrument)
        step = exact(listing.instrument.size_step)
        half = standing.remaining / 2 // step * step
        if half < exact(listing.instrument.min_size):
            raise Turned(Code.INVALID.say(cause="There is too little left of the order to divide it."))
        order = standing.order
        count = len(floor.book.forks(client_id, order_id))
        fork = replace(order, id=f"{client_id}.{order_id}/{count + 1}", quantity=float(half), stop_price=standing.stop_price)
        ticket = replace(held.ticket, quantity=float(half))
        self._desk.reduce(order, float(exact(order.quantity) - half))
        floor.record(Placed(fork.id, client_id, order_id, held.instrument, held.contract, ticket))
        self._desk.happened(floor.exchange.submit(fork, floor.clock.now_ns()))
        return floor.book.named(fork.id).perm_id

    def correct_execution(self, execution_id: str, *, price: float | None = None, quantity: float | None = None) -> str:
        """An execution was at another price, or of another size; returns the id of the correction.

        Raises:
            Turned: there is no such execution of the day, or it cannot have been so.
        """
        fill = self._fill(execution_id)
        listing = self._floor.listing(fill.executed.execution.instrument)
        if price is not None and not (price > 0 and listing.on_grid(price)):
            raise Turned(Code.OFF_TICK.say())
        if quantity is not None and (quantity <= 0 or exact(quantity) % exact(listing.instrument.size_step)):
            raise Turned(Code.BAD_SIZE.say(least=listing.instrument.min_size, step=listing.instrument.size_step))
        return self._correct(fill, price, quantity)

    def bust_execution(self, execution_id: str) -> str:
        """An execution never was: it is corrected to no units at all. Returns the id of that.

        Raises:
            Turned: there is no such execution of the day.
        """
        return self._correct(self._fill(execution_id), None, 0.0)

    def _fill(self, execution_id: str) -> Fill:
        fill = self._floor.book.fill(execution_id)
        if fill is None or not fill.executed.execution.quantity:
            raise Turned(Code.INVALID.say(cause=f"There is no execution {execution_id} today."))
        return fill

    def _correct(self, fill: Fill, price: float | None, quantity: float | None) -> str:
        floor, old = self._floor, fill.executed
        execution = bookings.corrected(old, price, quantity)
        pairs = self._repriced(fill, execution)
        correction = Corrected(old, pairs[0][1], None, pairs[1:])
        if floor.opening is not None:
            day = [one.executed for one in floor.book.fills]
            restatement = restated(floor.listing(execution.instrument).instrument, floor.opening, day, pairs)
            right = {one.execution.id: one for one in restatement.executed}
            pairs = [(before, right[after.execution.id]) for before, after in pairs]
            correction = Corrected(old, pairs[0][1], restatement, pairs[1:])
        bookings.book(floor.exchange, correction)
        told = {one.executed.execution.id: one.executed.commission for one in floor.book.fills}
        floor.record(correction)
        self._desk.traded.add((execution.account, execution.instrument))
        self._tell_corrected(execution.id, told)
        return execution.id

    def _repriced(self, fill: Fill, right: Execution) -> list[tuple[Executed, Executed]]:
        """The execution of a fill and the later ones of its order, each with what it is at the order's right commission."""
        floor, old = self._floor, fill.executed
        held, instrument = floor.book.find(fill.exchange_id), right.instrument
        if held is None:
            commission = replace(old.commission, execution_id=right.id, realized_pnl=None)
            return [(old, Executed(right, commission if right.quantity else replace(commission, amount=0.0)))]
        day = [one.executed for one in floor.book.fills if one.exchange_id == fill.exchange_id]
        mine = [one for one in day if one.execution.account == right.account]
        before = bookings.Charged() if len(mine) < len(day) else bookings.before_today(held, day)
        return bookings.repriced(
            lambda quantity, paid: floor.exchange.commission(instrument, quantity, paid), before, mine, old, right
        )

    def _tell_corrected(self, execution_id: str, told: Mapping[str, Commission]) -> None:
        """Tell a corrected execution, how its order stands, and what else has another commission or profit by that."""
        book, teller = self._floor.book, self._desk.teller
        for fill in book.fills:
            execution, commission = fill.executed.execution, fill.executed.commission
            held = book.find(fill.exchange_id)
            by_hand = held.by_hand if held else False
            if execution.id == execution_id:
                teller.tell_execution(fill, by_hand=by_hand)
                if held is not None:
                    teller.tell_status(held)
            elif told.get(execution.id) != commission:
                teller.tell_commission(fill, by_hand=by_hand)
